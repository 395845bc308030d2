"""Questions about bulk replays."""

from __future__ import annotations

from collections.abc import Sequence

from mulligan.core.bulk import Bulk, BulkItem, ItemState, Progress
from mulligan.core.records import Run, RunStatus
from mulligan.stores import stored
from mulligan.stores.postgres import rows
from mulligan.stores.postgres.load import load_runs
from mulligan.stores.postgres.statement import Connection, Statement

COUNT_BULK_ITEMS = Statement("count_bulk_items")
COUNT_BULK_RUNS = Statement("count_bulk_runs")
FIND_BULK = Statement("find_bulk")
FIND_BULK_ITEMS = Statement("find_bulk_items")
FIND_BULK_ITEMS_IN_STATE = Statement("find_bulk_items_in_state")
FIND_BULKS = Statement("find_bulks")
FIND_NEW_FINGERPRINTS = Statement("find_new_fingerprints")
FIND_RUNNING_BULKS = Statement("find_running_bulks")


async def find_bulks(connection: Connection, namespace: str, limit: int) -> list[Bulk]:
    return stored.records(Bulk, await FIND_BULKS.fetch(connection, namespace=namespace, limit=limit))


async def find_running_bulks(connection: Connection, after: str, limit: int) -> list[Bulk]:
    return stored.records(Bulk, await FIND_RUNNING_BULKS.fetch(connection, after=after, limit=limit))


async def find_bulk(connection: Connection, namespace: str, bulk_id: str) -> Bulk | None:
    found = await FIND_BULK.fetch(connection, id=bulk_id, namespace=namespace)
    return next(iter(stored.records(Bulk, found)), None)


async def find_bulk_items(
    connection: Connection, namespace: str, bulk_id: str, state: ItemState | None, after: int, limit: int
) -> list[tuple[BulkItem, Run | None]]:
    statement = FIND_BULK_ITEMS if state is None else FIND_BULK_ITEMS_IN_STATE
    found = await statement.fetch(
        connection, bulk_id=bulk_id, namespace=namespace, state=state, after=after, limit=limit
    )
    items = [rows.bulk_item_of(row) for row in found]
    made = await load_runs(connection, [item.run_id for item in items if item.run_id is not None])
    runs = {run.id: run for run in made}
    return [(item, runs.get(item.run_id or "")) for item in items]


async def find_progress(connection: Connection, bulk_id: str) -> Progress:
    items = count_of(await COUNT_BULK_ITEMS.fetch(connection, bulk_id=bulk_id))
    runs = count_of(await COUNT_BULK_RUNS.fetch(connection, bulk_id=bulk_id))
    new = [fingerprint for (fingerprint,) in await FIND_NEW_FINGERPRINTS.fetch(connection, bulk_id=bulk_id)]
    refused = items.get(ItemState.REFUSED, 0)
    return Progress(
        waiting=items.get(ItemState.WAITING, 0),
        started=items.get(ItemState.STARTED, 0),
        refused=refused,
        running=runs.get(RunStatus.RUNNING, 0),
        succeeded=runs.get(RunStatus.SUCCEEDED, 0),
        failed=refused + runs.get(RunStatus.FAILED, 0),
        new_fingerprints=tuple(new),
    )


def count_of(found: Sequence[stored.Row]) -> dict[str, int]:
    return {row[0]: row[1] for row in found}
