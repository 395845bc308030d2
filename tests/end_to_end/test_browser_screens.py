"""Every screen of the dashboard on a real server, wide and on a phone, in both themes: it shows what it is for, the
console stays silent, and axe finds nothing serious. What was seen is kept in test-results/screens for people."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from playwright.async_api import Browser, Page, expect

from tests.end_to_end.sites import Api, Site, serving
from tests.end_to_end.visits import Theme, visiting
from tests.house.source import ROOT

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(180)]

SCREENS = ROOT / "test-results" / "screens"
AXE = ROOT / "dashboard" / "node_modules" / "axe-core" / "axe.min.js"
SIZES = {"wide": (1440, 900), "phone": (390, 844)}

APP = """
from mulligan import Context, Mulligan, Retry, after

m = Mulligan()
wf = m.workflow("summarise", input=dict)

@wf.step
def fetch(doc: dict) -> dict:
    return {"id": doc["id"], "text": ["one line", "and another"]}

@wf.step
def summary(ctx: Context, text: dict = after(fetch)) -> str:
    ctx.log.info("summarising %s", text["id"])
    words = ctx.playground("words", 3, min=1, help="how many words a summary may have")
    prompt = ctx.playground("prompt", "Summarise in few words.", multiline=True)
    if words > 2:
        raise ValueError(f"{words} words are too many for {prompt!r}")
    return " ".join(text["text"])[:words]

@wf.step
def publish(text: str = after(summary)) -> int:
    return len(text)

@m.task
async def count_all(texts: list[str]) -> int:
    return sum(await count.map(texts))

@m.task
def count(text: str) -> int:
    return len(text)

slow = m.workflow("patient", input=dict)

@slow.step(retries=Retry(3, first="1h"))
def call(doc: dict) -> None:
    raise ConnectionError("the other side does not answer")
"""


@dataclass(frozen=True, slots=True)
class Screen:
    """``shows``: words that are there only when the screen has got what it asked the server for."""

    name: str
    path: str
    shows: str


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with serving(tmp_path_factory.mktemp("site"), APP) as site:
        yield site


@pytest.fixture(scope="module")
def screens(site: Site) -> list[Screen]:
    api = site.api
    failed = api.finished("summarise", b'{"id": 1}')["id"]
    repair = json.dumps({"start_steps": ["summary"], "playground": {"summary": {"words": 2}}, "reason": "shorter"})
    replayed = api.send(f"/runs/{failed}/replay?wait_s=30", repair.encode()).raise_for_status().json()["id"]
    api.send("/runs", b'{"workflow": "patient", "input": {}}').raise_for_status()
    parent = api.finished("count_all", b'{"texts": ["a", "bc"]}')["id"]
    (group,) = (each for each in api.ask("/inbox")["items"] if each["workflow"] == "summarise")
    again = {"q": "workflow:summarise replay:no", "request": {"reason": "try it once more"}, "canary": [1]}
    bulk = api.send("/replays", json.dumps(again).encode()).raise_for_status().json()["id"]
    return [
        Screen("inbox", "/inbox", "words are too many"),
        Screen("group", f"/inbox/{group['fingerprint']}", "Newest runs"),
        Screen("replays", "/replays", "try it once more"),
        Screen("bulk", f"/replays/{bulk}", "The 1 that failed again"),
        Screen("children", f"/runs/{parent}?view=children", "started by count_all"),
        Screen("runs", "/runs", "ValueError"),
        Screen("no-runs", "/runs?q=workflow:nobody", "nobody"),
        Screen("run", f"/runs/{failed}", "words are too many"),
        Screen("timeline", f"/runs/{failed}?view=timeline", "waiting for a worker"),
        Screen("logs", f"/runs/{failed}?view=logs", "summarising"),
        Screen("events", f"/runs/{failed}?view=events", "summary"),
        Screen("step", f"/runs/{failed}/steps/summary", "Replay 2 steps"),
        Screen("step-output", f"/runs/{failed}/steps/fetch?tab=output", "and another"),
        Screen("step-logs", f"/runs/{failed}/steps/summary?tab=logs", "summarising"),
        Screen("step-about", f"/runs/{failed}/steps/summary?tab=about", "declared in"),
        Screen("replay", f"/runs/{failed}/replay", "Replay plan"),
        Screen("compare", f"/compare/{failed}/{replayed}", "What was changed"),
        Screen("workflows", "/workflows", "patient"),
        Screen("workflow", "/workflows/summarise", "Input schema"),
        Screen("queues", "/queues", "retrying"),
        Screen("workers", "/workers", "tester"),
        Screen("settings", "/settings", "About this server"),
        Screen("nowhere", "/nowhere", "There is nothing at this address"),
    ]


@pytest.mark.parametrize(
    ("size", "theme"),
    [
        ("wide", "light"),
        pytest.param("phone", "dark", marks=pytest.mark.pictures),
        pytest.param("wide", "dark", marks=pytest.mark.pictures),
        pytest.param("phone", "light", marks=pytest.mark.pictures),
    ],
)
async def test_every_screen_is_silent_and_accessible(
    browser: Browser, site: Site, screens: list[Screen], theme: Theme, size: str
) -> None:
    width, height = SIZES[size]
    findings: list[str] = []
    async with visiting(browser, site.api.link, f"screens-{size}", theme) as visit:
        await visit.page.set_viewport_size({"width": width, "height": height})
        await expect(visit.page.get_by_role("heading", level=1)).to_be_visible()
        for screen in screens:
            await open_screen(visit.page, site.api, screen)
            await keep_picture(visit.page, f"{screen.name}-{theme}-{size}")
            findings += [f"{screen.name}: {finding}" for finding in await serious_findings(visit.page)]
            assert await fits(visit.page), f"{screen.name} is wider than the {size} window"
    assert not findings, "\n".join(findings)


async def open_screen(page: Page, api: Api, screen: Screen) -> None:
    await page.goto(api.url + screen.path)
    await expect(page.locator("#content").get_by_text(screen.shows).first).to_be_visible()
    await expect(page.get_by_text(re.compile("^Loading "))).to_have_count(0)


async def keep_picture(page: Page, name: str) -> None:
    SCREENS.mkdir(parents=True, exist_ok=True)
    await page.screenshot(path=SCREENS / f"{name}.png", animations="disabled")


async def serious_findings(page: Page) -> list[str]:
    """What axe calls serious or critical. Its script comes in beside the page, whose own policy would refuse it."""
    await page.evaluate(AXE.read_text())
    answer: dict[str, Any] = await page.evaluate("axe.run({resultTypes: ['violations']})")
    return [
        f"{found['id']}: {found['help']}: {found['nodes'][0]['html']}"
        for found in answer["violations"]
        if found["impact"] in ("serious", "critical")
    ]


async def fits(page: Page) -> bool:
    return bool(await page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"))
