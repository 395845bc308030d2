"""The session protocol: workers and clients, without a network between them and the server."""

from __future__ import annotations

import asyncio
import logging
import math
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec
import pytest

from mulligan.core.limits import ERROR, LONGEST_SPAN
from mulligan.core.records import Argument, Reading, RecordedError, Retry, StepDefinition, WorkflowDefinition
from mulligan.server.session.outbox import Outbox
from mulligan.server.session.session import Session
from mulligan.testing.clock import settle
from mulligan.wire.frames import decode_from_sdk, encode_frames
from mulligan.wire.messages import (
    PROTOCOL,
    Acknowledge,
    Assign,
    Beat,
    Credit,
    Drain,
    FromServer,
    Goodbye,
    Hello,
    Lease,
    LogEntry,
    Logs,
    Refused,
    Release,
    Report,
    RunEnded,
    Start,
    StartAnswer,
    StartSpec,
    Stop,
    Unwatch,
    Watch,
    Welcome,
)
from tests.server.conftest import DEFINITIONS, Desk
from tests.wire.corpus import REFUSED

HELLO = Hello(PROTOCOL, "w1", "eu-1", "here", 7, "test/1", 8, {}, DEFINITIONS, [])


def spec(number: int = 1, **more: object) -> StartSpec:
    given = {"run_id": f"{number:026d}", "workflow": "hello", "input": b'{"name":"ada"}', **more}
    return msgspec.convert(given, StartSpec)


async def heard(session: Session) -> list[FromServer]:
    """What the session has to say once nothing moves any more."""
    await settle()
    taking = asyncio.ensure_future(session.take())
    await settle(2)
    if taking.done():
        return taking.result()
    taking.cancel()
    await asyncio.gather(taking, return_exceptions=True)
    return []


async def said(session: Session, *messages: object) -> list[FromServer]:
    await session.handle(messages)  # type: ignore[arg-type]  # some tests say what nobody should
    return await heard(session)


def only(messages: Sequence[FromServer]) -> FromServer:
    (message,) = messages
    return message


# ── Workers ──────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_hello_is_welcomed_with_versions_and_beats(desk: Desk) -> None:
    session = desk.session()
    welcome = only(await said(session, HELLO))
    assert isinstance(welcome, Welcome)
    assert (welcome.ttl_ms, welcome.beat_ms) == (15_000, 3_000)
    assert welcome.versions["hello"][1] == 1
    (worker,) = (await desk.get("/workers"))["items"]
    assert (worker["name"], worker["slots"], worker["state"]) == ("eu-1", 8, "active")
    assert {flow["name"]: flow["number"] for flow in worker["workflows"]} == {"hello": 1, "napper": 1, "summarise": 1}
    await session.close()


async def test_credits_bound_what_is_assigned(desk: Desk) -> None:
    session = desk.session()
    await said(session, HELLO)
    for _ in range(3):
        await desk.start()
    assert await heard(session) == []
    assigned = await said(session, Credit(2))
    assert [type(message) for message in assigned] == [Assign, Assign]
    assert await heard(session) == []
    assert len(await said(session, Credit(5))) == 1
    await session.close()


async def test_an_assignment_says_all_that_a_step_needs(desk: Desk) -> None:
    session = desk.session()
    await said(session, HELLO, Credit(1))
    run = await desk.start(metadata={"team": "web"}, playground={"*": {"heat": 0.5}})
    assign = only(await heard(session))
    assert isinstance(assign, Assign)
    assert (assign.workflow, assign.version, assign.key) == ("hello", run["digest"], run["id"])
    assert assign.input == b'{"name":"ada"}'
    assert assign.overrides == {"heat": "0.5"}
    assert assign.metadata == {"team": "web"}
    assert (assign.failures, assign.retries, assign.remaining_ms, assign.generation) == (0, 0, None, 0)
    await session.close()


async def test_a_report_is_acknowledged_once_it_is_applied_and_stale_afterwards(desk: Desk) -> None:
    session = desk.session()
    await said(session, HELLO, Credit(1))
    run = await desk.start()
    assign = only(await heard(session))
    assert isinstance(assign, Assign)
    report = Report(assign.lease, "succeeded", output=b'"hi"')
    assert await said(session, report) == [Acknowledge([assign.lease], ["applied"])]
    assert await said(session, report) == [Acknowledge([assign.lease], ["stale"])]
    forged = Lease(assign.lease.run_id, assign.lease.step, 1, "0" * 16)
    assert await said(session, Report(forged, "failed")) == [Acknowledge([forged], ["stale"])]
    assert (await desk.get(f"/runs/{run['id']}"))["output"] == "hi"
    await session.close()


async def test_reports_of_one_frame_are_acknowledged_together(desk: Desk) -> None:
    session = desk.session()
    await said(session, HELLO, Credit(8))
    for _ in range(5):
        await desk.start()
    assigns = await heard(session)
    reports = [Report(one.lease, "succeeded", output=b"1") for one in assigns if isinstance(one, Assign)]
    acknowledged = only(await said(session, *reports))
    assert isinstance(acknowledged, Acknowledge)
    assert acknowledged.verdicts == ["applied"] * 5
    await session.close()


async def test_a_report_is_not_acknowledged_when_its_commit_is_unknown(desk: Desk) -> None:
    session = desk.session()
    await said(session, HELLO, Credit(1))
    await desk.start()
    assign = only(await heard(session))
    assert isinstance(assign, Assign)
    await desk.engine.stop()
    assert await said(session, Report(assign.lease, "succeeded", output=b"1")) == []
    assert desk.app.site.counts.unknown_reports == 1
    await session.close()


async def test_an_error_that_is_too_large_to_be_told_is_not_kept(desk: Desk) -> None:
    """Everybody who waits for the run is told of it, together with the run's results."""
    session = desk.session()
    await said(session, HELLO, Credit(1))
    run = await desk.start()
    assign = only(await heard(session))
    assert isinstance(assign, Assign)
    error = RecordedError(type="Large", message="x" * ERROR)
    await said(session, Report(assign.lease, "failed", error=error))
    failed = await desk.get(f"/runs/{run['id']}")
    assert failed["error_type"] == "mulligan.InvalidResult"
    assert f"the limit is {ERROR:,}" in failed["error_message"]
    await session.close()


@pytest.mark.parametrize("name", REFUSED)
async def test_a_result_that_cannot_be_kept_fails_the_step_and_says_why(desk: Desk, name: str) -> None:
    session = desk.session()
    await said(session, HELLO, Credit(2))
    run = await desk.start()
    assign = only(await heard(session))
    assert isinstance(assign, Assign)
    report = Report(assign.lease, "succeeded", output=REFUSED[name][0])
    if name == "nothing":
        report = Report(assign.lease, "succeeded", output=b" ")
    assert await said(session, report) == [Acknowledge([assign.lease], ["applied"])]
    failed = await desk.get(f"/runs/{run['id']}")
    assert failed["status"] == "failed"
    assert failed["error_type"] == "mulligan.InvalidResult"
    assert "The output of step hello" in failed["failure"]["message"]
    await session.close()


async def test_a_reading_that_is_no_json_fails_the_step_instead_of_breaking_its_page(desk: Desk) -> None:
    session = desk.session()
    await said(session, HELLO, Credit(1))
    run = await desk.start()
    assign = only(await heard(session))
    assert isinstance(assign, Assign)
    reading = Reading(name="heat", default="0.2", value="hot}")
    await said(session, Report(assign.lease, "succeeded", output=b"1", readings=[reading]))
    step = await desk.get(f"/runs/{run['id']}/steps/hello")
    assert step["error_type"] == "mulligan.InvalidResult"
    assert step["variables"] == []
    await session.close()


async def test_a_cancelled_attempt_is_told_to_stop(desk: Desk) -> None:
    session = desk.session()
    await said(session, HELLO, Credit(1))
    run = await desk.start()
    assign = only(await heard(session))
    assert isinstance(assign, Assign)
    await desk.post(f"/runs/{run['id']}/cancel")
    stop = only(await heard(session))
    assert isinstance(stop, Stop)
    assert stop.leases == [assign.lease]
    await session.close()


async def test_a_released_lease_goes_to_somebody_else_with_the_same_number(desk: Desk) -> None:
    session = desk.session()
    await said(session, HELLO, Credit(1))
    await desk.start()
    first = only(await heard(session))
    assert isinstance(first, Assign)
    again = only(await said(session, Release([first.lease]), Credit(1)))
    assert isinstance(again, Assign)
    assert again.lease.attempt == first.lease.attempt
    assert again.lease.token != first.lease.token
    await session.close()


async def test_only_a_lease_that_a_connection_holds_is_released_by_it(desk: Desk) -> None:
    session = desk.session()
    await said(session, HELLO, Credit(1))
    await desk.start()
    assign = only(await heard(session))
    assert isinstance(assign, Assign)
    stranger, reader = desk.session("worker"), desk.session("read")
    await said(stranger, msgspec.structs.replace(HELLO, worker_id="w2", name="eu-2"))
    for nosy in (stranger, reader):
        await nosy.handle([Release([assign.lease] * 1_000)])
        assert not desk.engine.cycle.inbox.waiting
    assert await said(session, Report(assign.lease, "succeeded", output=b"1")) == [
        Acknowledge([assign.lease], ["applied"])
    ]
    for each in (session, stranger, reader):
        await each.close()


@pytest.mark.parametrize(
    ("level", "at", "stored"),
    [
        (logging.WARNING, "2026-01-02T03:04:05Z", (logging.WARNING, "2026-01-02T03:04:05Z")),
        (2**63, "2026-01-02T03:04:05Z", (2**31 - 1, "2026-01-02T03:04:05Z")),
        (-(2**63), "2026-01-02T03:04:05", (0, None)),
        (0, "9999-12-31T23:59:59Z", (0, None)),
    ],
)
async def test_a_log_line_has_a_level_and_a_time_that_every_database_can_hold(
    desk: Desk, level: int, at: str, stored: tuple[int, str | None]
) -> None:
    session = desk.session()
    await said(session, HELLO, Credit(1))
    run = await desk.start()
    assign = only(await heard(session))
    assert isinstance(assign, Assign)
    entry = LogEntry(datetime.fromisoformat(at), level, "app", "hi")
    (frame,) = encode_frames([Logs(assign.lease, [entry])])
    assert await said(session, *decode_from_sdk(frame)) == []
    ((_, line),) = await desk.engine.store.logs("default", run["id"], None, None, 0, 10)
    expected = desk.clock.now() if stored[1] is None else datetime.fromisoformat(stored[1])
    assert (line.level, line.at) == (stored[0], expected)
    await session.close()


async def test_a_torn_connection_has_five_seconds_to_come_back_with_its_leases(desk: Desk) -> None:
    session = desk.session()
    await said(session, HELLO, Credit(1))
    run = await desk.start()
    assign = only(await heard(session))
    assert isinstance(assign, Assign)
    await session.close()
    await desk.clock.advance(timedelta(seconds=4))
    again = desk.session()
    await said(again, msgspec.structs.replace(HELLO, running=[assign.lease]))
    report = Report(assign.lease, "succeeded", output=b'"late"')
    assert await said(again, report) == [Acknowledge([assign.lease], ["applied"])]
    step = await desk.get(f"/runs/{run['id']}/steps/hello")
    assert (step["attempts"], step["tries"][0]["version"]) == (1, 1)
    await again.close()


async def test_what_has_ended_while_a_worker_was_away_is_stopped_when_it_comes_back(desk: Desk) -> None:
    session = desk.session()
    await said(session, HELLO, Credit(1))
    run = await desk.start()
    assign = only(await heard(session))
    assert isinstance(assign, Assign)
    await session.close()
    await desk.post(f"/runs/{run['id']}/cancel")
    again = desk.session()
    _, stop = await said(again, msgspec.structs.replace(HELLO, running=[assign.lease]))
    assert isinstance(stop, Stop)
    assert stop.leases == [assign.lease]
    await again.close()


async def test_a_connection_that_does_not_come_back_loses_its_leases(desk: Desk) -> None:
    await desk.clock.advance(timedelta(seconds=20))
    session = desk.session()
    await said(session, HELLO, Credit(1))
    run = await desk.start()
    assert len(await heard(session)) == 1
    await session.close()
    await desk.clock.advance(timedelta(seconds=7))
    step = (await desk.get(f"/runs/{run['id']}"))["steps"][0]
    assert (step["status"], step["spans"][0]["outcome"]) == ("queued", "lost")
    events = [event["kind"] for event in (await desk.get(f"/runs/{run['id']}/events"))["items"]]
    assert "worker_lost" in events


async def test_what_was_assigned_but_never_sent_is_handed_back_at_once(desk: Desk) -> None:
    session = desk.session()
    await said(session, HELLO, Credit(1))
    run = await desk.start()
    await settle()
    await session.close()
    step = (await desk.get(f"/runs/{run['id']}"))["steps"][0]
    assert (step["status"], step["attempts"]) == ("queued", 0)


async def test_a_goodbye_leaves_nothing_to_wait_for(desk: Desk) -> None:
    await desk.clock.advance(timedelta(seconds=20))
    session = desk.session()
    await said(session, HELLO, Credit(1))
    await said(session, Drain())
    assert (await desk.get("/workers"))["items"][0]["state"] == "draining"
    run = await desk.start()
    assert await heard(session) == []
    assert (await desk.get(f"/runs/{run['id']}"))["waiting"].startswith("hello: The workers that can run it are drain")
    await said(session, Goodbye())
    await session.close()
    await desk.clock.advance(timedelta(seconds=2))
    assert (await desk.get("/workers"))["items"][0]["state"] == "gone"


async def test_a_newer_connection_of_the_same_worker_keeps_its_seat(desk: Desk) -> None:
    old = desk.session()
    await said(old, HELLO, Credit(1))
    new = desk.session()
    await said(new, HELLO, Credit(1))
    await old.close()
    await desk.start()
    assert isinstance(only(await heard(new)), Assign)
    await desk.clock.advance(timedelta(seconds=10))
    assert (await desk.get("/workers"))["items"][0]["state"] == "active"
    await new.close()


async def test_beats_keep_a_worker_and_a_forgotten_one_is_told(desk: Desk) -> None:
    await desk.clock.advance(timedelta(seconds=20))
    session = desk.session()
    await said(session, HELLO)
    for _ in range(4):
        await desk.clock.advance(timedelta(seconds=10))
        assert await said(session, Beat(lag_ms=3, running=1)) == []
    assert (await desk.get("/workers"))["items"][0]["lag_ms"] == 3
    await desk.clock.advance(timedelta(seconds=17))
    refused = only(await said(session, Beat()))
    assert isinstance(refused, Refused)
    assert (refused.code, refused.fatal) == ("worker_gone", True)
    await session.close()


BEYOND = LONGEST_SPAN + timedelta(microseconds=1)


def unsound(**given: object) -> WorkflowDefinition:
    return WorkflowDefinition(**{"name": "w", "steps": (StepDefinition(name="s"),), **given})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("definition", "says"),
    [
        (unsound(name=""), "printable"),
        (unsound(name="a\0b"), "printable"),
        (unsound(name="a/b"), "without '/'"),
        (unsound(steps=()), "1 to 1,000 steps"),
        (unsound(steps=(StepDefinition(name="s"), StepDefinition(name="s"))), "names of their own"),
        (unsound(steps=(StepDefinition(name="*"),)), "neither * nor input"),
        (unsound(steps=(StepDefinition(name="s", parents=("t",)),)), "waits for 't'"),
        (
            unsound(steps=(StepDefinition(name="a", parents=("b",)), StepDefinition(name="b", parents=("a",)))),
            "in a circle",
        ),
        (unsound(steps=(StepDefinition(name="s", arguments=(Argument("x", "step:t"),)),)), "which is not there"),
        (unsound(steps=(StepDefinition(name="s", arguments=(Argument("x", "moon"),)),)), "which is not there"),
        (unsound(priority=1_001), "-1,000 to 1,000"),
        (unsound(steps=(StepDefinition(name="s", start_to_close=BEYOND),)), "its timeout is 0 s to 10 years"),
        (unsound(steps=(StepDefinition(name="s", schedule_to_start=BEYOND),)), "its queue timeout is"),
        (unsound(steps=(StepDefinition(name="s", start_to_close=-BEYOND),)), "its timeout is"),
        (unsound(steps=(StepDefinition(name="s", sleep=timedelta.max),)), "its sleep is"),
        (unsound(steps=(StepDefinition(name="s", retry=Retry(1, first=BEYOND)),)), "first delay of a retry is"),
        (unsound(steps=(StepDefinition(name="s", retry=Retry(1, cap=BEYOND)),)), "longest delay of a retry is"),
        (unsound(steps=(StepDefinition(name="s", retry=Retry(2**63)),)), "0 to 1,000,000 retries"),
        (unsound(steps=(StepDefinition(name="s", retry=Retry(1, factor=math.nan)),)), "a factor of 1 to 1,000"),
        (unsound(steps=(StepDefinition(name="s", retry=Retry(1, jitter=1e300)),)), "the jitter of its retries"),
        (unsound(input_schema="{"), "not valid"),
        (unsound(input_schema='{"type":"nope"}'), "cannot be registered"),
        (unsound(input_schema='{"$ref":"http://169.254.169.254/latest"}'), "only refer to itself"),
        (unsound(input_schema='{"allOf":[{"$dynamicRef":"file:///etc/passwd"}]}'), "cannot be registered"),
        (unsound(input_schema='{"$schema":"http://127.0.0.1/x"}'), "Unknown meta-schema"),
        (unsound(steps=(StepDefinition(name="s", output_schema="[" * 200),)), "nested 200"),
    ],
)
async def test_an_unsound_declaration_is_refused_with_what_is_wrong(
    desk: Desk, definition: WorkflowDefinition, says: str
) -> None:
    session = desk.session()
    refused = only(await said(session, msgspec.structs.replace(HELLO, definitions=[definition])))
    assert isinstance(refused, Refused)
    assert refused.fatal
    assert says in refused.message
    assert (await desk.get("/workflows"))["items"] == []
    await session.close()


@pytest.mark.parametrize(
    "changed", [{"protocol": 99}, {"slots": 0}, {"slots": 10_001}, {"worker_id": ""}, {"name": "a\nb"}]
)
async def test_a_hello_that_does_not_fit_is_refused(desk: Desk, changed: dict[str, object]) -> None:
    session = desk.session()
    refused = only(await said(session, msgspec.structs.replace(HELLO, **changed)))
    assert isinstance(refused, Refused)
    assert refused.fatal
    await session.close()


async def test_a_session_does_only_what_its_token_may(desk: Desk) -> None:
    looking = desk.session("read")
    refused = only(await said(looking, HELLO))
    assert isinstance(refused, Refused)
    assert (refused.code, refused.fatal) == ("forbidden", True)
    refused = only(await said(looking, Start(seq=3, runs=[spec()])))
    assert isinstance(refused, Refused)
    assert (refused.seq, refused.fatal) == (3, False)
    working = desk.session("worker")
    assert isinstance(only(await said(working, Watch([f"{1:026d}"]))), Refused)
    for session in (looking, working):
        await session.close()


async def test_who_may_only_trigger_hears_how_a_run_ended_over_a_later_connection(desk: Desk) -> None:
    """Whoever starts a run makes up its id. The connection that started it may be gone, with the server that had it."""
    await desk.register()
    before = desk.session("trigger")
    await said(before, Start(seq=1, runs=[spec()]), Watch([f"{1:026d}"]))
    await before.close()
    await desk.worker()
    after = desk.session("trigger")
    ended = only(await said(after, Watch([f"{1:026d}"])))
    assert isinstance(ended, RunEnded)
    assert ended.outputs == {"hello": b'"hello"'}
    await after.close()


async def test_before_its_hello_a_worker_can_do_nothing(desk: Desk) -> None:
    session = desk.session()
    lease = Lease("r" * 26, "hello", 1, "t")
    assert await said(session, Credit(5), Beat(), Drain(), Report(lease, "succeeded", output=b"1"), Goodbye()) == []
    await session.close()


# ── Clients ──────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_starts_are_accepted_and_refused_one_by_one(desk: Desk) -> None:
    await desk.register()
    session = desk.session()
    runs = [spec(1), spec(2, workflow="nope"), spec(3, input=b"{"), spec(4, run_id="x"), spec(5)]
    answer = only(await said(session, Start(seq=7, runs=runs)))
    assert isinstance(answer, StartAnswer)
    assert answer.seq == 7
    assert [accepted is not None for accepted in answer.answers] == [True, False, False, False, True]
    assert {place: problem[0] for place, problem in answer.problems.items()} == {
        1: "unknown_workflow",
        2: "invalid_json",
        3: "invalid_input",
    }
    assert (await desk.get("/runs/count"))["total"] == 2
    await session.close()


@pytest.mark.parametrize(
    "changed",
    [
        {"run_id": "UPPER"},
        {"input": b'{"a":1,"a":2}'},
        {"idempotency_key": ""},
        {"idempotency_key": "k" * 256},
        {"idempotency_key": "a\0b"},
        {"metadata": {"a\0": "b"}},
        {"metadata": {"a": "\0"}},
        {"metadata": {str(number): "x" for number in range(101)}},
        {"delay_ms": -1},
        {"delay_ms": 2**62},
        {"priority": 10**9},
        {"overrides": {"*": {"heat": "hot}"}}},
    ],
)
async def test_a_start_that_does_not_fit_is_refused_alone(desk: Desk, changed: dict[str, object]) -> None:
    await desk.register()
    session = desk.session()
    answer = only(await said(session, Start(seq=1, runs=[spec(1, **changed), spec(2)])))
    assert isinstance(answer, StartAnswer)
    assert answer.answers[0] is None
    assert answer.problems[0][0] in ("invalid_input", "invalid_json")
    assert answer.answers[1] is not None
    await session.close()


@pytest.mark.parametrize("changed", [{"delay_ms": 2**62}, {"priority": 10**30}])
async def test_no_number_goes_beyond_its_limit_within_one_process_either(
    desk: Desk, changed: dict[str, object]
) -> None:
    await desk.register()
    session = Session(desk.call(), trusted=True)
    far = msgspec.structs.replace(spec(1), **changed)
    answer = only(await said(session, Start(seq=1, runs=[far, spec(2)])))
    assert isinstance(answer, StartAnswer)
    assert answer.problems.keys() == {0}
    assert answer.problems[0][0] == "invalid_input"
    await session.close()


async def test_nothing_more_is_read_while_too_many_starts_are_unanswered(desk: Desk) -> None:
    await desk.register()
    session = desk.session()
    large = b'{"name":"' + b"x" * 4_000_000 + b'"}'
    await session.handle([Start(seq=seq, runs=[spec(seq, input=large)]) for seq in range(5)])
    reading_on = asyncio.ensure_future(session.has_room())
    await asyncio.sleep(0)
    assert not reading_on.done()
    assert [answer.seq for answer in await heard(session) if isinstance(answer, StartAnswer)] == list(range(5))
    assert reading_on.done()
    await session.close()


async def test_a_start_that_is_repeated_finds_its_run(desk: Desk) -> None:
    await desk.register()
    session = desk.session()
    await said(session, Start(seq=1, runs=[spec(1)]))
    answer = only(await said(session, Start(seq=2, runs=[spec(1, repeated=True)])))
    assert isinstance(answer, StartAnswer)
    assert answer.answers[0] is not None
    assert answer.answers[0].existing
    await session.close()


async def test_a_watch_in_the_same_breath_hears_of_the_end(desk: Desk) -> None:
    await desk.worker()
    session = desk.session()
    run_id = f"{1:026d}"
    messages = await said(session, Start(seq=1, runs=[spec(1)]), Watch([run_id]))
    assert [type(message) for message in messages] == [StartAnswer, RunEnded]
    assert messages[1] == RunEnded(run_id, "succeeded", {"hello": b'"hello"'})
    await session.close()


async def test_a_watch_hears_of_runs_that_ended_long_ago_and_of_failures(desk: Desk) -> None:
    await desk.worker()
    run = await desk.failed_run()
    session = desk.session()
    ended = only(await said(session, Watch([run["id"]])))
    assert isinstance(ended, RunEnded)
    assert (ended.status, ended.failed_step) == ("failed", "summary")
    assert ended.error is not None
    assert ended.error.message == "429 Too Many Requests"
    assert ended.outputs.keys() == {"fetch", "chunk"}
    await session.close()


async def test_a_repeated_start_with_its_watch_hears_of_a_run_that_has_ended(desk: Desk) -> None:
    await desk.worker()
    first = desk.session()
    await said(first, Start(seq=1, runs=[spec(1)]))
    await first.close()
    again = desk.session()
    messages = await said(again, Start(seq=1, runs=[spec(1, repeated=True)]), Watch([f"{1:026d}"]))
    assert {type(message) for message in messages} == {StartAnswer, RunEnded}
    await again.close()


async def test_a_watch_of_nothing_is_refused_by_its_id(desk: Desk) -> None:
    session = desk.session()
    refused = only(await said(session, Watch(["0" * 26])))
    assert isinstance(refused, Refused)
    assert (refused.code, refused.run_id, refused.fatal) == ("not_found", "0" * 26, False)
    messages = await said(session, Start(seq=1, runs=[spec(1, workflow="nope")]), Watch([f"{1:026d}"]))
    assert [type(message) for message in messages] == [StartAnswer, Refused]
    await session.close()


async def test_nobody_hears_of_another_namespaces_runs(desk: Desk) -> None:
    await desk.worker()
    run = await desk.run()
    session = desk.session(namespace="elsewhere")
    refused = only(await said(session, Watch([run["id"]])))
    assert isinstance(refused, Refused)
    assert refused.code == "not_found"
    await session.close()


async def test_an_unwatched_run_is_not_told_of(desk: Desk) -> None:
    await desk.register()
    run = await desk.start()
    session = desk.session()
    assert await said(session, Watch([run["id"]])) == []
    assert await said(session, Unwatch([run["id"]])) == []
    await desk.post(f"/runs/{run['id']}/cancel")
    assert await heard(session) == []
    await session.close()


async def test_a_closed_session_leaves_no_waiters_behind(desk: Desk) -> None:
    await desk.register()
    run = await desk.start()
    session = desk.session()
    await said(session, Watch([run["id"]]))
    assert desk.engine.feed.is_awaited(run["id"])
    await session.close()
    await session.close()
    assert not desk.engine.feed.is_awaited(run["id"])
    assert desk.app.site.counts.open == 0


async def test_a_client_that_does_not_read_is_not_read_from(desk: Desk) -> None:
    await desk.register()
    session = desk.session()
    await said(session, Watch([f"{number:026d}" for number in range(6_000)]))
    await session.handle([Watch([f"{number:026d}" for number in range(6_000)])])
    await settle(20_000)
    waiting = asyncio.ensure_future(session.has_room())
    await settle(5)
    assert not waiting.done()
    messages = await session.take()
    assert len(messages) == Outbox.FULL
    await waiting
    await settle(20_000)
    messages += await session.take()
    assert len({message.run_id for message in messages if isinstance(message, Refused)}) == 6_000
    await session.close()


def count_ends(messages: Sequence[FromServer]) -> Counter[str]:
    return Counter(message.run_id for message in messages if isinstance(message, RunEnded) and not message.more)


@pytest.mark.parametrize("ended_before", [True, False])
async def test_results_are_left_in_the_store_while_a_client_does_not_take_them(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, ended_before: bool
) -> None:
    monkeypatch.setattr(Outbox, "FULL_SIZE", 10_000)
    desk.functions["hello"] = lambda _: b'"' + b"x" * 998 + b'"'
    session = desk.session()
    run_ids = [f"{number:026d}" for number in range(120)]
    if ended_before:
        await desk.worker()
    else:
        await desk.register()
    await said(session, Start(seq=1, runs=[spec(number) for number in range(120)]))
    await session.handle([Watch(run_ids), Watch(run_ids)])
    if not ended_before:
        await desk.worker()
        await settle(2_000)
    told: Counter[str] = Counter()
    while messages := await heard(session):
        held = count_ends(messages)
        assert 0 < held.total() <= 10
        told += held
        await settle(2_000)
    assert told == Counter(run_ids)
    await session.close()


async def test_a_worker_that_fell_silent_gets_no_more_work_though_its_connection_looks_open(desk: Desk) -> None:
    await desk.clock.advance(timedelta(seconds=20))
    silent = desk.session()
    await said(silent, HELLO, Credit(5))
    await desk.clock.advance(timedelta(seconds=20))
    assert (await desk.get("/workers"))["items"][0]["state"] == "gone"
    run = await desk.start()
    assert await heard(silent) == []
    other = desk.session()
    await said(other, msgspec.structs.replace(HELLO, worker_id="w2"))
    assert [type(message) for message in await said(other, Credit(1))] == [Assign]
    assert (await desk.get(f"/runs/{run['id']}"))["status"] == "running"
    for session in (silent, other):
        await session.close()
