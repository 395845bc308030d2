"""The store port: where facts live. The memory store is the specification of every method here.

Writes go through ``transaction``; all other methods only read what has been committed, and may run at any time.
Payloads never change once written, so readers may cache them for ever.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from mulligan.core.bulk import Bulk, BulkItem, ItemState, Progress
from mulligan.core.facts import Changes, Claim, Committed, DueStep, Facts, Lease, Produced, RunFacts, Wanted
from mulligan.core.inbox import FailureGroup
from mulligan.core.query import RunFilter
from mulligan.core.records import (
    AccessToken,
    Attempt,
    Document,
    DocumentKind,
    LogLine,
    OpenStep,
    OutputRef,
    QueueDepth,
    Replay,
    Run,
    RunEvent,
    Variable,
    Version,
    Worker,
)


@dataclass(frozen=True, slots=True)
class Capabilities:
    """How stores differ. ``exclusive``: one engine owns this store, so that it may keep facts in memory."""

    name: str
    exclusive: bool
    durable: bool


@dataclass(frozen=True, slots=True)
class RunDocument:
    """Everything about one run but its payloads and logs. ``ended`` is every finished attempt, in order."""

    run: Run
    version: Version
    replay: Replay | None
    open: tuple[OpenStep, ...]
    ended: tuple[Attempt, ...]


@dataclass(frozen=True, slots=True)
class RunRow:
    """One line of the list of runs. ``input_head`` is the first 200 characters of the input, for recognition.

    ``started`` is false while a running run has had no attempt given out (shown as *queued*).
    """

    run: Run
    version_number: int
    input_head: str
    started: bool


@dataclass(frozen=True, slots=True)
class Bucket:
    """One bar of the histogram of runs: counts by status of the runs created in [``at``, ``at`` + width)."""

    at: datetime
    counts: dict[str, int]


@dataclass(frozen=True, slots=True)
class News:
    """What another engine on the same store has committed, in short. A hint: it may come late, twice, or never.

    ``routes``: there, steps may be ready that the other engine had nobody for.
    """

    committed: Committed
    routes: frozenset[str] = frozenset()


class Transaction(Protocol):
    """One atomic unit. Left without ``commit``, it changes nothing."""

    async def load(self, wanted: Wanted) -> Facts:
        """The wanted facts, locked against other engines in id order. What does not exist is absent."""
        ...

    async def commit(self, changes: Changes, claims: Sequence[Claim], now: datetime, token: str) -> list[OpenStep]:
        """Write ``changes``, then lease ready steps to ``claims``, then commit durably. Returns the leased steps.

        Leasing sets state LEASED, ``attempt`` + 1, ``token``, ``worker_id``, ``since_at`` = now, ``due_at`` = now +
        ``start_to_close`` (or None). Order within a claim: priority (high first), then ``queued_at``, then run id. A
        step is leased once, to the first claim that can take it; rows locked by other engines are passed over.
        Raises ``errors.StoreConflict`` when a unique key exists already or a row that is changed does not,
        ``errors.StoreUnavailable`` on trouble that may pass; in both cases nothing was written. Of a run that exists
        only status, ``finished_at``, ``failed_step``, ``error_…`` and ``fingerprint`` are changed.
        """
        ...


class Store(Protocol):
    """A place for facts. Open it once; close it when the engine has stopped."""

    capabilities: Capabilities

    async def open(self) -> None:
        """Connect, take the lock if exclusive, and migrate. Raises ``errors.StoreUnavailable`` with what to do."""
        ...

    async def close(self) -> None: ...

    def transaction(self) -> AbstractAsyncContextManager[Transaction]: ...

    def listen(self, heard: Callable[[News | None], None]) -> None:
        """Call ``heard``, on the engine's loop, with the news of other engines; None: anything may have happened.

        To be called once, before ``open``. A store that is exclusive never calls.
        """
        ...

    # sweeps
    async def due_steps(self, now: datetime, limit: int) -> list[DueStep]:
        """Open steps with ``due_at`` <= now, earliest first."""
        ...

    async def next_due_at(self) -> datetime | None:
        """The earliest ``due_at`` of any open step."""
        ...

    async def expired_workers(self, now: datetime) -> list[Worker]:
        """Workers, not gone, whose lease has run out by ``now``."""
        ...

    async def leases_of(self, worker_id: str) -> list[OpenStep]: ...

    async def live_leases(self, run_ids: Sequence[str]) -> set[Lease]:
        """The leases that there are now on steps of these runs."""
        ...

    async def ended(self, run_ids: Sequence[str]) -> list[str]:
        """Those of these runs that are terminal."""
        ...

    async def ready_routes(self) -> set[str]:
        """Routes on which at least one step is READY."""
        ...

    async def prune(self, before: datetime, limit: int) -> int:
        """Delete terminal runs that finished before ``before`` with all that belongs to them, oldest first by creation.

        They were created before it, too: a run for which the clock was set back is left until that is so. A run that a
        later run still keeps results of is left; so are, for a while, those that will go together with others of their
        time at the price of one (PostgreSQL drops partitions). Returns how many runs were deleted. Workers that were
        last seen before ``before`` and are gone are forgotten, too; and so is one bulk replay that has been still since
        then and has none of its replays left, with its items: the others of its like go next time.
        """
        ...

    async def facts(self, run_ids: Sequence[str]) -> dict[str, RunFacts]:
        """What ``Transaction.load`` gives for these runs, without locks: to tell what was decided, not to decide."""
        ...

    # reads
    async def payloads(self, inputs: Sequence[str], outputs: Sequence[OutputRef]) -> Produced:
        """Inputs by run id and outputs by reference. What does not exist is absent."""
        ...

    async def run(self, namespace: str, run_id: str) -> RunDocument | None: ...

    async def find_runs(self, namespace: str, wanted: RunFilter, before: str | None, limit: int) -> list[RunRow]:
        """Newest first (by id); ``before`` is the id of the last row of the page before."""
        ...

    async def nth_run(
        self, namespace: str, wanted: RunFilter, before: str | None, number: int
    ) -> tuple[str, datetime] | None:
        """Id and time of creation of the row that ``find_runs`` would have as its ``number``-th, from 1 on."""
        ...

    async def count_runs(self, namespace: str, wanted: RunFilter) -> dict[str, int]:
        """Matching runs by status as it is shown: ``queued`` are those running runs that have not started."""
        ...

    async def count_runs_by_workflow(self, namespace: str, wanted: RunFilter) -> dict[str, dict[str, int]]:
        """What ``count_runs`` says, for each workflow that has a matching run."""
        ...

    async def histogram(self, namespace: str, wanted: RunFilter, since: datetime, width_s: int) -> list[Bucket]:
        """Matching runs created from ``since`` on, in buckets that begin there; those without a run are left out."""
        ...

    async def family(self, namespace: str, family_id: str) -> list[tuple[Run, Replay | None]]:
        """All runs of a lineage, oldest first."""
        ...

    async def events(self, namespace: str, run_id: str) -> list[RunEvent]: ...

    async def logs(
        self, namespace: str, run_id: str, step: str | None, attempt: int | None, after: int, limit: int
    ) -> list[tuple[int, LogLine]]:
        """Lines with their position (1, 2, … per store, increasing), those after position ``after``."""
        ...

    async def versions(self, namespace: str, workflow: str | None) -> list[Version]:
        """All versions of one workflow, newest first; or the latest version of each, by name."""
        ...

    async def version(self, namespace: str, workflow: str, wanted: str | None) -> Version | None:
        """The version with this digest or number; the latest, if none is ``wanted``."""
        ...

    async def variables(self, namespace: str, workflow: str) -> list[Variable]: ...

    async def workers(self, namespace: str) -> list[Worker]:
        """All that are not gone, and those gone within the last hour of the newest ``seen_at``."""
        ...

    async def tokens(self, namespace: str | None) -> list[AccessToken]: ...

    async def save_token(self, token: AccessToken) -> None: ...

    # bulk replays and the failure inbox
    async def find_run_ids(self, namespace: str, wanted: RunFilter, limit: int) -> list[str]:
        """Ids of the matching runs, newest first."""
        ...

    async def bulks(self, namespace: str, limit: int) -> list[Bulk]:
        """The bulk replays made last, newest first; an id says nothing about when that was."""
        ...

    async def running_bulks(self, after: str, limit: int) -> list[Bulk]:
        """Those of all namespaces that go on by themselves, by id, from the first id above ``after`` on."""
        ...

    async def bulk(self, namespace: str, bulk_id: str) -> Bulk | None: ...

    async def bulk_items(
        self, namespace: str, bulk_id: str, state: ItemState | None, after: int, limit: int
    ) -> list[tuple[BulkItem, Run | None]]:
        """Items with position > ``after``, by position, each with the run that it made (None before, or if pruned)."""
        ...

    async def bulk_progress(self, bulk_id: str) -> Progress:
        """Counts of the items by their state, and of the runs with this ``bulk_id`` by their status."""
        ...

    async def failure_groups(
        self, namespace: str, since: datetime | None, fingerprint: str | None, limit: int
    ) -> list[FailureGroup]:
        """Failed runs by fingerprint with their notes; only runs created at or after ``since``.

        Most runs first, then the group that failed last, then by fingerprint.

        Runs made by a replay count as failures of their own kind like all others. ``samples``: at most 5.
        """
        ...

    async def group_activity(
        self, namespace: str, fingerprints: Sequence[str], since: datetime, width_s: int
    ) -> dict[str, list[Bucket]]:
        """For each fingerprint the failed runs over time (status ``failed``), non-empty buckets only."""
        ...

    # what people keep, and what waits
    async def documents(self, namespace: str, kind: DocumentKind) -> list[Document]:
        """All of a kind, by key."""
        ...

    async def document(self, namespace: str, kind: DocumentKind, key: str) -> Document | None: ...

    async def documents_size(self, namespace: str, kind: DocumentKind) -> tuple[int, int]:
        """How many there are of a kind, and how many bytes they take as JSON, all together. None of them is read."""
        ...

    async def oldest_document(self, namespace: str, kind: DocumentKind) -> str | None:
        """The key of the one that was kept first of those that there are. No value leaves the store."""
        ...

    async def queue_depths(self, namespace: str) -> list[QueueDepth]:
        """Open steps by route and state, in that order. A route belongs to one step of one workflow."""
        ...
