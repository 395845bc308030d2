"""Retention: deleting runs with all that belongs to them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import apsw

from mulligan.stores.sqlite.database import immediate
from mulligan.stores.sqlite.rows import json_text, micros
from mulligan.stores.statements import read_statement

DELETE_GONE_WORKERS = read_statement(__package__, "delete_gone_workers")
# Keys are found by their runs, so these go last.
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


def prune(connection: apsw.Connection, run_ids: Sequence[str], before: datetime) -> None:
    with immediate(connection):
        for statement in DELETE_RUNS:
            connection.execute(statement, {"ids": json_text(run_ids)})
        connection.execute(DELETE_GONE_WORKERS, {"before": micros(before)})
