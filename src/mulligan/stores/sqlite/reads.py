"""The questions of dashboard, sweeps and dispatch, each on a connection that only reads."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import apsw

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
from mulligan.stores.sqlite import rows
from mulligan.stores.sqlite.database import snapshot
from mulligan.stores.sqlite.dialect import SQLITE
from mulligan.stores.sqlite.load import LOAD_LATEST_VERSIONS, LOAD_REPLAYS, Definitions, load_facts, load_runs
from mulligan.stores.statements import read_statement

FIND_DOCUMENT = read_statement(__package__, "find_document")
FIND_DOCUMENTS = read_statement(__package__, "find_documents")
FIND_DUE_STEPS = read_statement(__package__, "find_due_steps")
FIND_ENDED_RUNS = read_statement(__package__, "find_ended_runs")
FIND_EXPIRED_WORKERS = read_statement(__package__, "find_expired_workers")
FIND_FAMILY = read_statement(__package__, "find_family")
FIND_INPUTS = read_statement(__package__, "find_inputs")
FIND_LIVE_LEASES = read_statement(__package__, "find_live_leases")
FIND_LOGS = read_statement(__package__, "find_logs")
FIND_NEXT_DUE_AT = read_statement(__package__, "find_next_due_at")
FIND_OLDEST_DOCUMENT = read_statement(__package__, "find_oldest_document")
FIND_OUTPUTS = read_statement(__package__, "find_outputs")
FIND_PRUNABLE_RUNS = read_statement(__package__, "find_prunable_runs")
FIND_QUEUE_DEPTHS = read_statement(__package__, "find_queue_depths")
FIND_READY_ROUTES = read_statement(__package__, "find_ready_routes")
FIND_RUN_EVENTS = read_statement(__package__, "find_run_events")
FIND_TOKENS = read_statement(__package__, "find_tokens")
FIND_VARIABLES = read_statement(__package__, "find_variables")
FIND_VERSION = read_statement(__package__, "find_version")
FIND_VERSIONS = read_statement(__package__, "find_versions")
FIND_WORKERS = read_statement(__package__, "find_workers")
MEASURE_DOCUMENTS = read_statement(__package__, "measure_documents")
LOAD_ATTEMPTS = read_statement(__package__, "load_attempts")

HEAD_CHARACTERS = 200

# ── Sweeps and dispatch ──────────────────────────────────────────────────────────────────────────────────────────────


def find_due_steps(connection: apsw.Connection, now: datetime, limit: int) -> list[DueStep]:
    asked = {"now": rows.micros(now), "limit": limit}
    return [DueStep(run_id, step, rows.instant(at)) for run_id, step, at in connection.execute(FIND_DUE_STEPS, asked)]


def find_next_due_at(connection: apsw.Connection) -> datetime | None:
    return rows.instant_or_none(connection.execute(FIND_NEXT_DUE_AT).get)


def find_expired_workers(connection: apsw.Connection, now: datetime) -> list[Worker]:
    return stored.records(Worker, connection.execute(FIND_EXPIRED_WORKERS, {"now": rows.micros(now)}))


def find_live_leases(connection: apsw.Connection, run_ids: Sequence[str]) -> set[Lease]:
    return set(connection.execute(FIND_LIVE_LEASES, {"ids": stored.json_text(run_ids)}))


def find_ended_runs(connection: apsw.Connection, run_ids: Sequence[str]) -> list[str]:
    return [run_id for (run_id,) in connection.execute(FIND_ENDED_RUNS, {"ids": stored.json_text(run_ids)})]


def find_ready_routes(connection: apsw.Connection) -> set[str]:
    return {route for (route,) in connection.execute(FIND_READY_ROUTES)}


def find_prunable_runs(connection: apsw.Connection, before: datetime, limit: int) -> list[str]:
    asked = {"before": rows.micros(before), "limit": limit}
    return [run_id for (run_id,) in connection.execute(FIND_PRUNABLE_RUNS, asked)]


def find_payloads(connection: apsw.Connection, inputs: Sequence[str], outputs: Sequence[OutputRef]) -> Produced:
    produced = Produced({}, {})
    if inputs:
        for run_id, payload in connection.execute(FIND_INPUTS, {"ids": stored.json_text(inputs)}):
            produced.inputs[run_id] = payload
    if outputs:
        for run_id, step, number, payload in connection.execute(FIND_OUTPUTS, {"refs": stored.json_text(outputs)}):
            produced.outputs[run_id, step, number] = payload
    return produced


# ── One run ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def find_run(connection: apsw.Connection, namespace: str, run_id: str, definitions: Definitions) -> RunDocument | None:
    with snapshot(connection):
        facts = load_facts(connection, [run_id], definitions).get(run_id)
        if facts is None or facts.run.namespace != namespace:
            return None
        attempts = connection.execute(LOAD_ATTEMPTS, {"run_id": run_id, "namespace": namespace})
        return RunDocument(
            run=facts.run,
            version=facts.version,
            replay=facts.replay,
            open=tuple(facts.open.values()),
            ended=tuple(map(rows.attempt_of, attempts)),
        )


def find_family(connection: apsw.Connection, namespace: str, family_id: str) -> list[tuple[Run, Replay | None]]:
    asked = {"family_id": family_id, "namespace": namespace}
    with snapshot(connection):
        ids = [run_id for (run_id,) in connection.execute(FIND_FAMILY, asked)]
        found = connection.execute(LOAD_REPLAYS, {"ids": stored.json_text(ids)})
        replays = {replay.run_id: replay for replay in stored.records(Replay, found)}
        return [(run, replays.get(run.id)) for run in load_runs(connection, ids)]


def find_run_events(connection: apsw.Connection, namespace: str, run_id: str) -> list[RunEvent]:
    asked = {"run_id": run_id, "namespace": namespace}
    return [rows.event_of(row) for row in connection.execute(FIND_RUN_EVENTS, asked)]


def find_logs(
    connection: apsw.Connection,
    namespace: str,
    run_id: str,
    step: str | None,
    attempt: int | None,
    after: int,
    limit: int,
) -> list[tuple[int, LogLine]]:
    asked = {
        "run_id": run_id,
        "namespace": namespace,
        "step": step,
        "attempt": attempt,
        "after": after,
        "limit": limit,
    }
    return [rows.log_line_of(row) for row in connection.execute(FIND_LOGS, asked)]


# ── Many runs ────────────────────────────────────────────────────────────────────────────────────────────────────────


def find_runs(
    connection: apsw.Connection, namespace: str, wanted: RunFilter, before: str | None, limit: int
) -> list[RunRow]:
    question = run_filter.find_runs(SQLITE, namespace, wanted, before, limit)
    found = []
    for *run, number, head, started in connection.execute(question.sql, question.values):
        text = head.decode(errors="ignore")[:HEAD_CHARACTERS]
        found.append(RunRow(rows.run_of(tuple(run)), number, text, bool(started)))
    return found


def find_run_ids(connection: apsw.Connection, namespace: str, wanted: RunFilter, limit: int) -> list[str]:
    question = run_filter.find_run_ids(SQLITE, namespace, wanted, limit)
    return [run_id for (run_id,) in connection.execute(question.sql, question.values)]


def nth_run(
    connection: apsw.Connection, namespace: str, wanted: RunFilter, before: str | None, number: int
) -> tuple[str, datetime] | None:
    question = run_filter.nth_run(SQLITE, namespace, wanted, before, number)
    for run_id, created_at in connection.execute(question.sql, question.values):
        return run_id, rows.instant(created_at)
    return None


def count_runs(connection: apsw.Connection, namespace: str, wanted: RunFilter) -> dict[str, int]:
    question = run_filter.count_runs(SQLITE, namespace, wanted)
    [counts] = connection.execute(question.sql, question.values)
    return by_status(counts)


def count_runs_by_workflow(connection: apsw.Connection, namespace: str, wanted: RunFilter) -> dict[str, dict[str, int]]:
    question = run_filter.count_runs_by_workflow(SQLITE, namespace, wanted)
    return {name: by_status(counts) for name, *counts in connection.execute(question.sql, question.values)}


def histogram(
    connection: apsw.Connection, namespace: str, wanted: RunFilter, since: datetime, width_s: int
) -> list[Bucket]:
    question = run_filter.histogram(SQLITE, namespace, wanted, since, width_s * 1_000_000)
    width = timedelta(seconds=width_s)
    return [
        Bucket(since + index * width, by_status(counts))
        for index, *counts in connection.execute(question.sql, question.values)
    ]


def by_status(counts: Sequence[Any]) -> dict[str, int]:
    return {status: n for status, n in zip(run_filter.SHOWN_STATUSES, counts, strict=True) if n}


# ── What there is ────────────────────────────────────────────────────────────────────────────────────────────────────


def find_versions(
    connection: apsw.Connection, namespace: str, workflow: str | None, definitions: Definitions
) -> list[Version]:
    asked = {"namespace": namespace, "workflow": workflow}
    if workflow is None:
        return [definitions.of_row(row) for row in connection.execute(LOAD_LATEST_VERSIONS, asked)]
    digests = [(row[0], row[1], row[2]) for row in connection.execute(FIND_VERSIONS, asked)]
    known = definitions.of(connection, digests)
    return [known[digest] for digest in digests]


def find_version(
    connection: apsw.Connection, namespace: str, workflow: str, wanted: str | None, definitions: Definitions
) -> Version | None:
    asked = {"namespace": namespace, "workflow": workflow, "wanted": wanted}
    found = [(row[0], row[1], row[2]) for row in connection.execute(FIND_VERSION, asked)]
    return next(iter(definitions.of(connection, found).values()), None)


def find_variables(connection: apsw.Connection, namespace: str, workflow: str) -> list[Variable]:
    asked = {"namespace": namespace, "workflow": workflow}
    return stored.records(Variable, connection.execute(FIND_VARIABLES, asked))


def find_workers(connection: apsw.Connection, namespace: str) -> list[Worker]:
    return stored.records(Worker, connection.execute(FIND_WORKERS, {"namespace": namespace}))


def find_documents(connection: apsw.Connection, namespace: str, kind: DocumentKind) -> list[Document]:
    return stored.records(Document, connection.execute(FIND_DOCUMENTS, {"namespace": namespace, "kind": kind}))


def find_document(connection: apsw.Connection, namespace: str, kind: DocumentKind, key: str) -> Document | None:
    found = connection.execute(FIND_DOCUMENT, {"namespace": namespace, "kind": kind, "key": key})
    return next(iter(stored.records(Document, found)), None)


def measure_documents(connection: apsw.Connection, namespace: str, kind: DocumentKind) -> tuple[int, int]:
    [(count, size)] = connection.execute(MEASURE_DOCUMENTS, {"namespace": namespace, "kind": kind})
    return count, size


def find_oldest_document(connection: apsw.Connection, namespace: str, kind: DocumentKind) -> str | None:
    found = connection.execute(FIND_OLDEST_DOCUMENT, {"namespace": namespace, "kind": kind})
    return next((key for (key,) in found), None)


def find_queue_depths(connection: apsw.Connection, namespace: str) -> list[QueueDepth]:
    return [rows.queue_depth_of(row) for row in connection.execute(FIND_QUEUE_DEPTHS, {"namespace": namespace})]


def find_tokens(connection: apsw.Connection, namespace: str | None) -> list[AccessToken]:
    return stored.records(AccessToken, connection.execute(FIND_TOKENS, {"namespace": namespace}))
