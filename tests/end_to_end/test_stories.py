"""The three reasons to replay, each against the demo's real processes: server, workers, and the world outside."""

from __future__ import annotations

import re
import signal
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx2
import pytest

from mulligan import Mulligan
from tests.end_to_end.demos import DATA, Demo, start_demo, wait_until_ready
from tests.end_to_end.programs import Program, mulligan
from tests.house.source import ROOT

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

WHERE = {"PYTHONPATH": str(ROOT), "MULLIGAN_DATA": str(DATA)}


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    folder = tmp_path_factory.mktemp("demo")
    with start_demo(folder) as program:
        yield wait_until_ready(program, folder)


@pytest.fixture
async def app(demo: Demo) -> AsyncIterator[Mulligan]:
    async with demo.app() as app:
        yield app


async def test_after_an_outage_failed_runs_go_on_where_they_failed(demo: Demo, app: Mulligan) -> None:
    failed = [run async for run in app.runs.query("workflow:documents status:failed")]
    assert len(failed) == 8
    assert demo.files_read() == 8
    for run in failed:
        await run.refresh()
        assert run["index"].attempts == 4
        assert "503 Service Unavailable" in str(run["index"].error)

    while_down = await (await failed[0].replay(reason="too early")).wait()
    assert while_down.status == "failed"

    service = call_service(demo, "up")
    assert service == "the search service is up\n"
    for run in failed:
        again = await (await run.replay(reason="the search service is back")).wait()
        assert again.status == "succeeded"
        assert [(step.name, step.status) for step in again.steps] == [
            ("parse", "kept"),
            ("extract", "kept"),
            ("index", "succeeded"),
        ]
        assert again["index"].attempts == 1
        assert again.replay_of == run.id
    assert demo.files_read() == 8, "a file was read again, although its result was there"
    found = httpx2.get(f"{demo.search}/search", params={"q": "fog horn"}).json()
    assert [hit["document"] for hit in found] == ["fog-signals.pdf"]

    await failed[0].refresh()
    assert failed[0].status == "failed", "the source of a replay never changes"


async def test_after_a_fix_is_deployed_failed_runs_succeed_on_the_new_version(demo: Demo, app: Mulligan) -> None:
    failed = [run async for run in app.runs.query("workflow:penguins status:failed")]
    assert len(failed) == 6
    assert {run.summary.error_type for run in failed} == {"KeyError"}
    assert len({run.summary.fingerprint for run in failed}) == 1

    before = await (await failed[0].replay()).wait()
    assert before.status == "failed"
    assert before.summary.version == 1

    fixed = str(ROOT / "examples/fixed_bug/v2.py") + ":m"
    with Program(mulligan("worker", fixed), demo.folder, WHERE) as worker:
        worker.wait_for("is connected, with penguins version 2")
        for run in failed:
            again = await (await run.replay(reason="rows without sex are understood now")).wait()
            assert (again.status, again.summary.version) == ("succeeded", 2)
            assert again["fetch"].status == "kept"
            assert again["describe"].status == "succeeded"
        same = await (await failed[0].replay(code="same")).wait()
        assert (same.status, same.summary.version) == ("failed", 1)
        worker.send(signal.SIGTERM)
        assert worker.end() == 0


async def test_a_variable_is_tuned_on_a_recorded_input(demo: Demo, app: Mulligan) -> None:
    failed = [run async for run in app.runs.query("workflow:newsletter status:failed")]
    assert len(failed) == 2
    run = await failed[0].refresh()
    step = await run["summarise"].load()
    assert {variable.name for variable in step.detail.variables} == {"method", "sentences", "template"}

    plan = await run.plan_replay(playground={"sentences": 2})
    assert [(step.name, step.action) for step in plan.steps] == [
        ("read", "keep"),
        ("summarise", "run"),
        ("publish", "run"),
    ]
    again = await (await run.replay(playground={"sentences": 2}, reason="shorter")).wait()
    assert again.status == "succeeded"
    teaser = again["publish"].output
    assert len(teaser) <= 280
    written = [file.read_text().strip() for file in (demo.folder / DATA / "newsletter").iterdir()]
    assert teaser in written


async def test_a_prompt_is_tuned_in_a_run_that_did_not_fail(demo: Demo, app: Mulligan) -> None:
    (run,) = [run async for run in app.runs.query("workflow:feedback")]
    await run.wait()
    assert run["process"].output.startswith("Please provide your feedback:\n")
    again = await run.replay(from_step="ask", playground={"prompt": "What should we mend first?"})
    await again.wait()
    assert again["receive"].status == "kept"
    assert again["process"].output.startswith("What should we mend first?\n")


async def test_a_second_start_goes_on_where_the_first_one_ended(tmp_path: Path) -> None:
    with start_demo(tmp_path) as program:
        demo = wait_until_ready(program, tmp_path)
        first = await demo.run_ids()
        assert len(first) == 67
        program.send(signal.SIGINT)
        assert program.end() == 0
    with start_demo(tmp_path) as program:
        demo = wait_until_ready(program, tmp_path)
        assert await demo.run_ids() == first
        assert demo.files_read() == 8
        program.send(signal.SIGINT)
        assert program.end() == 0
        assert "Traceback" not in program.output


def test_the_commands_that_the_guide_prints_can_be_pasted(demo: Demo) -> None:
    commands = re.findall(
        r"^ +((?:\w+=\S+ )*\S+ -m examples.\S+ \w+)$|: +(MULLIGAN_DATA=.*)$", demo.program.output, re.MULTILINE
    )
    printed = [service or command_line for service, command_line in commands]
    assert len(printed) == 2
    for command in printed:
        words = command.split()
        settings = dict(word.split("=", 1) for word in words if "=" in word)
        done = run_in(demo.folder, [word for word in words if "=" not in word], settings)
        assert done[0] == 0, done[1]


def call_service(demo: Demo, *arguments: str) -> str:
    code, output = run_in(
        demo.folder, [sys.executable, "-m", "examples.outage.service", *arguments], {"SEARCH_URL": demo.search}
    )
    assert code == 0, output
    return output


def run_in(folder: Path, command: list[str], environment: dict[str, str]) -> tuple[int, str]:
    with Program(command, folder, {"PYTHONPATH": str(ROOT), **environment}) as program:
        return program.end(), program.output
