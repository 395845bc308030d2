"""Bulk replays and the failure inbox."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from mulligan.core.bulk import Bulk, BulkItem, BulkState, ItemState, Progress
from mulligan.core.facts import Changes
from mulligan.core.inbox import FailureGroup, GroupNote, GroupStatus
from mulligan.core.query import RunFilter
from mulligan.core.records import Run, RunStatus
from mulligan.errors import StoreConflict
from mulligan.ports.store import Bucket, Store
from mulligan.testing.exercise_store.talk import commit, know, load
from mulligan.testing.factories import START, after, changes, make_run, new_id


def make_bulk(**given: Any) -> Bulk:
    defaults: dict[str, Any] = {
        "id": new_id(),
        "namespace": "default",
        "created_at": START,
        "author": "ada",
        "reason": "outage",
        "query": "status:failed",
        "request": "{}",
        "matched": 3,
        "total": 3,
        "stages": (1, 3),
    }
    return Bulk(**{**defaults, **given})


def items_for(bulk: Bulk, *sources: Run) -> list[BulkItem]:
    return [BulkItem(bulk.id, bulk.namespace, position, run.id) for position, run in enumerate(sources)]


def saved(*records: Bulk | BulkItem) -> Changes:
    """Changes that add the bulk replays and save the items given."""
    written = Changes()
    for record in records:
        if isinstance(record, Bulk):
            written.bulks_added[record.id] = record
        else:
            written.bulk_items_saved[record.bulk_id, record.position] = record
    return written


def failed(fingerprint: str | None = "f", **given: Any) -> Run:
    defaults: dict[str, Any] = {
        "status": RunStatus.FAILED,
        "finished_at": after(1),
        "failed_step": "say",
        "error_type": "app.Broken",
        "error_message": "no",
        "fingerprint": fingerprint,
    }
    return make_run(**{**defaults, **given})


class Bulks:
    async def test_a_bulk_replay_is_added_once_and_changed_again_and_again(self, store: Store) -> None:
        bulk = make_bulk(rate=2.5, stop_after=3, stop_on_new=True)
        await commit(store, saved(bulk))
        assert await store.bulk("default", bulk.id) == bulk
        paused = msgspec.structs.replace(
            bulk, state=BulkState.PAUSED, state_at=after(1), state_by="bob", forgiven_fingerprints=("f",)
        )
        await commit(store, Changes(bulks_changed={bulk.id: paused}))
        assert await store.bulk("default", bulk.id) == paused
        assert (await load(store, bulk_ids={bulk.id, "nobody"})).bulks == {bulk.id: paused}
        again = msgspec.structs.replace(bulk, reason="another")
        unknown = make_bulk(id="nobody")
        refused = (saved(again, *items_for(again, make_run())), Changes(bulks_changed={"nobody": unknown}))
        for each in refused:
            with pytest.raises(StoreConflict):
                await commit(store, each)
        assert await store.bulk("default", bulk.id) == paused
        assert await store.bulk_items("default", bulk.id, None, -1, 10) == []
        assert await store.bulk("other", bulk.id) is None
        assert await store.bulk("default", "nobody") is None

    async def test_bulk_replays_are_listed_newest_first_whatever_their_ids(self, store: Store) -> None:
        """Those made with an idempotency key have ids that no clock had a part in."""
        made = [
            make_bulk(id=name, created_at=after(at), state=state, reason='"created_at":"\x00\N{SNOWMAN}Z"')
            for name, at, state in (
                ("d", 0, BulkState.RUNNING),
                ("a", 0.5, BulkState.FINISHED),
                ("c", 0.500001, BulkState.STOPPED),
                ("b", 1, BulkState.RUNNING),
                ("e", 1, BulkState.RUNNING),
            )
        ]
        await commit(store, saved(*made, make_bulk(namespace="other")))
        assert await store.bulks("default", 10) == made[::-1]
        assert await store.bulks("default", 2) == [made[4], made[3]]
        assert await store.bulks("nobody", 10) == []

    async def test_all_running_bulk_replays_are_found_page_by_page(self, store: Store) -> None:
        running = [make_bulk(id=name, namespace=f"of {name}") for name in "abcde"]
        still = [make_bulk(id=f"b{state}", state=state) for state in BulkState if state is not BulkState.RUNNING]
        await commit(store, saved(*still, *reversed(running)))
        assert await store.running_bulks("", 2) == running[:2]
        assert await store.running_bulks("b", 2) == running[2:4]
        assert await store.running_bulks("d", 2) == running[4:]
        assert await store.running_bulks("e", 2) == []

    async def test_items_come_by_position_with_the_runs_that_they_made(self, store: Store) -> None:
        await know(store)
        sources = [failed() for _ in range(4)]
        bulk = make_bulk(total=4)
        items = items_for(bulk, *sources)
        await commit(store, changes(*sources, bulks_added={bulk.id: bulk}))
        await commit(store, saved(*items))
        assert await store.bulk_items("default", bulk.id, None, -1, 10) == [(item, None) for item in items]
        made = make_run(source_id=sources[0].id, family_id=sources[0].id, bulk_id=bulk.id)
        started = msgspec.structs.replace(items[0], state=ItemState.STARTED, run_id=made.id)
        pruned = msgspec.structs.replace(items[1], state=ItemState.STARTED, run_id="pruned")
        refused = msgspec.structs.replace(items[2], state=ItemState.REFUSED, problem="its input does not fit")
        await commit(store, changes(made))
        await commit(store, saved(refused, started, pruned))
        now = [(started, made), (pruned, None), (refused, None), (items[3], None)]
        assert await store.bulk_items("default", bulk.id, None, -1, 10) == now
        assert await store.bulk_items("default", bulk.id, None, 0, 2) == now[1:3]
        assert await store.bulk_items("default", bulk.id, ItemState.WAITING, -1, 10) == now[3:]
        assert await store.bulk_items("default", bulk.id, ItemState.STARTED, 0, 10) == now[1:2]
        assert await store.bulk_items("other", bulk.id, None, -1, 10) == []
        document = await store.run("default", made.id)
        assert document is not None
        assert document.run.bulk_id == bulk.id

    async def test_progress_counts_items_and_what_became_of_their_runs(self, store: Store) -> None:
        await know(store)
        sources = [failed("old"), failed("other"), failed(None), failed("old"), failed("old"), failed("old")]
        bulk, another = make_bulk(total=6), make_bulk()
        items = items_for(bulk, *sources)
        of_bulk: dict[str, Any] = {"bulk_id": bulk.id, "source_id": sources[0].id, "family_id": sources[0].id}
        runs = [
            make_run(**of_bulk),
            make_run(**of_bulk, status=RunStatus.SUCCEEDED, finished_at=after(2)),
            failed("old", **of_bulk),
            failed("new", **of_bulk),
            make_run(**of_bulk, status=RunStatus.CANCELLED, finished_at=after(2), fingerprint="cancelled"),
            failed("elsewhere", bulk_id=another.id),
        ]
        started = [
            msgspec.structs.replace(item, state=ItemState.STARTED, run_id=run.id)
            for item, run in zip(items, runs[:4], strict=False)
        ]
        refused = msgspec.structs.replace(items[4], state=ItemState.REFUSED, problem="no")
        await commit(store, changes(*sources, *runs))
        await commit(store, saved(bulk, another, *started, refused, items[5]))
        assert await store.bulk_progress(bulk.id) == Progress(
            waiting=1, started=4, refused=1, running=1, succeeded=1, failed=3, new_fingerprints=("new",)
        )
        assert await store.bulk_progress("nobody") == Progress(0, 0, 0, 0, 0, 0)

    async def test_the_ids_of_matching_runs_are_found_newest_first(self, store: Store) -> None:
        await know(store)
        runs = [failed(), make_run(), failed(), failed()]
        await commit(store, changes(*runs))
        wanted = RunFilter(statuses=("failed",))
        assert await store.find_run_ids("default", wanted, 10) == [runs[3].id, runs[2].id, runs[0].id]
        assert await store.find_run_ids("default", wanted, 2) == [runs[3].id, runs[2].id]
        assert await store.find_run_ids("other", wanted, 10) == []


class Inbox:
    async def test_failed_runs_are_grouped_by_fingerprint(self, store: Store) -> None:
        await know(store)
        few = [failed("few", finished_at=after(1)), failed("few", finished_at=after(9), error_message="newest")]
        many = [failed("many", version=f"greet-{n % 2 + 1}", finished_at=after(5 - n)) for n in range(7)]
        tied = [failed("tied", finished_at=after(3)), failed("tied", finished_at=after(2))]
        others = [
            failed(None),
            make_run(status=RunStatus.CANCELLED, finished_at=after(1), fingerprint="few"),
            make_run(failed_step="say", error_type="app.Broken", fingerprint="few"),
        ]
        await know(store, namespace="other")
        theirs = failed("few", namespace="other")
        note = GroupNote("default", "few", GroupStatus.SNOOZED, after(4), "ada", "known", until_more=5)
        written = changes(*few, *many, *tied, *others, theirs, notes_saved={("default", "few"): note})
        await commit(store, written)
        groups = await store.failure_groups("default", None, None, 10)
        assert [(group.fingerprint, group.count) for group in groups] == [("many", 7), ("few", 2), ("tied", 2)]
        newest_first = [run.id for run in reversed(many)]
        assert groups[0].samples == tuple(newest_first[:5])
        assert groups[0].versions == ("greet-1", "greet-2")
        assert groups[1] == FailureGroup(
            namespace="default",
            fingerprint="few",
            workflow="greet",
            step="say",
            error_type="app.Broken",
            error_message="newest",
            count=2,
            first_at=after(1),
            last_at=after(9),
            versions=("greet-1",),
            samples=(few[1].id, few[0].id),
            note=note,
            more=1,
        )
        assert await store.failure_groups("default", None, None, 1) == groups[:1]
        assert await store.failure_groups("default", None, "tied", 10) == groups[2:]
        assert await store.failure_groups("default", None, "nonesuch", 10) == []
        [elsewhere] = await store.failure_groups("other", None, None, 10)
        assert (elsewhere.samples, elsewhere.note) == ((theirs.id,), None)

    async def test_only_runs_created_since_then_are_grouped(self, store: Store) -> None:
        await know(store)
        old, new = failed(created_at=after(0)), failed(created_at=after(10), finished_at=after(12))
        again = make_run(source_id=old.id, status=RunStatus.SUCCEEDED, finished_at=after(20))
        await commit(store, changes(old, new, again))
        [group] = await store.failure_groups("default", after(10), None, 10)
        assert (group.count, group.samples, group.first_at, group.replayed) == (1, (new.id,), after(12), 0)
        assert await store.failure_groups("default", after(10.000001), None, 10) == []

    async def test_a_group_tells_how_many_runs_were_replayed_and_recovered(self, store: Store) -> None:
        await know(store)
        sources = [failed() for _ in range(4)]

        def replay(number: int, status: RunStatus) -> Run:
            source = sources[number]
            ended = None if status is RunStatus.RUNNING else after(9)
            return make_run(source_id=source.id, family_id=source.id, status=status, finished_at=ended)

        replays = [
            replay(0, RunStatus.SUCCEEDED),
            replay(0, RunStatus.CANCELLED),
            replay(0, RunStatus.SUCCEEDED),
            replay(1, RunStatus.RUNNING),
            replay(2, RunStatus.CANCELLED),
        ]
        await commit(store, changes(*sources, *replays))
        [group] = await store.failure_groups("default", None, None, 10)
        assert (group.count, group.replayed, group.recovered) == (4, 3, 1)

    async def test_the_last_note_about_a_group_counts(self, store: Store) -> None:
        await know(store)
        resolved = GroupNote("default", "f", GroupStatus.RESOLVED, after(5), "ada", versions=("greet-1",))
        opened = msgspec.structs.replace(resolved, status=GroupStatus.OPEN, at=after(6), until_at=after(60))
        await commit(store, changes(failed(), notes_saved={("default", "f"): resolved}))
        await commit(store, Changes(notes_saved={("default", "f"): opened}))
        [group] = await store.failure_groups("default", None, "f", 10)
        assert group.note == opened

    async def test_what_a_snooze_waits_for_is_counted_whatever_part_of_the_group_is_asked_for(
        self, store: Store
    ) -> None:
        await know(store)
        await know(store, namespace="other")
        until = GroupNote("default", "f", GroupStatus.SNOOZED, after(5), "ada", until_more=2)
        runs = [failed(created_at=after(at), finished_at=after(at + 2)) for at in (1, 3, 3.000001, 4, 8)]
        others = [
            failed("g", created_at=after(8), finished_at=after(9)),
            failed(namespace="other", created_at=after(8), finished_at=after(9)),
            make_run(status=RunStatus.CANCELLED, finished_at=after(9), fingerprint="f"),
        ]
        await commit(store, changes(*runs, *others, notes_saved={("default", "f"): until}))
        for since, count in ((None, 5), (after(8), 1)):
            [group] = await store.failure_groups("default", since, "f", 10)
            assert (group.count, group.more) == (count, 3)
        [elsewhere] = await store.failure_groups("other", None, "f", 10)
        assert elsewhere.more == 0
        for_a_while = msgspec.structs.replace(until, until_more=None, until_at=after(60))
        await commit(store, Changes(notes_saved={("default", "f"): for_a_while}))
        [group] = await store.failure_groups("default", None, "f", 10)
        assert group.more == 0

    @pytest.mark.parametrize("namespace", ["default", "other"])
    async def test_the_activity_of_groups_is_counted_in_buckets(self, store: Store, namespace: str) -> None:
        await know(store)
        created = {"a": (-1, 0, 59, 60, 200), "b": (61,), "c": (0,)}
        runs = [
            failed(mark, created_at=after(at), finished_at=after(300)) for mark, ats in created.items() for at in ats
        ]
        cancelled = make_run(status=RunStatus.CANCELLED, finished_at=after(1), fingerprint="a")
        await commit(store, changes(*runs, cancelled))
        activity = await store.group_activity(namespace, ["a", "b", "nonesuch"], START, 60)
        expected = {
            "a": [Bucket(after(0), {"failed": 2}), Bucket(after(60), {"failed": 1}), Bucket(after(180), {"failed": 1})],
            "b": [Bucket(after(60), {"failed": 1})],
        }
        assert activity == (expected if namespace == "default" else {})
