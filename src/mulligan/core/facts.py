"""The facts that a cycle's commands are decided on, and the changes that the decisions make to them.

``Facts`` is the working set of one transaction: loaded from the store, changed in memory by ``decide``, written back
as ``Changes`` in one go. Several commands of one cycle may concern the same run; each sees what those before it did.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

import msgspec

from mulligan.core.bulk import Bulk, BulkItem
from mulligan.core.inbox import GroupNote
from mulligan.core.records import (
    Attempt,
    DeclaredVariable,
    Document,
    DocumentKind,
    IdempotencyKey,
    LogLine,
    OpenStep,
    Outcome,
    OutputRef,
    Reading,
    Record,
    Replay,
    Run,
    RunEvent,
    RunStatus,
    Variable,
    Version,
    Worker,
)

StepKey = tuple[str, str]
"""(run id, step name)"""

Lease = tuple[str, str, str]
"""(run id, step name, token)"""

DocumentKey = tuple[str, DocumentKind, str]
"""(namespace, kind, key)"""


class Ended(Record, frozen=True):
    """The last finished attempt of a step in a run: enough to decide on, without its output."""

    outcome: Outcome
    number: int


class RunFacts(msgspec.Struct, gc=False):
    """All that is decided on for one run. ``ended`` holds the last finished attempt of each step that has one."""

    run: Run
    version: Version
    replay: Replay | None
    open: dict[str, OpenStep]
    ended: dict[str, Ended]


@dataclass(slots=True)
class Wanted:
    """Which facts a batch of commands needs. The store locks the runs in id order where it has to."""

    run_ids: set[str] = field(default_factory=set)
    possible_run_ids: set[str] = field(default_factory=set)
    """Runs that probably do not exist (repeated starts)."""
    keys: set[tuple[str, str]] = field(default_factory=set)
    worker_ids: set[str] = field(default_factory=set)
    leases_of: set[str] = field(default_factory=set)
    """Workers all of whose leased runs are wanted."""
    workflows: set[tuple[str, str]] = field(default_factory=set)
    """(namespace, workflow) whose latest version is wanted."""
    digests: set[tuple[str, str, str]] = field(default_factory=set)
    """(namespace, workflow, digest) of particular versions."""
    bulk_ids: set[str] = field(default_factory=set)
    documents: set[DocumentKey] = field(default_factory=set)

    def __bool__(self) -> bool:
        return any(getattr(self, name) for name in self.__slots__)


@dataclass(frozen=True, slots=True)
class Committed:
    """What one commit touched: runs as (namespace, run id); of the rest, the namespaces.

    ``bulks`` and ``groups``: where bulk replays moved on, and where the failure inbox changed.
    """

    runs: frozenset[tuple[str, str]] = frozenset()
    workers: frozenset[str] = frozenset()
    bulks: frozenset[str] = frozenset()
    groups: frozenset[str] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.runs or self.workers or self.bulks or self.groups)


@dataclass(slots=True)
class Changes:
    """What one transaction writes. Every list is written set-based; nothing here is ever partly applied.

    ``runs_added`` pairs each run with its input. ``runs_changed`` are whole records of runs that were there before.
    ``attempts_added`` pairs each attempt with its output (None unless it succeeded).
    """

    runs_added: dict[str, tuple[Run, bytes]] = field(default_factory=dict)
    runs_changed: dict[str, Run] = field(default_factory=dict)
    replays_added: list[Replay] = field(default_factory=list)
    opened: dict[StepKey, OpenStep] = field(default_factory=dict)
    changed: dict[StepKey, OpenStep] = field(default_factory=dict)
    closed: set[StepKey] = field(default_factory=set)
    attempts_added: list[tuple[Attempt, bytes | None]] = field(default_factory=list)
    events_added: list[RunEvent] = field(default_factory=list)
    logs_added: list[LogLine] = field(default_factory=list)
    keys_added: list[IdempotencyKey] = field(default_factory=list)
    versions_added: list[Version] = field(default_factory=list)
    variables_seen: dict[tuple[str, str, str, str], Variable] = field(default_factory=dict)
    workers_saved: dict[str, Worker] = field(default_factory=dict)
    bulks_added: dict[str, Bulk] = field(default_factory=dict)
    bulks_changed: dict[str, Bulk] = field(default_factory=dict)
    bulk_items_saved: dict[tuple[str, int], BulkItem] = field(default_factory=dict)
    notes_saved: dict[tuple[str, str], GroupNote] = field(default_factory=dict)
    documents_saved: dict[DocumentKey, Document | None] = field(default_factory=dict)
    """None: forgotten."""

    def __bool__(self) -> bool:
        return any(getattr(self, name) for name in self.__slots__)

    def committed(self, leased: Iterable[OpenStep]) -> Committed:
        """What was touched, once these changes and leases are committed."""
        changed = self.runs_changed.values()
        runs = {(run.namespace, run.id) for run, _ in self.runs_added.values()}
        runs.update((run.namespace, run.id) for run in changed)
        for steps in (self.opened.values(), self.changed.values(), leased):
            runs.update((step.namespace, step.run_id) for step in steps)
        runs.update((attempt.namespace, attempt.run_id) for attempt, _ in self.attempts_added)
        runs.update((line.namespace, line.run_id) for line in self.logs_added)
        bulks = {bulk.namespace for bulk in (*self.bulks_added.values(), *self.bulks_changed.values())}
        bulks.update(run.namespace for run in changed if run.bulk_id is not None)
        groups = {namespace for namespace, _ in self.notes_saved}
        groups.update(run.namespace for run in changed if run.status is RunStatus.FAILED)
        workers = frozenset(worker.namespace for worker in self.workers_saved.values())
        return Committed(frozenset(runs), workers, frozenset(bulks), frozenset(groups))


@dataclass(slots=True)
class Facts:
    """The working set of one transaction. Reading is free; every change goes through a method, which records it."""

    runs: dict[str, RunFacts] = field(default_factory=dict)
    keys: dict[tuple[str, str], IdempotencyKey] = field(default_factory=dict)
    workers: dict[str, Worker] = field(default_factory=dict)
    latest: dict[tuple[str, str], Version] = field(default_factory=dict)
    versions: dict[tuple[str, str, str], Version] = field(default_factory=dict)
    bulks: dict[str, Bulk] = field(default_factory=dict)
    documents: dict[DocumentKey, Document] = field(default_factory=dict)
    changes: Changes = field(default_factory=Changes)
    stops: list[OpenStep] = field(default_factory=list)
    """Leases that ended against their worker's will: it is told to stop after the commit."""

    def add_run(self, facts: RunFacts, run_input: bytes) -> None:
        self.runs[facts.run.id] = facts
        self.changes.runs_added[facts.run.id] = (facts.run, run_input)
        if facts.replay is not None:
            self.changes.replays_added.append(facts.replay)

    def change_run(self, run: Run) -> None:
        self.runs[run.id].run = run
        added = self.changes.runs_added.get(run.id)
        if added is not None:
            self.changes.runs_added[run.id] = (run, added[1])
        else:
            self.changes.runs_changed[run.id] = run

    def open_step(self, step: OpenStep) -> None:
        key = (step.run_id, step.step)
        self.runs[step.run_id].open[step.step] = step
        if key in self.changes.closed:
            self.changes.closed.discard(key)
            self.changes.changed[key] = step
        else:
            self.changes.opened[key] = step

    def change_step(self, step: OpenStep) -> None:
        key = (step.run_id, step.step)
        self.runs[step.run_id].open[step.step] = step
        target = self.changes.opened if key in self.changes.opened else self.changes.changed
        target[key] = step

    def close_step(self, step: OpenStep) -> None:
        key = (step.run_id, step.step)
        del self.runs[step.run_id].open[step.step]
        if self.changes.opened.pop(key, None) is None:
            self.changes.changed.pop(key, None)
            self.changes.closed.add(key)

    def add_attempt(self, attempt: Attempt, output: bytes | None = None) -> None:
        self.runs[attempt.run_id].ended[attempt.step] = Ended(outcome=attempt.outcome, number=attempt.number)
        self.changes.attempts_added.append((attempt, output))

    def add_event(self, event: RunEvent) -> None:
        self.changes.events_added.append(event)

    def add_key(self, key: IdempotencyKey) -> None:
        self.keys[(key.namespace, key.key)] = key
        self.changes.keys_added.append(key)

    def add_version(self, version: Version) -> None:
        self.latest[(version.namespace, version.workflow)] = version
        self.versions[(version.namespace, version.workflow, version.digest)] = version
        self.changes.versions_added.append(version)

    def save_worker(self, worker: Worker) -> None:
        self.workers[worker.id] = worker
        self.changes.workers_saved[worker.id] = worker

    def add_bulk(self, bulk: Bulk) -> None:
        self.bulks[bulk.id] = bulk
        self.changes.bulks_added[bulk.id] = bulk

    def change_bulk(self, bulk: Bulk) -> None:
        self.bulks[bulk.id] = bulk
        is_new = bulk.id in self.changes.bulks_added
        target = self.changes.bulks_added if is_new else self.changes.bulks_changed
        target[bulk.id] = bulk

    def save_bulk_items(self, items: Iterable[BulkItem]) -> None:
        self.changes.bulk_items_saved.update({(item.bulk_id, item.position): item for item in items})

    def save_note(self, note: GroupNote) -> None:
        self.changes.notes_saved[(note.namespace, note.fingerprint)] = note

    def save_document(self, key: DocumentKey, document: Document | None) -> None:
        self.changes.documents_saved[key] = document
        if document is None:
            self.documents.pop(key, None)
        else:
            self.documents[key] = document

    def see_variables(
        self, namespace: str, workflow: str, step: str, seen: Iterable[Reading | DeclaredVariable], now: datetime
    ) -> None:
        for one in seen:
            self.changes.variables_seen[(namespace, workflow, step, one.name)] = Variable(
                namespace=namespace,
                workflow=workflow,
                step=step,
                name=one.name,
                default=one.default,
                schema=one.schema,
                file=one.file,
                line=one.line,
                seen_at=now,
            )


@dataclass(slots=True, frozen=True)
class Claim:
    """What one connected worker can take now: ready steps on any of its ``routes``, ``slots`` of them at most."""

    worker_id: str
    namespace: str
    routes: frozenset[str]
    slots: int


@dataclass(slots=True, frozen=True)
class DueStep:
    """An open step whose ``due_at`` has come."""

    run_id: str
    step: str
    due_at: datetime


@dataclass(slots=True, frozen=True)
class Produced:
    """Payloads that steps need as their input: inputs by run id, outputs by reference."""

    inputs: dict[str, bytes]
    outputs: dict[OutputRef, bytes]
