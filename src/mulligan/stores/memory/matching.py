"""Which runs a filter means: the specification that the SQL stores are compared with.

Text is compared without regard to ASCII case in ``error_contains`` and ``text``, exactly everywhere else.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, NoReturn

from mulligan.core.query import FieldTest, RunFilter
from mulligan.core.records import Run, RunStatus
from mulligan.stores.memory.tables import Tables

_ASCII_LOWER = {code: code + 32 for code in range(ord("A"), ord("Z") + 1)}


class _Literal(str):
    """A JSON number, as it is written in the payload."""

    __slots__ = ()


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")


def is_started(tables: Tables, run: Run) -> bool:
    """Whether any attempt was given out; a run that has ended counts as started."""
    if run.status is not RunStatus.RUNNING or tables.attempts.get(run.id):
        return True
    return any(step.attempt > 0 for step in tables.open.get(run.id, {}).values())


def shown_status(tables: Tables, run: Run) -> str:
    return run.status.value if is_started(tables, run) else "queued"


def matches(tables: Tables, run: Run, wanted: RunFilter) -> bool:
    return (
        _matches_columns(run, wanted)
        and _matches_words(run, wanted)
        and _matches_history(tables, run, wanted)
        and all(run.metadata.get(".".join(test.path)) == test.value for test in wanted.tags)
        and not any(run.metadata.get(".".join(test.path)) == test.value for test in wanted.not_tags)
        and all(_input_holds(tables.inputs[run.id], test) for test in wanted.inputs)
    )


def _matches_columns(run: Run, wanted: RunFilter) -> bool:
    return (
        _among(run.id, wanted.ids)
        and _among(run.workflow, wanted.workflows)
        and run.workflow not in wanted.not_workflows
        and _among(run.failed_step, wanted.failed_steps)
        and _among(run.fingerprint, wanted.fingerprints)
        and _among(run.error_type, wanted.error_types)
        and _among(run.source_id, wanted.source_ids)
        and _among(run.parent_id, wanted.parent_ids)
        and _among(run.bulk_id, wanted.bulk_ids)
        and _among(run.family_id, wanted.family_ids)
        and wanted.replays_only in {None, run.source_id is not None}
        and (wanted.from_id is None or run.id >= wanted.from_id)
        and (wanted.since_at is None or run.created_at >= wanted.since_at)
        and (wanted.until_at is None or run.created_at < wanted.until_at)
    )


def _among(value: str | None, allowed: Sequence[str]) -> bool:
    return not allowed or value in allowed


def _matches_words(run: Run, wanted: RunFilter) -> bool:
    error = "" if run.error_type is None else _fold(f"{run.error_type}: {run.error_message or ''}")
    fields = [_fold(run.id), _fold(run.workflow), error, _fold(run.idempotency_key or "")]
    return all(_fold(part) in error for part in wanted.error_contains) and all(
        any(_fold(word) in field for field in fields) for word in wanted.text
    )


def _fold(text: str) -> str:
    return text.translate(_ASCII_LOWER)


def _matches_history(tables: Tables, run: Run, wanted: RunFilter) -> bool:
    if wanted.statuses or wanted.not_statuses:
        status = shown_status(tables, run)
        if not _among(status, wanted.statuses) or status in wanted.not_statuses:
            return False
    if wanted.versions:
        version = tables.version(run.namespace, run.workflow, run.version)
        number = None if version is None else str(version.number)
        if run.version not in wanted.versions and number not in wanted.versions:
            return False
    return wanted.min_attempts is None or _most_attempts(tables, run) >= wanted.min_attempts


def _most_attempts(tables: Tables, run: Run) -> int:
    finished = [tries[-1].number for tries in tables.attempts.get(run.id, {}).values()]
    given_out = [step.attempt for step in tables.open.get(run.id, {}).values()]
    return max((*finished, *given_out), default=0)


def _input_holds(payload: bytes, test: FieldTest) -> bool:
    """Whether the value at the path is the string ``value``, or a number or constant that is written so."""
    try:
        found: Any = json.loads(payload, parse_int=_Literal, parse_float=_Literal, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return False
    for name in test.path:
        if not isinstance(found, dict) or name not in found:
            return False
        found = found[name]
    if isinstance(found, bool) or found is None:
        found = json.dumps(found)
    return isinstance(found, str) and found == test.value
