"""The port over ``Tables``. Nothing here waits, so every method is atomic among the tasks of its event loop."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from operator import attrgetter

import msgspec

from mulligan.core.bulk import Bulk, BulkItem, BulkState, ItemState, Progress
from mulligan.core.facts import Changes, Claim, DueStep, Facts, Lease, Produced, RunFacts, Wanted
from mulligan.core.inbox import FailureGroup
from mulligan.core.query import RunFilter
from mulligan.core.records import (
    AccessToken,
    Document,
    DocumentKind,
    LogLine,
    OpenState,
    OpenStep,
    OutputRef,
    QueueDepth,
    Replay,
    Run,
    RunEvent,
    RunStatus,
    Variable,
    Version,
    Worker,
    WorkerState,
)
from mulligan.ports.store import Bucket, Capabilities, News, RunDocument, RunRow
from mulligan.stores.memory.bulks import items_of, progress_of
from mulligan.stores.memory.inbox import failure_groups, group_activity
from mulligan.stores.memory.matching import is_started, matches, shown_status
from mulligan.stores.memory.tables import Tables

INPUT_HEAD = 200


class MemoryTransaction:
    def __init__(self, store: MemoryStore) -> None:
        self._store = store

    async def load(self, wanted: Wanted) -> Facts:
        tables = self._store.tables
        facts = Facts()
        leased = {run_id for worker_id in wanted.leases_of for run_id, _ in tables.leases.get(worker_id, ())}
        for run_id in sorted(wanted.run_ids | wanted.possible_run_ids | leased):
            known = tables.run_facts(run_id)
            if known is not None:
                facts.runs[run_id] = known
        facts.keys = {key: tables.keys[key] for key in wanted.keys if key in tables.keys}
        facts.bulks = {id_: tables.bulks[id_] for id_ in wanted.bulk_ids if id_ in tables.bulks}
        facts.documents = {key: tables.documents[key] for key in wanted.documents if key in tables.documents}
        facts.workers = {id_: tables.workers[id_] for id_ in wanted.worker_ids if id_ in tables.workers}
        for workflow in wanted.workflows:
            if workflow in tables.versions:
                facts.latest[workflow] = max(tables.versions[workflow], key=attrgetter("number"))
        for digest in wanted.digests:
            version = tables.version(*digest)
            if version is not None:
                facts.versions[digest] = version
        return facts

    async def commit(self, changes: Changes, claims: Sequence[Claim], now: datetime, token: str) -> list[OpenStep]:
        return self._store.commit(changes, claims, now, token)


class MemoryStore:
    """Facts in dictionaries. ``commit`` is the only place where they change (besides tokens and pruning)."""

    capabilities = Capabilities(name="memory", exclusive=True, durable=False)

    def __init__(self) -> None:
        self.tables = Tables()
        self._lock = asyncio.Lock()

    async def open(self) -> None:
        """Nothing to connect to. What was written before ``close`` is still there, as with a file."""

    async def close(self) -> None:
        """Nothing to let go of."""

    def listen(self, heard: Callable[[News | None], None]) -> None:
        """There is no other engine to hear of."""

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[MemoryTransaction]:
        async with self._lock:
            yield MemoryTransaction(self)

    def commit(self, changes: Changes, claims: Sequence[Claim], now: datetime, token: str) -> list[OpenStep]:
        """All or nothing: everything that can be refused is looked at before the first write."""
        self.tables.check(changes)
        self.tables.write(changes)
        return [step for claim in claims for step in self.tables.lease(claim, now, token)]

    # sweeps

    async def due_steps(self, now: datetime, limit: int) -> list[DueStep]:
        due = []
        for due_at, run_id, step in self.tables.due[:limit]:
            if due_at > now:
                break
            due.append(DueStep(run_id, step, due_at))
        return due

    async def next_due_at(self) -> datetime | None:
        due_at: datetime | None = self.tables.due[0][0] if self.tables.due else None
        return due_at

    async def expired_workers(self, now: datetime) -> list[Worker]:
        expired = [
            worker
            for worker in self.tables.workers.values()
            if worker.state is not WorkerState.GONE and worker.lease_until_at <= now
        ]
        return sorted(expired, key=attrgetter("lease_until_at", "id"))

    async def leases_of(self, worker_id: str) -> list[OpenStep]:
        return [self.tables.open[run_id][step] for run_id, step in sorted(self.tables.leases.get(worker_id, ()))]

    async def live_leases(self, run_ids: Sequence[str]) -> set[Lease]:
        steps = [step for run_id in set(run_ids) for step in self.tables.open.get(run_id, {}).values()]
        return {(s.run_id, s.step, s.token or "") for s in steps if s.state is OpenState.LEASED}

    async def ended(self, run_ids: Sequence[str]) -> list[str]:
        known = {run_id: self.tables.runs[run_id] for run_id in run_ids if run_id in self.tables.runs}
        return [run_id for run_id, run in known.items() if run.status is not RunStatus.RUNNING]

    async def ready_routes(self) -> set[str]:
        return {route for _, route in self.tables.ready}

    async def prune(self, before: datetime, limit: int) -> int:
        async with self._lock:
            return self.tables.prune(before, limit)

    async def facts(self, run_ids: Sequence[str]) -> dict[str, RunFacts]:
        return {run_id: facts for run_id in sorted(run_ids) if (facts := self.tables.run_facts(run_id)) is not None}

    # reads

    async def payloads(self, inputs: Sequence[str], outputs: Sequence[OutputRef]) -> Produced:
        known_inputs, known_outputs = self.tables.inputs, self.tables.outputs
        return Produced(
            inputs={run_id: known_inputs[run_id] for run_id in inputs if run_id in known_inputs},
            outputs={ref: known_outputs[ref] for ref in outputs if ref in known_outputs},
        )

    async def run(self, namespace: str, run_id: str) -> RunDocument | None:
        run = self._run_in(namespace, run_id)
        facts = None if run is None else self.tables.run_facts(run_id)
        if facts is None:
            return None
        attempts = [attempt for tries in self.tables.attempts.get(run_id, {}).values() for attempt in tries]
        return RunDocument(
            run=facts.run,
            version=facts.version,
            replay=facts.replay,
            open=tuple(sorted(facts.open.values(), key=attrgetter("step"))),
            ended=tuple(sorted(attempts, key=attrgetter("finished_at", "step", "number"))),
        )

    async def find_runs(self, namespace: str, wanted: RunFilter, before: str | None, limit: int) -> list[RunRow]:
        found = [run for run in self._matching(namespace, wanted) if before is None or run.id < before]
        return [self._row(run) for run in sorted(found, key=attrgetter("id"), reverse=True)[:limit]]

    async def nth_run(
        self, namespace: str, wanted: RunFilter, before: str | None, number: int
    ) -> tuple[str, datetime] | None:
        rows = await self.find_runs(namespace, wanted, before, number)
        return (rows[-1].run.id, rows[-1].run.created_at) if len(rows) == number else None

    async def count_runs(self, namespace: str, wanted: RunFilter) -> dict[str, int]:
        return dict(Counter(shown_status(self.tables, run) for run in self._matching(namespace, wanted)))

    async def count_runs_by_workflow(self, namespace: str, wanted: RunFilter) -> dict[str, dict[str, int]]:
        workflows = {run.workflow for run in self._matching(namespace, wanted)}
        return {name: await self.count_runs(namespace, replace(wanted, workflows=(name,))) for name in workflows}

    async def histogram(self, namespace: str, wanted: RunFilter, since: datetime, width_s: int) -> list[Bucket]:
        width = timedelta(seconds=width_s)
        buckets: dict[int, dict[str, int]] = {}
        for run in self._matching(namespace, wanted):
            if run.created_at >= since:
                counts = buckets.setdefault((run.created_at - since) // width, {})
                status = shown_status(self.tables, run)
                counts[status] = counts.get(status, 0) + 1
        return [Bucket(at=since + index * width, counts=counts) for index, counts in sorted(buckets.items())]

    async def family(self, namespace: str, family_id: str) -> list[tuple[Run, Replay | None]]:
        members = [r for r in self.tables.runs.values() if r.namespace == namespace and r.family_id == family_id]
        return [(run, self.tables.replays.get(run.id)) for run in sorted(members, key=attrgetter("id"))]

    async def events(self, namespace: str, run_id: str) -> list[RunEvent]:
        return [] if self._run_in(namespace, run_id) is None else list(self.tables.events.get(run_id, ()))

    async def logs(
        self, namespace: str, run_id: str, step: str | None, attempt: int | None, after: int, limit: int
    ) -> list[tuple[int, LogLine]]:
        found = [
            (position, line)
            for position, line in self.tables.logs.get(run_id, ())
            if position > after
            and line.namespace == namespace
            and step in {None, line.step}
            and attempt in {None, line.attempt}
        ]
        return found[:limit]

    async def versions(self, namespace: str, workflow: str | None) -> list[Version]:
        number = attrgetter("number")
        if workflow is not None:
            return sorted(self.tables.versions.get((namespace, workflow), ()), key=number, reverse=True)
        known = sorted(self.tables.versions.items())
        return [max(versions, key=number) for (owner, _), versions in known if owner == namespace]

    async def version(self, namespace: str, workflow: str, wanted: str | None) -> Version | None:
        known = await self.versions(namespace, workflow)
        return next((each for each in known if wanted in (None, each.digest, str(each.number))), None)

    async def variables(self, namespace: str, workflow: str) -> list[Variable]:
        seen = [v for v in self.tables.variables.values() if v.namespace == namespace and v.workflow == workflow]
        return sorted(seen, key=attrgetter("step", "name"))

    async def workers(self, namespace: str) -> list[Worker]:
        known = [worker for worker in self.tables.workers.values() if worker.namespace == namespace]
        oldest = max((worker.seen_at for worker in known), default=None)
        if oldest is None:
            return []
        shown = [w for w in known if w.state is not WorkerState.GONE or w.seen_at >= oldest - timedelta(hours=1)]
        return sorted(shown, key=attrgetter("name", "id"))

    async def tokens(self, namespace: str | None) -> list[AccessToken]:
        known = [token for token in self.tables.tokens.values() if namespace in {None, token.namespace}]
        return sorted(known, key=attrgetter("created_at", "id"))

    async def save_token(self, token: AccessToken) -> None:
        self.tables.tokens[token.id] = token

    # bulk replays and the failure inbox

    async def find_run_ids(self, namespace: str, wanted: RunFilter, limit: int) -> list[str]:
        return sorted((run.id for run in self._matching(namespace, wanted)), reverse=True)[:limit]

    async def bulks(self, namespace: str, limit: int) -> list[Bulk]:
        found = [bulk for bulk in self.tables.bulks.values() if bulk.namespace == namespace]
        return sorted(found, key=attrgetter("created_at", "id"), reverse=True)[:limit]

    async def running_bulks(self, after: str, limit: int) -> list[Bulk]:
        found = [bulk for bulk in self.tables.bulks.values() if bulk.state is BulkState.RUNNING and bulk.id > after]
        return sorted(found, key=attrgetter("id"))[:limit]

    async def bulk(self, namespace: str, bulk_id: str) -> Bulk | None:
        bulk = self.tables.bulks.get(bulk_id)
        return bulk if bulk is not None and bulk.namespace == namespace else None

    async def bulk_items(
        self, namespace: str, bulk_id: str, state: ItemState | None, after: int, limit: int
    ) -> list[tuple[BulkItem, Run | None]]:
        return items_of(self.tables, namespace, bulk_id, state, after, limit)

    async def bulk_progress(self, bulk_id: str) -> Progress:
        return progress_of(self.tables, bulk_id)

    async def failure_groups(
        self, namespace: str, since: datetime | None, fingerprint: str | None, limit: int
    ) -> list[FailureGroup]:
        return failure_groups(self.tables, namespace, since, fingerprint, limit)

    async def group_activity(
        self, namespace: str, fingerprints: Sequence[str], since: datetime, width_s: int
    ) -> dict[str, list[Bucket]]:
        return group_activity(self.tables, namespace, set(fingerprints), since, timedelta(seconds=width_s))

    # what people keep, and what waits

    async def documents(self, namespace: str, kind: DocumentKind) -> list[Document]:
        return sorted(self._documents(namespace, kind), key=attrgetter("key"))

    async def document(self, namespace: str, kind: DocumentKind, key: str) -> Document | None:
        return self.tables.documents.get((namespace, kind, key))

    async def documents_size(self, namespace: str, kind: DocumentKind) -> tuple[int, int]:
        kept = self._documents(namespace, kind)
        return len(kept), sum(len(msgspec.json.encode(each)) for each in kept)

    async def oldest_document(self, namespace: str, kind: DocumentKind) -> str | None:
        oldest = min(self._documents(namespace, kind), key=attrgetter("at", "key"), default=None)
        return None if oldest is None else oldest.key

    async def queue_depths(self, namespace: str) -> list[QueueDepth]:
        queues: dict[tuple[str, OpenState], list[OpenStep]] = {}
        for steps in self.tables.open.values():
            for step in steps.values():
                if step.namespace == namespace:
                    queues.setdefault((step.route, step.state), []).append(step)
        return [
            QueueDepth(
                workflow=min(step.workflow for step in steps),
                step=min(step.step for step in steps),
                route=route,
                state=state,
                count=len(steps),
                oldest_at=min(step.queued_at if state is OpenState.READY else step.since_at for step in steps),
            )
            for (route, state), steps in sorted(queues.items())
        ]

    def _documents(self, namespace: str, kind: DocumentKind) -> list[Document]:
        return [each for each in self.tables.documents.values() if (each.namespace, each.kind) == (namespace, kind)]

    def _run_in(self, namespace: str, run_id: str) -> Run | None:
        run = self.tables.runs.get(run_id)
        return run if run is not None and run.namespace == namespace else None

    def _matching(self, namespace: str, wanted: RunFilter) -> list[Run]:
        runs = self.tables.runs.values()
        return [run for run in runs if run.namespace == namespace and matches(self.tables, run, wanted)]

    def _row(self, run: Run) -> RunRow:
        version = self.tables.version(run.namespace, run.workflow, run.version)
        assert version is not None, f"run {run.id} points at a version that was never registered"
        head = self.tables.inputs[run.id][: INPUT_HEAD * 4].decode(errors="ignore")[:INPUT_HEAD]
        return RunRow(run=run, version_number=version.number, input_head=head, started=is_started(self.tables, run))
