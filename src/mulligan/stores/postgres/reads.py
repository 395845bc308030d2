"""The questions of dashboard, sweeps and dispatch."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from mulligan.core.facts import DueStep, Lease, Produced
from mulligan.core.query import RunFilter
from mulligan.core.records import (
    AccessToken,
    Document,
    DocumentKind,
    LogLine,
    OutputRef,
    QueueDepth,
    Replay,
    Run,
    RunEvent,
    Variable,
    Version,
    Worker,
)
from mulligan.ports.store import Bucket, RunDocument, RunRow
from mulligan.stores import run_filter, stored
from mulligan.stores.postgres import rows
from mulligan.stores.postgres.dialect import POSTGRES
from mulligan.stores.postgres.load import LOAD_LATEST_VERSIONS, LOAD_REPLAYS, Definitions, Loader, load_runs
from mulligan.stores.postgres.statement import Connection, Statement

FIND_DOCUMENT = Statement("find_document")
FIND_DOCUMENTS = Statement("find_documents")
FIND_DUE_STEPS = Statement("find_due_steps")
FIND_ENDED_RUNS = Statement("find_ended_runs")
FIND_EXPIRED_WORKERS = Statement("find_expired_workers")
FIND_FAMILY = Statement("find_family")
FIND_INPUTS = Statement("find_inputs")
FIND_LIVE_LEASES = Statement("find_live_leases")
FIND_LOGS = Statement("find_logs")
FIND_NEXT_DUE_AT = Statement("find_next_due_at")
FIND_OLDEST_DOCUMENT = Statement("find_oldest_document")
FIND_OUTPUTS = Statement("find_outputs")
FIND_QUEUE_DEPTHS = Statement("find_queue_depths")
FIND_READY_ROUTES = Statement("find_ready_routes")
FIND_RUN_EVENTS = Statement("find_run_events")
FIND_TOKENS = Statement("find_tokens")
FIND_VARIABLES = Statement("find_variables")
FIND_VERSION = Statement("find_version")
FIND_VERSIONS = Statement("find_versions")
FIND_WORKERS = Statement("find_workers")
MEASURE_DOCUMENTS = Statement("measure_documents")
LOAD_ATTEMPTS = Statement("load_attempts")

HEAD_CHARACTERS = 200

# ── Sweeps and dispatch ──────────────────────────────────────────────────────────────────────────────────────────────


async def find_due_steps(connection: Connection, now: datetime, limit: int) -> list[DueStep]:
    return [DueStep(*row) for row in await FIND_DUE_STEPS.fetch(connection, now=now, limit=limit)]


async def find_next_due_at(connection: Connection) -> datetime | None:
    [(due_at,)] = await FIND_NEXT_DUE_AT.fetch(connection)
    found: datetime | None = due_at
    return found


async def find_expired_workers(connection: Connection, now: datetime) -> list[Worker]:
    return stored.records(Worker, await FIND_EXPIRED_WORKERS.fetch(connection, now=now))


async def find_live_leases(connection: Connection, run_ids: Sequence[str]) -> set[Lease]:
    found = await FIND_LIVE_LEASES.fetch(connection, ids=list(run_ids))
    return {(row[0], row[1], row[2]) for row in found}


async def find_ended_runs(connection: Connection, run_ids: Sequence[str]) -> list[str]:
    return [run_id for (run_id,) in await FIND_ENDED_RUNS.fetch(connection, ids=list(run_ids))]


async def find_ready_routes(connection: Connection) -> set[str]:
    return {route for (route,) in await FIND_READY_ROUTES.fetch(connection)}


async def find_payloads(connection: Connection, inputs: Sequence[str], outputs: Sequence[OutputRef]) -> Produced:
    produced = Produced({}, {})
    if inputs:
        for run_id, payload in await FIND_INPUTS.fetch(connection, ids=list(inputs)):
            produced.inputs[run_id] = payload
    if outputs:
        run_ids, steps, numbers = zip(*outputs, strict=True)
        found = await FIND_OUTPUTS.fetch(connection, run_id=run_ids, step=steps, number=numbers)
        for run_id, step, number, payload in found:
            produced.outputs[run_id, step, number] = payload
    return produced


# ── One run ──────────────────────────────────────────────────────────────────────────────────────────────────────────


async def find_run(connection: Connection, namespace: str, run_id: str, loader: Loader) -> RunDocument | None:
    facts = (await loader.facts(connection, [run_id])).get(run_id)
    if facts is None or facts.run.namespace != namespace:
        return None
    attempts = await LOAD_ATTEMPTS.fetch(connection, run_id=run_id, namespace=namespace)
    return RunDocument(
        run=facts.run,
        version=facts.version,
        replay=facts.replay,
        open=tuple(facts.open.values()),
        ended=tuple(map(rows.attempt_of, attempts)),
    )


async def find_family(connection: Connection, namespace: str, family_id: str) -> list[tuple[Run, Replay | None]]:
    found = await FIND_FAMILY.fetch(connection, family_id=family_id, namespace=namespace)
    ids = [run_id for (run_id,) in found]
    replays = {
        replay.run_id: replay for replay in stored.records(Replay, await LOAD_REPLAYS.fetch(connection, ids=ids))
    }
    return [(run, replays.get(run.id)) for run in await load_runs(connection, ids)]


async def find_run_events(connection: Connection, namespace: str, run_id: str) -> list[RunEvent]:
    return [rows.event_of(row) for row in await FIND_RUN_EVENTS.fetch(connection, run_id=run_id, namespace=namespace)]


async def find_logs(
    connection: Connection,
    namespace: str,
    run_id: str,
    step: str | None,
    attempt: int | None,
    after: int,
    limit: int,
) -> list[tuple[int, LogLine]]:
    found = await FIND_LOGS.fetch(
        connection, namespace=namespace, run_id=run_id, step=step, attempt=attempt, after=after, limit=limit
    )
    return [rows.log_line_of(row) for row in found]


# ── Many runs ────────────────────────────────────────────────────────────────────────────────────────────────────────


async def find_runs(
    connection: Connection, namespace: str, wanted: RunFilter, before: str | None, limit: int
) -> list[RunRow]:
    question = run_filter.find_runs(POSTGRES, namespace, wanted, before, limit)
    found = []
    for row in await connection.fetch(question.sql, *question.values):
        *run, number, head, started = row
        text = head.decode(errors="ignore")[:HEAD_CHARACTERS]
        found.append(RunRow(rows.run_of(tuple(run)), number, text, started))
    return found


async def find_run_ids(connection: Connection, namespace: str, wanted: RunFilter, limit: int) -> list[str]:
    question = run_filter.find_run_ids(POSTGRES, namespace, wanted, limit)
    return [run_id for (run_id,) in await connection.fetch(question.sql, *question.values)]


async def nth_run(
    connection: Connection, namespace: str, wanted: RunFilter, before: str | None, number: int
) -> tuple[str, datetime] | None:
    question = run_filter.nth_run(POSTGRES, namespace, wanted, before, number)
    for run_id, created_at in await connection.fetch(question.sql, *question.values):
        return run_id, created_at
    return None


async def count_runs(connection: Connection, namespace: str, wanted: RunFilter) -> dict[str, int]:
    question = run_filter.count_runs(POSTGRES, namespace, wanted)
    [counts] = await connection.fetch(question.sql, *question.values)
    return by_status(counts)


async def count_runs_by_workflow(
    connection: Connection, namespace: str, wanted: RunFilter
) -> dict[str, dict[str, int]]:
    question = run_filter.count_runs_by_workflow(POSTGRES, namespace, wanted)
    rows = await connection.fetch(question.sql, *question.values)
    return {name: by_status(counts) for name, *counts in rows}


async def histogram(
    connection: Connection, namespace: str, wanted: RunFilter, since: datetime, width_s: int
) -> list[Bucket]:
    question = run_filter.histogram(POSTGRES, namespace, wanted, since, width_s * 1_000_000)
    width = timedelta(seconds=width_s)
    found = await connection.fetch(question.sql, *question.values)
    return [Bucket(since + index * width, by_status(counts)) for index, *counts in found]


def by_status(counts: Sequence[int]) -> dict[str, int]:
    return {status: n for status, n in zip(run_filter.SHOWN_STATUSES, counts, strict=True) if n}


# ── What there is ────────────────────────────────────────────────────────────────────────────────────────────────────


async def find_versions(
    connection: Connection, namespace: str, workflow: str | None, definitions: Definitions
) -> list[Version]:
    if workflow is None:
        found = await LOAD_LATEST_VERSIONS.fetch(connection, namespace=namespace, workflows=None)
    else:
        found = await FIND_VERSIONS.fetch(connection, namespace=namespace, workflow=workflow)
    digests = [(row[0], row[1], row[2]) for row in found]
    known = await definitions.of(connection, digests)
    return [known[digest] for digest in digests]


async def find_version(
    connection: Connection, namespace: str, workflow: str, wanted: str | None, definitions: Definitions
) -> Version | None:
    found = await FIND_VERSION.fetch(connection, namespace=namespace, workflow=workflow, wanted=wanted)
    known = await definitions.of(connection, [(row[0], row[1], row[2]) for row in found])
    return next(iter(known.values()), None)


async def find_variables(connection: Connection, namespace: str, workflow: str) -> list[Variable]:
    return stored.records(Variable, await FIND_VARIABLES.fetch(connection, namespace=namespace, workflow=workflow))


async def find_workers(connection: Connection, namespace: str) -> list[Worker]:
    return stored.records(Worker, await FIND_WORKERS.fetch(connection, namespace=namespace))


async def find_tokens(connection: Connection, namespace: str | None) -> list[AccessToken]:
    return stored.records(AccessToken, await FIND_TOKENS.fetch(connection, namespace=namespace))


async def find_documents(connection: Connection, namespace: str, kind: DocumentKind) -> list[Document]:
    return stored.records(Document, await FIND_DOCUMENTS.fetch(connection, namespace=namespace, kind=kind))


async def find_document(connection: Connection, namespace: str, kind: DocumentKind, key: str) -> Document | None:
    found = await FIND_DOCUMENT.fetch(connection, namespace=namespace, kind=kind, key=rows.escape(key))
    return next(iter(stored.records(Document, found)), None)


async def measure_documents(connection: Connection, namespace: str, kind: DocumentKind) -> tuple[int, int]:
    [(count, size)] = await MEASURE_DOCUMENTS.fetch(connection, namespace=namespace, kind=kind)
    return count, size


async def find_oldest_document(connection: Connection, namespace: str, kind: DocumentKind) -> str | None:
    found = await FIND_OLDEST_DOCUMENT.fetch(connection, namespace=namespace, kind=kind)
    return next((rows.unescape(key) for (key,) in found), None)


async def find_queue_depths(connection: Connection, namespace: str) -> list[QueueDepth]:
    return [rows.queue_depth_of(row) for row in await FIND_QUEUE_DEPTHS.fetch(connection, namespace=namespace)]
