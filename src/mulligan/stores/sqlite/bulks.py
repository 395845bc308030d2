"""Questions about bulk replays."""

from __future__ import annotations

import apsw

from mulligan.core.bulk import Bulk, BulkItem, ItemState, Progress
from mulligan.core.records import Run, RunStatus
from mulligan.stores import stored
from mulligan.stores.sqlite import rows
from mulligan.stores.sqlite.database import snapshot
from mulligan.stores.sqlite.load import load_runs
from mulligan.stores.statements import read_statement

COUNT_BULK_ITEMS = read_statement(__package__, "count_bulk_items")
COUNT_BULK_RUNS = read_statement(__package__, "count_bulk_runs")
FIND_BULK = read_statement(__package__, "find_bulk")
FIND_BULK_ITEMS = read_statement(__package__, "find_bulk_items")
FIND_BULK_ITEMS_IN_STATE = read_statement(__package__, "find_bulk_items_in_state")
FIND_BULKS = read_statement(__package__, "find_bulks")
FIND_NEW_FINGERPRINTS = read_statement(__package__, "find_new_fingerprints")
FIND_RUNNING_BULKS = read_statement(__package__, "find_running_bulks")


def find_bulks(connection: apsw.Connection, namespace: str, limit: int) -> list[Bulk]:
    return stored.records(Bulk, connection.execute(FIND_BULKS, {"namespace": namespace, "limit": limit}))


def find_running_bulks(connection: apsw.Connection, after: str, limit: int) -> list[Bulk]:
    return stored.records(Bulk, connection.execute(FIND_RUNNING_BULKS, {"after": after, "limit": limit}))


def find_bulk(connection: apsw.Connection, namespace: str, bulk_id: str) -> Bulk | None:
    found = connection.execute(FIND_BULK, {"id": bulk_id, "namespace": namespace})
    return next(iter(stored.records(Bulk, found)), None)


def find_bulk_items(
    connection: apsw.Connection, namespace: str, bulk_id: str, state: ItemState | None, after: int, limit: int
) -> list[tuple[BulkItem, Run | None]]:
    asked = {"bulk_id": bulk_id, "namespace": namespace, "after": after, "limit": limit}
    with snapshot(connection):
        if state is None:
            found = connection.execute(FIND_BULK_ITEMS, asked)
        else:
            found = connection.execute(FIND_BULK_ITEMS_IN_STATE, {**asked, "state": state})
        items = [rows.bulk_item_of(row) for row in found]
        made = load_runs(connection, [item.run_id for item in items if item.run_id is not None])
    runs = {run.id: run for run in made}
    return [(item, runs.get(item.run_id or "")) for item in items]


def find_progress(connection: apsw.Connection, bulk_id: str) -> Progress:
    asked = {"bulk_id": bulk_id}
    with snapshot(connection):
        items = dict(connection.execute(COUNT_BULK_ITEMS, asked))
        runs = dict(connection.execute(COUNT_BULK_RUNS, asked))
        new = [fingerprint for (fingerprint,) in connection.execute(FIND_NEW_FINGERPRINTS, asked)]
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
