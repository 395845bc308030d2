"""Retention: what goes, what stays, and that nothing of a deleted run is left."""

from __future__ import annotations

import asyncio

import msgspec

from mulligan.core.bulk import BulkState
from mulligan.core.facts import Wanted
from mulligan.core.records import IdempotencyKey, Replay, Run, RunStatus, WorkerState
from mulligan.ports.store import Store
from mulligan.testing.exercise_store.bulks import items_for, make_bulk, saved
from mulligan.testing.exercise_store.talk import commit, ids, know, load
from mulligan.testing.factories import (
    START,
    after,
    changes,
    make_attempt,
    make_event,
    make_log_line,
    make_run,
    make_worker,
)


def ended(at: float, **given: object) -> Run:
    return make_run(**{"created_at": after(at - 1), "status": RunStatus.SUCCEEDED, "finished_at": after(at), **given})


class Pruning:
    async def test_the_runs_that_were_created_first_go_first(self, store: Store) -> None:
        await know(store)
        third, second, later = ended(3), ended(2), ended(4)
        first = ended(3.5, created_at=after(0))
        running = make_run(created_at=after(0))
        await commit(store, changes(third, first, second, later, running))
        assert await store.prune(after(4), 2) == 2
        assert await ids(store) == [running.id, later.id, third.id]
        assert await store.prune(after(4), 10) == 1
        assert await store.prune(after(4), 10) == 0
        assert await ids(store) == [running.id, later.id]

    async def test_a_run_that_ended_before_it_was_created_stays_until_both_are_past(self, store: Store) -> None:
        """The clock was set back between."""
        await know(store)
        await commit(store, changes(ended(2, created_at=after(9))))
        assert await store.prune(after(9), 10) == 0
        assert await store.prune(after(10), 10) == 1

    async def test_all_that_belongs_to_a_run_goes_with_it(self, store: Store) -> None:
        await know(store)
        run, kept = ended(1), ended(9)
        for each in (run, kept):
            key = IdempotencyKey("default", f"key of {each.id}", each.id, "hash", START)
            written = changes(
                (each, b"x" * 2_000),
                attempts_added=[(make_attempt(each), b"1")],
                events_added=[make_event(each)],
                logs_added=[make_log_line(each, "hello")],
                keys_added=[key],
            )
            await commit(store, written)
        assert await store.prune(after(5), 10) == 1
        for each, left in ((run, 0), (kept, 1)):
            produced = await store.payloads([each.id], [(each.id, "say", 1)])
            assert (len(produced.inputs), len(produced.outputs)) == (left, left)
            assert len(await store.events("default", each.id)) == left
            assert len(await store.logs("default", each.id, None, None, 0, 10)) == left
            assert len((await load(store, keys={("default", f"key of {each.id}")})).keys) == left
            assert len(await store.facts([each.id])) == left
        again = ended(1, id=run.id)
        key = IdempotencyKey("default", f"key of {run.id}", run.id, "hash", START)
        await commit(store, changes(again, attempts_added=[(make_attempt(again), b"2")], keys_added=[key]))
        assert (await store.payloads([again.id], [])).inputs == {again.id: b"null"}

    async def test_results_that_a_later_run_reuses_are_left(self, store: Store) -> None:
        await know(store)
        source, unused = ended(1), ended(2)
        child = ended(3, source_id=source.id, family_id=source.id)
        kept = {"fetch": (source.id, "fetch", 1), "chunk": (source.id, "chunk", 2)}
        replay = Replay(child.id, source.id, "default", ("say",), kept, START, "ada")
        await commit(store, changes(source, unused, child, replays_added=[replay]))
        assert await store.prune(after(2.5), 10) == 1
        assert await ids(store) == [child.id, source.id]
        assert await store.prune(after(9), 10) == 1, "the child goes first"
        assert await store.prune(after(9), 10) == 1
        assert await ids(store) == []

    async def test_runs_that_must_stay_do_not_keep_others_from_going(self, store: Store) -> None:
        await know(store)
        sources = [ended(1) for _ in range(3)]
        child = make_run(source_id=sources[0].id, family_id=sources[0].id)
        kept = {f"step {n}": (source.id, "say", 1) for n, source in enumerate(sources)}
        replay = Replay(child.id, sources[0].id, "default", ("say",), kept, START, "ada")
        free = ended(2)
        await commit(store, changes(*sources, child, free, replays_added=[replay]))
        assert await store.prune(after(9), 2) == 1
        assert await ids(store) == [run.id for run in (child, *reversed(sources))]

    async def test_nothing_is_pruned_amid_a_transaction(self, store: Store) -> None:
        await know(store)
        source = ended(1)
        await commit(store, changes(source))
        child = make_run(source_id=source.id, family_id=source.id)
        replay = Replay(child.id, source.id, "default", ("say",), {"x": (source.id, "x", 1)}, START, "ada")
        async with store.transaction() as transaction:
            assert source.id in (await transaction.load(Wanted(run_ids={source.id}))).runs
            pruned = asyncio.create_task(store.prune(after(5), 10))
            for _ in range(10):
                await store.facts([source.id])
            await transaction.commit(changes(child, replays_added=[replay]), (), START, "token")
        assert await pruned == 0
        assert await ids(store) == [child.id, source.id]

    async def test_positions_of_log_lines_are_never_given_out_again(self, store: Store) -> None:
        await know(store)
        run = ended(1)
        await commit(store, changes(run, logs_added=[make_log_line(run, "old")]))
        [(last, _)] = await store.logs("default", run.id, None, None, 0, 10)
        await store.prune(after(5), 10)
        new = make_run()
        await commit(store, changes(new, logs_added=[make_log_line(new, "new")]))
        [(position, _)] = await store.logs("default", new.id, None, None, last, 10)
        assert position > last

    async def test_workers_that_are_gone_are_forgotten(self, store: Store) -> None:
        gone = make_worker(state=WorkerState.GONE, seen_at=after(1))
        recent = make_worker(state=WorkerState.GONE, seen_at=after(5))
        silent = make_worker(seen_at=after(1))
        await commit(store, changes(workers_saved={w.id: w for w in (gone, recent, silent)}))
        assert await store.prune(after(5), 10) == 0
        facts = await load(store, worker_ids={gone.id, recent.id, silent.id})
        assert set(facts.workers) == {recent.id, silent.id}

    async def test_bulk_replays_that_have_long_been_still_go_one_by_one_once_their_replays_are_gone(
        self, store: Store
    ) -> None:
        await know(store)
        still = {"state": BulkState.FINISHED, "state_at": after(1.5)}
        source, replay = ended(9), ended(3)
        stopped = make_bulk(id="a", state=BulkState.STOPPED, state_at=after(1), namespace="other")
        mine = make_bulk(id=replay.id, **still)
        others = [
            make_bulk(id="running"),
            make_bulk(id="resumed", state_at=after(1)),
            make_bulk(id="late", state=BulkState.ABORTED, state_at=after(3.5)),
        ]
        made = msgspec.structs.replace(replay, bulk_id=mine.id, source_id=source.id)
        items = [item for bulk in (stopped, mine, *others) for item in items_for(bulk, source, source)]
        await commit(store, changes(source, made))
        await commit(store, saved(stopped, mine, *others, *items))

        async def left() -> set[str]:
            found = [bulk for bulk in (stopped, mine, *others) if await store.bulk(bulk.namespace, bulk.id)]
            for bulk in (stopped, mine, *others):
                kept = await store.bulk_items(bulk.namespace, bulk.id, None, -1, 10)
                assert len(kept) == (2 if bulk in found else 0)
            return {bulk.id for bulk in found}

        stay = {bulk.id for bulk in others}
        assert await store.prune(after(1.4), 10) == 0
        assert await left() == {mine.id} | stay
        assert await store.prune(after(1.5), 10) == 0
        assert await store.prune(after(2.9), 10) == 0
        assert await left() == {mine.id} | stay
        assert await store.prune(after(3.5), 10) == 1
        await store.prune(after(3.5), 10)
        assert await left() == stay
        await store.prune(after(3.6), 10)
        assert await left() == stay - {"late"}
