"""The main job in a real browser, from a red run to a green replay: each story with a mouse and with keys alone."""

from __future__ import annotations

import re
from collections.abc import Iterator

import httpx2
import pytest
from playwright.async_api import Browser, expect

from tests.end_to_end.demos import DATA, Demo, start_demo, wait_until_ready
from tests.end_to_end.disk import rows_of, steps_executed
from tests.end_to_end.hands import Hands, Keyboard, Mouse
from tests.end_to_end.programs import Program, mulligan
from tests.end_to_end.sites import Api
from tests.end_to_end.visits import Visit, visiting
from tests.house.source import ROOT

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(120)]
with_both_hands = pytest.mark.parametrize("way", [Mouse, Keyboard])


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    folder = tmp_path_factory.mktemp("demo")
    with start_demo(folder) as program:
        yield wait_until_ready(program, folder)


@pytest.fixture(scope="module")
def api(demo: Demo) -> Iterator[Api]:
    with Api(demo.url, demo.token) as api:
        yield api


class Replaying:
    """One replay in the browser: what must hold before, what has to be seen afterwards, and what was never touched."""

    def __init__(self, demo: Demo, api: Api, visit: Visit, hands: Hands, query: str) -> None:
        self.demo = demo
        self.api = api
        self.visit = visit
        self.hands = hands
        self.query = query
        self.source = api.only_run(query)
        self._source_before = rows_of(demo.database, self.source)
        self._runs_before = api.count()

    async def find_source(self, status: str) -> None:
        await self.hands.open_run(self.query)
        await self.visit.see_status(status)
        assert self.visit.run_id == self.source
        await self.visit.picture("red" if status == "failed" else "before")

    async def press_replay(self, reason: str) -> None:
        await self.hands.write(self.visit.page.get_by_label("Reason, for those who look at it later"), reason)
        await expect(self.visit.replay_button).to_be_visible()
        await self.visit.picture("plan")
        await self.hands.replay()
        await self.visit.new_run(self.source)

    async def see_green(self, reason: str, *, kept: list[str], ran: list[str]) -> None:
        visit, run = self.visit, self.visit.run_id
        await visit.see_status("succeeded")
        family = visit.page.get_by_role("list").filter(has=visit.page.get_by_text(reason, exact=True))
        await expect(family.locator(f'a[href$="/runs/{self.source}"]')).to_be_visible()
        await expect(family.locator('a[aria-current="page"]')).to_contain_text("succeeded")
        await visit.picture("green")
        await self.hands.list_steps()
        for name, word in [*((name, "kept") for name in kept), *((name, "succeeded") for name in ran)]:
            await expect(visit.step(name).get_by_text(word, exact=True)).to_be_visible()
        await visit.picture("steps")
        assert steps_executed(self.demo.database, run) == set(ran)
        assert self.api.count() == self._runs_before + 1
        assert rows_of(self.demo.database, self.source) == self._source_before, "the source of a replay has changed"

    async def compare(self, *, changed: list[str], kept: list[str], outputs: list[str]) -> None:
        """``changed``: what is said of the edits; ``outputs``: words of the difference that is shown."""
        page = self.visit.page
        await self.hands.follow(page.get_by_role("link", name="Compare with its source"))
        await expect(page.get_by_role("heading", name="Compare", level=1)).to_be_visible()
        for words in changed:
            await expect(page.get_by_role("region", name="What was changed")).to_contain_text(words)
        steps = page.get_by_role("region", name="Steps").get_by_role("listitem")
        for name in kept:
            await expect(steps.filter(has_text=re.compile(f"^{name}")).get_by_text("kept", exact=True)).to_be_visible()
        for words in outputs:
            await expect(steps.get_by_text(words).first).to_be_visible()
        await self.visit.picture("compared")
        # From there back to the source, which is as red as it ever was.
        await self.hands.follow(page.get_by_role("region", name="Run A").locator(f'a[href$="/runs/{self.source}"]'))
        await expect(page.get_by_role("heading", name=re.compile(f"^Run {self.source} "), level=1)).to_be_attached()


@with_both_hands
async def test_an_outage_is_over_and_what_failed_is_replayed(
    demo: Demo, api: Api, browser: Browser, way: type[Hands]
) -> None:
    httpx2.post(f"{demo.search}/down", follow_redirects=True).raise_for_status()
    read_before = demo.files_read()
    async with visiting(browser, api.link, f"outage-{way.__name__.lower()}", way.theme) as visit:
        hands = way(visit)
        replaying = Replaying(demo, api, visit, hands, "workflow:documents input.file:fog-signals.pdf replay:no")
        await replaying.find_source("failed")
        await expect(visit.page.get_by_text("503 Service Unavailable").first).to_be_visible()

        httpx2.post(f"{demo.search}/up", follow_redirects=True).raise_for_status()
        await hands.follow(visit.page.get_by_role("link", name="Replay from index"))
        await expect(visit.drawer.get_by_text("Keeps parse, extract. Runs index.")).to_be_visible()
        await replaying.press_replay("the search service is back")
        await replaying.see_green("the search service is back", kept=["parse", "extract"], ran=["index"])
        await replaying.compare(
            changed=["Nothing: same input, same variables, same code."],
            kept=["parse", "extract"],
            outputs=["503 Service Unavailable"],
        )
    assert demo.files_read() == read_before, "a file was read again, although its result was there"
    found = httpx2.get(f"{demo.search}/search", params={"q": "fog horn"}).json()
    assert [hit["document"] for hit in found] == ["fog-signals.pdf"]


@with_both_hands
async def test_a_fix_is_deployed_and_what_the_bug_broke_is_replayed(
    demo: Demo, api: Api, browser: Browser, way: type[Hands]
) -> None:
    fixed = str(ROOT / "examples/fixed_bug/v2.py") + ":m"
    where = {"PYTHONPATH": str(ROOT), "MULLIGAN_DATA": str(DATA)}
    async with visiting(browser, api.link, f"fixed-bug-{way.__name__.lower()}", way.theme) as visit:
        hands = way(visit)
        replaying = Replaying(demo, api, visit, hands, "workflow:penguins input.number:4 replay:no")
        await replaying.find_source("failed")
        await expect(visit.page.get_by_text("KeyError").first).to_be_visible()
        with Program(mulligan("worker", fixed), demo.folder, where) as worker:
            worker.wait_for("is connected, with penguins version 2")
            await hands.follow(visit.page.get_by_role("link", name="Replay from compare"))
            await expect(visit.drawer.get_by_text("Keeps fetch. Runs compare, describe.")).to_be_visible()
            await replaying.press_replay("rows without sex are understood now")
            await replaying.see_green(
                "rows without sex are understood now", kept=["fetch"], ran=["compare", "describe"]
            )
        await replaying.compare(changed=["code", "v1 → v2"], kept=["fetch"], outputs=["KeyError", "Adelie"])


@with_both_hands
async def test_variables_are_tuned_on_recorded_inputs(demo: Demo, api: Api, browser: Browser, way: type[Hands]) -> None:
    async with visiting(browser, api.link, f"tuning-{way.__name__.lower()}", way.theme) as visit:
        hands = way(visit)
        replaying = Replaying(demo, api, visit, hands, "workflow:newsletter input.file:honeybees.md replay:no")
        await replaying.find_source("failed")
        await expect(visit.page.get_by_text("there is room for 280").first).to_be_visible()
        await hands.follow(visit.page.get_by_role("link", name="Replay from summarise"))
        await hands.write(visit.drawer.get_by_role("textbox", name="sentences"), "2")
        await expect(visit.drawer.get_by_text("● was 3")).to_be_visible()
        await replaying.press_replay("shorter")
        await replaying.see_green("shorter", kept=["read"], ran=["summarise", "publish"])
        teaser = api.ask(f"/runs/{visit.run_id}/steps/publish/output")
        await replaying.compare(
            changed=["summarise · variable sentences", "3 → 2"],
            kept=["read"],
            outputs=["the teaser has 333 characters", teaser[:40]],
        )
        written = (demo.folder / DATA / "newsletter" / "honeybees.md.txt").read_text()
        assert written == teaser + "\n"

        # And a prompt, of a run in which nothing failed.
        replaying = Replaying(demo, api, visit, hands, "workflow:feedback replay:no")
        await replaying.find_source("succeeded")
        await hands.list_steps()
        await hands.follow(visit.step("ask").get_by_role("link", name="ask", exact=True))
        await hands.write(visit.drawer.get_by_role("textbox", name="prompt"), "What should we mend first?")
        await replaying.press_replay("a sharper question")
        await replaying.see_green("a sharper question", kept=["receive"], ran=["ask", "process"])
        await replaying.compare(
            changed=["ask · variable prompt", '"Please provide your feedback:" → "What should we mend first?"'],
            kept=["receive"],
            outputs=["Please provide your feedback:", "What should we mend first?"],
        )
