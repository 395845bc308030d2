"""Retention: deleting runs with all that belongs to them."""

from __future__ import annotations

from datetime import datetime

from mulligan.stores.postgres.statement import Connection, Statement

DELETE_GONE_WORKERS = Statement("delete_gone_workers")
DELETE_RUNS = [
    Statement(f"delete_{what}")
    for what in (
        "idempotency_keys",
        "replays",
        "kept_results",
        "run_open_steps",
        "attempts",
        "run_events",
        "logs",
        "runs",
    )
]
FIND_PRUNABLE_RUNS = Statement("find_prunable_runs", "FOR UPDATE SKIP LOCKED")
FIND_RUNS_NOT_KEPT = Statement("find_runs_not_kept")


async def prune(connection: Connection, before: datetime, limit: int) -> int:
    """Runs that another engine deletes or decides on just now are passed over.

    Whether a replay has come to rely on a run is asked again once the run is locked: from then on none can.
    """
    found = await FIND_PRUNABLE_RUNS.fetch(connection, before=before, limit=limit)
    ids = [run_id for (run_id,) in await FIND_RUNS_NOT_KEPT.fetch(connection, ids=[run_id for (run_id,) in found])]
    if ids:
        for statement in DELETE_RUNS:
            await statement.execute(connection, ids=ids)
    await DELETE_GONE_WORKERS.execute(connection, before=before)
    return len(ids)
