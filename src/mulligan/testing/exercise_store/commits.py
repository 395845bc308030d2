"""A transaction: all of it or nothing, and what is read back is what was written."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest

from mulligan.core.facts import Changes, Ended, RunFacts, Wanted
from mulligan.core.records import (
    Attempt,
    Frame,
    IdempotencyKey,
    OpenState,
    Outcome,
    PatchOp,
    Reading,
    RecordedError,
    Replay,
    Run,
    RunStatus,
)
from mulligan.errors import StoreConflict
from mulligan.ports.store import Store
from mulligan.testing.exercise_store.talk import claim, commit, ids, know, load, queue
from mulligan.testing.factories import (
    START,
    after,
    changes,
    make_attempt,
    make_definition,
    make_event,
    make_open_step,
    make_run,
    make_version,
    make_worker,
)

ODD = "O'Brien \N{SNOWMAN} \x00 \"quoted\" \\ \n'); DROP TABLE runs; --"
"""Text that must come back as it is, wherever it is put."""


def full_run() -> Run:
    """A run with every field different from its default."""
    return make_run(
        family_id="family",
        key_scope="scope",
        status=RunStatus.FAILED,
        pinned=True,
        priority=-3,
        available_at=after(0.000001),
        finished_at=after(86_400 * 400),
        metadata={"team": "web", ODD: ODD},
        idempotency_key=ODD,
        overrides={"*": {"model": '"small"'}, "say": {"prompt": '"\\u0000"'}},
        source_id="source",
        generation=2,
        parent_id="parent",
        parent_step="fan",
        failed_step="say",
        error_type="app.Broken",
        error_message=ODD,
        fingerprint="0123abcd",
    )


def full_attempt(run: Run) -> Attempt:
    cause = RecordedError(type="OSError", message="no route")
    error = RecordedError(
        type="app.Broken",
        message=ODD,
        frames=(Frame("app.py", 3, "say", "raise Broken", False),),
        cause=cause,
        retryable=False,
    )
    reading = Reading("prompt", '"a"', "12345678901234567890", '{"type":"string"}', "null", "app.py", 7)
    return make_attempt(
        run,
        number=2,
        outcome=Outcome.TIMED_OUT,
        started_at=None,
        worker_id="worker",
        error=error,
        fingerprint="0123abcd",
        readings=(reading,),
    )


class Commits:
    async def test_everything_comes_back_as_it_was_written(self, store: Store) -> None:
        await know(store)
        run = full_run()
        step = make_open_step(
            run,
            state=OpenState.LEASED,
            attempt=3,
            failures=1,
            losses=2,
            token="t",
            worker_id="worker",
            due_at=after(9),
            start_to_close=timedelta(microseconds=1_500_001),
        )
        attempt = full_attempt(run)
        replay = Replay(
            run_id=run.id,
            source_id="source",
            namespace="default",
            start_steps=("say",),
            kept={"fetch": ("source", "fetch", 1)},
            created_at=START,
            author="ada",
            reason=ODD,
            step_edits={"say": (PatchOp("replace", "/doc", "12345678901234567890"), PatchOp("move", "/a", from_="/b"))},
            new_edits={"say": (PatchOp("remove", "/x"),)},
            input_edit=(PatchOp("add", "/n", "1.0"),),
            new_overrides={"say": {"prompt": "null"}},
            code="same",
            from_beginning=True,
        )
        await commit(store, changes(run, opened=(step,), attempts_added=[(attempt, None)], replays_added=[replay]))
        document = await store.run("default", run.id)
        assert document is not None
        assert (document.run, document.replay) == (run, replay)
        assert (document.open, document.ended) == ((step,), (attempt,))
        assert document.version == make_version()
        facts = (await load(store, run_ids={run.id})).runs[run.id]
        assert (facts.run, facts.replay, facts.version) == (run, replay, make_version())
        assert facts.open == {"say": step}
        assert facts.ended == {"say": Ended(outcome=Outcome.TIMED_OUT, number=2)}
        assert await store.facts([run.id, "nobody"]) == {run.id: facts}

    async def test_a_plain_run_comes_back_with_its_defaults(self, store: Store) -> None:
        await know(store)
        run = make_run()
        await commit(store, changes(run))
        document = await store.run("default", run.id)
        assert document is not None
        assert document.run == run
        assert (document.replay, document.open, document.ended) == (None, (), ())

    async def test_left_without_commit_a_transaction_changes_nothing(self, store: Store) -> None:
        await know(store)
        run = make_run()
        async with store.transaction() as transaction:
            facts = await transaction.load(Wanted(possible_run_ids={run.id}))
            facts.add_run(RunFacts(run, make_version(), None, {}, {}), b"null")
        with pytest.raises(ZeroDivisionError):
            async with store.transaction():
                raise ZeroDivisionError
        assert await ids(store) == []

    @pytest.mark.parametrize(
        "clash",
        [
            "run exists",
            "step is open",
            "attempt exists",
            "attempt twice",
            "key exists",
            "digest exists",
            "number exists",
            "changed run is missing",
            "changed step is missing",
            "closed step is missing",
        ],
    )
    async def test_a_conflict_leaves_nothing_behind(self, store: Store, clash: str) -> None:
        await know(store)
        there = make_run()
        key = IdempotencyKey("default", "k", there.id, "hash", START)
        step = make_open_step(there)
        attempt = (make_attempt(there), b"1")
        await commit(store, changes(there, opened=(step,), attempts_added=[attempt], keys_added=[key]))
        before = await store.run("default", there.id)

        new, missing = make_run(), make_run()
        written = conflicting(clash, there, missing, key)
        written.runs_added.setdefault(new.id, (new, b"{}"))
        written.opened.setdefault((new.id, "say"), make_open_step(new))
        written.attempts_added.insert(0, (make_attempt(new), b"2"))
        written.events_added.append(make_event(there))
        written.workers_saved["w"] = make_worker(id="w")
        with pytest.raises(StoreConflict):
            await commit(store, written, [claim()])

        assert await ids(store) == [there.id]
        assert await store.run("default", there.id) == before
        assert await store.events("default", there.id) == []
        assert await store.workers("default") == []
        assert len(await store.versions("default", "greet")) == 1
        assert (await store.payloads([new.id], [(new.id, "say", 1)])).outputs == {}
        assert await commit(store, changes(new, opened=(make_open_step(new),)), [claim()])

    async def test_a_run_is_changed_as_a_whole_and_keeps_its_input(self, store: Store) -> None:
        await know(store)
        run = make_run(metadata={"a": "b"})
        await commit(store, changes((run, b'{"n": 1}')))
        ended = msgspec.structs.replace(
            run,
            status=RunStatus.FAILED,
            finished_at=after(5),
            failed_step="say",
            error_type="E",
            error_message="m",
            fingerprint="f",
        )
        await commit(store, Changes(runs_changed={run.id: ended}))
        document = await store.run("default", run.id)
        assert document is not None
        assert document.run == ended
        assert (await store.payloads([run.id], [])).inputs == {run.id: b'{"n": 1}'}

    async def test_steps_are_changed_and_closed(self, store: Store) -> None:
        await know(store)
        run = make_run()
        first, second = make_open_step(run, step="first"), make_open_step(run, step="second")
        await commit(store, changes(run, opened=(first, second)))
        retrying = msgspec.structs.replace(first, state=OpenState.RETRYING, failures=1, due_at=after(1))
        await commit(store, changes(changed=(retrying,), closed=(second,)))
        assert (await load(store, run_ids={run.id})).runs[run.id].open == {"first": retrying}
        assert await store.ready_routes() == set()

    async def test_only_what_exists_is_loaded(self, store: Store) -> None:
        await know(store)
        run, worker = make_run(), make_worker()
        key = IdempotencyKey("default", ODD, run.id, "hash", START)
        await commit(store, changes(run, keys_added=[key], workers_saved={worker.id: worker}))
        facts = await load(
            store,
            run_ids={"nobody"},
            possible_run_ids={run.id, "never"},
            keys={("default", ODD), ("default", "other"), ("elsewhere", ODD)},
            worker_ids={worker.id, "nobody"},
            workflows={("default", "greet"), ("default", "nothing"), ("elsewhere", "greet")},
            digests={("default", "greet", "greet-1"), ("default", "greet", "greet-2")},
        )
        assert set(facts.runs) == {run.id}
        assert facts.keys == {("default", ODD): key}
        assert facts.workers == {worker.id: worker}
        assert facts.latest == {("default", "greet"): make_version()}
        assert facts.versions == {("default", "greet", "greet-1"): make_version()}

    async def test_the_runs_leased_to_a_worker_are_loaded(self, store: Store) -> None:
        await know(store)
        mine, other, waiting = make_run(), make_run(), make_run()
        await queue(store, mine)
        await commit(store, Changes(), [claim(worker_id="mine")])
        await queue(store, other)
        await commit(store, Changes(), [claim(worker_id="other")])
        await queue(store, waiting)
        assert set((await load(store, leases_of={"mine"})).runs) == {mine.id}
        assert set((await load(store, leases_of={"mine", "other", "nobody"})).runs) == {mine.id, other.id}

    async def test_loaded_facts_are_ones_own(self, store: Store) -> None:
        await know(store)
        run = make_run()
        await queue(store, run)
        facts = await load(store, run_ids={run.id})
        facts.runs[run.id].open.clear()
        facts.runs[run.id].ended["say"] = Ended(outcome=Outcome.LOST, number=9)
        again = (await load(store, run_ids={run.id})).runs[run.id]
        assert set(again.open) == {"say"}
        assert again.ended == {}

    async def test_versions_are_numbered_by_whoever_registers_them(self, store: Store) -> None:
        await know(store)
        second = make_version(digest="greet-2", number=2, definition=make_definition("greet", "say", "wave"))
        await commit(store, changes(versions_added=[second]))
        facts = await load(store, workflows={("default", "greet")})
        assert facts.latest == {("default", "greet"): second}
        assert [version.number for version in await store.versions("default", "greet")] == [2, 1]

    async def test_a_worker_is_saved_again_and_again(self, store: Store) -> None:
        worker = make_worker(labels={"gpu": "yes"}, workflows={"greet": "greet-1"})
        later = msgspec.structs.replace(worker, seen_at=after(3), lease_until_at=after(18), running=4)
        await commit(store, changes(workers_saved={worker.id: worker}))
        await commit(store, changes(workers_saved={worker.id: later}))
        assert await store.workers("default") == [later]


def conflicting(clash: str, there: Run, missing: Run, key: IdempotencyKey) -> Changes:
    """Changes that cannot be: they take something for granted that is not so."""
    ended = msgspec.structs.replace(missing, status=RunStatus.CANCELLED, finished_at=after(1))
    again = (make_attempt(there), b"other")
    new = (make_attempt(there, number=2), b"3")
    return {
        "run exists": changes(there),
        "step is open": changes(opened=(make_open_step(there, priority=5),)),
        "attempt exists": changes(attempts_added=[again]),
        "attempt twice": changes(attempts_added=[new, new]),
        "key exists": changes(keys_added=[msgspec.structs.replace(key, run_id=missing.id)]),
        "digest exists": changes(versions_added=[make_version(number=2)]),
        "number exists": changes(versions_added=[make_version(digest="other")]),
        "changed run is missing": Changes(runs_changed={missing.id: ended}),
        "changed step is missing": changes(changed=(make_open_step(missing),)),
        "closed step is missing": changes(closed=(make_open_step(missing),)),
    }[clash]
