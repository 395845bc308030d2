"""What bulk replays have come to, counted from the tables."""

from __future__ import annotations

from collections import Counter

from mulligan.core.bulk import BulkItem, ItemState, Progress
from mulligan.core.records import Run, RunStatus
from mulligan.stores.memory.tables import Tables


def items_of(
    tables: Tables, namespace: str, bulk_id: str, state: ItemState | None, after: int, limit: int
) -> list[tuple[BulkItem, Run | None]]:
    found = [
        item
        for position, item in sorted(tables.bulk_items.get(bulk_id, {}).items())
        if position > after and item.namespace == namespace and state in {None, item.state}
    ]
    return [(item, tables.runs.get(item.run_id or "")) for item in found[:limit]]


def progress_of(tables: Tables, bulk_id: str) -> Progress:
    """Items are counted by their state, replays (whether an item says so yet or not) by their status."""
    items = tables.bulk_items.get(bulk_id, {}).values()
    states = Counter(item.state for item in items)
    made = [run for run in tables.runs.values() if run.bulk_id == bulk_id]
    statuses = Counter(run.status for run in made)
    sources = [tables.runs.get(item.source_id) for item in items]
    known = {source.fingerprint for source in sources if source is not None}
    failed = {run.fingerprint for run in made if run.status is RunStatus.FAILED and run.fingerprint is not None}
    return Progress(
        waiting=states[ItemState.WAITING],
        started=states[ItemState.STARTED],
        refused=states[ItemState.REFUSED],
        running=statuses[RunStatus.RUNNING],
        succeeded=statuses[RunStatus.SUCCEEDED],
        failed=states[ItemState.REFUSED] + statuses[RunStatus.FAILED],
        new_fingerprints=tuple(sorted(failed - known)),
    )
