"""A bulk replay goes on by itself, in stages, and stops when it should."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from mulligan.core.bulk import Bulk, BulkItem, BulkState, Control, ItemState, Progress
from mulligan.core.commands import NoteGroup
from mulligan.core.facts import Changes, Claim
from mulligan.core.inbox import GroupNote, GroupStatus, status_of
from mulligan.core.query import RunFilter
from mulligan.core.records import (
    Argument,
    OpenState,
    OpenStep,
    PatchOp,
    Run,
    RunStatus,
    StepDefinition,
    WorkflowDefinition,
)
from mulligan.core.replay import ReplayRequest
from mulligan.engine import bulks
from mulligan.engine.agents import bulk_replayer
from mulligan.engine.agents.bulk_replayer import BulkReplayer
from mulligan.engine.bulks import Brakes
from mulligan.engine.replays import Replayed
from mulligan.errors import Conflict, InvalidInput, NotFound, StoreUnavailable
from mulligan.testing.clock import settle

if TYPE_CHECKING:
    from datetime import datetime

    from mulligan.ports.store import RunDocument
    from tests.engine.conftest import Desk, FakeWorker

CALL = StepDefinition(name="call", arguments=(Argument("n", "input"),))
FLOW = WorkflowDefinition(name="flow", steps=(CALL,))
FAILED = RunFilter(statuses=("failed",))


def failing(error: type[Exception]) -> Callable[[bytes], bytes]:
    def call(_: bytes) -> bytes:
        raise error("the service is down")

    return call


async def outage(desk: Desk, runs: int) -> tuple[FakeWorker, list[str]]:
    """Runs that have failed, oldest first, and their worker, which holds what it gets from now on."""
    worker = await desk.worker(FLOW, {"call": failing(ConnectionError)})
    ids = [await desk.start("flow", b"%d" % number) for number in range(runs)]
    for run_id in ids:
        assert (await desk.end(run_id)).run.status is RunStatus.FAILED
    worker.functions["call"] = lambda document: document
    worker.holding = True
    worker.got.clear()
    return worker, ids


async def begin(desk: Desk, request: ReplayRequest | None = None, **brakes: object) -> Bulk:
    asked = request or ReplayRequest(reason="the service is back")
    checked = Brakes(**brakes)  # type: ignore[arg-type]  # the fields of Brakes, as each test needs them
    bulk = await desk.engine.bulks.create("default", FAILED, "status:failed", asked, checked, author="ada")
    await settle()
    return bulk


async def state(desk: Desk, bulk: Bulk) -> Bulk:
    found = await desk.store.bulk("default", bulk.id)
    assert found is not None
    return found


async def items(desk: Desk, bulk: Bulk) -> list[tuple[BulkItem, Run | None]]:
    return await desk.store.bulk_items("default", bulk.id, None, -1, 1_000)


async def begun(desk: Desk, bulk: Bulk) -> int:
    return (await desk.store.bulk_progress(bulk.id)).begun


async def answer_all(worker: FakeWorker) -> None:
    """The worker finishes what it holds."""
    held, worker.got[:] = list(worker.got), []
    for assignment in held:
        worker.answer(assignment)
    await settle()


async def control(desk: Desk, bulk: Bulk, what: Control) -> Bulk:
    changed = await desk.engine.bulks.control("default", bulk.id, what, actor="bob", reason="looking at it")
    await settle()
    return changed


async def test_all_matching_runs_are_replayed_oldest_first(desk: Desk) -> None:
    worker, sources = await outage(desk, 120)
    worker.holding = False
    bulk = await begin(desk)
    await desk.advance(2)
    assert (await state(desk, bulk)).state is BulkState.FINISHED
    made = await items(desk, bulk)
    assert [item.source_id for item, _ in made] == sources
    assert {run.status for _, run in made if run is not None} == {RunStatus.SUCCEEDED}
    assert [run.source_id for _, run in made if run is not None] == sources
    assert {run.bulk_id for _, run in made if run is not None} == {bulk.id}
    [group] = await desk.store.failure_groups("default", None, None, 10)
    assert (group.count, group.replayed, group.recovered) == (120, 120, 120)


async def test_a_canary_ends_before_the_others_begin(desk: Desk) -> None:
    worker, _ = await outage(desk, 9)
    bulk = await begin(desk, canary=(1, 0.5))
    assert bulk.stages == (1, 4, 9)
    for stage in (1, 4, 9):
        await desk.advance(2)
        assert await begun(desk, bulk) == stage
        assert (await state(desk, bulk)).state is BulkState.RUNNING
        await answer_all(worker)
    await desk.advance(1)
    assert (await state(desk, bulk)).state is BulkState.FINISHED


async def test_replays_are_begun_at_the_rate_that_was_asked_for(desk: Desk) -> None:
    worker, _ = await outage(desk, 6)
    worker.holding = False
    bulk = await begin(desk, rate=2)
    counts = []
    for _ in range(6):
        counts.append(await begun(desk, bulk))
        await desk.advance(0.5)
    assert counts == [1, 2, 3, 4, 5, 6]


async def test_it_stops_by_itself_after_so_many_failures(desk: Desk) -> None:
    worker, _ = await outage(desk, 10)
    bulk = await begin(desk, canary=(2, 5), stop_after=3)
    worker.answer(worker.got.pop())
    worker.functions["call"] = failing(ConnectionError)
    await answer_all(worker)
    await desk.advance(1)
    assert await begun(desk, bulk) == 4
    await answer_all(worker)
    await desk.advance(60)
    stopped = await state(desk, bulk)
    assert (stopped.state, stopped.state_by) == (BulkState.STOPPED, "mulligan")
    assert stopped.state_reason == "3 replays failed; it was to stop after 3"
    assert await begun(desk, bulk) == 4


async def test_a_canary_that_fails_holds_the_others_back(desk: Desk) -> None:
    worker, _ = await outage(desk, 8)
    worker.functions["call"] = failing(ConnectionError)
    bulk = await begin(desk, canary=(1,), stop_after=2)
    await answer_all(worker)
    await desk.advance(1)
    stopped = await state(desk, bulk)
    assert (stopped.state, stopped.state_reason) == (BulkState.STOPPED, "1 of the first 1 failed")
    worker.functions["call"] = lambda document: document
    worker.holding = False
    await control(desk, bulk, "resume")
    await desk.advance(2)
    assert (await state(desk, bulk)).state is BulkState.FINISHED


async def test_resuming_forgives_the_failures_that_a_person_has_looked_at(desk: Desk) -> None:
    worker, _ = await outage(desk, 6)
    worker.functions["call"] = failing(ConnectionError)
    bulk = await begin(desk, canary=(2,), stop_after=2)
    await answer_all(worker)
    await desk.advance(1)
    assert (await state(desk, bulk)).state is BulkState.STOPPED
    worker.functions["call"] = lambda document: document
    worker.holding = False
    await control(desk, bulk, "resume")
    await desk.advance(2)
    assert (await state(desk, bulk)).state is BulkState.FINISHED
    progress = await desk.store.bulk_progress(bulk.id)
    assert (progress.succeeded, progress.failed) == (4, 2)


@pytest.mark.parametrize(("error", "expected"), [(ConnectionError, BulkState.RUNNING), (KeyError, BulkState.STOPPED)])
async def test_it_stops_when_a_replay_fails_in_a_new_way(
    desk: Desk, error: type[Exception], expected: BulkState
) -> None:
    worker, _ = await outage(desk, 4)
    bulk = await begin(desk, canary=(2,), stop_after=9, stop_on_new=True)
    worker.answer(worker.got.pop())
    worker.functions["call"] = failing(error)
    await answer_all(worker)
    await desk.advance(1)
    assert (await state(desk, bulk)).state is expected
    assert await begun(desk, bulk) == (4 if expected is BulkState.RUNNING else 2)


async def test_a_paused_one_begins_nothing_until_it_is_resumed(desk: Desk) -> None:
    worker, _ = await outage(desk, 3)
    bulk = await begin(desk, canary=(1,))
    paused = await control(desk, bulk, "pause")
    assert (paused.state, paused.state_by, paused.state_reason) == (BulkState.PAUSED, "bob", "looking at it")
    await answer_all(worker)
    await desk.advance(3_600)
    assert await begun(desk, bulk) == 1
    await control(desk, bulk, "resume")
    await desk.advance(1)
    assert await begun(desk, bulk) == 3


async def test_a_second_engine_that_counts_before_and_looks_after_does_not_pass_over_the_canary(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker, _ = await outage(desk, 9)
    other = BulkReplayer(desk.store, desk.engine.submit_all, desk.engine.bulks.replay_one)
    count = desk.store.bulk_progress
    counted: list[str] = []

    async def overtaken(bulk_id: str) -> Progress:
        progress = await count(bulk_id)
        counted.append(bulk_id)
        if len(counted) == 1:
            await other.tick(desk.clock.now())
        return progress

    monkeypatch.setattr(desk.store, "bulk_progress", overtaken)
    bulk = await begin(desk, canary=(1,))
    await desk.advance(5)
    assert len(counted) > 2
    assert await begun(desk, bulk) == 1
    await answer_all(worker)
    await desk.advance(1)
    assert await begun(desk, bulk) == 9


@pytest.mark.parametrize("what", ["pause", "abort"])
async def test_once_it_is_halted_not_one_more_replay_begins(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, what: Control
) -> None:
    """Also of those that the engine was about to begin."""
    await outage(desk, 5)
    read = desk.store.run
    asked: list[str] = []

    async def halted_before_the_third(namespace: str, run_id: str) -> RunDocument | None:
        asked.append(run_id)
        if len(asked) == 3:
            (running,) = await desk.store.running_bulks("", 10)
            await desk.engine.bulks.control("default", running.id, what, actor="bob")
        return await read(namespace, run_id)

    monkeypatch.setattr(desk.store, "run", halted_before_the_third)
    bulk = await begin(desk)
    await desk.advance(5)
    assert len(await desk.store.find_runs("default", RunFilter(replays_only=True), None, 10)) == 2
    waiting = [item.state for item, _ in await items(desk, bulk)]
    assert waiting == [*2 * [ItemState.STARTED], *3 * [ItemState.WAITING]]
    if what == "pause":
        await control(desk, bulk, "resume")
        assert await begun(desk, bulk) == 5


async def test_an_aborted_one_is_never_resumed_and_its_replays_go_on(desk: Desk) -> None:
    worker, _ = await outage(desk, 3)
    bulk = await begin(desk, canary=(1,))
    assert (await control(desk, bulk, "abort")).state is BulkState.ABORTED
    with pytest.raises(Conflict):
        await control(desk, bulk, "resume")
    await answer_all(worker)
    await desk.advance(60)
    (_, first), *others = await items(desk, bulk)
    assert first is not None
    assert first.status is RunStatus.SUCCEEDED
    assert [item.state for item, _ in others] == [ItemState.WAITING] * 2


async def test_a_source_whose_replay_is_refused_keeps_its_problem_and_holds_up_nobody(desk: Desk) -> None:
    worker, sources = await outage(desk, 2)
    worker.holding = False
    worker.functions["call"] = failing(ConnectionError)
    with_name = await desk.start("flow", b'{"name":"ada"}')
    await desk.end(with_name)
    worker.functions["call"] = lambda document: document
    edit = ReplayRequest(reason="rename", patches={"call": (PatchOp("replace", "/n/name", '"bob"'),)})
    bulk = await begin(desk, edit)
    await desk.advance(1)
    assert (await state(desk, bulk)).state is BulkState.FINISHED
    made = await items(desk, bulk)
    assert [item.state for item, _ in made] == [ItemState.REFUSED, ItemState.REFUSED, ItemState.STARTED]
    assert all(item.problem and "/n/name" in item.problem for item, _ in made[:2])
    assert made[2][1] is not None
    assert made[2][1].source_id == with_name
    assert sources == [item.source_id for item, _ in made[:2]]


async def test_a_replay_that_the_engine_fails_to_make_holds_up_no_other(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker, sources = await outage(desk, 3)
    worker.holding = False
    replay_one = desk.engine.replay

    async def failing_for_the_first(namespace: str, run_id: str, request: ReplayRequest, **more: Any) -> Replayed:
        assert run_id != sources[0], "a defect of the engine"
        return await replay_one(namespace, run_id, request, **more)

    monkeypatch.setattr(desk.engine, "replay", failing_for_the_first)
    bulk, other = await begin(desk), await begin(desk)
    await desk.advance(2)
    for each in (bulk, other):
        assert (await state(desk, each)).state is BulkState.FINISHED
        made = await items(desk, each)
        assert [item.state for item, _ in made] == [ItemState.REFUSED, ItemState.STARTED, ItemState.STARTED]
        assert "a defect of the engine" in str(made[0][0].problem)


async def test_none_of_very_many_waits_for_another_to_end(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk_replayer, "PAGE", 3)
    await outage(desk, 2)
    made = [await begin(desk, canary=(1,)) for _ in range(8)]
    assert [await begun(desk, bulk) for bulk in made] == [1] * 8


async def test_one_that_cannot_be_moved_on_stops_no_other(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """A rate that was let in before it had a lower limit: the span between two replays is none that there is."""
    worker, _ = await outage(desk, 3)
    worker.holding = False
    monkeypatch.setattr(bulks, "SLOWEST", 0)
    before = await begin(desk, rate=1)
    never = await begin(desk, rate=1e-300)
    after = await begin(desk, rate=1)
    await desk.advance(30)
    assert (await state(desk, before)).state is BulkState.FINISHED
    assert (await state(desk, after)).state is BulkState.FINISHED
    assert (await state(desk, never)).state is BulkState.RUNNING
    assert await begun(desk, never) == 0
    assert (await control(desk, never, "abort")).state is BulkState.ABORTED


@pytest.mark.parametrize("newer_code", [False, True])
async def test_a_replay_that_was_made_but_not_recorded_is_found_again(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, newer_code: bool
) -> None:
    """The commit that records the first items fails, as if the engine had died just before it."""
    worker, sources = await outage(desk, 3)
    commit = desk.store.commit
    refused: list[BulkItem] = []

    def failing_once(changes: Changes, claims: list[Claim], now: datetime, token: str) -> list[OpenStep]:
        recording = [item for item in changes.bulk_items_saved.values() if item.state is ItemState.STARTED]
        if recording and not refused:
            refused.extend(recording)
            raise StoreUnavailable("the disk is full")
        return commit(changes, claims, now, token)

    monkeypatch.setattr(desk.store, "commit", failing_once)
    bulk = await begin(desk, canary=(2,))
    assert len(refused) == 2
    if newer_code:
        # The engine leaves a store that has failed alone for a moment: only then the new code gets known.
        fixed = WorkflowDefinition(name="flow", steps=(CALL,), code="fixed")
        connecting = asyncio.create_task(desk.worker(fixed, dict(worker.functions), name="fixed"))
        await desk.advance(0.3)
        await connecting
    await desk.advance(5)
    await answer_all(worker)
    await desk.advance(1)
    await answer_all(worker)
    await desk.advance(1)
    assert (await state(desk, bulk)).state is BulkState.FINISHED
    made = [(item.source_id, item.run_id) for item, _ in await items(desk, bulk)]
    assert made[:2] == [(item.source_id, item.run_id) for item in refused]
    replays = await desk.store.find_runs("default", RunFilter(replays_only=True), None, 10)
    assert sorted(str(row.run.source_id) for row in replays) == sorted(sources)


async def test_others_do_not_wait_while_a_bulk_replay_is_under_way(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """At 80 ms an item it makes its next fifty replays in four seconds, again and again."""
    silent, _ = await outage(desk, 400)
    held, late = await desk.start("flow"), await desk.start("flow", delay=timedelta(seconds=17))
    read = desk.store.run

    async def read_slowly(namespace: str, run_id: str) -> RunDocument | None:
        await desk.clock.sleep(timedelta(milliseconds=80))
        return await read(namespace, run_id)

    with monkeypatch.context() as patch:
        patch.setattr(desk.store, "run", read_slowly)
        bulk = await begin(desk)
        await desk.advance(20)
        assert 0 < await begun(desk, bulk) < 400
    (lost,), (delayed,) = (await desk.document(held)).open, (await desk.document(late)).open
    assert [assignment.step.run_id for assignment in silent.got][:1] == [held]
    assert (lost.state, lost.losses) == (OpenState.READY, 1), "its worker was silent for longer than its lease"
    assert delayed.queued_at == (await desk.document(late)).run.created_at + timedelta(seconds=17)


async def test_live_work_is_taken_before_replays_made_in_bulk(desk: Desk) -> None:
    worker, sources = await outage(desk, 3)
    busy = [await desk.start("flow") for _ in range(worker.slots)]
    await settle()
    assert [assignment.step.run_id for assignment in worker.got] == busy
    await begin(desk)
    live = [await desk.start("flow") for _ in range(4)]
    for _ in range(7):
        worker.answer(worker.got.pop(0))
        await settle()
    taken = [assignment.step.run_id for assignment in worker.got[-7:]]
    assert taken[:4] == live
    made = await desk.store.find_runs("default", RunFilter(replays_only=True), None, 10)
    assert taken[4:] == [row.run.id for row in reversed(made)]
    assert [row.run.source_id for row in reversed(made)] == sources


async def test_running_runs_are_not_eligible_and_nothing_is_replayed_without_a_reason(desk: Desk) -> None:
    worker, _ = await outage(desk, 1)
    await desk.start("flow")
    preview = await desk.engine.bulks.preview("default", RunFilter(), ReplayRequest(reason="why"))
    assert (preview.matched, preview.eligible, preview.will_run) == (2, 1, 1)
    with pytest.raises(InvalidInput, match="reason"):
        await begin(desk, ReplayRequest())
    with pytest.raises(NotFound):
        await desk.engine.bulks.control("default", "nobody", "pause", actor="bob")
    await settle()
    assert len(worker.got) == 1


async def test_a_resolved_group_opens_again_when_it_recurs(desk: Desk) -> None:
    worker, _ = await outage(desk, 2)
    [group] = await desk.store.failure_groups("default", None, None, 10)
    note = GroupNote("default", group.fingerprint, GroupStatus.RESOLVED, desk.clock.now(), "ada")
    await desk.engine.submit(NoteGroup(note=note))
    [group] = await desk.store.failure_groups("default", None, None, 10)
    assert status_of(group, desk.clock.now()) is GroupStatus.RESOLVED
    await desk.advance(5)
    worker.functions["call"] = failing(ConnectionError)
    run_id = await desk.start("flow")
    await settle()
    await answer_all(worker)
    await desk.end(run_id)
    [group] = await desk.store.failure_groups("default", None, None, 10)
    assert status_of(group, desk.clock.now()) is GroupStatus.OPEN


async def test_an_end_that_could_not_be_written_is_written_later(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Seed 117: with nothing else to wake it, one whose last move failed was looked at again after an hour."""
    worker, _ = await outage(desk, 2)
    bulk = await begin(desk)
    commit = desk.store.commit

    def refuse(changes: Changes, claims: list[Claim], now: datetime, token: str) -> list[OpenStep]:
        if changes.bulks_changed:
            raise StoreUnavailable("the disk is full")
        return commit(changes, claims, now, token)

    monkeypatch.setattr(desk.store, "commit", refuse)
    await answer_all(worker)
    await desk.advance(1)
    assert (await state(desk, bulk)).state is BulkState.RUNNING
    monkeypatch.setattr(desk.store, "commit", commit)
    await desk.advance(1)
    assert (await state(desk, bulk)).state is BulkState.FINISHED
