"""What the simulation has found, each in the smallest scene that shows it. The seeds move on; these stay."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec
import pytest

from mulligan.core.commands import CancelRun, ConnectWorker, FinishAttempt, StartRun
from mulligan.core.decide.attempts import ref_of
from mulligan.core.facts import Changes, Claim, Facts, Produced, Wanted
from mulligan.core.records import (
    Argument,
    OpenState,
    OpenStep,
    Outcome,
    OutputRef,
    Retry,
    RunStatus,
    StepDefinition,
    StepKind,
    WorkerState,
    WorkflowDefinition,
)
from mulligan.engine.api import Engine
from mulligan.engine.dispatcher import Seat
from mulligan.errors import StoreUnavailable, Unavailable
from mulligan.ports.store import Capabilities
from mulligan.stores.memory import MemoryStore
from mulligan.stores.memory.store import MemoryTransaction
from mulligan.testing.clock import SeededChance, VirtualClock, settle
from tests.engine.conftest import Desk, FakeWorker

CALL = WorkflowDefinition(name="flow", steps=(StepDefinition(name="call"),))
RETRIED = WorkflowDefinition(
    name="retried", steps=(StepDefinition(name="call", retry=Retry(retries=1, first=timedelta(seconds=10), jitter=0)),)
)
PAY = WorkflowDefinition(name="pay", steps=(StepDefinition(name="pay", at_most_once=True),))


class Replies:
    """A store whose commits are made, and whose replies are lost while ``lost`` is true."""

    def __init__(self, desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
        self.lost = False
        self._commit = desk.store.commit
        monkeypatch.setattr(desk.store, "commit", self.commit)

    def commit(self, changes: Changes, claims: list[Claim], now: datetime, token: str) -> list[OpenStep]:
        leased = self._commit(changes, claims, now, token)
        if self.lost:
            raise StoreUnavailable("the connection broke")
        return leased


@pytest.fixture
def replies(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Replies:
    return Replies(desk, monkeypatch)


def start_of(desk: Desk, workflow: str) -> StartRun:
    return StartRun(run_id=desk.engine.chance.new_id(), namespace="default", workflow=workflow, input=b"{}")


async def reconnect(desk: Desk, worker: FakeWorker, *lost: OpenStep, connection: int = 0) -> None:
    """Say hello again with empty hands; ``lost`` are steps that had begun and were given up meanwhile."""
    assert worker.seat is not None
    hello = ConnectWorker(
        worker_id=worker.id, namespace="default", name=worker.id, host="here", pid=1, sdk="test", slots=worker.slots,
        lost=tuple(ref_of(step) for step in lost), connection=connection,
    )  # fmt: skip
    seat = Seat(worker.id, "default", worker.seat.routes, worker.deliver, lambda steps, _: None)
    await desk.engine.connect_worker(hello, seat)


async def test_a_lease_whose_commit_had_no_reply_is_given_to_its_worker(desk: Desk, replies: Replies) -> None:
    worker = await desk.worker(CALL, {}, holding=True)
    replies.lost = True
    starting = desk.engine.submit_later([start_of(desk, "flow")])
    await settle()
    replies.lost = False
    await desk.advance(1)
    (answer,) = await starting
    assert isinstance(answer, Unavailable)
    (assignment,) = worker.got
    assert worker.seat is not None
    assert worker.seat.credits == worker.slots - 1
    assert (await worker.finish_now(assignment.step)).applied


async def test_waiters_hear_of_an_end_whose_commit_had_no_reply(desk: Desk, replies: Replies) -> None:
    worker = await desk.worker(CALL, {}, holding=True)
    run_id = await desk.start("flow")
    waiting = asyncio.create_task(desk.engine.wait("default", run_id))
    await settle()
    (assignment,) = worker.got
    replies.lost = True
    _ = desk.engine.submit_later([worker.finish(assignment.step, Outcome.SUCCEEDED, b"1")])
    await settle()
    replies.lost = False
    await desk.advance(1)
    assert (await waiting).outputs == {"call": b"1"}


async def test_waiters_hear_of_such_an_end_also_when_the_store_is_away_at_the_first_look(
    desk: Desk, replies: Replies, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Seed 193: what was to be made up for was forgotten when making up for it failed."""
    worker = await desk.worker(CALL, {}, holding=True)
    run_id = await desk.start("flow")
    waiting = asyncio.create_task(desk.engine.wait("default", run_id))
    await settle()
    (assignment,) = worker.got
    look, looks = desk.store.ended, []

    async def away_at_first(run_ids: Sequence[str]) -> list[str]:
        looks.append(run_ids)
        if len(looks) == 1:
            raise StoreUnavailable("away")
        return await look(run_ids)

    monkeypatch.setattr(desk.store, "ended", away_at_first)
    replies.lost = True
    _ = desk.engine.submit_later([worker.finish(assignment.step, Outcome.SUCCEEDED, b"1")])
    await settle()
    replies.lost = False
    await desk.advance(2)
    assert len(looks) > 1
    assert (await waiting).outputs == {"call": b"1"}


async def test_a_worker_that_was_given_up_without_a_reply_gets_nothing_more(desk: Desk, replies: Replies) -> None:
    """Seed 211: its connection looked open, and what was leased to it after that nobody ever takes back."""
    worker = await desk.worker(CALL, {}, holding=True)
    run_id = await desk.start("flow")
    await desk.advance(desk.engine.policy.worker_ttl.total_seconds() - 1)
    replies.lost = True
    await desk.advance(1)
    replies.lost = False
    await desk.advance(1)
    document = await desk.document(run_id)
    assert [attempt.outcome for attempt in document.ended] == [Outcome.LOST]
    assert [step.state for step in document.open] == [OpenState.READY]
    assert len(worker.got) == 1


async def test_a_retry_is_due_in_time_also_when_its_commit_had_no_reply(desk: Desk, replies: Replies) -> None:
    worker = await desk.worker(RETRIED, {}, holding=True)
    await desk.start("retried")
    await settle()
    (assignment,) = worker.got
    replies.lost = True
    _ = desk.engine.submit_later([worker.finish(assignment.step, Outcome.FAILED)])
    await settle()
    replies.lost = False
    await desk.advance(11)
    assert [one.step.attempt for one in worker.got] == [1, 2]


async def test_a_worker_that_is_given_up_does_not_get_its_steps_back(desk: Desk) -> None:
    """It is silent, but its connection looks open, and it has credits."""
    silent = await desk.worker(CALL, {}, name="silent", holding=True)
    run_id = await desk.start("flow")
    await desk.advance(60)
    (step,) = (await desk.document(run_id)).open
    assert (step.state, step.losses) == (OpenState.READY, 1)
    assert len(silent.got) == 1
    other = await desk.worker(CALL, {"call": lambda _: b"1"}, name="other")
    assert (await desk.end(run_id)).run.status is RunStatus.SUCCEEDED
    assert other.steps_seen == ["call"]


async def test_steps_that_a_cut_off_worker_gave_up_count_as_lost(desk: Desk) -> None:
    """It may have done the work: the attempt's number is not used again, and ``at_most_once`` is kept."""
    worker = await desk.worker(PAY, {}, holding=True)
    run_id = await desk.start("pay")
    await settle()
    (assignment,) = worker.got
    await reconnect(desk, worker, assignment.step)
    end = await desk.end(run_id)
    assert end.run.status is RunStatus.FAILED
    assert end.error is not None
    assert "at_most_once" in end.error.message


async def test_steps_of_a_connection_that_broke_before_they_arrived_count_for_nothing(desk: Desk) -> None:
    worker = await desk.worker(PAY, {}, holding=True)
    run_id = await desk.start("pay")
    await settle()
    await reconnect(desk, worker)
    (step,) = (await desk.document(run_id)).open
    assert (step.state, step.attempt, step.losses) == (OpenState.READY, 0, 0)


async def test_namespaces_do_not_make_each_others_steps_forgotten(desk: Desk) -> None:
    """A claim of one namespace finds a route empty; on the same route of the other a step waits for a free slot."""
    here = FakeWorker(desk.engine, [CALL], {}, id="here", holding=True, slots=1)
    await here.connect()
    first, second = await desk.start("flow"), await desk.start("flow")
    await settle()
    await desk.engine.register("there", [CALL])
    assert here.seat is not None
    seat = Seat("there", "there", here.seat.routes, lambda _: None, lambda steps, _: None)
    hello = ConnectWorker(worker_id="there", namespace="there", name="there", host="here", pid=1, sdk="test", slots=1)
    await desk.engine.connect_worker(hello, seat)
    desk.engine.add_credits(seat, 1)
    await settle()
    here.report(here.got[0].step, Outcome.SUCCEEDED, b"1")
    await settle()
    assert [one.step.run_id for one in here.got] == [first, second]


async def test_a_worker_is_given_up_also_when_the_first_try_to_do_so_failed(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    await desk.worker(CALL, {}, holding=True)
    run_id = await desk.start("flow")
    await desk.advance(1)
    commit, left = desk.store.commit, [1]

    def failing_once(changes: Changes, claims: list[Claim], now: datetime, token: str) -> list[OpenStep]:
        if left and changes.attempts_added:
            left.clear()
            raise StoreUnavailable("the disk is full")
        return commit(changes, claims, now, token)

    monkeypatch.setattr(desk.store, "commit", failing_once)
    await desk.advance(30)
    assert left == []
    (step,) = (await desk.document(run_id)).open
    assert (step.state, step.losses) == (OpenState.READY, 1)


async def test_an_assignment_is_sent_when_its_payloads_could_not_be_read_at_first(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    definition = WorkflowDefinition(
        name="late", steps=(StepDefinition(name="call", arguments=(Argument("doc", "input"),)),)
    )
    worker = await desk.worker(definition, {}, holding=True)
    monkeypatch.setattr("mulligan.engine.payloads.MOST_BYTES", 0)
    payloads = desk.store.payloads

    async def unreadable(inputs: list[str], outputs: list[OutputRef]) -> Produced:
        raise StoreUnavailable("the disk does not answer")

    monkeypatch.setattr(desk.store, "payloads", unreadable)
    await desk.start("late", b'{"n":1}')
    await desk.advance(5)
    assert worker.got == []
    monkeypatch.setattr(desk.store, "payloads", payloads)
    await desk.advance(1)
    assert [one.input for one in worker.got] == [b'{"doc":{"n":1}}']


async def test_a_run_that_was_cancelled_while_its_payloads_were_read_is_not_begun(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    definition = WorkflowDefinition(
        name="late", steps=(StepDefinition(name="call", arguments=(Argument("doc", "input"),)),)
    )
    worker = await desk.worker(definition, {}, holding=True)
    monkeypatch.setattr("mulligan.engine.payloads.MOST_BYTES", 0)
    payloads = desk.store.payloads

    async def slow(inputs: list[str], outputs: list[OutputRef]) -> Produced:
        await desk.clock.sleep(timedelta(seconds=5))
        return await payloads(inputs, outputs)

    monkeypatch.setattr(desk.store, "payloads", slow)
    run_id = await desk.start("late", b'{"n":1}')
    await desk.advance(1)
    await desk.engine.cancel(CancelRun(run_id=run_id, namespace="default", actor="me"))
    await desk.advance(10)
    assert worker.got == []
    assert worker.seat is not None
    assert worker.seat.credits == worker.slots


async def test_a_report_of_a_cancelled_step_that_was_not_cancelled_is_a_failure(desk: Desk) -> None:
    """Only the engine cancels. Taken at its word, the run would end as succeeded, without a result."""
    worker = await desk.worker(CALL, {}, holding=True)
    run_id = await desk.start("flow")
    await settle()
    report = FinishAttempt(
        ref=ref_of(worker.got[0].step), namespace="default", worker_id=worker.id, outcome=Outcome.CANCELLED
    )
    await desk.engine.submit(report)
    assert (await desk.end(run_id)).run.status is RunStatus.FAILED


async def test_a_sleep_at_the_beginning_of_a_delayed_run_begins_after_the_delay(desk: Desk) -> None:
    definition = WorkflowDefinition(
        name="nap", steps=(StepDefinition(name="nap", kind=StepKind.SLEEP, sleep=timedelta(minutes=1)),)
    )
    await desk.engine.register("default", [definition])
    run_id = await desk.start("nap", delay=timedelta(hours=1))
    await desk.advance(3600 + 59)
    assert (await desk.document(run_id)).run.status is RunStatus.RUNNING
    await desk.advance(2)
    assert (await desk.document(run_id)).run.status is RunStatus.SUCCEEDED


async def test_the_last_attempt_is_the_one_with_the_highest_number(desk: Desk) -> None:
    """The clock was set back between two attempts, as it may be when the engine is started anew."""
    worker = await desk.worker(RETRIED, {}, holding=True)
    run_id = await desk.start("retried")
    await settle()
    worker.report(worker.got[0].step, Outcome.FAILED)
    await desk.advance(11)
    await worker.finish_now(worker.got[1].step, b"2")
    first, second = desk.store.tables.attempts[run_id]["call"]
    earlier = msgspec.structs.replace(second, finished_at=first.finished_at - timedelta(hours=1))
    desk.store.tables.attempts[run_id]["call"] = [first, earlier]
    assert (await desk.engine.wait("default", run_id)).outputs == {"call": b"2"}


@pytest.mark.parametrize("is_seated", [True, False], ids=["at this engine", "at another engine"])
async def test_a_hello_that_was_overtaken_by_a_later_one_changes_nothing(desk: Desk, is_seated: bool) -> None:
    """It was said before the steps of the later connection were leased: what it does not know of has begun."""
    worker = await desk.worker(CALL, {}, holding=True)
    await reconnect(desk, worker, connection=2)
    seat = desk.engine.dispatcher.seats[worker.id]
    desk.engine.add_credits(seat, 1)
    await desk.start("flow")
    await settle()
    (assignment,) = worker.got
    if not is_seated:
        desk.engine.unseat(seat)
    with pytest.raises(Unavailable, match="newer connection"):
        await reconnect(desk, worker, connection=1)
    assert (desk.engine.dispatcher.seats.get(worker.id) is seat) == is_seated
    assert (await worker.finish_now(assignment.step)).applied


async def test_a_worker_that_asks_while_others_are_looked_up_waits_for_the_next_turn(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Seed 28: another replica had given it up, and what is leased to it after that nobody ever takes back."""
    monkeypatch.setattr(MemoryStore, "capabilities", Capabilities("memory", exclusive=False, durable=False))
    store, clock = MemoryStore(), VirtualClock()
    desk = Desk(Engine(store, clock, SeededChance()), clock, store)
    await desk.engine.start()
    worker = await desk.worker(CALL, {}, holding=True)
    seat = worker.seat
    assert seat is not None
    seat.credits = 0
    store.tables.workers[worker.id] = msgspec.structs.replace(store.tables.workers[worker.id], state=WorkerState.GONE)
    load = MemoryTransaction.load

    async def asked_meanwhile(transaction: MemoryTransaction, wanted: Wanted) -> Facts:
        facts = await load(transaction, wanted)
        seat.credits = 1
        return facts

    monkeypatch.setattr(MemoryTransaction, "load", asked_meanwhile)
    run = await desk.document(await desk.start("flow"))
    await desk.engine.stop()
    assert [step.state for step in run.open] == [OpenState.READY]
    assert worker.id not in desk.engine.dispatcher.seats
