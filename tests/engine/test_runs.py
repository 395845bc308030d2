"""A run lives: steps in order, retries in time, workers that get lost, cancels and timeouts."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

import msgspec
import pytest

from mulligan.core.commands import CancelRun, ConnectWorker, ReleaseAttempt, StartRun
from mulligan.core.decide.attempts import ref_of
from mulligan.core.records import (
    Argument,
    OpenState,
    Outcome,
    RecordedError,
    Retry,
    RunStatus,
    StepDefinition,
    StepKind,
    WorkflowDefinition,
)
from mulligan.engine import memory
from mulligan.errors import Conflict, InvalidInput, NotFound
from mulligan.testing.clock import settle

if TYPE_CHECKING:
    from mulligan.core.facts import RunFacts
    from mulligan.engine.feed import RunEnd
    from tests.engine.conftest import Desk

CHAIN = WorkflowDefinition(
    name="chain",
    steps=(
        StepDefinition(name="a", arguments=(Argument("doc", "input"),)),
        StepDefinition(name="b", arguments=(Argument("x", "step:a"),), parents=("a",)),
        StepDefinition(name="c", arguments=(Argument("x", "step:b"), Argument("doc", "input")), parents=("b",)),
    ),
)


def flaky(*, times: int) -> WorkflowDefinition:
    step = StepDefinition(name="call", retry=Retry(retries=times, first=timedelta(seconds=10), jitter=0))
    return WorkflowDefinition(name="flaky", steps=(step,))


async def test_steps_run_in_order_and_get_their_parents_outputs_to_the_letter(desk: Desk) -> None:
    worker = await desk.worker(
        CHAIN, {"a": lambda _: b'"A \\u00e9 1.10"', "b": lambda _: b"1e400", "c": lambda _: b"3"}
    )
    run_id = await desk.start("chain", b'{"n": 1152921504606846977 }')
    end = await desk.end(run_id)
    assert end.run.status is RunStatus.SUCCEEDED
    assert end.outputs == {"a": b'"A \\u00e9 1.10"', "b": b"1e400", "c": b"3"}
    assert [assignment.input for assignment in worker.got] == [
        b'{"doc":{"n": 1152921504606846977 }}',
        b'{"x":"A \\u00e9 1.10"}',
        b'{"x":1e400,"doc":{"n": 1152921504606846977 }}',
    ]


async def test_a_failed_attempt_is_retried_after_its_backoff_and_not_earlier(desk: Desk) -> None:
    tries = itertools.count(1)

    def call(_: bytes) -> bytes:
        if next(tries) < 3:
            raise ConnectionError("down")
        return b'"up"'

    worker = await desk.worker(flaky(times=5), {"call": call})
    run_id = await desk.start("flaky")
    await desk.advance(9.9, beating=worker)
    assert len(worker.got) == 1
    await desk.advance(0.2)
    assert len(worker.got) == 2
    await desk.advance(19.5, beating=worker)
    assert len(worker.got) == 2
    await desk.advance(0.6)
    end = await desk.end(run_id)
    assert end.outputs == {"call": b'"up"'}
    document = await desk.document(run_id)
    assert [(one.number, one.outcome) for one in document.ended] == [
        (1, Outcome.FAILED),
        (2, Outcome.FAILED),
        (3, Outcome.SUCCEEDED),
    ]


async def test_a_run_fails_when_its_retries_are_used_up_and_says_which_step_and_why(desk: Desk) -> None:
    def call(_: bytes) -> bytes:
        raise ConnectionError("still down")

    worker = await desk.worker(flaky(times=2), {"call": call})
    run_id = await desk.start("flaky")
    await desk.advance(100, beating=worker)
    end = await desk.end(run_id)
    assert end.run.status is RunStatus.FAILED
    assert (end.run.failed_step, end.run.error_type, end.run.error_message) == ("call", "ConnectionError", "still down")
    assert end.error is not None
    assert end.error.message == "still down"
    assert end.run.fingerprint
    assert len((await desk.document(run_id)).ended) == 3


async def test_work_waits_for_a_worker_that_knows_it(desk: Desk) -> None:
    first = await desk.worker(CHAIN, {"a": lambda _: b"1", "b": lambda _: b"2", "c": lambda _: b"3"})
    await first.disconnect(clean=True)
    run_id = await desk.start("chain")
    await desk.advance(3600)
    assert (await desk.document(run_id)).run.status is RunStatus.RUNNING
    await desk.worker(CHAIN, first.functions, name="worker-2")
    assert (await desk.end(run_id)).run.status is RunStatus.SUCCEEDED


async def test_a_lost_workers_step_is_taken_over_and_its_late_result_is_stale(desk: Desk) -> None:
    lost = await desk.worker(flaky(times=0), {}, holding=True)
    run_id = await desk.start("flaky")
    await settle()
    (assignment,) = lost.got
    await lost.disconnect()
    await desk.advance(30)
    rescuer = await desk.worker(flaky(times=0), {}, name="worker-2", holding=True)
    await settle()
    (again,) = rescuer.got
    assert (again.step.attempt, again.step.losses) == (2, 1)
    verdict = await lost.finish_now(assignment.step, b'"late"')
    assert verdict.stale
    assert not verdict.applied
    assert (await rescuer.finish_now(again.step, b'"right"')).applied
    assert not (await rescuer.finish_now(again.step, b'"twice"')).applied
    assert (await desk.end(run_id)).outputs == {"call": b'"right"'}


async def test_heartbeats_keep_leases_for_as_long_as_they_come(desk: Desk) -> None:
    worker = await desk.worker(flaky(times=0), {}, holding=True)
    run_id = await desk.start("flaky")
    await desk.advance(300, beating=worker)
    document = await desk.document(run_id)
    assert document.open[0].state is OpenState.LEASED
    assert document.ended == ()


async def test_a_step_that_keeps_losing_its_workers_is_poisoned(desk: Desk) -> None:
    version = flaky(times=0)
    first = await desk.worker(version, {}, holding=True)
    run_id = await desk.start("flaky")
    await settle()
    await first.disconnect()
    await desk.advance(20)
    for number in range(2, 5):
        worker = await desk.worker(version, {}, name=f"worker-{number}", holding=True)
        await settle()
        await worker.disconnect()
        await desk.advance(20)
    end = await desk.end(run_id)
    assert end.run.status is RunStatus.FAILED
    assert end.run.error_type == "mulligan.WorkerLost"
    assert [one.outcome for one in (await desk.document(run_id)).ended] == [Outcome.LOST] * 4


async def test_a_worker_that_comes_back_in_time_keeps_its_leases_and_gives_back_what_it_never_saw(desk: Desk) -> None:
    worker = await desk.worker(flaky(times=0), {}, holding=True)
    run_id = await desk.start("flaky")
    await settle()
    await worker.disconnect()
    await desk.advance(2)
    worker.got.clear()
    await worker.connect()  # its hello does not name the lease, so the assignment was lost on the way
    await settle()
    (assignment,) = worker.got
    assert assignment.step.attempt == 1
    await worker.finish_now(assignment.step)
    assert (await desk.end(run_id)).run.status is RunStatus.SUCCEEDED


async def test_a_cancelled_run_is_final_at_once_and_its_worker_is_told(desk: Desk) -> None:
    worker = await desk.worker(CHAIN, {}, holding=True)
    run_id = await desk.start("chain")
    await settle()
    cancel = CancelRun(run_id=run_id, namespace="default", actor="me", reason="wrong file")
    answer = await desk.engine.cancel(cancel)
    assert answer.changed
    assert answer.stopping == 1
    assert [step.step for step in worker.stopped] == ["a"]
    assert not (await worker.finish_now(worker.got[0].step)).applied
    assert (await desk.end(run_id)).run.status is RunStatus.CANCELLED
    again = await desk.engine.cancel(cancel)
    assert not again.changed
    assert again.was == "cancelled"
    await desk.advance(60)
    assert worker.steps_seen == ["a"]


async def test_a_run_that_is_over_starts_no_more_children_and_finds_those_that_it_has(desk: Desk) -> None:
    """A cancelled step's code goes on for a while: nothing new comes of it."""
    worker = await desk.worker(CHAIN, {})
    worker.holding = True
    run_id = await desk.start("chain")
    child = StartRun(
        run_id="c1", namespace="default", workflow="chain", input=b"1", parent_id=run_id, parent_step="a",
        idempotency_key="child:1",
    )  # fmt: skip
    assert (await desk.engine.submit(child)).run_id == "c1"
    await desk.engine.cancel(CancelRun(run_id=run_id, namespace="default", actor="me"))
    found = await desk.engine.submit(msgspec.structs.replace(child, run_id="c2"))
    assert (found.run_id, found.existing) == ("c1", True)
    with pytest.raises(Conflict, match="is over") as refused:
        await desk.engine.submit(msgspec.structs.replace(child, run_id="c3", idempotency_key="child:2"))
    assert refused.value.code == "parent_over"


async def test_an_execution_timeout_ends_the_attempt_and_counts_as_a_failure(desk: Desk) -> None:
    step = StepDefinition(name="slow", start_to_close=timedelta(seconds=30))
    worker = await desk.worker(WorkflowDefinition(name="slow", steps=(step,)), {}, holding=True)
    run_id = await desk.start("slow")
    await desk.advance(36, beating=worker)
    end = await desk.end(run_id)
    assert (end.run.status, end.run.error_type) == (RunStatus.FAILED, "mulligan.StepTimeout")
    assert end.run.error_message == "The step ran longer than its timeout of 30s and its worker did not end it."
    assert worker.stopped


async def test_a_queue_timeout_fails_a_step_that_no_worker_took(desk: Desk) -> None:
    step = StepDefinition(name="rare", schedule_to_start=timedelta(seconds=60))
    await desk.engine.register("default", [WorkflowDefinition(name="rare", steps=(step,))])
    run_id = await desk.start("rare")
    await desk.advance(61)
    end = await desk.end(run_id)
    assert end.run.error_type == "mulligan.QueueTimeout"
    assert end.run.error_message == "No worker took the step within its queue timeout of 1m."
    assert (await desk.document(run_id)).ended[0].started_at is None


@pytest.mark.parametrize("silent", [False, True], ids=["given back", "lost"])
async def test_a_queue_timeout_holds_again_for_a_step_that_its_worker_has_left(desk: Desk, *, silent: bool) -> None:
    step = StepDefinition(name="rare", schedule_to_start=timedelta(seconds=60))
    worker = await desk.worker(WorkflowDefinition(name="rare", steps=(step,)), {}, holding=True)
    run_id = await desk.start("rare")
    assert worker.seat is not None
    desk.engine.unseat(worker.seat)
    if not silent:
        hello = ConnectWorker(worker_id=worker.id, namespace="default", name="", host="", pid=1, sdk="", slots=1)
        await desk.engine.submit(hello)
    await desk.advance(120)
    assert (await desk.end(run_id)).run.error_type == "mulligan.QueueTimeout"


async def test_a_sleep_is_a_node_that_holds_no_worker(desk: Desk) -> None:
    definition = WorkflowDefinition(
        name="nap",
        steps=(
            StepDefinition(name="wait", kind=StepKind.SLEEP, sleep=timedelta(hours=9)),
            StepDefinition(name="then", parents=("wait",)),
        ),
    )
    worker = await desk.worker(definition, {"then": lambda _: b"1"})
    run_id = await desk.start("nap")
    await desk.advance(9 * 3600 - 1)
    assert worker.got == []
    await worker.connect()
    await desk.advance(2)
    assert (await desk.end(run_id)).run.status is RunStatus.SUCCEEDED


async def test_a_delayed_run_does_not_begin_before_its_time(desk: Desk) -> None:
    worker = await desk.worker(CHAIN, {"a": lambda _: b"1", "b": lambda _: b"2", "c": lambda _: b"3"})
    run_id = await desk.start("chain", delay=timedelta(minutes=5))
    await desk.advance(299)
    assert worker.got == []
    await worker.connect()
    await desk.advance(2)
    assert (await desk.end(run_id)).run.status is RunStatus.SUCCEEDED


async def test_the_on_failure_step_runs_once_after_everything_else_and_knows_what_failed(desk: Desk) -> None:
    definition = WorkflowDefinition(
        name="guarded",
        steps=(
            StepDefinition(name="bad", retry=Retry(retries=1, first=timedelta(seconds=1))),
            StepDefinition(name="side"),
            StepDefinition(name="after", parents=("bad",)),
            StepDefinition(name="alert", kind=StepKind.ON_FAILURE, arguments=(Argument("failure", "failure"),)),
        ),
    )

    def bad(_: bytes) -> bytes:
        raise ValueError("no good")

    worker = await desk.worker(definition, {"bad": bad, "side": lambda _: b"1", "alert": lambda _: b"null"})
    run_id = await desk.start("guarded")
    await desk.advance(10)
    end = await desk.end(run_id)
    assert (end.run.status, end.run.failed_step) == (RunStatus.FAILED, "bad")
    assert worker.steps_seen == ["bad", "side", "bad", "alert"]
    assert b'"step":"bad","type":"ValueError","error":"no good","attempts":2' in worker.got[-1].input


async def test_an_idempotency_key_gives_the_first_answer_and_refuses_another_request(desk: Desk) -> None:
    await desk.engine.register("default", [CHAIN])
    first = await desk.start("chain", b'{"n":1}', idempotency_key="k")
    assert await desk.start("chain", b'{"n":1}', idempotency_key="k") == first
    with pytest.raises(Conflict) as caught:
        await desk.start("chain", b'{"n":2}', idempotency_key="k")
    assert caught.value.code == "idempotency_conflict"


async def test_a_value_for_a_step_that_there_is_not_starts_nothing_whoever_asks(desk: Desk) -> None:
    await desk.engine.register("default", [CHAIN])
    with pytest.raises(InvalidInput, match="no step 'bb' in the version that will run") as caught:
        await desk.start("chain", overrides={"bb": {"heat": "1"}})
    assert caught.value.code == "unknown_step"
    await desk.start("chain", overrides={"*": {"heat": "1"}, "b": {"heat": "2"}})


async def test_a_repeated_start_makes_no_second_run(desk: Desk) -> None:
    await desk.engine.register("default", [CHAIN])
    command = StartRun(run_id="r" * 26, namespace="default", workflow="chain", input=b"{}")
    assert not (await desk.engine.submit(command)).existing
    repeated = StartRun(run_id="r" * 26, namespace="default", workflow="chain", input=b"{}", repeated=True)
    assert (await desk.engine.submit(repeated)).existing


@pytest.mark.parametrize("other", [{"namespace": "other"}, {"workflow": "flaky"}, {"idempotency_key": "k"}])
async def test_a_repeated_start_finds_no_run_that_another_start_has_made(desk: Desk, other: dict[str, str]) -> None:
    await desk.engine.register("default", [CHAIN, flaky(times=0)])
    await desk.engine.register("other", [CHAIN])
    run_id = await desk.start("chain")
    repeated = StartRun(run_id=run_id, namespace="default", workflow="chain", input=b"{}", repeated=True)
    with pytest.raises(Conflict) as caught:
        await desk.engine.submit(msgspec.structs.replace(repeated, **other))
    assert caught.value.code == "already_exists"


async def test_how_a_run_of_another_namespace_stands_cannot_be_found_out_by_starting_a_child(desk: Desk) -> None:
    await desk.engine.register("default", [CHAIN])
    await desk.engine.register("other", [CHAIN])
    run_id = await desk.start("chain")
    await desk.engine.cancel(CancelRun(run_id=run_id, namespace="default", actor="me"))
    child = StartRun(run_id="c" * 26, namespace="other", workflow="chain", input=b"{}", parent_id=run_id)
    assert not (await desk.engine.submit(child)).existing


async def test_a_lease_is_handed_back_by_none_but_its_own_attempt_and_namespace(desk: Desk) -> None:
    """Its token is also that of every other lease of the same transaction."""
    worker = await desk.worker(CHAIN, {}, holding=True)
    run_id = await desk.start("chain")
    await settle()
    ref = ref_of(worker.got[0].step)
    earlier = msgspec.structs.replace(ref, attempt=0)
    wrong = [ReleaseAttempt(ref=ref, namespace="other"), ReleaseAttempt(ref=earlier, namespace="default")]
    assert [verdict.stale for verdict in await desk.engine.submit_all(wrong)] == [True, True]
    assert [step.state for step in (await desk.document(run_id)).open] == [OpenState.LEASED]
    assert (await desk.engine.submit(ReleaseAttempt(ref=ref, namespace="default"))).applied


async def test_one_bad_command_fails_alone(desk: Desk) -> None:
    await desk.engine.register("default", [CHAIN])
    starts = [
        StartRun(run_id=f"{index:026d}", namespace="default", workflow="chain", input=b"{}") for index in (1, 2, 2, 3)
    ]
    unknown = StartRun(run_id="x" * 26, namespace="default", workflow="nothing", input=b"{}")
    answers = await desk.engine.submit_all([*starts, unknown])
    assert [isinstance(answer, Exception) for answer in answers] == [False, False, True, False, True]
    assert isinstance(answers[4], NotFound)


async def test_waiting_for_a_run_that_has_ended_returns_at_once(desk: Desk) -> None:
    await desk.worker(flaky(times=0), {"call": lambda _: b"7"})
    run_id = await desk.start("flaky")
    await desk.end(run_id)
    assert (await desk.engine.wait("default", run_id)).outputs == {"call": b"7"}
    with pytest.raises(NotFound):
        await desk.engine.wait("default", "nothing")


async def test_thousands_that_were_just_started_are_watched_without_a_read(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[list[str]] = []
    read = desk.store.facts

    async def counted(run_ids: Sequence[str]) -> dict[str, RunFacts]:
        asked.append(list(run_ids))
        return await read(run_ids)

    monkeypatch.setattr(desk.store, "facts", counted)
    worker = await desk.worker(flaky(times=0), {"call": lambda _: b"1"})
    ended_already = [await desk.start("flaky") for _ in range(3)]
    await settle()
    worker.holding = True
    live = [await desk.start("flaky") for _ in range(5)]
    await settle()
    ends: list[RunEnd] = []
    assert await desk.engine.watch("default", [*live, *ended_already, "no such run"], ends.append) == ["no such run"]
    assert asked == [[*ended_already, "no such run"]]
    assert [end.run.id for end in ends] == ended_already
    for assignment in worker.got[3:]:
        worker.answer(assignment)
    await settle()
    assert [end.run.id for end in ends] == [*ended_already, *live]
    assert all(end.outputs == {"call": b"1"} for end in ends)


async def test_a_queue_longer_than_the_memory_is_read_once_and_together(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, "MOST_RUNS", 5)
    first = await desk.worker(flaky(times=0), {"call": lambda _: b"1"})
    await first.disconnect(clean=True)
    queued = [await desk.start("flaky") for _ in range(30)]
    asked: list[list[str]] = []
    read = desk.store.facts

    async def counted(run_ids: Sequence[str]) -> dict[str, RunFacts]:
        asked.append(list(run_ids))
        return await read(run_ids)

    monkeypatch.setattr(desk.store, "facts", counted)
    await desk.worker(flaky(times=0), first.functions, name="worker-2")
    await settle()
    monkeypatch.undo()
    ends = [await desk.end(run_id) for run_id in queued]
    assert all(end.outputs == {"call": b"1"} for end in ends)
    assert sorted(run_id for batch in asked for run_id in batch) == sorted(queued[5:])
    assert len(asked) <= 3


async def test_another_namespaces_runs_are_no_runs_to_a_watch(desk: Desk) -> None:
    await desk.worker(CHAIN, {step: lambda _: b"1" for step in "abc"}, holding=True)
    run_id = await desk.start("chain")
    assert await desk.engine.watch("other", [run_id], lambda _: None) == [run_id]
    assert not desk.engine.feed.is_awaited(run_id)


async def test_a_worker_id_of_another_namespace_is_refused(desk: Desk) -> None:
    worker = await desk.worker(CHAIN, {}, holding=True)
    await desk.start("chain")
    hello = ConnectWorker(worker_id=worker.id, namespace="other", name="x", host="x", pid=1, sdk="x", slots=1)
    with pytest.raises(Conflict):
        await desk.engine.submit(hello)
    assert (await worker.finish_now(worker.got[0].step)).applied


async def test_spans_that_an_older_version_let_pass_hold_up_nobody(desk: Desk) -> None:
    far = timedelta.max
    endless = WorkflowDefinition(
        name="endless",
        steps=(
            StepDefinition(name="a", start_to_close=far, schedule_to_start=far),
            StepDefinition(name="nap", kind=StepKind.SLEEP, parents=("a",), sleep=far),
            StepDefinition(name="again", retry=Retry(retries=1, first=far, cap=far)),
        ),
    )
    worker = await desk.worker(endless, {"a": lambda _: b"1", "again": lambda _: b"1"}, holding=True)
    run_id = await desk.start("endless")
    await settle()
    first, second = sorted(worker.got, key=lambda assignment: assignment.step.step)
    assert (await worker.finish_now(first.step)).applied
    failed = worker.finish(second.step, Outcome.FAILED, error=RecordedError(type="E", message="no"))
    assert (await desk.engine.submit(failed)).applied
    steps = (await desk.document(run_id)).open
    assert {step.step: step.state for step in steps} == {"nap": OpenState.SLEEPING, "again": OpenState.RETRYING}
