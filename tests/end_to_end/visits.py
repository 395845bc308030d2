"""A person at the dashboard: one page in a real Chromium, pictures of it, and an ear for what it complains about."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Literal

from playwright.async_api import Browser, ConsoleMessage, Locator, Page, Request, Response, expect

from tests.house.source import ROOT

PICTURES = ROOT / "test-results" / "browser"
PATIENCE_MS = 15_000
RUN_ID = re.compile(r"/runs/([0-9a-v]{26})")
MOST_TABS = 80

IN_ORDER = (
    "Failed to load resource",  # answers of 4xx are part of the talk: an edit that is refused, a session not begun yet
    "Cross-Origin-Opener-Policy header has been ignored",  # what Chromium says of every site on plain HTTP
)

Theme = Literal["light", "dark"]


class Visit:
    """``complaints``: errors on the console, exceptions of scripts and answers of 500 and above."""

    def __init__(self, page: Page, name: str) -> None:
        self.page = page
        self.complaints: list[str] = []
        self.replays_sent: list[Request] = []
        self._name = name
        self._pictures = 0
        page.on("console", self._on_console)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("response", self._on_response)
        page.on("request", self._on_request)

    async def picture(self, of: str) -> None:
        """Keep what is on the screen, for people to look at."""
        self._pictures += 1
        PICTURES.mkdir(parents=True, exist_ok=True)
        await self.page.screenshot(
            path=PICTURES / f"{self._name}-{self._pictures}-{of}.png", animations="disabled", timeout=PATIENCE_MS
        )

    @property
    def drawer(self) -> Locator:
        return self.page.get_by_role("complementary")

    @property
    def replay_button(self) -> Locator:
        """Ready to be pressed: the plan is there and stands."""
        return self.drawer.locator("button[type=submit][aria-disabled=false]", has_text=re.compile(r"^Replay \d+ step"))

    async def open_run(self, run: str) -> None:
        """Through the list of runs, from wherever one is."""
        await self.page.get_by_role("navigation", name="Main").get_by_role("link", name="Runs").click()
        await self.page.locator(f'[data-run="{run}"]').click()

    def editor(self, step: str) -> Locator:
        return self.drawer.get_by_role("textbox", name=f"Input of step {step} as JSON")

    async def rewrite(self, step: str, text: str) -> None:
        """Put another text into the editor of a step's input, as pasting does."""
        await self.editor(step).click()
        await self.press("Control+a")
        await self.page.keyboard.insert_text(text)

    async def press_replay_in_vain(self) -> None:
        """Try all ways to make a run out of a draft that must not become one."""
        sent = len(self.replays_sent)
        await expect(self.replay_button).to_have_count(0)
        await self.drawer.get_by_role("button", name=re.compile("^Replay")).click(force=True)
        await self.press("Control+Enter")
        assert len(self.replays_sent) == sent

    async def press(self, *keys: str) -> None:
        for key in keys:
            await self.page.keyboard.press(key)

    async def tab_to(self, goal: Locator) -> None:
        """Reach something with the Tab key alone, as whoever has no mouse must."""
        await expect(goal).to_be_visible()
        for _ in range(MOST_TABS):
            if await goal.evaluate("goal => goal === document.activeElement"):
                return
            await self.page.keyboard.press("Tab")
        raise AssertionError(f"{MOST_TABS} times Tab never reached {goal}")

    async def new_run(self, source: str) -> str:
        """The id of the run that a replay has led to, once its page is there."""
        await self.page.wait_for_url(lambda url: (found := RUN_ID.search(url)) is not None and found[1] != source)
        return self.run_id

    @property
    def run_id(self) -> str:
        found = RUN_ID.search(self.page.url)
        assert found is not None, self.page.url
        return found[1]

    async def see_status(self, status: str) -> None:
        """The word beside the headline of the run's page."""
        header = self.page.locator("header", has=self.page.get_by_role("heading", level=1))
        await expect(header.get_by_text(status, exact=True).first).to_be_visible()

    def step(self, name: str) -> Locator:
        """A step in the list of steps."""
        steps = self.page.get_by_role("list", name="Steps in the order they can run").get_by_role("listitem")
        return steps.filter(has=self.page.get_by_role("link", name=name, exact=True))

    def _on_console(self, message: ConsoleMessage) -> None:
        if message.type == "error" and not any(words in message.text for words in IN_ORDER):
            self.complaints.append(message.text)

    def _on_response(self, response: Response) -> None:
        if response.status >= 500:
            self.complaints.append(f"{response.status} from {response.url}")

    def _on_request(self, request: Request) -> None:
        if request.method == "POST" and request.url.endswith("/replay"):
            self.replays_sent.append(request)


@asynccontextmanager
async def visiting(
    browser: Browser, link: str, name: str, theme: Theme = "light", **context: Any
) -> AsyncIterator[Visit]:
    """Follow the link that signs in. When the visit goes wrong the last thing seen is kept as ``…-wrong.png``."""
    expect.set_options(timeout=PATIENCE_MS)
    tab = await browser.new_context(
        viewport={"width": 1440, "height": 900}, color_scheme=theme, reduced_motion="reduce", **context
    )
    tab.set_default_timeout(PATIENCE_MS)
    visit = Visit(await tab.new_page(), f"{name}-{theme}")
    for old in PICTURES.glob(f"{name}-{theme}-*.png"):
        old.unlink()
    try:
        await visit.page.goto(link)
        # The page is loaded before the token is exchanged: whoever goes elsewhere at once is not signed in there.
        if "#token=" in link:
            await expect(visit.page.get_by_role("main")).to_be_visible()
        yield visit
        assert not visit.complaints, visit.complaints
    except BaseException:
        await visit.picture("wrong")
        raise
    finally:
        await tab.close()
