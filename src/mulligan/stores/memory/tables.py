"""The facts as dictionaries, and what it means to write changes and to claim work.

Records are immutable, so they are shared with the readers and never copied.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from heapq import merge
from itertools import islice
from typing import Any

import msgspec

from mulligan.core.bulk import Bulk, BulkItem, BulkState
from mulligan.core.facts import Changes, Claim, DocumentKey, Ended, RunFacts, StepKey
from mulligan.core.inbox import GroupNote
from mulligan.core.limits import bounded
from mulligan.core.records import (
    AccessToken,
    Attempt,
    Document,
    IdempotencyKey,
    LogLine,
    OpenState,
    OpenStep,
    OutputRef,
    Replay,
    Run,
    RunEvent,
    RunStatus,
    Variable,
    Version,
    Worker,
    WorkerState,
)
from mulligan.errors import StoreConflict

Place = tuple[int, datetime, str, str]
"""Where a ready step stands in its route's queue: (-priority, queued_at, run id, step)."""


def place_of(step: OpenStep) -> Place:
    return (-step.priority, step.queued_at, step.run_id, step.step)


class SortedRows(list[Any]):
    """A list of distinct tuples that stays sorted."""

    def add(self, row: tuple[Any, ...]) -> None:
        insort(self, row)

    def discard(self, row: tuple[Any, ...]) -> None:
        del self[bisect_left(self, row)]


@dataclass(slots=True)
class Tables:
    """Every fact, and the three indexes that the hot questions need: ready steps, due steps, leases by worker."""

    runs: dict[str, Run] = field(default_factory=dict)
    inputs: dict[str, bytes] = field(default_factory=dict)
    replays: dict[str, Replay] = field(default_factory=dict)
    open: dict[str, dict[str, OpenStep]] = field(default_factory=dict)
    attempts: dict[str, dict[str, list[Attempt]]] = field(default_factory=dict)
    outputs: dict[OutputRef, bytes] = field(default_factory=dict)
    events: dict[str, list[RunEvent]] = field(default_factory=dict)
    logs: dict[str, list[tuple[int, LogLine]]] = field(default_factory=dict)
    last_log: int = 0
    keys: dict[tuple[str, str], IdempotencyKey] = field(default_factory=dict)
    keys_of: dict[str, list[IdempotencyKey]] = field(default_factory=dict)
    versions: dict[tuple[str, str], list[Version]] = field(default_factory=dict)
    variables: dict[tuple[str, str, str, str], Variable] = field(default_factory=dict)
    workers: dict[str, Worker] = field(default_factory=dict)
    tokens: dict[str, AccessToken] = field(default_factory=dict)
    bulks: dict[str, Bulk] = field(default_factory=dict)
    bulk_items: dict[str, dict[int, BulkItem]] = field(default_factory=dict)
    notes: dict[tuple[str, str], GroupNote] = field(default_factory=dict)
    documents: dict[DocumentKey, Document] = field(default_factory=dict)
    ready: dict[tuple[str, str], SortedRows] = field(default_factory=dict)
    due: SortedRows = field(default_factory=SortedRows)
    leases: dict[str, set[StepKey]] = field(default_factory=dict)

    # reading

    def version(self, namespace: str, workflow: str, digest: str) -> Version | None:
        known = self.versions.get((namespace, workflow), ())
        return next((version for version in known if version.digest == digest), None)

    def run_facts(self, run_id: str) -> RunFacts | None:
        run = self.runs.get(run_id)
        if run is None:
            return None
        version = self.version(run.namespace, run.workflow, run.version)
        assert version is not None, f"run {run_id} points at a version that was never registered"
        ended = {
            step: Ended(outcome=tries[-1].outcome, number=tries[-1].number)
            for step, tries in self.attempts.get(run_id, {}).items()
        }
        return RunFacts(run, version, self.replays.get(run_id), dict(self.open.get(run_id, {})), ended)

    def open_step(self, key: StepKey) -> OpenStep | None:
        return self.open.get(key[0], {}).get(key[1])

    def find_attempt(self, run_id: str, step: str, number: int) -> Attempt | None:
        tries = self.attempts.get(run_id, {}).get(step, ())
        return next((attempt for attempt in tries if attempt.number == number), None)

    # writing

    def check(self, changes: Changes) -> None:
        """Raise ``StoreConflict`` before anything is written, so that a refused commit needs no undoing."""
        for run_id in changes.runs_added:
            refuse(run_id in self.runs, "run", run_id)
        for run_id in changes.runs_changed:
            refuse(run_id not in self.runs, "changed run", run_id)
        for key in changes.opened:
            refuse(self.open_step(key) is not None, "open step", key)
        for key in (*changes.changed, *changes.closed):
            refuse(self.open_step(key) is None, "changed step", key)
        refuse_repeats("attempt", ((a.run_id, a.step, a.number) for a, _ in changes.attempts_added))
        for attempt, _ in changes.attempts_added:
            known = self.find_attempt(attempt.run_id, attempt.step, attempt.number)
            refuse(known is not None, "attempt", (attempt.run_id, attempt.step, attempt.number))
        refuse_repeats("idempotency key", ((key.namespace, key.key) for key in changes.keys_added))
        for given in changes.keys_added:
            refuse((given.namespace, given.key) in self.keys, "idempotency key", given.key)
        refuse_repeats("version", ((v.namespace, v.workflow, v.digest) for v in changes.versions_added))
        refuse_repeats("version number", ((v.namespace, v.workflow, v.number) for v in changes.versions_added))
        for new in changes.versions_added:
            for old in self.versions.get((new.namespace, new.workflow), ()):
                refuse(old.digest == new.digest or old.number == new.number, "version", (new.workflow, new.number))
        self.check_bulks(changes)

    def check_bulks(self, changes: Changes) -> None:
        for bulk_id in changes.bulks_added:
            refuse(bulk_id in self.bulks, "bulk replay", bulk_id)
        for bulk_id in changes.bulks_changed:
            refuse(bulk_id not in self.bulks, "changed bulk replay", bulk_id)

    def write(self, changes: Changes) -> None:
        for run, run_input in changes.runs_added.values():
            self.runs[run.id] = run
            self.inputs[run.id] = run_input
        self.runs.update(changes.runs_changed)
        for replay in changes.replays_added:
            self.replays[replay.run_id] = replay
        for key in changes.closed:
            self._replace(key, None)
        for key, step in (*changes.opened.items(), *changes.changed.items()):
            self._replace(key, step)
        for attempt, output in changes.attempts_added:
            insort(
                self.attempts.setdefault(attempt.run_id, {}).setdefault(attempt.step, []),
                attempt,
                key=lambda each: each.number,
            )
            if output is not None:
                self.outputs[(attempt.run_id, attempt.step, attempt.number)] = output
        self._write_history(changes)
        self._write_kept(changes)

    def _write_kept(self, changes: Changes) -> None:
        """What is no run, nor a part of one."""
        for version in changes.versions_added:
            self.versions.setdefault((version.namespace, version.workflow), []).append(version)
        self.variables.update(changes.variables_seen)
        self.workers.update(changes.workers_saved)
        self.bulks.update(changes.bulks_added)
        self.bulks.update(changes.bulks_changed)
        for item in changes.bulk_items_saved.values():
            self.bulk_items.setdefault(item.bulk_id, {})[item.position] = item
        self.notes.update(changes.notes_saved)
        for key, document in changes.documents_saved.items():
            if document is None:
                self.documents.pop(key, None)
            else:
                self.documents[key] = document

    def _write_history(self, changes: Changes) -> None:
        for event in changes.events_added:
            insort(self.events.setdefault(event.run_id, []), event, key=lambda each: each.at)
        for line in changes.logs_added:
            self.last_log += 1
            self.logs.setdefault(line.run_id, []).append((self.last_log, line))
        for key in changes.keys_added:
            self.keys[(key.namespace, key.key)] = key
            self.keys_of.setdefault(key.run_id, []).append(key)

    def _replace(self, key: StepKey, step: OpenStep | None) -> None:
        """Put ``step`` in place of whatever was open under ``key``, and keep the three indexes true."""
        steps = self.open.setdefault(key[0], {})
        old = steps.pop(key[1], None)
        if old is not None:
            self._forget(old)
        if step is not None:
            steps[key[1]] = step
            self._index(step)
        if not steps:
            del self.open[key[0]]

    def _index(self, step: OpenStep) -> None:
        if step.state is OpenState.READY:
            self.ready.setdefault((step.namespace, step.route), SortedRows()).add(place_of(step))
        if step.due_at is not None:
            self.due.add((step.due_at, step.run_id, step.step))
        if step.state is OpenState.LEASED and step.worker_id is not None:
            self.leases.setdefault(step.worker_id, set()).add((step.run_id, step.step))

    def _forget(self, step: OpenStep) -> None:
        if step.state is OpenState.READY:
            queue = self.ready[(step.namespace, step.route)]
            queue.discard(place_of(step))
            if not queue:
                del self.ready[(step.namespace, step.route)]
        if step.due_at is not None:
            self.due.discard((step.due_at, step.run_id, step.step))
        if step.state is OpenState.LEASED and step.worker_id is not None:
            leases = self.leases[step.worker_id]
            leases.discard((step.run_id, step.step))
            if not leases:
                del self.leases[step.worker_id]

    def lease(self, claim: Claim, now: datetime, token: str) -> list[OpenStep]:
        """Give the foremost ready steps on the claim's routes to its worker."""
        queues = [self.ready[key] for route in claim.routes if (key := (claim.namespace, route)) in self.ready]
        foremost: list[Place] = list(islice(merge(*queues), max(claim.slots, 0)))
        leased = []
        for _, _, run_id, name in foremost:
            step = self.open[run_id][name]
            owned = msgspec.structs.replace(
                step,
                state=OpenState.LEASED,
                attempt=step.attempt + 1,
                token=token,
                worker_id=claim.worker_id,
                since_at=now,
                due_at=None if step.start_to_close is None else now + bounded(step.start_to_close),
            )
            self._replace((run_id, name), owned)
            leased.append(owned)
        return leased

    def prune(self, before: datetime, limit: int) -> int:
        kept = {ref[0] for replay in self.replays.values() for ref in replay.kept.values()}
        ended = [
            (run.created_at, run.id)
            for run in self.runs.values()
            if run.finished_at is not None
            and max(run.created_at, run.finished_at) < before
            and run.status is not RunStatus.RUNNING
        ]
        doomed = [run_id for _, run_id in sorted(ended) if run_id not in kept][:limit]
        for run_id in doomed:
            self._delete_run(run_id)
        for worker in list(self.workers.values()):
            if worker.state is WorkerState.GONE and worker.seen_at < before:
                del self.workers[worker.id]
        self._prune_bulk(before)
        return len(doomed)

    def _prune_bulk(self, before: datetime) -> None:
        in_use = {run.bulk_id for run in self.runs.values()}
        for bulk_id, bulk in sorted(self.bulks.items()):
            still = bulk.state is not BulkState.RUNNING and bulk.state_at is not None and bulk.state_at < before
            if still and bulk_id not in in_use:
                del self.bulks[bulk_id]
                self.bulk_items.pop(bulk_id, None)
                return

    def _delete_run(self, run_id: str) -> None:
        del self.runs[run_id], self.inputs[run_id]
        for step in list(self.open.get(run_id, {})):
            self._replace((run_id, step), None)
        for step, tries in self.attempts.pop(run_id, {}).items():
            for attempt in tries:
                self.outputs.pop((run_id, step, attempt.number), None)
        self.replays.pop(run_id, None)
        self.events.pop(run_id, None)
        self.logs.pop(run_id, None)
        for given in self.keys_of.pop(run_id, ()):
            del self.keys[given.namespace, given.key]


def refuse(broken: bool, what: str, key: object) -> None:
    if broken:
        raise StoreConflict(f"{what} {key!r} is not as the transaction takes for granted")


def refuse_repeats(what: str, keys: Iterable[tuple[object, ...]]) -> None:
    listed: Sequence[tuple[object, ...]] = list(keys)
    refuse(len(set(listed)) != len(listed), what, listed)
