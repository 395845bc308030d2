"""Records as rows and back. A row that is written has the order of the parameters of its statement.

Fields that nearly always have the same value are written as None then: a column of nothing but None is sent as one
NULL, and the statement puts the value in its place.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
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
from mulligan.errors import InvalidInput
from mulligan.stores.stored import Row, json_or_null, json_text

_OPEN_STATES = {state.value: state for state in OpenState}
_STATUSES = {status.value: status for status in RunStatus}
"""Looked up, because calling an enum costs more than all else of a row."""

_overrides = msgspec.json.Decoder(Overrides).decode
_error = msgspec.json.Decoder(RecordedError).decode
_readings = msgspec.json.Decoder(tuple[Reading, ...]).decode
_definition = msgspec.json.Decoder(WorkflowDefinition).decode


SEPARATOR = "\x1f"
NULL = "\x1e"


def joined(column: Sequence[str | None]) -> str | None:
    """A column of texts as the one text that ``texts()`` takes apart; None for a column without rows.

    Raises InvalidInput if a text holds the separator: free text is escaped before, names have no such characters.
    """
    if not column:
        return None
    text = SEPARATOR.join([NULL if value is None else value for value in column])
    if text.count(SEPARATOR) != len(column) - 1:
        raise InvalidInput("A name or id holds a control character. Use letters, digits and punctuation.")
    return text


# ── Instants ─────────────────────────────────────────────────────────────────────────────────────────────────────────

# The driver takes and gives instants as (microseconds since 2000): a third of the price of its own conversion, and a
# transaction has the same few instants over and over.
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)


@lru_cache(maxsize=4096)
def instant_for_driver(at: datetime) -> tuple[int]:
    span = at - _EPOCH
    return ((span.days * 86_400 + span.seconds) * 1_000_000 + span.microseconds,)


@lru_cache(maxsize=4096)
def instant_from_driver(micros: tuple[int]) -> datetime:
    return _EPOCH + timedelta(microseconds=micros[0])


# ── Text ─────────────────────────────────────────────────────────────────────────────────────────────────────────────

# PostgreSQL's text holds every character but NUL, and two others part the texts that are sent together. They are
# written as two characters that Unicode has set aside for private conventions like this one (noncharacters); the first
# of them, should it ever be met, is marked, too.
_MARK = "\ufdd0"
_ESCAPES = {_MARK: _MARK + "\ufdd2", "\0": _MARK + "\ufdd1", NULL: _MARK + "\ufdd5", SEPARATOR: _MARK + "\ufdd6"}
VALUE_MARK = _MARK + "\ufdd3"
_ENTRY = _MARK + "\ufdd4"
_SPECIAL = re.compile("|".join(_ESCAPES))
_ESCAPED = re.compile("|".join(_ESCAPES.values()))
_PLAIN = {escaped: plain for plain, escaped in _ESCAPES.items()}


def escape(text: str) -> str:
    """Free text as PostgreSQL can hold it."""
    return _SPECIAL.sub(lambda found: _ESCAPES[found[0]], text) if _SPECIAL.search(text) else text


def unescape(text: str) -> str:
    return _ESCAPED.sub(lambda found: _PLAIN[found[0]], text) if _MARK in text else text


def escape_or_null(text: str | None) -> str | None:
    return None if text is None else escape(text)


def unescape_or_null(text: str | None) -> str | None:
    return None if text is None else unescape(text)


def entry(name: str, value: str) -> str:
    """One element of the array that holds a run's metadata."""
    return f"{escape(name)}{VALUE_MARK}{escape(value)}"


def metadata_text(metadata: dict[str, str]) -> str | None:
    """All entries as one text, which the statement takes apart: arrays of arrays cannot be sent."""
    return _ENTRY.join(entry(name, value) for name, value in metadata.items()) if metadata else None


def metadata_of(entries: Sequence[str] | None) -> dict[str, str]:
    pairs = (one.split(VALUE_MARK) for one in entries or ())
    return {unescape(name): unescape(value) for name, value in pairs}


# ── Runs ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def row_of_run(run: Run, payload: bytes) -> Row:
    return (
        run.id,
        run.namespace,
        run.workflow,
        run.version,
        run.created_at,
        None if run.family_id == run.id else run.family_id,
        None if run.key_scope == run.id else run.key_scope,
        None if run.status is RunStatus.RUNNING else run.status,
        run.pinned or None,
        run.priority or None,
        run.available_at,
        run.finished_at,
        metadata_text(run.metadata),
        escape_or_null(run.idempotency_key),
        json_or_null(run.overrides),
        run.source_id,
        run.generation or None,
        run.parent_id,
        run.parent_step,
        run.bulk_id,
        run.failed_step,
        escape_or_null(run.error_type),
        escape_or_null(run.error_message),
        run.fingerprint,
        payload,
    )


def end_of_run(run: Run) -> Row:
    return (
        run.status,
        run.finished_at,
        run.failed_step,
        escape_or_null(run.error_type),
        escape_or_null(run.error_message),
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
        created_at=row[4],
        family_id=row[5] or id_,
        key_scope=row[6] or id_,
        status=_STATUSES[row[7]],
        pinned=row[8],
        priority=row[9],
        available_at=row[10],
        finished_at=row[11],
        metadata={} if row[12] is None else metadata_of(row[12]),
        idempotency_key=unescape_or_null(row[13]),
        overrides={} if row[14] is None else _overrides(row[14]),
        source_id=row[15],
        generation=row[16],
        parent_id=row[17],
        parent_step=row[18],
        bulk_id=row[19],
        failed_step=row[20],
        error_type=unescape_or_null(row[21]),
        error_message=unescape_or_null(row[22]),
        fingerprint=row[23],
    )


# ── Steps and attempts ───────────────────────────────────────────────────────────────────────────────────────────────


def row_of_open_step(step: OpenStep) -> Row:
    return (step.run_id, step.step, step.namespace, step.workflow, *_changeable(step))


def change_of_open_step(step: OpenStep) -> Row:
    """All that can change, then the key."""
    return (*_changeable(step), step.run_id, step.step, step.namespace)


def _changeable(step: OpenStep) -> Row:
    return (
        step.route,
        step.state,
        step.queued_at,
        step.since_at,
        step.priority or None,
        step.attempt or None,
        step.failures or None,
        step.losses or None,
        step.token,
        step.worker_id,
        step.due_at,
        step.start_to_close,
    )


def open_step_of(row: Row) -> OpenStep:
    return OpenStep(
        run_id=row[0],
        step=row[1],
        namespace=row[2],
        workflow=row[3],
        route=row[4],
        state=_OPEN_STATES[row[5]],
        queued_at=row[6],
        since_at=row[7],
        priority=row[8],
        attempt=row[9],
        failures=row[10],
        losses=row[11],
        token=row[12],
        worker_id=row[13],
        due_at=row[14],
        start_to_close=row[15],
    )


def queue_depth_of(row: Row) -> QueueDepth:
    workflow, step, route, state, count, oldest_at = row
    return QueueDepth(workflow, step, route, OpenState(state), count, oldest_at)


def row_of_attempt(attempt: Attempt, output: bytes | None) -> Row:
    return (
        attempt.run_id,
        attempt.step,
        attempt.number,
        attempt.namespace,
        attempt.outcome,
        attempt.queued_at,
        attempt.started_at,
        attempt.finished_at,
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
        queued_at=row[5],
        started_at=row[6],
        finished_at=row[7],
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
        event.at,
        event.kind,
        event.step,
        event.attempt,
        escape_or_null(event.actor),
        event.detail,
    )


def event_of(row: Row) -> RunEvent:
    run_id, namespace, at, kind, step, attempt, actor, detail = row
    return RunEvent(run_id, namespace, at, kind, step, attempt, unescape_or_null(actor), detail)


def row_of_log_line(line: LogLine) -> Row:
    return (
        line.run_id,
        line.step,
        line.attempt,
        line.namespace,
        line.at,
        line.level,
        escape(line.logger),
        escape(line.message),
    )


def log_line_of(row: Row) -> tuple[int, LogLine]:
    position, run_id, step, attempt, namespace, at, level, logger, message = row
    line = LogLine(run_id, step, attempt, namespace, at, level, unescape(logger), unescape(message))
    return position, line


def row_of_key(key: IdempotencyKey) -> Row:
    return (key.namespace, escape(key.key), key.run_id, key.content, key.created_at)


def key_of(row: Row) -> IdempotencyKey:
    namespace, key, run_id, content, created_at = row
    return IdempotencyKey(namespace, unescape(key), run_id, content, created_at)


def row_of_version(version: Version) -> Row:
    return (
        version.namespace,
        version.workflow,
        version.number,
        version.digest,
        version.registered_at,
        json_text(version.definition),
    )


def version_of(row: Row) -> Version:
    namespace, workflow, number, digest, registered_at, definition = row
    return Version(namespace, workflow, digest, number, registered_at, _definition(definition))


def row_of_worker(worker: Worker) -> Row:
    return (
        worker.id,
        worker.namespace,
        escape(worker.name),
        worker.state,
        worker.seen_at,
        worker.lease_until_at,
        json_text(worker),
    )


def row_of_bulk_item(item: BulkItem) -> Row:
    problem = escape_or_null(item.problem)
    return (item.bulk_id, item.position, item.namespace, item.source_id, item.state, item.run_id, problem)


def bulk_item_of(row: Row) -> BulkItem:
    bulk_id, namespace, position, source_id, state, run_id, problem = row
    return BulkItem(bulk_id, namespace, position, source_id, ItemState(state), run_id, unescape_or_null(problem))


def row_of_document(document: Document) -> Row:
    return (document.namespace, document.kind, escape(document.key), json_text(document))


def row_of_token(token: AccessToken) -> Row:
    return (token.id, token.namespace, token.created_at, json_text(token))
