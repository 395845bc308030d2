"""Retention: deleting runs with all that belongs to them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import apsw

from mulligan.stores.sqlite.database import immediate
from mulligan.stores.sqlite.rows import micros
from mulligan.stores.statements import read_statement
from mulligan.stores.stored import json_text, moment_text

DELETE_BULK = read_statement(__package__, "delete_bulk")
DELETE_BULK_ITEMS = read_statement(__package__, "delete_bulk_items")
DELETE_GONE_WORKERS = read_statement(__package__, "delete_gone_workers")
FIND_PRUNABLE_BULK = read_statement(__package__, "find_prunable_bulk")
FIND_RUNS_NOT_KEPT = read_statement(__package__, "find_runs_not_kept")
DELETE_RUNS = [
    read_statement(__package__, f"delete_{what}")
    for what in (
        "idempotency_keys",
        "large_inputs",
        "replays",
        "kept_results",
        "run_open_steps",
        "attempts",
        "run_events",
        "logs",
        "runs",
    )
]


def prune(connection: apsw.Connection, run_ids: Sequence[str], before: datetime) -> int:
    """Delete these runs, but for those that a replay has come to rely on since they were found."""
    with immediate(connection):
        free = [run_id for (run_id,) in connection.execute(FIND_RUNS_NOT_KEPT, {"ids": json_text(run_ids)})]
        for statement in DELETE_RUNS:
            connection.execute(statement, {"ids": json_text(free)})
        connection.execute(DELETE_GONE_WORKERS, {"before": micros(before)})
        for (bulk_id,) in connection.execute(FIND_PRUNABLE_BULK, {"before": moment_text(before)}).fetchall():
            connection.execute(DELETE_BULK_ITEMS, {"id": bulk_id})
            connection.execute(DELETE_BULK, {"id": bulk_id})
    return len(free)
