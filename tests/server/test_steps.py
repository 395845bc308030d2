"""The step's drawer: input, output, attempts, variables, logs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from mulligan.core.limits import MESSAGE
from mulligan.core.records import Argument, Reading, StepDefinition, WorkflowDefinition
from mulligan.testing.clock import settle
from mulligan.wire.messages import LogEntry, Logs
from tests.server.conftest import Desk, StepFailed

PROMPT = Reading(name="prompt", default='"three bullets"', value='"three bullets"', schema='{"type":"string"}', line=51)


WIDE = WorkflowDefinition(
    name="wide",
    steps=(
        StepDefinition(name="half"),
        StepDefinition(name="again"),
        StepDefinition(
            name="join",
            arguments=tuple(
                Argument(name, f"step:{of}") for name, of in zip("abcd", ("half", "again") * 2, strict=True)
            ),
            parents=("half", "again"),
        ),
    ),
)


async def test_a_step_that_would_be_called_with_too_much_says_so_in_its_drawer(desk: Desk) -> None:
    desk.functions["half"] = desk.functions["again"] = lambda _: b'"' + b"x" * 3_500_000 + b'"'
    await desk.worker([WIDE])
    run = await desk.run("wide", {})
    assert (run["status"], run["failed_step"]) == ("failed", "join")
    step = await desk.get(f"/runs/{run['id']}/steps/join")
    assert [one["error"]["type"] for one in step["tries"]] == ["mulligan.InputTooLarge"]
    assert "Store large data elsewhere" in step["tries"][0]["error"]["message"]
    assert "input" not in step
    assert f"the limit is {MESSAGE:,}" in step["input_problem"]


async def test_a_failed_step_shows_what_it_got_and_why_it_failed(desk: Desk) -> None:
    worker = await desk.worker()
    worker.readings["summary"] = [PROMPT]
    run = await desk.failed_run()
    step = await desk.get(f"/runs/{run['id']}/steps/summary")
    assert step["input"] == {"doc": {"id": 1, "lang": "en"}, "pieces": ["one", "two"]}
    assert step["arguments"] == [{"name": "doc", "origin": "input"}, {"name": "pieces", "origin": "step:chunk"}]
    assert step["input_schema"]["required"] == ["doc", "pieces"]
    assert (step["attempts"], step["chosen_attempt"], step["status"]) == (2, 2, "failed")
    assert [one["number"] for one in step["tries"]] == [1, 2]
    assert step["tries"][0]["error"]["message"] == "429 Too Many Requests"
    assert step["tries"][0]["version"] == 1
    assert step["tries"][0]["worker"] == "eu-1"
    assert step["variables"] == [
        {
            "name": "prompt",
            "schema": {"type": "string"},
            "default": "three bullets",
            "value": "three bullets",
            "file": "",
            "line": 51,
            "read": True,
        }
    ]
    assert "output" not in step
    assert step["retry"]["retries"] == 1


async def test_an_unknown_input_says_what_is_missing(desk: Desk) -> None:
    await desk.worker()
    run = await desk.failed_run()
    publish = await desk.get(f"/runs/{run['id']}/steps/publish")
    assert "input" not in publish
    assert publish["input_problem"] == "summary has no result yet."
    problem = await desk.get(f"/runs/{run['id']}/steps/publish/input", 404)
    assert problem["code"] == "input_unknown"


async def test_outputs_are_of_the_chosen_attempt(desk: Desk) -> None:
    await desk.worker()
    run = await desk.failed_run()
    output = await desk.http.get(f"/runs/{run['id']}/steps/chunk/output")
    assert output.content == b'["one", "two"]'
    assert (await desk.get(f"/runs/{run['id']}/steps/summary/output", 404))["code"] == "no_output"
    assert (await desk.get(f"/runs/{run['id']}/steps/chunk/output", 404, attempt=2))["code"] == "unknown_attempt"
    assert (await desk.get(f"/runs/{run['id']}/steps/nope", 404))["code"] == "unknown_step"
    assert (await desk.get(f"/runs/{run['id']}/steps/chunk", 422, attempt=0))["code"] == "invalid_input"
    first = await desk.get(f"/runs/{run['id']}/steps/summary", attempt=1)
    assert first["chosen_attempt"] == 1


async def test_a_running_attempt_is_shown_as_running(desk: Desk) -> None:
    await desk.worker(holding=True)
    run = await desk.run()
    step = await desk.get(f"/runs/{run['id']}/steps/hello")
    assert (step["status"], step["attempts"], step["worker"]) == ("running", 1, "eu-1")
    assert step["tries"][0]["outcome"] is None
    assert run["status"] == "running"


async def test_the_failure_handler_got_the_failure(desk: Desk) -> None:
    worker = await desk.worker()

    def fail_before(document: bytes) -> bytes:
        raise StepFailed("broken")

    desk.functions["before"] = fail_before
    run = await desk.run("napper", {})
    await desk.clock.advance(timedelta(minutes=1))
    step = await desk.get(f"/runs/{run['id']}/steps/alert")
    assert step["kind"] == "on_failure"
    assert step["input"]["failure"]["error"] == "broken"
    assert worker.assigns[-1].lease.step == "alert"


async def test_logs_are_paged_by_position(desk: Desk) -> None:
    worker = await desk.worker(holding=True)
    run = await desk.run()
    (assign,) = worker.assigns
    at = datetime(2026, 1, 1, tzinfo=UTC)
    lines = [LogEntry(at=at, level=20 + number * 10, logger="app", message=f"line {number}") for number in range(3)]
    await worker.say(Logs(lease=assign.lease, lines=lines))
    await settle()
    page = await desk.get(f"/runs/{run['id']}/logs", limit=2)
    assert [(line["message"], line["level"]) for line in page["items"]] == [("line 0", "INFO"), ("line 1", "WARNING")]
    rest = await desk.get(f"/runs/{run['id']}/logs", after=page["last"], step="hello", attempt=1)
    assert [line["message"] for line in rest["items"]] == ["line 2"]
    assert rest["items"][0]["logger"] == "app"
    empty = await desk.get(f"/runs/{run['id']}/logs", after=rest["last"])
    assert empty == {"items": [], "last": rest["last"]}
    assert (await desk.get(f"/runs/{run['id']}/logs", 404, step="nope"))["code"] == "unknown_step"


@pytest.mark.parametrize("text", ["\x1b[31mred", "<script>", "a\r\nb", "=cmd()", "\u202e", "x" * 100_000])
async def test_log_lines_of_the_corpus_come_back(desk: Desk, text: str) -> None:
    worker = await desk.worker(holding=True)
    run = await desk.run()
    entry = LogEntry(at=datetime(2026, 1, 1, tzinfo=UTC), level=20, logger="app", message=text)
    await worker.say(Logs(lease=worker.assigns[0].lease, lines=[entry]))
    await settle()
    (line,) = (await desk.get(f"/runs/{run['id']}/logs"))["items"]
    assert line["message"] == text[: 64 * 1024]
