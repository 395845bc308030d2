"""The port over one PostgreSQL database: every method says which connection answers it, and which statement."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

from mulligan.core.bulk import Bulk, BulkItem, ItemState, Progress
from mulligan.core.facts import DueStep, Lease, Produced, RunFacts
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
from mulligan.ports.clock import SharedClock
from mulligan.ports.store import Bucket, Capabilities, News, RunDocument, RunRow
from mulligan.stores.postgres import bulks, inbox, reads, rows
from mulligan.stores.postgres.connections import Connections
from mulligan.stores.postgres.database import read_address, translated
from mulligan.stores.postgres.load import Loader, leased_steps
from mulligan.stores.postgres.partitions import Partitions
from mulligan.stores.postgres.prune import prune
from mulligan.stores.postgres.statement import Statement
from mulligan.stores.postgres.timekeeping import go_by_database
from mulligan.stores.postgres.transaction import PostgresTransaction
from mulligan.stores.postgres.wakeups import Wakeups

SAVE_TOKEN = Statement("save_token")


class PostgresStore:
    """Facts in one database that any number of engines share.

    ``retention`` is how long runs will be kept, which says what spans of time their history is parted into; without
    it, ``prune`` deletes all runs row by row.
    """

    capabilities = Capabilities(name="postgresql", exclusive=False, durable=True)

    def __init__(self, url: str, clock: SharedClock, retention: timedelta | None = None) -> None:
        self._address = read_address(url)
        self._clock = clock
        self._connections = Connections(self._address)
        self._partitions = Partitions(self._connections, clock, retention)
        self._wakeups = Wakeups(self._address, clock)
        self._loader = Loader()
        self._turn = asyncio.Lock()

    async def open(self) -> None:
        await self._connections.open()
        with translated(self._address):
            await go_by_database(await self._connections.writer(), self._address, self._clock)
        self._wakeups.start()

    async def close(self) -> None:
        await self._wakeups.stop()
        await self._partitions.close()
        await self._connections.close()

    def listen(self, heard: Callable[[News | None], None]) -> None:
        self._wakeups.listen(heard)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[PostgresTransaction]:
        async with self._turn:
            transaction = PostgresTransaction(self._connections, self._address, self._loader, self._wakeups)
            try:
                yield transaction
            finally:
                await transaction.leave()

    # sweeps

    async def due_steps(self, now: datetime, limit: int) -> list[DueStep]:
        async with self._connections.sweep() as connection:
            return await reads.find_due_steps(connection, now, limit)

    async def next_due_at(self) -> datetime | None:
        async with self._connections.sweep() as connection:
            return await reads.find_next_due_at(connection)

    async def expired_workers(self, now: datetime) -> list[Worker]:
        async with self._connections.sweep() as connection:
            return await reads.find_expired_workers(connection, now)

    async def leases_of(self, worker_id: str) -> list[OpenStep]:
        async with self._connections.sweep() as connection:
            return await leased_steps(connection, [worker_id])

    async def live_leases(self, run_ids: Sequence[str]) -> set[Lease]:
        async with self._connections.sweep() as connection:
            return await reads.find_live_leases(connection, run_ids)

    async def ended(self, run_ids: Sequence[str]) -> list[str]:
        async with self._connections.sweep() as connection:
            return await reads.find_ended_runs(connection, run_ids)

    async def ready_routes(self) -> set[str]:
        async with self._connections.sweep() as connection:
            return await reads.find_ready_routes(connection)

    async def prune(self, before: datetime, limit: int) -> int:
        return await prune(self._connections, self._partitions, before, self._clock.now(), limit)

    async def facts(self, run_ids: Sequence[str]) -> dict[str, RunFacts]:
        async with self._connections.sweep(snapshot=True) as connection:
            return await self._loader.facts(connection, run_ids)

    # reads

    async def payloads(self, inputs: Sequence[str], outputs: Sequence[OutputRef]) -> Produced:
        async with self._connections.sweep() as connection:
            return await reads.find_payloads(connection, inputs, outputs)

    async def run(self, namespace: str, run_id: str) -> RunDocument | None:
        async with self._connections.question(snapshot=True) as connection:
            return await reads.find_run(connection, namespace, run_id, self._loader)

    async def find_runs(self, namespace: str, wanted: RunFilter, before: str | None, limit: int) -> list[RunRow]:
        async with self._connections.question() as connection:
            return await reads.find_runs(connection, namespace, wanted, before, limit)

    async def nth_run(
        self, namespace: str, wanted: RunFilter, before: str | None, number: int
    ) -> tuple[str, datetime] | None:
        async with self._connections.question() as connection:
            return await reads.nth_run(connection, namespace, wanted, before, number)

    async def count_runs_by_workflow(self, namespace: str, wanted: RunFilter) -> dict[str, dict[str, int]]:
        async with self._connections.question() as connection:
            return await reads.count_runs_by_workflow(connection, namespace, wanted)

    async def count_runs(self, namespace: str, wanted: RunFilter) -> dict[str, int]:
        async with self._connections.question() as connection:
            return await reads.count_runs(connection, namespace, wanted)

    async def histogram(self, namespace: str, wanted: RunFilter, since: datetime, width_s: int) -> list[Bucket]:
        async with self._connections.question() as connection:
            return await reads.histogram(connection, namespace, wanted, since, width_s)

    async def family(self, namespace: str, family_id: str) -> list[tuple[Run, Replay | None]]:
        async with self._connections.question(snapshot=True) as connection:
            return await reads.find_family(connection, namespace, family_id)

    async def events(self, namespace: str, run_id: str) -> list[RunEvent]:
        async with self._connections.question() as connection:
            return await reads.find_run_events(connection, namespace, run_id)

    async def logs(
        self, namespace: str, run_id: str, step: str | None, attempt: int | None, after: int, limit: int
    ) -> list[tuple[int, LogLine]]:
        async with self._connections.question() as connection:
            return await reads.find_logs(connection, namespace, run_id, step, attempt, after, limit)

    async def versions(self, namespace: str, workflow: str | None) -> list[Version]:
        async with self._connections.question() as connection:
            return await reads.find_versions(connection, namespace, workflow, self._loader.definitions)

    async def version(self, namespace: str, workflow: str, wanted: str | None) -> Version | None:
        async with self._connections.question() as connection:
            return await reads.find_version(connection, namespace, workflow, wanted, self._loader.definitions)

    async def variables(self, namespace: str, workflow: str) -> list[Variable]:
        async with self._connections.question() as connection:
            return await reads.find_variables(connection, namespace, workflow)

    async def workers(self, namespace: str) -> list[Worker]:
        async with self._connections.question() as connection:
            return await reads.find_workers(connection, namespace)

    async def tokens(self, namespace: str | None) -> list[AccessToken]:
        async with self._connections.question() as connection:
            return await reads.find_tokens(connection, namespace)

    async def save_token(self, token: AccessToken) -> None:
        id_, namespace, created_at, record = rows.row_of_token(token)
        async with self._connections.writing() as connection:
            await SAVE_TOKEN.execute(connection, id=id_, namespace=namespace, created_at=created_at, record=record)

    # bulk replays and the failure inbox

    async def find_run_ids(self, namespace: str, wanted: RunFilter, limit: int) -> list[str]:
        async with self._connections.question() as connection:
            return await reads.find_run_ids(connection, namespace, wanted, limit)

    async def bulks(self, namespace: str, limit: int) -> list[Bulk]:
        async with self._connections.sweep() as connection:
            return await bulks.find_bulks(connection, namespace, limit)

    async def running_bulks(self, after: str, limit: int) -> list[Bulk]:
        async with self._connections.sweep() as connection:
            return await bulks.find_running_bulks(connection, after, limit)

    async def bulk(self, namespace: str, bulk_id: str) -> Bulk | None:
        async with self._connections.sweep() as connection:
            return await bulks.find_bulk(connection, namespace, bulk_id)

    async def bulk_items(
        self, namespace: str, bulk_id: str, state: ItemState | None, after: int, limit: int
    ) -> list[tuple[BulkItem, Run | None]]:
        async with self._connections.sweep(snapshot=True) as connection:
            return await bulks.find_bulk_items(connection, namespace, bulk_id, state, after, limit)

    async def bulk_progress(self, bulk_id: str) -> Progress:
        async with self._connections.sweep(snapshot=True) as connection:
            return await bulks.find_progress(connection, bulk_id)

    async def failure_groups(
        self, namespace: str, since: datetime | None, fingerprint: str | None, limit: int
    ) -> list[FailureGroup]:
        async with self._connections.question(snapshot=True) as connection:
            return await inbox.find_failure_groups(connection, namespace, since, fingerprint, limit)

    async def group_activity(
        self, namespace: str, fingerprints: Sequence[str], since: datetime, width_s: int
    ) -> dict[str, list[Bucket]]:
        async with self._connections.question() as connection:
            return await inbox.find_activity(connection, namespace, fingerprints, since, width_s)

    # what people keep, and what waits

    async def documents(self, namespace: str, kind: DocumentKind) -> list[Document]:
        async with self._connections.question() as connection:
            return await reads.find_documents(connection, namespace, kind)

    async def document(self, namespace: str, kind: DocumentKind, key: str) -> Document | None:
        async with self._connections.question() as connection:
            return await reads.find_document(connection, namespace, kind, key)

    async def documents_size(self, namespace: str, kind: DocumentKind) -> tuple[int, int]:
        async with self._connections.question() as connection:
            return await reads.measure_documents(connection, namespace, kind)

    async def oldest_document(self, namespace: str, kind: DocumentKind) -> str | None:
        async with self._connections.question() as connection:
            return await reads.find_oldest_document(connection, namespace, kind)

    async def queue_depths(self, namespace: str) -> list[QueueDepth]:
        async with self._connections.question() as connection:
            return await reads.find_queue_depths(connection, namespace)
