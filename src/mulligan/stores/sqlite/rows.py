"""Records as rows and back. A row that is written has the order of the parameters of its statement.

Columns that are nearly always empty hold NULL instead of ``{}`` or a repeated id: what is not written costs nothing.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache

import msgspec

from mulligan.core.bulk import BulkItem, ItemState
from mulligan.core.records import (
    AccessToken,
    Attempt,
    Document,
    IdempotencyKey,
    LogLine,
    OpenState,
    OpenStep,
    Outcome,
    Overrides,
    QueueDepth,
    Reading,
    RecordedError,
    Run,
    RunEvent,
    RunStatus,
    Version,
    Worker,
    WorkflowDefinition,
)
from mulligan.stores.stored import Row, json_or_null, json_text

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

INLINE_INPUT = 512
"""Bytes. A run's row is rewritten when it ends; with more input than this it would no longer fit beside others."""

_OPEN_STATES = {state.value: state for state in OpenState}
"""Looked up, because calling an enum costs more than all else of a row."""

_metadata = msgspec.json.Decoder(dict[str, str]).decode
_overrides = msgspec.json.Decoder(Overrides).decode
_error = msgspec.json.Decoder(RecordedError).decode
_readings = msgspec.json.Decoder(tuple[Reading, ...]).decode
_definition = msgspec.json.Decoder(WorkflowDefinition).decode


@lru_cache(maxsize=4096)
def micros(at: datetime) -> int:
    """Microseconds since 1970. Cached, because a transaction writes the same few instants over and over."""
    span = at - EPOCH
    return (span.days * 86_400 + span.seconds) * 1_000_000 + span.microseconds


@lru_cache(maxsize=4096)
def instant(value: int) -> datetime:
    return EPOCH + timedelta(microseconds=value)


def instant_or_none(value: int | None) -> datetime | None:
    return None if value is None else EPOCH + timedelta(microseconds=value)


# ── Runs ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def row_of_run(run: Run, payload: bytes) -> Row:
    return (
        run.id,
        run.namespace,
        run.workflow,
        run.version,
        micros(run.created_at),
        None if run.family_id == run.id else run.family_id,
        None if run.key_scope == run.id else run.key_scope,
        run.status,
        run.pinned,
        run.priority,
        None if run.available_at is None else micros(run.available_at),
        None if run.finished_at is None else micros(run.finished_at),
        json_or_null(run.metadata),
        run.idempotency_key,
        json_or_null(run.overrides),
        run.source_id,
        run.generation,
        run.parent_id,
        run.parent_step,
        run.bulk_id,
        run.failed_step,
        run.error_type,
        run.error_message,
        run.fingerprint,
        payload if len(payload) <= INLINE_INPUT else None,
    )


def end_of_run(run: Run) -> Row:
    return (
        run.status,
        None if run.finished_at is None else micros(run.finished_at),
        run.failed_step,
        run.error_type,
        run.error_message,
        run.fingerprint,
        run.id,
        run.namespace,
    )


def run_of(row: Row) -> Run:
    """From the columns of ``run_filter.RUN_COLUMNS``."""
    id_ = row[0]
    return Run(
        id=id_,
        namespace=row[1],
        workflow=row[2],
        version=row[3],
        created_at=instant(row[4]),
        family_id=row[5] or id_,
        key_scope=row[6] or id_,
        status=RunStatus(row[7]),
        pinned=bool(row[8]),
        priority=row[9],
        available_at=instant_or_none(row[10]),
        finished_at=instant_or_none(row[11]),
        metadata={} if row[12] is None else _metadata(row[12]),
        idempotency_key=row[13],
        overrides={} if row[14] is None else _overrides(row[14]),
        source_id=row[15],
        generation=row[16],
        parent_id=row[17],
        parent_step=row[18],
        bulk_id=row[19],
        failed_step=row[20],
        error_type=row[21],
        error_message=row[22],
        fingerprint=row[23],
    )


# ── Steps and attempts ───────────────────────────────────────────────────────────────────────────────────────────────


def row_of_open_step(step: OpenStep) -> Row:
    span = step.start_to_close
    return (
        step.run_id,
        step.step,
        step.namespace,
        step.workflow,
        step.route,
        step.state,
        micros(step.queued_at),
        micros(step.since_at),
        step.priority,
        step.attempt,
        step.failures,
        step.losses,
        step.token,
        step.worker_id,
        None if step.due_at is None else micros(step.due_at),
        None if span is None else span // timedelta(microseconds=1),
    )


def change_of_open_step(step: OpenStep) -> Row:
    """All that can change, then the key."""
    run_id, name, namespace, _workflow, *rest = row_of_open_step(step)
    return (*rest, run_id, name, namespace)


def lease_of_open_step(step: OpenStep) -> Row:
    """What leasing changes, then the key."""
    return (
        step.state,
        micros(step.since_at),
        step.attempt,
        step.token,
        step.worker_id,
        None if step.due_at is None else micros(step.due_at),
        step.run_id,
        step.step,
        step.namespace,
    )


def open_step_of(row: Row) -> OpenStep:
    return OpenStep(
        run_id=row[0],
        step=row[1],
        namespace=row[2],
        workflow=row[3],
        route=row[4],
        state=_OPEN_STATES[row[5]],
        queued_at=instant(row[6]),
        since_at=instant(row[7]),
        priority=row[8],
        attempt=row[9],
        failures=row[10],
        losses=row[11],
        token=row[12],
        worker_id=row[13],
        due_at=instant_or_none(row[14]),
        start_to_close=None if row[15] is None else timedelta(microseconds=row[15]),
    )


def row_of_attempt(attempt: Attempt, output: bytes | None) -> Row:
    return (
        attempt.run_id,
        attempt.step,
        attempt.number,
        attempt.namespace,
        attempt.outcome,
        micros(attempt.queued_at),
        None if attempt.started_at is None else micros(attempt.started_at),
        micros(attempt.finished_at),
        attempt.version,
        attempt.worker_id,
        None if attempt.error is None else json_text(attempt.error),
        attempt.fingerprint,
        json_or_null(attempt.readings),
        output,
    )


def attempt_of(row: Row) -> Attempt:
    return Attempt(
        run_id=row[0],
        step=row[1],
        number=row[2],
        namespace=row[3],
        outcome=Outcome(row[4]),
        queued_at=instant(row[5]),
        started_at=instant_or_none(row[6]),
        finished_at=instant(row[7]),
        version=row[8],
        worker_id=row[9],
        error=None if row[10] is None else _error(row[10]),
        fingerprint=row[11],
        readings=() if row[12] is None else _readings(row[12]),
    )


# ── The rest ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def row_of_event(event: RunEvent) -> Row:
    return (
        event.run_id,
        event.namespace,
        micros(event.at),
        event.kind,
        event.step,
        event.attempt,
        event.actor,
        event.detail,
    )


def event_of(row: Row) -> RunEvent:
    run_id, namespace, at, kind, step, attempt, actor, detail = row
    return RunEvent(run_id, namespace, instant(at), kind, step, attempt, actor, detail)


def row_of_log_line(line: LogLine) -> Row:
    return (
        line.run_id,
        line.step,
        line.attempt,
        line.namespace,
        micros(line.at),
        line.level,
        line.logger,
        line.message,
    )


def log_line_of(row: Row) -> tuple[int, LogLine]:
    position, run_id, step, attempt, namespace, at, level, logger, message = row
    return position, LogLine(run_id, step, attempt, namespace, instant(at), level, logger, message)


def row_of_key(key: IdempotencyKey) -> Row:
    return (key.namespace, key.key, key.run_id, key.content, micros(key.created_at))


def key_of(row: Row) -> IdempotencyKey:
    namespace, key, run_id, content, created_at = row
    return IdempotencyKey(namespace, key, run_id, content, instant(created_at))


def row_of_version(version: Version) -> Row:
    return (
        version.namespace,
        version.workflow,
        version.number,
        version.digest,
        micros(version.registered_at),
        json_text(version.definition),
    )


def version_of(row: Row) -> Version:
    namespace, workflow, number, digest, registered_at, definition = row
    return Version(namespace, workflow, digest, number, instant(registered_at), _definition(definition))


def row_of_worker(worker: Worker) -> Row:
    return (
        worker.id,
        worker.namespace,
        worker.name,
        worker.state,
        micros(worker.seen_at),
        micros(worker.lease_until_at),
        json_text(worker),
    )


def row_of_bulk_item(item: BulkItem) -> Row:
    return (item.bulk_id, item.position, item.namespace, item.source_id, item.state, item.run_id, item.problem)


def bulk_item_of(row: Row) -> BulkItem:
    bulk_id, namespace, position, source_id, state, run_id, problem = row
    return BulkItem(bulk_id, namespace, position, source_id, ItemState(state), run_id, problem)


def row_of_document(document: Document) -> Row:
    return (document.namespace, document.kind, document.key, json_text(document))


def queue_depth_of(row: Row) -> QueueDepth:
    workflow, step, route, state, count, oldest_at = row
    return QueueDepth(workflow, step, route, OpenState(state), count, instant(oldest_at))


def row_of_token(token: AccessToken) -> Row:
    return (token.id, token.namespace, micros(token.created_at), json_text(token))
