"""Retention: dropping spans of history as a whole, and deleting what lies in none or must not wait for its span."""

from __future__ import annotations

from datetime import datetime
from itertools import dropwhile

from mulligan.stores.postgres.connections import Connections
from mulligan.stores.postgres.partitions import Partitions
from mulligan.stores.postgres.spans import id_from
from mulligan.stores.postgres.statement import Connection, Statement
from mulligan.stores.stored import moment_text

DELETE_BULK = Statement("delete_bulk")
DELETE_BULK_ITEMS = Statement("delete_bulk_items")
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
FIND_PRUNABLE_BULK = Statement("find_prunable_bulk", "FOR UPDATE SKIP LOCKED")
FIND_PRUNABLE_RUNS = Statement("find_prunable_runs", "FOR UPDATE SKIP LOCKED")
FIND_RUNS_NOT_KEPT = Statement("find_runs_not_kept")


async def prune(connections: Connections, partitions: Partitions, before: datetime, now: datetime, limit: int) -> int:
    spans = await partitions.spans()
    partitions.make_ahead(spans, now)
    past = [span for span in spans if span.limit <= id_from(before)]
    dropped = await partitions.drop(past, before, now)
    # In a span that something holds, the others need not wait for it. What is spared is one piece, which the planner
    # leaves out as a whole: a span that is held and younger than one that will go waits until that has gone.
    rest = list(dropwhile(lambda span: span in past and not partitions.will_go(span, before), spans))
    spared = (rest[0].least, rest[-1].limit) if rest else ("", "")
    async with connections.writing() as connection:
        return dropped + await delete_runs(connection, before, limit, spared)


async def delete_runs(connection: Connection, before: datetime, limit: int, spared: tuple[str, str]) -> int:
    """Row by row. ``spared``: the ids from the first one on, before the second one, are left alone.

    Runs that another engine deletes or decides on just now are passed over. Whether a replay has come to rely on a run
    is asked again once the run is locked: from then on none can.
    """
    found = await FIND_PRUNABLE_RUNS.fetch(
        connection, spans_from=spared[0], spans_to=spared[1], before=before, limit=limit
    )
    ids = [run_id for (run_id,) in await FIND_RUNS_NOT_KEPT.fetch(connection, ids=[run_id for (run_id,) in found])]
    if ids:
        for statement in DELETE_RUNS:
            await statement.execute(connection, ids=ids)
    await DELETE_GONE_WORKERS.execute(connection, before=before)
    for (bulk_id,) in await FIND_PRUNABLE_BULK.fetch(connection, before=moment_text(before)):
        await DELETE_BULK_ITEMS.execute(connection, id=bulk_id)
        await DELETE_BULK.execute(connection, id=bulk_id)
    return len(ids)
