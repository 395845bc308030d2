"""A search in the inputs of more runs than one answer looks at: in the dashboard and at a terminal."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.async_api import Browser, expect

from mulligan.app.system import SystemClock
from mulligan.core.records import RunStatus
from mulligan.server.handlers.runs import MOST_INPUTS
from mulligan.stores.sqlite import SqliteStore
from mulligan.testing.factories import changes, make_definition, make_run, make_version
from mulligan.wire.ids import encode_id
from tests.end_to_end.programs import Program, call, mulligan
from tests.end_to_end.sites import Api
from tests.end_to_end.visits import visiting

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(120)]

AT_ONCE = 1_000


@pytest.fixture
async def folder(tmp_path: Path) -> Path:
    """A data folder with one run more than are searched at once, one a second; the oldest and the newest are ada's."""
    store = SqliteStore(tmp_path / ".mulligan" / "mulligan.db")
    await store.open()
    now = SystemClock().now()
    async with store.transaction() as transaction:
        version = make_version(workflow="greet", definition=make_definition("greet"))
        await transaction.commit(changes(versions_added=[version]), (), now, "")
    for first in range(0, MOST_INPUTS + 1, AT_ONCE):
        runs = []
        for number in range(first, min(first + AT_ONCE, MOST_INPUTS + 1)):
            at = now - timedelta(seconds=number + 1)
            milliseconds = int(at.timestamp() * 1000).to_bytes(6, "big")
            run = make_run(
                id=encode_id(milliseconds + bytes(10)), created_at=at, status=RunStatus.SUCCEEDED, finished_at=at
            )
            runs.append((run, b'{"name": "ada"}' if number in (0, MOST_INPUTS) else b'{"name": "bob"}'))
        async with store.transaction() as transaction:
            await transaction.commit(changes(*runs), (), now, "")
    await store.close()
    return tmp_path


@pytest.fixture
def api(folder: Path) -> Iterator[Api]:
    with Program(mulligan("server", "--port", "0"), folder) as server:
        url = server.wait_for(r"serving sqlite\S+ at (http://\S+)")[1]
        with Api(url, (folder / ".mulligan" / "token").read_text().strip()) as api:
            yield api
        server.send(signal.SIGTERM)
        assert server.end() == 0, server.output


async def test_a_search_says_how_far_it_came_and_goes_on_when_asked(folder: Path, api: Api, browser: Browser) -> None:
    async with visiting(browser, api.link, "search") as visit:
        page = visit.page
        await expect(page.get_by_role("heading", level=1)).to_be_visible()
        await page.goto(f"{api.url}/runs?q=input.name:ada")
        await expect(page.get_by_text("No other since")).to_be_visible()
        await expect(page.locator("[data-run]")).to_have_count(1)
        await expect(page.get_by_text("1 run since")).to_be_visible()
        await page.get_by_role("checkbox").first.check()
        await expect(page.get_by_role("button", name="Select all that match")).to_be_visible()
        await visit.picture("so-far")
        await page.get_by_role("button", name="Search further back").click()
        await expect(page.locator("[data-run]")).to_have_count(2)
        await expect(page.get_by_text("No other since")).to_have_count(0)
        await page.goto(f"{api.url}/runs?q=input.name:eve")
        await expect(page.get_by_text("No run since")).to_be_visible()
        await page.get_by_role("button", name="Search further back").click()
        await expect(page.get_by_text("No run matches these filters")).to_be_visible()

    listed = call(folder, "runs", "ls", "input.name:ada")
    assert listed.stdout.count("greet") == 2
    answer = json.loads(call(folder, "runs", "ls", "input.name:ada", "-o", "json").stdout)
    assert len(answer["items"]) == 1
    assert answer["searched_to"] is not None
