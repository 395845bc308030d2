"""The port over one SQLite file: every method says which thread answers it, and which statement."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path

import apsw

from mulligan.core.bulk import Bulk, BulkItem, ItemState, Progress
from mulligan.core.facts import Changes, Claim, DueStep, Facts, Lease, Produced, RunFacts, Wanted
from mulligan.core.inbox import FailureGroup
from mulligan.core.query import RunFilter
from mulligan.core.records import (
    AccessToken,
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
from mulligan.ports.store import Bucket, Capabilities, News, RunDocument, RunRow
from mulligan.stores.sqlite import bulks, database, inbox, reads, rows
from mulligan.stores.sqlite.commit import commit, write_rows
from mulligan.stores.sqlite.load import Definitions, leased_steps, load, load_facts
from mulligan.stores.sqlite.prune import prune
from mulligan.stores.sqlite.readers import Readers
from mulligan.stores.sqlite.writer import Writer
from mulligan.stores.statements import read_statement

SAVE_TOKEN = read_statement(__package__, "save_token")


class SqliteTransaction:
    def __init__(self, writer: Writer, definitions: Definitions) -> None:
        self._writer = writer
        self._definitions = definitions

    async def load(self, wanted: Wanted) -> Facts:
        if not wanted:
            return Facts()
        return await self._writer.call(lambda connection: load(connection, wanted, self._definitions))

    async def commit(self, changes: Changes, claims: Sequence[Claim], now: datetime, token: str) -> list[OpenStep]:
        return await self._writer.call(lambda connection: commit(connection, changes, claims, now, token))


class SqliteStore:
    """Facts in one file. ``open`` takes the lock beside it, so that one engine at a time owns the file."""

    capabilities = Capabilities(name="sqlite", exclusive=True, durable=True)

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path).absolute()
        self._definitions = Definitions()
        self._turn = asyncio.Lock()
        self._lock: int | None = None

    async def open(self) -> None:
        self._lock = await asyncio.to_thread(database.own, self.path)
        self._writer = Writer(self.path)
        # The engine's own questions never queue behind somebody's long search.
        self._sweeps = Readers(self.path, 1, "sweep")
        self._questions = Readers(self.path, 3, "question")
        try:
            await self._writer.start()
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        if self._lock is None:
            return
        # The writer's is the last connection: closing it moves the whole log into the database.
        await self._sweeps.close()
        await self._questions.close()
        await self._writer.stop()
        os.close(self._lock)
        self._lock = None

    def listen(self, heard: Callable[[News | None], None]) -> None:
        """There is no other engine to hear of."""

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[SqliteTransaction]:
        async with self._turn:
            yield SqliteTransaction(self._writer, self._definitions)

    # sweeps

    async def due_steps(self, now: datetime, limit: int) -> list[DueStep]:
        return await self._sweeps.call(lambda connection: reads.find_due_steps(connection, now, limit))

    async def next_due_at(self) -> datetime | None:
        return await self._sweeps.call(reads.find_next_due_at)

    async def expired_workers(self, now: datetime) -> list[Worker]:
        return await self._sweeps.call(lambda connection: reads.find_expired_workers(connection, now))

    async def leases_of(self, worker_id: str) -> list[OpenStep]:
        return await self._sweeps.call(lambda connection: leased_steps(connection, [worker_id]))

    async def live_leases(self, run_ids: Sequence[str]) -> set[Lease]:
        return await self._sweeps.call(lambda connection: reads.find_live_leases(connection, run_ids))

    async def ended(self, run_ids: Sequence[str]) -> list[str]:
        return await self._sweeps.call(lambda connection: reads.find_ended_runs(connection, run_ids))

    async def ready_routes(self) -> set[str]:
        return await self._sweeps.call(reads.find_ready_routes)

    async def prune(self, before: datetime, limit: int) -> int:
        run_ids = await self._questions.call(lambda connection: reads.find_prunable_runs(connection, before, limit))
        # Not amid a transaction, which may be about to keep results of one of these runs.
        async with self._turn:
            return await self._writer.call(lambda connection: prune(connection, run_ids, before))

    async def facts(self, run_ids: Sequence[str]) -> dict[str, RunFacts]:
        return await self._sweeps.call(lambda connection: in_one_view(connection, run_ids, self._definitions))

    # reads

    async def payloads(self, inputs: Sequence[str], outputs: Sequence[OutputRef]) -> Produced:
        return await self._sweeps.call(lambda connection: reads.find_payloads(connection, inputs, outputs))

    async def run(self, namespace: str, run_id: str) -> RunDocument | None:
        definitions = self._definitions
        return await self._questions.call(lambda connection: reads.find_run(connection, namespace, run_id, definitions))

    async def find_runs(self, namespace: str, wanted: RunFilter, before: str | None, limit: int) -> list[RunRow]:
        return await self._questions.call(
            lambda connection: reads.find_runs(connection, namespace, wanted, before, limit)
        )

    async def nth_run(
        self, namespace: str, wanted: RunFilter, before: str | None, number: int
    ) -> tuple[str, datetime] | None:
        return await self._questions.call(
            lambda connection: reads.nth_run(connection, namespace, wanted, before, number)
        )

    async def count_runs(self, namespace: str, wanted: RunFilter) -> dict[str, int]:
        return await self._questions.call(lambda connection: reads.count_runs(connection, namespace, wanted))

    async def count_runs_by_workflow(self, namespace: str, wanted: RunFilter) -> dict[str, dict[str, int]]:
        return await self._questions.call(
            lambda connection: reads.count_runs_by_workflow(connection, namespace, wanted)
        )

    async def histogram(self, namespace: str, wanted: RunFilter, since: datetime, width_s: int) -> list[Bucket]:
        return await self._questions.call(
            lambda connection: reads.histogram(connection, namespace, wanted, since, width_s)
        )

    async def family(self, namespace: str, family_id: str) -> list[tuple[Run, Replay | None]]:
        return await self._questions.call(lambda connection: reads.find_family(connection, namespace, family_id))

    async def events(self, namespace: str, run_id: str) -> list[RunEvent]:
        return await self._questions.call(lambda connection: reads.find_run_events(connection, namespace, run_id))

    async def logs(
        self, namespace: str, run_id: str, step: str | None, attempt: int | None, after: int, limit: int
    ) -> list[tuple[int, LogLine]]:
        return await self._questions.call(
            lambda connection: reads.find_logs(connection, namespace, run_id, step, attempt, after, limit)
        )

    async def versions(self, namespace: str, workflow: str | None) -> list[Version]:
        definitions = self._definitions
        return await self._questions.call(
            lambda connection: reads.find_versions(connection, namespace, workflow, definitions)
        )

    async def version(self, namespace: str, workflow: str, wanted: str | None) -> Version | None:
        definitions = self._definitions
        return await self._questions.call(
            lambda connection: reads.find_version(connection, namespace, workflow, wanted, definitions)
        )

    async def variables(self, namespace: str, workflow: str) -> list[Variable]:
        return await self._questions.call(lambda connection: reads.find_variables(connection, namespace, workflow))

    async def workers(self, namespace: str) -> list[Worker]:
        return await self._questions.call(lambda connection: reads.find_workers(connection, namespace))

    async def tokens(self, namespace: str | None) -> list[AccessToken]:
        return await self._questions.call(lambda connection: reads.find_tokens(connection, namespace))

    async def save_token(self, token: AccessToken) -> None:
        await self._writer.call(lambda connection: write_rows(connection, SAVE_TOKEN, [rows.row_of_token(token)]))

    # bulk replays and the failure inbox

    async def find_run_ids(self, namespace: str, wanted: RunFilter, limit: int) -> list[str]:
        return await self._questions.call(lambda connection: reads.find_run_ids(connection, namespace, wanted, limit))

    async def bulks(self, namespace: str, limit: int) -> list[Bulk]:
        return await self._sweeps.call(lambda connection: bulks.find_bulks(connection, namespace, limit))

    async def running_bulks(self, after: str, limit: int) -> list[Bulk]:
        return await self._sweeps.call(lambda connection: bulks.find_running_bulks(connection, after, limit))

    async def bulk(self, namespace: str, bulk_id: str) -> Bulk | None:
        return await self._sweeps.call(lambda connection: bulks.find_bulk(connection, namespace, bulk_id))

    async def bulk_items(
        self, namespace: str, bulk_id: str, state: ItemState | None, after: int, limit: int
    ) -> list[tuple[BulkItem, Run | None]]:
        return await self._sweeps.call(
            lambda connection: bulks.find_bulk_items(connection, namespace, bulk_id, state, after, limit)
        )

    async def bulk_progress(self, bulk_id: str) -> Progress:
        return await self._sweeps.call(lambda connection: bulks.find_progress(connection, bulk_id))

    async def failure_groups(
        self, namespace: str, since: datetime | None, fingerprint: str | None, limit: int
    ) -> list[FailureGroup]:
        return await self._questions.call(
            lambda connection: inbox.find_failure_groups(connection, namespace, since, fingerprint, limit)
        )

    async def group_activity(
        self, namespace: str, fingerprints: Sequence[str], since: datetime, width_s: int
    ) -> dict[str, list[Bucket]]:
        return await self._questions.call(
            lambda connection: inbox.find_activity(connection, namespace, fingerprints, since, width_s)
        )

    # what people keep, and what waits

    async def documents(self, namespace: str, kind: DocumentKind) -> list[Document]:
        return await self._questions.call(lambda connection: reads.find_documents(connection, namespace, kind))

    async def document(self, namespace: str, kind: DocumentKind, key: str) -> Document | None:
        return await self._questions.call(lambda connection: reads.find_document(connection, namespace, kind, key))

    async def documents_size(self, namespace: str, kind: DocumentKind) -> tuple[int, int]:
        return await self._questions.call(lambda connection: reads.measure_documents(connection, namespace, kind))

    async def oldest_document(self, namespace: str, kind: DocumentKind) -> str | None:
        return await self._questions.call(lambda connection: reads.find_oldest_document(connection, namespace, kind))

    async def queue_depths(self, namespace: str) -> list[QueueDepth]:
        return await self._questions.call(lambda connection: reads.find_queue_depths(connection, namespace))


def in_one_view(connection: apsw.Connection, run_ids: Sequence[str], definitions: Definitions) -> dict[str, RunFacts]:
    """The facts as of one commit."""
    with database.snapshot(connection):
        return load_facts(connection, run_ids, definitions)
