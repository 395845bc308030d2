"""Questions that the engine asks again and again: what is due, who is gone, where is something ready."""

from __future__ import annotations

import msgspec

from mulligan.core.facts import Changes, DueStep
from mulligan.core.records import OpenState, RunStatus, WorkerState
from mulligan.ports.store import Store
from mulligan.testing.exercise_store.talk import claim, commit, know, queue
from mulligan.testing.factories import after, changes, make_open_step, make_run, make_worker


class Sweeps:
    async def test_due_steps_come_earliest_first(self, store: Store) -> None:
        await know(store)
        run = make_run()
        due = {"c": after(3), "a": after(1), "b": after(1), "never": None, "later": after(9)}
        steps = tuple(make_open_step(run, step=name, state=OpenState.SLEEPING, due_at=at) for name, at in due.items())
        await commit(store, changes(run, opened=steps))
        expected = [DueStep(run.id, "a", after(1)), DueStep(run.id, "b", after(1)), DueStep(run.id, "c", after(3))]
        assert await store.due_steps(after(3), 10) == expected
        assert await store.due_steps(after(8), 2) == expected[:2]
        assert await store.due_steps(after(0.999999), 10) == []
        assert await store.next_due_at() == after(1)

    async def test_nothing_is_due_in_an_empty_store(self, store: Store) -> None:
        assert await store.due_steps(after(1_000), 10) == []
        assert await store.next_due_at() is None

    async def test_a_step_whose_time_has_changed_is_due_at_the_new_one(self, store: Store) -> None:
        await know(store)
        run = make_run()
        step = make_open_step(run, state=OpenState.RETRYING, due_at=after(1))
        await commit(store, changes(run, opened=(step,)))
        await commit(store, changes(changed=(msgspec.structs.replace(step, due_at=after(5)),)))
        assert await store.due_steps(after(4), 10) == []
        assert await store.next_due_at() == after(5)
        await commit(store, changes(closed=(step,)))
        assert await store.next_due_at() is None

    async def test_workers_expire_when_their_lease_has_run_out(self, store: Store) -> None:
        first, second = make_worker(lease_until_at=after(2)), make_worker(lease_until_at=after(1))
        alive = make_worker(lease_until_at=after(3))
        gone = make_worker(lease_until_at=after(1), state=WorkerState.GONE)
        draining = make_worker(lease_until_at=after(0), state=WorkerState.DRAINING)
        saved = {worker.id: worker for worker in (first, second, alive, gone, draining)}
        await commit(store, changes(workers_saved=saved))
        assert await store.expired_workers(after(2)) == [draining, second, first]

    async def test_the_leases_of_a_worker_are_found(self, store: Store) -> None:
        await know(store)
        runs = [make_run() for _ in range(3)]
        await queue(store, *runs)
        leased = await commit(store, Changes(), [claim(worker_id="a", slots=2), claim(worker_id="b")])
        assert await store.leases_of("a") == leased[:2]
        assert await store.leases_of("b") == leased[2:]
        await commit(store, changes(closed=(leased[0],)))
        assert await store.leases_of("a") == leased[1:2]
        assert await store.leases_of("nobody") == []

    async def test_live_leases_are_those_of_now(self, store: Store) -> None:
        await know(store)
        first, second, waiting = make_run(), make_run(), make_run()
        await queue(store, first, second, waiting)
        leased = await commit(store, Changes(), [claim(slots=2)], token="old")
        ids = [first.id, second.id, waiting.id, "nobody"]
        assert await store.live_leases(ids) == {(first.id, "say", "old"), (second.id, "say", "old")}
        again = msgspec.structs.replace(leased[0], state=OpenState.READY, token=None, worker_id=None)
        await commit(store, changes(changed=(again,), closed=(leased[1],)), [claim(slots=1)], token="new")
        assert await store.live_leases(ids) == {(first.id, "say", "new")}
        assert await store.live_leases([waiting.id]) == set()

    async def test_runs_that_have_ended_are_told_apart(self, store: Store) -> None:
        await know(store)
        running, failed = make_run(), make_run(status=RunStatus.FAILED, finished_at=after(1))
        done = make_run(status=RunStatus.SUCCEEDED, finished_at=after(1))
        await commit(store, changes(running, failed, done))
        assert sorted(await store.ended([running.id, failed.id, done.id, "nobody"])) == [failed.id, done.id]
        assert await store.ended([]) == []

    async def test_routes_are_ready_as_long_as_a_step_waits_there(self, store: Store) -> None:
        await know(store)
        one, two = make_run(), make_run()
        await queue(store, one, two)
        await queue(store, make_run(), route="other")
        assert await store.ready_routes() == {"greet/say", "other"}
        await commit(store, Changes(), [claim(slots=1)])
        assert await store.ready_routes() == {"greet/say", "other"}
        await commit(store, Changes(), [claim(slots=1)])
        assert await store.ready_routes() == {"other"}
