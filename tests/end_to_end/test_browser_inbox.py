"""On call in a real browser: from a group of failures over one replay to the same second chance for all the others."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.async_api import Browser, Page, expect

from tests.end_to_end.sites import Api, Site, serving
from tests.end_to_end.visits import visiting

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(120)]

APP = """
from typing import Any

from pydantic import BaseModel

from mulligan import Context, Mulligan, after

m = Mulligan()

class Order(BaseModel):
    id: int
    weight: int

wf = m.workflow("shipping", input=Order)

@wf.step
def measure(order: Order) -> int:
    return order.weight * 2

@wf.step
def pack(ctx: Context, order: Order, volume: int = after(measure)) -> str:
    limit = ctx.playground("limit", 10, min=1, max=100)
    if volume > limit:
        raise ValueError(f"order {order.id} does not fit into any box")
    return f"order {order.id} in a box of {limit}"

@m.task
def weigh(id: int) -> None:
    raise RuntimeError("the scales are broken")
"""

ORDERS = 6
FEWEST_CLICKS = 4

# Clicks with a mouse only, which a reload of the page would forget.
COUNT_CLICKS = """() => {
  window.clicks = 0;
  addEventListener("click", event => { if (event.isTrusted && event.detail > 0) window.clicks += 1 }, true);
}"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with serving(tmp_path_factory.mktemp("site"), APP) as site:
        yield site


@pytest.fixture
def api(site: Site) -> Api:
    return site.api


def fail(api: Api, workflow: str, documents: list[dict[str, Any]]) -> None:
    for document in documents:
        assert api.finished(workflow, json.dumps(document).encode())["status"] == "failed"


def group_of(page: Page, words: str) -> Any:
    return page.get_by_role("list", name="Failure groups").get_by_role("listitem").filter(has_text=words)


async def test_one_is_mended_and_the_same_is_done_to_all_others(api: Api, browser: Browser) -> None:
    fail(api, "shipping", [{"id": number, "weight": 20} for number in range(ORDERS)])
    async with visiting(browser, api.link, "on-call") as visit:
        page = visit.page
        # Whoever comes while something is broken comes to the inbox.
        group = group_of(page, "does not fit into any box")
        await expect(group).to_contain_text(f"{ORDERS} runs")
        await expect(page.get_by_role("navigation", name="Main").get_by_text("1 open")).to_be_visible()
        await visit.picture("inbox")
        await page.evaluate(COUNT_CLICKS)

        await group.get_by_role("link", name="Replay 1 first").click()
        await visit.drawer.get_by_label("limit", exact=True).fill("50")
        await visit.drawer.get_by_label("Reason, for those who look at it later").fill("larger boxes have come")
        await expect(visit.replay_button).to_be_visible()
        source = visit.run_id
        await visit.replay_button.click()
        replayed = await visit.new_run(source)
        await visit.see_status("succeeded")
        await page.get_by_role("link", name="Compare with its source").click()
        await expect(page.get_by_text("pack · variable limit")).to_be_visible()
        await visit.picture("compared")
        await page.get_by_role("button", name=f"Apply the same to the other {ORDERS - 1}…").click()
        dialog = page.get_by_role("dialog")
        await expect(dialog.get_by_text(f"All {ORDERS - 1} will be replayed.")).to_be_visible()
        await expect(dialog.get_by_text("Keeps measure. Runs pack.")).to_be_visible()
        await expect(dialog.get_by_label("limit", exact=True)).to_have_value("50")
        await visit.picture("bulk")
        await visit.press("Control+Enter")

        await page.wait_for_url(re.compile(r"/replays/[0-9a-v]{26}$"))
        header = page.locator("header", has=page.get_by_role("heading", level=1))
        await expect(header.get_by_text("finished", exact=True)).to_be_visible()
        await expect(header.get_by_text(f"{ORDERS - 1}/{ORDERS - 1}")).to_be_visible()
        await visit.picture("finished")
        assert await page.evaluate("window.clicks") == FEWEST_CLICKS

    bulk = api.ask("/replays")["items"][0]
    assert (bulk["reason"], bulk["request"]["start_steps"]) == ("larger boxes have come", ["pack"])
    assert bulk["request"]["playground"] == {"pack": {"limit": 50}}
    assert bulk["progress"]["succeeded"] == ORDERS - 1
    items = api.ask(f"/replays/{bulk['id']}/items")["items"]
    assert source not in {item["source_id"] for item in items}
    outputs = {api.text(f"/runs/{run}/steps/pack/output") for run in [replayed, *(item["run_id"] for item in items)]}
    assert outputs == {f'"order {number} in a box of 50"'.encode() for number in range(ORDERS)}
    (group,) = api.ask("/inbox", status="all")["items"]
    assert (group["count"], group["recovered"]) == (ORDERS, ORDERS)


async def test_a_bulk_replay_is_paused_resumed_and_aborted_and_the_group_resolved(api: Api, browser: Browser) -> None:
    fail(api, "weigh", [{"id": number} for number in range(ORDERS)])
    async with visiting(browser, api.link, "brakes", "dark") as visit:
        page = visit.page
        await group_of(page, "the scales are broken").get_by_role("link", name="RuntimeError").focus()
        await visit.press("n")
        await page.keyboard.type("Grace looks at it")
        await visit.picture("note")
        await visit.press("Enter")
        await expect(group_of(page, "the scales are broken")).to_contain_text("noted by")
        await expect(group_of(page, "the scales are broken")).to_contain_text("“Grace looks at it”")
        await visit.picture("noted")
        await group_of(page, "the scales are broken").get_by_role("link", name="RuntimeError").click()
        await expect(page.get_by_role("region", name="Differs by")).to_contain_text("worker")
        await visit.picture("group")
        await page.get_by_role("link", name="Open all as a list").click()
        await expect(page.locator("[data-run]")).to_have_count(ORDERS)
        await page.get_by_role("checkbox", name=re.compile("^Select run")).first.check()
        await page.get_by_role("button", name=f"Select all {ORDERS} that match").click()
        await page.get_by_role("button", name="Replay…").click()
        dialog = page.get_by_role("dialog")
        await dialog.get_by_label(re.compile("^Replays per second")).fill("0.01")
        await expect(dialog.get_by_text(f"All {ORDERS} will be replayed.")).to_be_visible()
        start = dialog.get_by_role("button", name=f"Replay {ORDERS} runs")
        await expect(start).to_be_disabled()
        await dialog.get_by_label(re.compile("^Reason")).fill("are they mended?")
        await visit.picture("bulk")
        await start.click()

        header = page.locator("header", has=page.get_by_role("heading", level=1))
        await header.get_by_role("button", name="Pause").click()
        await expect(header.get_by_text("paused", exact=True)).to_be_visible()
        await header.get_by_role("button", name="Resume").click()
        await expect(header.get_by_text("running", exact=True)).to_be_visible()
        await header.get_by_role("button", name="Abort…").click()
        await page.get_by_role("dialog").get_by_role("button", name="Abort the other").click()
        await expect(header.get_by_text("aborted", exact=True)).to_be_visible()
        await visit.picture("aborted")

        await visit.press("g", "i")
        await group_of(page, "the scales are broken").get_by_role("link", name="RuntimeError").click()
        await page.get_by_role("button", name="Resolve", exact=True).click()
        await expect(page.get_by_role("button", name="Reopen")).to_be_visible()
        await visit.press("g", "i")
        await expect(group_of(page, "the scales are broken")).to_have_count(0)
        await page.get_by_role("link", name="resolved").click()
        await expect(group_of(page, "the scales are broken")).to_contain_text("resolved by")
        await visit.picture("resolved")
    bulk = api.ask("/replays")["items"][0]
    assert (bulk["state"], bulk["total"]) == ("aborted", ORDERS)
    assert bulk["progress"]["waiting"] >= ORDERS - 1
