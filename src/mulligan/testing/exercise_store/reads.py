"""What the dashboard reads, and that nobody sees another namespace."""

from __future__ import annotations

import msgspec

from mulligan.core.facts import Changes
from mulligan.core.query import RunFilter
from mulligan.core.records import AccessToken, Outcome, Replay, RunStatus, WorkerState
from mulligan.ports.store import RunDocument, Store
from mulligan.testing.exercise_store.talk import ANY, commit, ids, know
from mulligan.testing.factories import (
    START,
    after,
    changes,
    make_attempt,
    make_event,
    make_log_line,
    make_open_step,
    make_run,
    make_variable,
    make_version,
    make_worker,
)


class Reads:
    async def test_a_run_is_shown_with_its_attempts_in_order(self, store: Store) -> None:
        await know(store)
        run = make_run()
        attempts = [
            make_attempt(run, step="b", finished_at=after(4)),
            make_attempt(run, step="a", number=2, finished_at=after(3)),
            make_attempt(run, step="a", number=1, finished_at=after(1), outcome=Outcome.FAILED),
            make_attempt(run, step="c", finished_at=after(3)),
        ]
        steps = (make_open_step(run, step="z"), make_open_step(run, step="d"))
        written = changes(run, opened=steps, attempts_added=[(attempt, None) for attempt in attempts])
        await commit(store, written)
        document = await store.run("default", run.id)
        assert isinstance(document, RunDocument)
        assert [(attempt.step, attempt.number) for attempt in document.ended] == [
            ("a", 1),
            ("a", 2),
            ("c", 1),
            ("b", 1),
        ]
        assert [step.step for step in document.open] == ["d", "z"]
        assert await store.run("default", "nobody") is None

    async def test_events_are_in_the_order_of_their_time(self, store: Store) -> None:
        await know(store)
        run, other = make_run(), make_run()
        second = make_event(run, at=after(2), kind="b", step="say", attempt=1, actor="ada", detail='{"n": 1}')
        first = make_event(run, at=after(1), kind="a")
        third = make_event(run, at=after(2), kind="a")
        await commit(store, changes(run, other, events_added=[second, make_event(other)]))
        await commit(store, changes(events_added=[first, third]))
        assert await store.events("default", run.id) == [first, second, third]

    async def test_log_lines_are_followed_by_position(self, store: Store) -> None:
        await know(store)
        run, other = make_run(), make_run()
        lines = [make_log_line(run, f"line {n}", step="a" if n % 2 else "b", attempt=1 + n // 3) for n in range(6)]
        await commit(store, changes(run, other, logs_added=[*lines[:3], make_log_line(other, "theirs")]))
        await commit(store, changes(logs_added=lines[3:]))
        found = await store.logs("default", run.id, None, None, 0, 100)
        assert [line for _, line in found] == lines
        positions = [position for position, _ in found]
        assert positions == sorted(set(positions))
        assert positions[0] >= 1
        assert await store.logs("default", run.id, None, None, positions[2], 2) == found[3:5]
        assert [line for _, line in await store.logs("default", run.id, "a", None, 0, 100)] == lines[1::2]
        assert [line for _, line in await store.logs("default", run.id, "a", 2, 0, 100)] == [lines[3], lines[5]]
        assert await store.logs("default", run.id, None, None, positions[-1], 100) == []

    async def test_a_family_is_shown_oldest_first(self, store: Store) -> None:
        await know(store)
        source = make_run()
        stranger = make_run()
        child = make_run(family_id=source.id, source_id=source.id, generation=1)
        grandchild = make_run(family_id=source.id, source_id=child.id, generation=2)
        replays = [
            Replay(run.id, str(run.source_id), "default", ("say",), {}, START, "ada") for run in (child, grandchild)
        ]
        await commit(store, changes(grandchild, source, stranger, child, replays_added=replays))
        found = await store.family("default", source.id)
        assert found == [(source, None), (child, replays[0]), (grandchild, replays[1])]
        assert await store.family("default", child.id) == []

    async def test_versions_are_shown_newest_first_or_the_latest_of_each(self, store: Store) -> None:
        await know(store, "greet", "alpha")
        second = make_version(digest="greet-2", number=2)
        tenth = make_version(digest="greet-10", number=10)
        await commit(store, changes(versions_added=[tenth, second]))
        assert await store.versions("default", "greet") == [tenth, second, make_version()]
        assert await store.versions("default", None) == [make_version(workflow="alpha"), tenth]
        assert await store.versions("default", "nothing") == []

    async def test_a_version_is_found_by_its_number_or_digest(self, store: Store) -> None:
        await know(store, "greet", "alpha")
        second = make_version(digest="greet-2", number=2)
        tenth = make_version(digest="greet-10", number=10)
        await commit(store, changes(versions_added=[tenth, second]))
        assert await store.version("default", "greet", None) == tenth
        assert await store.version("default", "greet", "2") == second
        assert await store.version("default", "greet", "greet-2") == second
        for unknown in ("3", "02", "", "greet-3", make_version(workflow="alpha").digest):
            assert await store.version("default", "greet", unknown) is None
        assert await store.version("default", "nothing", None) is None
        assert await store.version("elsewhere", "greet", None) is None

    async def test_a_variable_is_shown_as_last_seen(self, store: Store) -> None:
        old, other = make_variable("prompt"), make_variable("model", step="pick")
        new = make_variable("prompt", default='"hi"', line=9, seen_at=after(5))
        seen = {("default", "greet", "say", "prompt"): old, ("default", "greet", "pick", "model"): other}
        await commit(store, changes(variables_seen=seen))
        await commit(store, changes(variables_seen={("default", "greet", "say", "prompt"): new}))
        assert await store.variables("default", "greet") == [other, new]
        assert await store.variables("default", "nothing") == []

    async def test_workers_that_went_long_ago_are_not_shown(self, store: Store) -> None:
        now = after(7_200)
        alive = make_worker(name="a", seen_at=now)
        idle = make_worker(name="b", seen_at=after(0), state=WorkerState.DRAINING)
        recent = make_worker(name="c", seen_at=after(3_600), state=WorkerState.GONE)
        old = make_worker(name="d", seen_at=after(3_599), state=WorkerState.GONE)
        await commit(store, changes(workers_saved={w.id: w for w in (old, recent, idle, alive)}))
        assert await store.workers("default") == [alive, idle, recent]

    async def test_tokens_are_saved_and_revoked(self, store: Store) -> None:
        mine = AccessToken("a", "default", "laptop", "00ff", ("read", "worker"), after(1))
        theirs = AccessToken("b", "other", "ci", "11ee", (), after(0), expires_at=after(9))
        await store.save_token(mine)
        await store.save_token(theirs)
        assert await store.tokens(None) == [theirs, mine]
        revoked = msgspec.structs.replace(mine, revoked_at=after(2))
        await store.save_token(revoked)
        assert await store.tokens("default") == [revoked]

    async def test_nobody_sees_another_namespace(self, store: Store) -> None:
        await know(store)
        await know(store, "greet", "secret", namespace="other")
        run = make_run(namespace="other", workflow="secret")
        written = changes(
            run,
            opened=(make_open_step(run),),
            attempts_added=[(make_attempt(run), b"1")],
            events_added=[make_event(run)],
            logs_added=[make_log_line(run, "hush")],
            variables_seen={("other", "secret", "say", "p"): make_variable("p", namespace="other", workflow="secret")},
            workers_saved={"w": make_worker(id="w", namespace="other")},
        )
        await commit(store, written)
        for namespace, seen in (("default", 0), ("other", 1)):
            assert len(await ids(store, namespace=namespace)) == seen
            assert len(await ids(store, RunFilter(ids=(run.id,)), namespace)) == seen
            assert sum((await store.count_runs(namespace, ANY)).values()) == seen
            assert len(await store.histogram(namespace, ANY, START, 60)) == seen
            assert (await store.run(namespace, run.id) is not None) == bool(seen)
            assert len(await store.family(namespace, run.id)) == seen
            assert len(await store.events(namespace, run.id)) == seen
            assert len(await store.logs(namespace, run.id, None, None, 0, 10)) == seen
            assert len(await store.versions(namespace, "secret")) == seen
            assert len(await store.versions(namespace, None)) == 1 + seen
            assert len(await store.variables(namespace, "secret")) == seen
            assert len(await store.workers(namespace)) == seen

    async def test_runs_are_paged_newest_first(self, store: Store) -> None:
        await know(store)
        runs = [make_run() for _ in range(7)]
        await commit(store, changes(*runs[3:], *runs[:3]))
        pages, before = [], None
        while page := await store.find_runs("default", ANY, before, 3):
            before = page[-1].run.id
            pages.append([row.run.id for row in page])
        newest_first = [run.id for run in reversed(runs)]
        assert pages == [newest_first[:3], newest_first[3:6], newest_first[6:]]

    async def test_a_row_shows_the_version_and_whether_the_run_has_started(self, store: Store) -> None:
        await know(store)
        await commit(store, changes(versions_added=[make_version(digest="greet-2", number=2)]))
        waiting, leased, between = make_run(), make_run(version="greet-2"), make_run()
        done = make_run(status=RunStatus.CANCELLED, finished_at=after(1))
        steps = (make_open_step(waiting), make_open_step(leased, attempt=1))
        tried = [(make_attempt(between, outcome=Outcome.FAILED), None)]
        await commit(store, changes(waiting, leased, between, done, opened=steps, attempts_added=tried))
        shown = {
            row.run.id: (row.version_number, row.started) for row in await store.find_runs("default", ANY, None, 9)
        }
        assert shown == {waiting.id: (1, False), leased.id: (2, True), between.id: (1, True), done.id: (1, True)}
        assert await store.count_runs("default", ANY) == {"queued": 1, "running": 2, "cancelled": 1}

    async def test_a_histogram_counts_by_the_time_of_creation(self, store: Store) -> None:
        await know(store)
        failed = RunStatus.FAILED
        runs = [
            make_run(created_at=after(-0.000001)),
            make_run(created_at=after(0), status=failed, finished_at=after(1)),
            make_run(created_at=after(59.999999), status=failed, finished_at=after(70)),
            make_run(created_at=after(59)),
            make_run(created_at=after(180)),
        ]
        await commit(store, changes(*runs))
        first, last = await store.histogram("default", ANY, START, 60)
        assert (first.at, first.counts) == (after(0), {"failed": 2, "queued": 1})
        assert (last.at, last.counts) == (after(180), {"queued": 1})
        only_failed = await store.histogram("default", RunFilter(statuses=("failed",)), START, 60)
        assert [bucket.counts for bucket in only_failed] == [{"failed": 2}]
        assert await store.histogram("default", ANY, after(181), 60) == []

    async def test_readers_see_what_was_committed(self, store: Store) -> None:
        await know(store)
        for number in range(20):
            run = make_run()
            await commit(store, changes(run))
            assert len(await ids(store)) == number + 1
            ended = msgspec.structs.replace(run, status=RunStatus.SUCCEEDED, finished_at=after(1))
            await commit(store, Changes(runs_changed={run.id: ended}))
            assert await store.count_runs("default", ANY) == {"succeeded": number + 1}
