"""Silence of which the engine or its store is the cause says nothing about workers: they keep their steps."""

from __future__ import annotations

import asyncio
import gc
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from mulligan.core.commands import BeatWorker, CancelRun, StartRun
from mulligan.core.facts import Changes, Claim, DueStep, Facts
from mulligan.core.records import OpenStep, Outcome, StepDefinition, Worker, WorkflowDefinition
from mulligan.errors import Conflict, NotFound, StoreUnavailable
from mulligan.testing.clock import settle

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.engine.conftest import Desk, FakeWorker

CALL = WorkflowDefinition(name="flow", steps=(StepDefinition(name="call"),))
TTL_S = 15
BEAT_S = 3


class Disk:
    """A store that cannot be written while ``full``, nor be read while ``gone``."""

    def __init__(self, desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
        self.full = False
        self.gone = False
        self._commit = desk.store.commit
        self._expired = desk.store.expired_workers
        monkeypatch.setattr(desk.store, "commit", self.commit)
        monkeypatch.setattr(desk.store, "expired_workers", self.expired_workers)

    def commit(self, changes: Changes, claims: list[Claim], now: datetime, token: str) -> list[OpenStep]:
        if self.full or self.gone:
            raise StoreUnavailable("the disk is full", code="disk_full")
        return self._commit(changes, claims, now, token)

    async def expired_workers(self, until_at: datetime) -> list[Worker]:
        if self.gone:
            raise StoreUnavailable("the database is gone")
        return await self._expired(until_at)


@pytest.fixture
def disk(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Disk:
    return Disk(desk, monkeypatch)


async def test_a_run_id_that_is_taken_is_refused_at_the_second_try_and_nobody_else_is(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether an id is taken is not asked for each start; who finds out by the conflict asks then."""
    worker = await desk.worker(CALL, {"call": lambda _: b"1"})
    taken = await desk.start("flow")
    await desk.end(taken)
    await worker.disconnect(clean=True)
    begun = 0
    transaction = desk.store.transaction

    def counted() -> object:
        nonlocal begun
        begun += 1
        return transaction()

    monkeypatch.setattr(desk.store, "transaction", counted)
    ids = [desk.engine.chance.new_id() for _ in range(31)]
    starts = [StartRun(run_id=run_id, namespace="default", workflow="flow", input=b"{}") for run_id in [taken, *ids]]
    [refused, *started] = await desk.engine.submit_all(starts)
    assert isinstance(refused, Conflict)
    assert refused.code == "already_exists"
    assert [answer.run_id for answer in started] == ids
    assert begun == 2


async def beat_for(desk: Desk, worker: FakeWorker, seconds: int) -> None:
    """Beats arrive all the time, and are written or not."""
    for _ in range(seconds // BEAT_S):
        _ = desk.engine.submit_later([BeatWorker(worker_id=worker.id)])
        await desk.clock.advance(timedelta(seconds=BEAT_S))
        await settle()


async def losses(desk: Desk, run_id: str) -> int:
    document = await desk.document(run_id)
    return sum(attempt.outcome is Outcome.LOST for attempt in document.ended)


async def holding_worker(desk: Desk) -> tuple[FakeWorker, str]:
    """A worker with a step that takes long, after the patience of the engine's start."""
    worker = await desk.worker(CALL, {}, holding=True)
    await beat_for(desk, worker, 2 * TTL_S)
    return worker, await desk.start("flow")


@pytest.mark.parametrize("seconds", [12, 15, 60])
@pytest.mark.parametrize("kind", ["full", "gone"])
async def test_no_step_is_lost_because_beats_could_not_be_written(
    desk: Desk, disk: Disk, kind: str, seconds: int
) -> None:
    worker, run_id = await holding_worker(desk)
    setattr(disk, kind, True)
    await beat_for(desk, worker, seconds)
    setattr(disk, kind, False)
    await desk.advance(2)  # the next beat is still to come
    await beat_for(desk, worker, 2 * TTL_S)
    assert await losses(desk, run_id) == 0


async def test_a_worker_that_died_in_an_outage_is_given_up_one_ttl_after_it(desk: Desk, disk: Disk) -> None:
    worker, run_id = await holding_worker(desk)
    disk.full = True
    await beat_for(desk, worker, 30)
    disk.full = False
    await desk.advance(2)
    other = await desk.worker(CALL, {}, name="worker-2", holding=True)
    await beat_for(desk, other, TTL_S - 2 * BEAT_S)
    assert await losses(desk, run_id) == 0
    await beat_for(desk, other, 3 * BEAT_S)
    assert await losses(desk, run_id) == 1


async def test_single_commits_that_fail_do_not_keep_a_dead_worker_alive(desk: Desk, disk: Disk) -> None:
    """As a command that the store chokes on every time, between others that it writes."""
    _, run_id = await holding_worker(desk)
    other = await desk.worker(CALL, {}, name="worker-2", holding=True)
    for _ in range(TTL_S):
        disk.full = True
        _ = desk.engine.submit_later([BeatWorker(worker_id=other.id)])
        await settle()
        disk.full = False
        await desk.advance(2)
        await other.beat()
    assert await losses(desk, run_id) == 1


@pytest.mark.parametrize("seconds", [TTL_S - BEAT_S, TTL_S + 0.5, TTL_S + 10])
async def test_a_process_that_was_stopped_hears_its_workers_before_it_gives_them_up(desk: Desk, seconds: float) -> None:
    """It may go on just after a lease has run out, when the look at it is hardly late."""
    worker, run_id = await holding_worker(desk)
    await worker.beat()
    desk.engine.wake_agents()
    await settle()
    await desk.clock.pass_by(timedelta(seconds=seconds))
    await beat_for(desk, worker, 2 * TTL_S)
    assert await losses(desk, run_id) == 0


async def test_a_process_that_was_stopped_amid_its_agents_work_hears_its_workers_first(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker, run_id = await holding_worker(desk)
    sweep = desk.store.due_steps

    async def slow(now: datetime, limit: int) -> list[DueStep]:
        await desk.clock.sleep(timedelta(milliseconds=10))
        return await sweep(now, limit)

    monkeypatch.setattr(desk.store, "due_steps", slow)
    await worker.beat()
    desk.engine.wake_agents()
    await settle()
    await desk.clock.pass_by(timedelta(seconds=TTL_S + 10))
    await beat_for(desk, worker, 2 * TTL_S)
    assert await losses(desk, run_id) == 0


@pytest.mark.parametrize("trouble", [StoreUnavailable("the database is gone"), asyncio.CancelledError()])
async def test_whoever_could_not_begin_to_wait_is_not_called_for_ever(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, trouble: BaseException
) -> None:
    async def fail(_: Sequence[str]) -> None:
        raise trouble

    monkeypatch.setattr(desk.store, "facts", fail)
    with pytest.raises(type(trouble)):
        await desk.engine.wait("default", "a run of which nobody knows")
    assert desk.engine.feed.awaited_ids == []


@pytest.mark.parametrize("full", [False, True], ids=["refused", "not written"])
async def test_an_answer_that_is_an_error_does_not_keep_its_turn(desk: Desk, disk: Disk, full: bool) -> None:
    """Its traceback leads to the turn that gave it, and the turn to the answer: with 10,000 of them memory was full."""

    def turns_kept() -> int:
        gc.collect()
        return sum(isinstance(each, Facts) for each in gc.get_objects())

    worker, _ = await holding_worker(desk)
    command = BeatWorker(worker_id=worker.id) if full else CancelRun(run_id="nothing", namespace="default", actor="me")
    disk.full = full
    before = turns_kept()
    for _ in range(5):
        answers = desk.engine.submit_later([command])
        await desk.clock.advance(timedelta(seconds=BEAT_S))
        assert isinstance((await answers)[0], StoreUnavailable if full else NotFound)
        del answers
    assert turns_kept() <= before
