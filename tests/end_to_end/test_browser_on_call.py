"""On call, on the demo's real failures: from a group in the inbox to the last of its runs, with every move counted."""

from __future__ import annotations

import re
from collections.abc import Iterator

import httpx2
import pytest
from playwright.async_api import Browser, Locator, Page, expect

from tests.end_to_end.demos import Demo, start_demo, wait_until_ready
from tests.end_to_end.disk import steps_executed
from tests.end_to_end.sites import Api
from tests.end_to_end.visits import Visit, visiting
from tests.house.source import ROOT

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(120)]

GUIDE = ROOT / "docs" / "howto" / "on-call.md"

# What a person does: clicks, and keys but those that write text. A reload of the page would forget the counts.
COUNT = """() => {
  window.moves = {clicks: 0, keys: 0};
  const writes = ({target, key, ctrlKey}) =>
    key.length === 1 && !ctrlKey && (target.isContentEditable || ["INPUT", "TEXTAREA"].includes(target.tagName));
  addEventListener("click", event => { if (event.isTrusted && event.detail > 0) moves.clicks += 1 }, true);
  addEventListener("keydown", event => {
    if (event.isTrusted && event.key !== "Control" && !writes(event)) moves.keys += 1;
  }, true);
}"""


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    folder = tmp_path_factory.mktemp("demo")
    with start_demo(folder) as program:
        yield wait_until_ready(program, folder)


@pytest.fixture(scope="module")
def api(demo: Demo) -> Iterator[Api]:
    with Api(demo.url, demo.token) as api:
        yield api


class Tally:
    """Counts clicks and keys, stage by stage, and compares the sum with what the guide promises."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self._rows: list[str] = []
        self._before = (0, 0)

    async def begin(self) -> None:
        await self._page.evaluate(COUNT)

    async def note(self, stage: str) -> None:
        moves = await self._page.evaluate("window.moves")
        counts = (moves["clicks"], moves["keys"])
        clicks, keys = counts[0] - self._before[0], counts[1] - self._before[1]
        self._before = counts
        self._rows.append(f"| {stage} | {clicks} | {keys} |")

    def compare(self) -> None:
        """The guide's table has to say what was counted."""
        self._rows.append("| **together** | **{}** | **{}** |".format(*self._before))
        table = "\n".join(self._rows)
        assert table in GUIDE.read_text(encoding="utf-8"), f"{GUIDE.name} should say:\n{table}"


def group_of(page: Page, words: str) -> Locator:
    return page.get_by_role("list", name="Failure groups").get_by_role("listitem").filter(has_text=words)


async def see_bulk(visit: Visit, state: str, words: str) -> str:
    """Follow the canary until this is said of it. Returns the id of the bulk replay."""
    page = visit.page
    await page.wait_for_url(re.compile(r"/replays/[0-9a-v]{26}$"))
    header = page.locator("header", has=page.get_by_role("heading", level=1))
    await expect(header.get_by_text(state, exact=True)).to_be_visible()
    await expect(header.get_by_text(words)).to_be_visible()
    await visit.picture(state.partition(",")[0])
    return page.url.rpartition("/")[2]


async def edit_the_input(visit: Visit, reason: str) -> None:
    # Two clicks on a word select it, as everywhere.
    await visit.editor("compare").locator("span").get_by_text('"NA"', exact=True).dblclick()
    await visit.page.keyboard.type("female")
    await expect(visit.drawer.get_by_text("● edited")).to_be_visible()
    await visit.drawer.get_by_label("Reason, for those who look at it later").click()
    await visit.page.keyboard.type(reason)
    await expect(visit.replay_button).to_be_visible()
    await visit.picture("edited")


async def do_the_same_to_the_others(visit: Visit) -> None:
    await visit.page.get_by_role("button", name="Apply the same to the other 5…").click()
    dialog = visit.page.get_by_role("dialog")
    await expect(dialog.get_by_text("All 5 will be replayed.")).to_be_visible()
    await expect(dialog.get_by_text("1, then all 5")).to_be_visible()
    await visit.picture("canary")
    await dialog.get_by_role("button", name="Replay 5 runs").click()


async def resolve(visit: Visit, note: str) -> None:
    page = visit.page
    await page.get_by_role("navigation", name="Main").get_by_role("link", name="Inbox").click()
    await group_of(page, "KeyError").get_by_role("link", name="KeyError").click()
    await page.get_by_label("Note, for those who look at it later").click()
    await page.keyboard.type(note)
    await page.get_by_role("button", name="Resolve", exact=True).click()
    await expect(page.get_by_role("button", name="Reopen")).to_be_visible()
    await expect(page.get_by_text(note)).to_be_visible()
    await visit.picture("resolved")


async def test_a_wrong_input_is_edited_in_one_run_and_then_in_all_with_a_mouse(
    demo: Demo, api: Api, browser: Browser
) -> None:
    async with visiting(browser, api.link, "on-call-mouse") as visit:
        page, tally = visit.page, Tally(visit.page)
        group = group_of(page, "KeyError")
        await expect(group).to_contain_text("6 runs")
        await visit.picture("inbox")
        await tally.begin()

        await group.get_by_role("link", name="Replay 1 first").click()
        await expect(visit.editor("compare")).to_contain_text('"sex": "NA"')
        await tally.note("open one of its runs")
        await edit_the_input(visit, "they are all female")
        await tally.note("edit the step's input, say why")
        source = visit.run_id
        await visit.replay_button.click()
        replayed = await visit.new_run(source)
        await visit.see_status("succeeded")
        await tally.note("replay it")
        await page.get_by_role("link", name="Compare with its source").click()
        changed = page.get_by_role("region", name="What was changed")
        await expect(changed).to_contain_text('compare · penguin.sex"NA" → "female"')
        await visit.picture("compared")
        await tally.note("compare it with its source")

        await do_the_same_to_the_others(visit)
        # The first of them has no mass, either: it fails in another way, and the canary stops before the rest.
        bulk = await see_bulk(visit, "stopped", "1/5 ended")
        await expect(page.get_by_text("a replay failed in a new way")).to_be_visible()
        await tally.note("do the same to the others: a canary first, which stops")
        await page.get_by_role("link", name="The 1 that failed again").click()
        await expect(page.get_by_text("could not convert string to float: 'NA'")).to_be_visible()
        await page.go_back()
        await page.get_by_role("button", name="Resume in spite of it").click()
        await see_bulk(visit, "finished, 1 failed", "5/5 ended · 4 succeeded, 1 failed")
        await tally.note("look at what failed anew, go on with the rest")
        await resolve(visit, "the field book says so")
        await tally.note("resolve the group, with a note")

        await page.get_by_role("navigation", name="Main").get_by_role("link", name="Inbox").click()
        await expect(group_of(page, "could not convert string to float")).to_contain_text("1 run")
        await expect(group_of(page, "KeyError")).to_have_count(0)
    items = api.ask(f"/replays/{bulk}/items")["items"]
    assert source not in {item["source_id"] for item in items}
    for run in [replayed, *(item["run_id"] for item in items if item["status"] == "succeeded")]:
        assert steps_executed(demo.database, run) == {"compare", "describe"}
        assert api.ask(f"/runs/{run}/steps/compare")["input"]["penguin"]["sex"] == "female"
    tally.compare()


async def test_what_an_outage_broke_is_replayed_by_keys_alone(demo: Demo, api: Api, browser: Browser) -> None:
    read_before = demo.files_read()
    async with visiting(browser, api.link, "on-call-keys", "dark") as visit:
        page, tally = visit.page, Tally(visit.page)
        await expect(group_of(page, "503 Service Unavailable")).to_contain_text("8 runs")
        httpx2.post(f"{demo.search}/up", follow_redirects=True).raise_for_status()
        await tally.begin()

        await visit.press("j", "r")
        await expect(visit.replay_button).to_be_visible()
        await tally.note("open one of its runs")
        await visit.press("w")
        await page.keyboard.type("the search service is back")
        await tally.note("say why")
        source = visit.run_id
        await visit.press("Control+Enter")
        await visit.new_run(source)
        await visit.see_status("succeeded")
        await tally.note("replay it")
        await visit.press("c")
        await expect(page.get_by_text("Nothing: same input, same variables, same code.")).to_be_visible()
        await tally.note("compare it with its source")
        await expect(page.get_by_role("button", name="Apply the same to the other 7…")).to_be_visible()
        await visit.press("a")
        await expect(page.get_by_role("dialog").locator("button[type=submit][aria-disabled=false]")).to_be_visible()
        await visit.picture("canary")
        await visit.press("Control+Enter")
        await see_bulk(visit, "finished", "7/7 ended · 7 succeeded")
        await tally.note("do the same to the others: a canary, then the rest")
        await visit.press("g", "i")
        await expect(group_of(page, "503 Service Unavailable")).to_contain_text("8 of 8")
        await visit.press("j", "Enter")
        await expect(page.get_by_role("button", name="Resolve", exact=True)).to_be_visible()
        await visit.press("d")
        await expect(page.get_by_role("button", name="Reopen")).to_be_visible()
        await tally.note("resolve the group")
        await visit.picture("resolved")
    assert demo.files_read() == read_before, "a file was read again, although its result was there"
    tally.compare()
