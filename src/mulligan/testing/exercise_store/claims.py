"""Leasing: who gets which ready step, in which order, and what a lease is."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest

from mulligan.core.facts import Changes
from mulligan.core.limits import LONGEST_SPAN
from mulligan.core.records import OpenState, OpenStep
from mulligan.ports.store import Store
from mulligan.testing.exercise_store.talk import claim, commit, know, load, queue
from mulligan.testing.factories import after, changes, make_open_step, make_run


def names(leased: list[OpenStep]) -> list[str]:
    return [step.step for step in leased]


class Claims:
    async def test_a_lease_says_who_and_until_when(self, store: Store) -> None:
        await know(store)
        run = make_run()
        limited = make_open_step(run, step="limited", start_to_close=timedelta(seconds=60), failures=2, attempt=2)
        free = make_open_step(run, step="free", due_at=after(30))
        await commit(store, changes(run, opened=(limited, free)))
        leased = await commit(store, Changes(), [claim(worker_id="w")], now=after(5), token="secret")
        owned = {"state": OpenState.LEASED, "token": "secret", "worker_id": "w", "since_at": after(5)}
        expected = {
            "limited": msgspec.structs.replace(limited, **owned, attempt=3, due_at=after(65)),
            "free": msgspec.structs.replace(free, **owned, attempt=1, due_at=None),
        }
        assert {step.step: step for step in leased} == expected
        assert (await load(store, run_ids={run.id})).runs[run.id].open == expected

    async def test_a_timeout_beyond_all_dates_does_not_keep_anybody_from_leasing(self, store: Store) -> None:
        await know(store)
        run = make_run()
        await commit(store, changes(run, opened=(make_open_step(run, start_to_close=timedelta(days=3_000_000)),)))
        (leased,) = await commit(store, Changes(), [claim()], now=after(5))
        assert leased.due_at == after(5) + LONGEST_SPAN

    @pytest.mark.parametrize("written_before", [True, False], ids=["stored", "in the same commit"])
    async def test_priority_comes_first_then_the_time_of_queueing_then_the_run(
        self, store: Store, written_before: bool
    ) -> None:
        await know(store)
        old, young = make_run(), make_run()
        steps = (
            make_open_step(young, step="5: same time, later run", queued_at=after(1)),
            make_open_step(old, step="4: same time, earlier run", queued_at=after(1), route="other"),
            make_open_step(young, step="3: early", queued_at=after(0), since_at=after(9)),
            make_open_step(old, step="1: urgent", priority=2, queued_at=after(9), route="other"),
            make_open_step(old, step="2: less urgent", priority=1, queued_at=after(2)),
            make_open_step(old, step="6: negative", priority=-1, queued_at=after(0), route="third"),
        )
        written = changes(old, young, opened=steps)
        wanted = claim("greet/say", "other", "third", "nothing waits here")
        if written_before:
            await commit(store, written)
            leased = await commit(store, Changes(), [wanted])
        else:
            leased = await commit(store, written, [wanted])
        assert names(leased) == sorted(step.step for step in steps)

    async def test_new_steps_queue_behind_those_that_wait(self, store: Store) -> None:
        await know(store)
        waiting, new = make_run(), make_run()
        await queue(store, waiting, step="waits", queued_at=after(5))
        steps = (
            make_open_step(new, step="later", queued_at=after(6)),
            make_open_step(new, step="earlier", queued_at=after(4)),
        )
        leased = await commit(store, changes(new, opened=steps), [claim(slots=2)])
        assert names(leased) == ["earlier", "waits"]
        assert names(await commit(store, Changes(), [claim()])) == ["later"]

    async def test_a_claim_takes_no_more_than_its_slots(self, store: Store) -> None:
        await know(store)
        runs = [make_run() for _ in range(5)]
        await queue(store, *runs)
        assert await commit(store, Changes(), [claim(slots=0)]) == []
        assert len(await commit(store, Changes(), [claim(slots=2)])) == 2
        assert len(await commit(store, Changes(), [claim(slots=9)])) == 3
        assert await commit(store, Changes(), [claim(slots=9)]) == []

    async def test_each_step_goes_to_the_first_claim_that_can_take_it(self, store: Store) -> None:
        await know(store)
        runs = [make_run() for _ in range(6)]
        await queue(store, *runs[:4])
        await queue(store, *runs[4:], route="other")
        leased = await commit(
            store,
            Changes(),
            [
                claim(worker_id="first", slots=1),
                claim("greet/say", "other", worker_id="both", slots=4),
                claim("other", worker_id="last", slots=5),
            ],
        )
        assert [step.worker_id for step in leased] == ["first"] + ["both"] * 4 + ["last"]
        assert [step.run_id for step in leased] == [run.id for run in runs]

    async def test_only_ready_steps_of_the_route_are_taken(self, store: Store) -> None:
        await know(store)
        run = make_run()
        steps = (
            make_open_step(run, step="retrying", state=OpenState.RETRYING, due_at=after(1)),
            make_open_step(run, step="sleeping", state=OpenState.SLEEPING, due_at=after(1)),
            make_open_step(run, step="leased", state=OpenState.LEASED, worker_id="w", token="t", attempt=1),
            make_open_step(run, step="elsewhere", route="greet/say2"),
        )
        await commit(store, changes(run, opened=steps))
        assert await commit(store, Changes(), [claim()]) == []
        assert await store.ready_routes() == {"greet/say2"}

    async def test_a_step_of_another_namespace_is_never_taken(self, store: Store) -> None:
        await know(store)
        await know(store, namespace="other")
        mine, theirs = make_run(), make_run(namespace="other")
        await queue(store, mine, theirs)
        leased = await commit(store, Changes(), [claim(namespace="other", worker_id="theirs")])
        assert [step.run_id for step in leased] == [theirs.id]

    async def test_a_step_that_becomes_ready_again_can_be_taken_at_once(self, store: Store) -> None:
        await know(store)
        run = make_run()
        await queue(store, run, state=OpenState.RETRYING, due_at=after(3), attempt=1, failures=1)
        ready = make_open_step(run, queued_at=after(3), attempt=1, failures=1)
        [leased] = await commit(store, changes(changed=(ready,)), [claim()], now=after(3))
        assert (leased.attempt, leased.failures, leased.state) == (2, 1, OpenState.LEASED)
        assert (await load(store, run_ids={run.id})).runs[run.id].open == {"say": leased}
        assert await store.next_due_at() is None

    async def test_a_step_that_is_closed_in_the_same_commit_is_not_taken(self, store: Store) -> None:
        await know(store)
        run = make_run()
        await queue(store, run)
        assert await commit(store, changes(closed=(make_open_step(run),)), [claim()]) == []

    async def test_a_long_queue_of_one_route_does_not_hide_another(self, store: Store) -> None:
        await know(store)
        await queue(store, *[make_run() for _ in range(500)])
        last = make_run()
        await queue(store, last, route="other", queued_at=after(100))
        leased = await commit(store, Changes(), [claim("other", slots=1), claim("greet/say", "other", slots=3)])
        assert leased[0].run_id == last.id
        assert [step.route for step in leased[1:]] == ["greet/say"] * 3
