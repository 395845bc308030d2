"""A tab that is open all day: servers restart, connections fall silent, tokens end, and nobody looks for hours."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.async_api import Browser, CDPSession, Page, expect

from tests.end_to_end.programs import Program, mulligan
from tests.end_to_end.sites import Api
from tests.end_to_end.visits import Visit, visiting

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(180)]

APP = """
from mulligan import Mulligan

m = Mulligan()

@m.task
def weigh(id: int) -> int:
    if id < 0:
        raise ValueError("less than nothing")
    return id
"""

LONGEST_WAIT = "00:31"
"""After many failures the page tries again no later than this."""
OFTEN_ENOUGH = 6
"""Failures until it waits that long."""

PLACES = ("r", "i", "w", "q", "p", "k", ",")
WARM_ROUNDS, ROUNDS = 2, 3
WARMING_UP = 2_000_000
"""Bytes: the browser goes on compiling what it sees often."""


@dataclass(slots=True)
class House:
    """A server that comes back at its address, and a worker that waits for it."""

    folder: Path
    server: Program
    port: str

    def stop(self) -> None:
        with self.server:
            self.server.send(signal.SIGTERM)
            assert self.server.end() == 0, self.server.output

    def start(self) -> None:
        self.server = Program(mulligan("server", "--port", self.port), self.folder)
        self.server.wait_for("serving sqlite")

    @property
    def token(self) -> str:
        return (self.folder / ".mulligan" / "token").read_text().strip()

    def api(self) -> Api:
        return Api(f"http://127.0.0.1:{self.port}", self.token)


@contextmanager
def living(folder: Path) -> Iterator[House]:
    (folder / "app.py").write_text(APP)
    server = Program(mulligan("server", "--port", "0"), folder)
    port = server.wait_for(r"serving sqlite\S+ at http://\S+:(\d+)")[1]
    house = House(folder, server, port)
    try:
        with Program(mulligan("worker", "app.py:m"), folder) as worker:
            worker.wait_for("is connected")
            yield house
    finally:
        with house.server:
            pass


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with living(tmp_path) as house:
        yield house


def weighed(house: House, number: int) -> str:
    with house.api() as api:
        return str(api.finished("weigh", json.dumps({"id": number}).encode())["id"])


async def see(page: Page, word: str) -> None:
    """The dot in the header."""
    await expect(page.get_by_role("banner").get_by_text(word, exact=True)).to_be_visible()


async def settle(visit: Visit) -> None:
    """The list of runs, live, in a page that would forget ``window.here`` if it were loaded again."""
    await visit.press("g", "r")
    await expect(visit.page.locator("[data-run]")).to_have_count(1)
    await see(visit.page, "live")
    await visit.page.evaluate("window.here = true")


async def test_a_tab_outlives_its_server_silence_and_hours_that_nobody_looks(house: House, browser: Browser) -> None:
    weighed(house, 1)
    with house.api() as api:
        link = api.link
    async with visiting(browser, "about:blank", "all-day") as visit:
        page = visit.page
        await page.clock.install()
        await page.goto(link)
        await settle(visit)

        house.stop()
        await see(page, "offline")
        await visit.picture("offline")
        for _ in range(OFTEN_ENOUGH):
            await page.clock.fast_forward(LONGEST_WAIT)
        house.start()
        weighed(house, 2)
        weighed(house, -1)
        # Whoever looks again does not wait for the next attempt.
        await page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
        await see(page, "live")
        await expect(page.get_by_role("navigation", name="Main").get_by_text("1 open")).to_be_visible()
        await expect(page.locator("[data-run]")).to_have_count(3)

        house.server.send(signal.SIGSTOP)
        await see(page, "live")
        await page.clock.fast_forward("00:46")
        await see(page, "offline")
        house.server.send(signal.SIGCONT)
        await see(page, "live")

        await page.clock.fast_forward("08:00:00")
        await expect(page.get_by_text("8h ago").first).to_be_visible()
        await see(page, "live")
        assert await page.evaluate("window.here")


async def test_the_end_of_a_token_is_told_and_another_one_goes_on(house: House, browser: Browser) -> None:
    weighed(house, 1)
    with house.api() as api:
        body = json.dumps({"name": "for the night", "scopes": ["read"]}).encode()
        made = api.send("/tokens", body).raise_for_status().json()
        async with visiting(browser, f"{api.url}/#token={made['token']}", "signed-out") as visit:
            page = visit.page
            await settle(visit)
            api.request("DELETE", f"/tokens/{made['id']}").raise_for_status()
            await expect(page.get_by_role("heading", name="Sign in to Mulligan")).to_be_visible()
            await visit.picture("told")
            await page.get_by_label("Token").fill(house.token)
            await visit.press("Enter")
            await see(page, "live")
            await expect(page.locator("[data-run]")).to_have_count(1)
            assert await page.evaluate("window.here")


async def test_what_was_looked_at_hours_ago_is_not_kept(house: House, browser: Browser) -> None:
    runs = [weighed(house, number) for number in (1, -1)]
    with house.api() as api:
        link = api.link
    async with visiting(browser, "about:blank", "memory") as visit:
        page = visit.page
        await page.clock.install()
        await page.goto(link)
        await see(page, "live")
        tools = await page.context.new_cdp_session(page)
        await tools.send("Performance.enable")
        await walk(visit, runs, WARM_ROUNDS)
        before = await weigh(page, tools)
        await walk(visit, runs, ROUNDS)
        after = await weigh(page, tools)
        assert after["JSEventListeners"] <= before["JSEventListeners"] * 1.1
        assert after["Nodes"] <= before["Nodes"] * 1.1
        assert after["JSHeapUsedSize"] <= before["JSHeapUsedSize"] + WARMING_UP


async def walk(visit: Visit, runs: list[str], rounds: int) -> None:
    """Look at everything, as somebody does who waits for something."""
    page = visit.page
    for _ in range(rounds):
        for key in PLACES:
            await visit.press("g", key)
            await expect(page.get_by_role("heading", level=1)).to_be_visible()
        for run in runs:
            await visit.open_run(run)
            for view in ("2", "3", "4", "1"):
                await visit.press(view)
            await visit.press("?")
            await expect(page.get_by_role("dialog")).to_be_visible()
            await visit.press("Escape")


async def weigh(page: Page, tools: CDPSession) -> dict[str, float]:
    """What the page holds at the runs' list, after the time that answers are kept for when nobody looks at them."""
    await page.keyboard.press("g")
    await page.keyboard.press("r")
    await expect(page.locator("[data-run]")).to_have_count(2)
    await page.clock.fast_forward("10:00")
    await see(page, "live")
    await tools.send("HeapProfiler.collectGarbage")
    metrics = (await tools.send("Performance.getMetrics"))["metrics"]
    return {metric["name"]: metric["value"] for metric in metrics}
