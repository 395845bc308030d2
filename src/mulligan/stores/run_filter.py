"""Questions about many runs: the one module that puts SQL together, from a closed set of columns, for both databases.

Values never become part of a statement: each is bound to a numbered parameter. What the filters mean is specified by
``memory.matching``; ``Dialect`` holds what the databases say differently.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from mulligan.core.query import FieldTest, RunFilter

Bind = Callable[[Any], str]
"""Takes a value, answers with the parameter it was bound to."""

RUN_COLUMNS = (
    "id, namespace, workflow, version, created_at, family_id, key_scope, status, pinned, priority, available_at, "
    "finished_at, metadata, idempotency_key, overrides, source_id, generation, parent_id, parent_step, bulk_id, "
    "failed_step, error_type, error_message, fingerprint"
)

HEAD_BYTES = 800
"""Of the input, for the list of runs: enough for 200 characters of any script."""

_ERROR = "(runs.error_type || ': ' || coalesce(runs.error_message, ''))"
_STARTED = (
    "(runs.status <> 'running' "
    "OR EXISTS (SELECT 1 FROM open_steps WHERE run_id = runs.id AND attempt > 0) "
    "OR EXISTS (SELECT 1 FROM attempts WHERE run_id = runs.id))"
)
_STATUS_TESTS = {
    "queued": f"(runs.status = 'running' AND NOT {_STARTED})",
    "running": f"(runs.status = 'running' AND {_STARTED})",
    "succeeded": "runs.status = 'succeeded'",
    "failed": "{trouble} = 'failed'",
    "cancelled": "{trouble} = 'cancelled'",
}
"""Each names the status as a constant, so that the planner finds the partial index for it."""
SHOWN_STATUSES = tuple(_STATUS_TESTS)
_TEXTS = ("runs.id", "runs.workflow", _ERROR, "coalesce(runs.idempotency_key, '')")
_VERSION_NUMBER = (
    "(SELECT number FROM versions AS v WHERE v.namespace = runs.namespace AND v.workflow = runs.workflow "
    "AND v.digest = runs.version)"
)

_ASCII_LOWER = {code: code + 32 for code in range(ord("A"), ord("Z") + 1)}


@dataclass(frozen=True, slots=True)
class Dialect:
    """What the databases say differently. ``{…}`` in ``among``, ``contains`` and ``bucket`` is filled in with SQL,
    never values.

    ``bound``: how a text, an instant or a list of texts is given to the driver. ``trouble``: the column that says
    failed or cancelled. ``live``: a condition that leads to the runs that have not ended, where no index does.
    """

    parameter: Callable[[int], str]
    bound: Callable[[Any], Any]
    among: str
    contains: str
    bucket: str
    input: str
    trouble: str
    live: str | None
    tag: Callable[[str, str, Bind], str]
    input_holds: Callable[[str, FieldTest, Bind], str]


@dataclass(slots=True)
class Question:
    """A statement and the values of its numbered parameters."""

    dialect: Dialect
    values: list[Any]
    sql: str = ""

    def bind(self, value: Any) -> str:
        self.values.append(self.dialect.bound(value))
        return self.dialect.parameter(len(self.values))


def find_runs(dialect: Dialect, namespace: str, wanted: RunFilter, before: str | None, limit: int) -> Question:
    """Rows of ``RUN_COLUMNS``, version number, head of the input, started; newest first."""
    question = Question(dialect, [])
    conditions = _conditions_before(question, namespace, wanted, before)
    question.sql = (
        f"SELECT {RUN_COLUMNS}, {_VERSION_NUMBER}, substr({dialect.input}, 1, {HEAD_BYTES}), {_STARTED} "
        f"FROM runs WHERE {' AND '.join(conditions)} ORDER BY runs.id DESC LIMIT {question.bind(limit)}"
    )
    return question


def find_run_ids(dialect: Dialect, namespace: str, wanted: RunFilter, limit: int) -> Question:
    """Rows of (id), newest first."""
    question = Question(dialect, [])
    conditions = _conditions(question, namespace, wanted)
    question.sql = (
        f"SELECT id FROM runs WHERE {' AND '.join(conditions)} ORDER BY runs.id DESC LIMIT {question.bind(limit)}"
    )
    return question


def nth_run(dialect: Dialect, namespace: str, wanted: RunFilter, before: str | None, number: int) -> Question:
    """At most one row: (id, created_at) of what ``find_runs`` has as its ``number``-th, from 1 on."""
    question = Question(dialect, [])
    conditions = _conditions_before(question, namespace, wanted, before)
    question.sql = (
        f"SELECT runs.id, runs.created_at FROM runs WHERE {' AND '.join(conditions)} "
        f"ORDER BY runs.id DESC LIMIT 1 OFFSET {question.bind(number - 1)}"
    )
    return question


def count_runs(dialect: Dialect, namespace: str, wanted: RunFilter) -> Question:
    """One row: the count of each status of ``SHOWN_STATUSES``."""
    question = Question(dialect, [])
    conditions = _conditions(question, namespace, wanted)
    question.sql = f"SELECT {_counts(dialect)} FROM runs WHERE {' AND '.join(conditions)}"
    return question


def count_runs_by_workflow(dialect: Dialect, namespace: str, wanted: RunFilter) -> Question:
    """Rows of the workflow and the count of each status of ``SHOWN_STATUSES``."""
    question = Question(dialect, [])
    conditions = _conditions(question, namespace, wanted)
    # An expression, because the planner would read all runs of all times in the order of an index rather than sort few.
    question.sql = f"SELECT workflow || '', {_counts(dialect)} FROM runs WHERE {' AND '.join(conditions)} GROUP BY 1"
    return question


def histogram(dialect: Dialect, namespace: str, wanted: RunFilter, since: datetime, width_us: int) -> Question:
    """Rows of the number of the bucket (from 0, in order) and the count of each status of ``SHOWN_STATUSES``."""
    question = Question(dialect, [])
    conditions = _conditions(question, namespace, wanted)
    start = question.bind(since)
    conditions.append(f"runs.created_at >= {start}")
    bucket = dialect.bucket.format(start=start, width=question.bind(width_us))
    question.sql = (
        f"SELECT {bucket}, {_counts(dialect)} FROM runs WHERE {' AND '.join(conditions)} GROUP BY 1 ORDER BY 1"
    )
    return question


def _counts(dialect: Dialect) -> str:
    """Sums beside each other and not groups: nothing has to be sorted."""
    return ", ".join(f"count(*) FILTER (WHERE {_status_test(dialect, status)})" for status in SHOWN_STATUSES)


def _status_test(dialect: Dialect, status: str) -> str:
    return _STATUS_TESTS[status].format(trouble=dialect.trouble)


def _conditions_before(question: Question, namespace: str, wanted: RunFilter, before: str | None) -> list[str]:
    conditions = _conditions(question, namespace, wanted)
    if before is not None:
        conditions.append(f"runs.id < {question.bind(before)}")
    return conditions


def _conditions(question: Question, namespace: str, wanted: RunFilter) -> list[str]:
    conditions = [f"runs.namespace = {question.bind(namespace)}"]
    conditions += _columns(question, wanted)
    conditions += _statuses(question, wanted)
    conditions += _history(question, namespace, wanted)
    conditions += _words(question, wanted)
    conditions += [question.dialect.tag(*_tag(test), question.bind) for test in wanted.tags]
    conditions += [f"NOT {question.dialect.tag(*_tag(test), question.bind)}" for test in wanted.not_tags]
    conditions += [question.dialect.input_holds(question.dialect.input, test, question.bind) for test in wanted.inputs]
    return conditions


def _columns(question: Question, wanted: RunFilter) -> list[str]:
    tests = {
        "runs.id": wanted.ids,
        "runs.workflow": wanted.workflows,
        "runs.failed_step": wanted.failed_steps,
        "runs.fingerprint": wanted.fingerprints,
        "runs.error_type": wanted.error_types,
        "runs.source_id": wanted.source_ids,
        "runs.parent_id": wanted.parent_ids,
        "runs.bulk_id": wanted.bulk_ids,
    }
    conditions = [_among(question, column, values) for column, values in tests.items() if values]
    if wanted.not_workflows:
        conditions.append(f"NOT {_among(question, 'runs.workflow', wanted.not_workflows)}")
    if wanted.family_ids:
        # A run that is no replay is its own family, and its column is empty.
        own = _among(question, "runs.id", wanted.family_ids)
        conditions.append(
            f"({_among(question, 'runs.family_id', wanted.family_ids)} OR (runs.family_id IS NULL AND {own}))"
        )
    if wanted.replays_only is not None:
        conditions.append(f"runs.source_id IS {'NOT ' if wanted.replays_only else ''}NULL")
    if wanted.from_id is not None:
        conditions.append(f"runs.id >= {question.bind(wanted.from_id)}")
    if wanted.since_at is not None:
        conditions.append(f"runs.created_at >= {question.bind(wanted.since_at)}")
    if wanted.until_at is not None:
        conditions.append(f"runs.created_at < {question.bind(wanted.until_at)}")
    return conditions


def _among(question: Question, column: str, values: Sequence[str]) -> str:
    # A single value is compared by `=`: the rows of an index then stay in order.
    if len(values) == 1:
        return f"{column} = {question.bind(values[0])}"
    return question.dialect.among.format(column=column, values=question.bind(values))


def _statuses(question: Question, wanted: RunFilter) -> list[str]:
    conditions = []
    if wanted.statuses:
        conditions.append(_status_among(question.dialect, wanted.statuses))
        if question.dialect.live is not None and {"queued", "running"}.issuperset(wanted.statuses):
            conditions.append(question.dialect.live)
    if wanted.not_statuses:
        conditions.append(f"{_status_among(question.dialect, wanted.not_statuses)} IS NOT TRUE")
    return conditions


def _status_among(dialect: Dialect, statuses: Sequence[str]) -> str:
    known = [_status_test(dialect, status) for status in dict.fromkeys(statuses) if status in _STATUS_TESTS]
    return f"({' OR '.join(known)})" if known else "(1 = 0)"


def _history(question: Question, namespace: str, wanted: RunFilter) -> list[str]:
    conditions = []
    if wanted.versions:
        digest = _among(question, "runs.version", wanted.versions)
        # Looked up once for all runs: to ask for each run's number took half of the time of a chart.
        number = _among(question, "CAST(number AS TEXT)", wanted.versions)
        numbered = f"SELECT workflow, digest FROM versions WHERE namespace = {question.bind(namespace)} AND {number}"
        conditions.append(f"({digest} OR (runs.workflow, runs.version) IN ({numbered}))")
    if wanted.min_attempts is not None and wanted.min_attempts > 0:
        least = question.bind(wanted.min_attempts)
        # The constant is what lets the planner use the small index on attempts after the first.
        again = "number > 1 AND " if wanted.min_attempts > 1 else ""
        conditions.append(
            f"runs.id IN (SELECT run_id FROM attempts WHERE {again}number >= {least} "
            f"UNION ALL SELECT run_id FROM open_steps WHERE attempt >= {least})"
        )
    return conditions


def _words(question: Question, wanted: RunFilter) -> list[str]:
    conditions = [_contains(question, (_ERROR,), part) for part in wanted.error_contains]
    return conditions + [_contains(question, _TEXTS, word) for word in wanted.text]


def _contains(question: Question, texts: Sequence[str], part: str) -> str:
    bound = question.bind(part.translate(_ASCII_LOWER))
    return f"({' OR '.join(question.dialect.contains.format(text=text, part=bound) for text in texts)})"


def _tag(test: FieldTest) -> tuple[str, str]:
    """Metadata is flat: the dots of a path are part of the name."""
    return ".".join(test.path), test.value
