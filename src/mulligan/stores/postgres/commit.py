"""What a transaction writes: the leases that the claims get, and then the changes, one statement for each table.

The tables come in one fixed order and the rows of those that several engines may write in the order of their keys, so
that engines wait for each other in a row and not in a circle.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from mulligan.core.facts import Changes, Claim, StepKey
from mulligan.core.records import OpenState, OpenStep
from mulligan.stores import stored
from mulligan.stores.leasing import Queue, Route, lease_foremost, queues_of
from mulligan.stores.postgres import rows
from mulligan.stores.postgres.statement import Connection, Statement

DELETE_DOCUMENTS = Statement("delete_documents")
DELETE_OPEN_STEPS = Statement("delete_open_steps")
FIND_READY_STEPS = Statement("find_ready_steps")
INSERT_ATTEMPTS = Statement("insert_attempts")
INSERT_BULKS = Statement("insert_bulks")
INSERT_IDEMPOTENCY_KEYS = Statement("insert_idempotency_keys")
INSERT_KEPT_RESULTS = Statement("insert_kept_results")
INSERT_LOGS = Statement("insert_logs")
INSERT_OPEN_STEPS = Statement("insert_open_steps")
INSERT_REPLAYS = Statement("insert_replays")
INSERT_RUN_EVENTS = Statement("insert_run_events")
INSERT_RUNS = Statement("insert_runs")
INSERT_VERSIONS = Statement("insert_versions")
LEASE_OPEN_STEPS = Statement("lease_open_steps")
SAVE_BULK_ITEMS = Statement("save_bulk_items")
SAVE_DOCUMENTS = Statement("save_documents")
SAVE_GROUP_NOTES = Statement("save_group_notes")
SAVE_VARIABLES = Statement("save_variables")
SAVE_WORKERS = Statement("save_workers")
UPDATE_BULKS = Statement("update_bulks")
UPDATE_OPEN_STEPS = Statement("update_open_steps")
UPDATE_RUNS = Statement("update_runs")


@dataclass(slots=True)
class Written:
    """``leased``: claim by claim. ``left``: routes on which steps are ready that no claim has taken."""

    leased: list[OpenStep]
    left: set[str]


async def write(
    connection: Connection,
    changes: Changes,
    claims: Sequence[Claim],
    now: datetime,
    token: str,
    was_ready: set[StepKey],
) -> Written:
    """All of it, within a transaction that is open. ``was_ready``: the loaded steps that were ready before."""
    opened, changed = dict(changes.opened), dict(changes.changed)
    written = await lease(connection, opened, changed, changes.closed, claims, now, token, was_ready)
    await write_runs(connection, changes)
    await DELETE_OPEN_STEPS.change(connection, list(changes.closed))
    await UPDATE_OPEN_STEPS.change(connection, [rows.change_of_open_step(step) for step in changed.values()])
    await INSERT_OPEN_STEPS.add(connection, [rows.row_of_open_step(step) for step in opened.values()])
    await write_history(connection, changes)
    await write_definitions(connection, changes)
    await write_bulks(connection, changes)
    await write_documents(connection, changes)
    return written


async def write_runs(connection: Connection, changes: Changes) -> None:
    added = [changes.runs_added[run_id] for run_id in sorted(changes.runs_added)]
    await INSERT_RUNS.add(connection, [rows.row_of_run(run, payload) for run, payload in added])
    await UPDATE_RUNS.change(connection, [rows.end_of_run(run) for run in changes.runs_changed.values()])
    await INSERT_REPLAYS.add(connection, [stored.row_of_replay(replay) for replay in changes.replays_added])
    await INSERT_KEPT_RESULTS.add(connection, [row for r in changes.replays_added for row in stored.kept_by(r)])


async def write_history(connection: Connection, changes: Changes) -> None:
    await INSERT_ATTEMPTS.add(connection, [rows.row_of_attempt(a, output) for a, output in changes.attempts_added])
    await INSERT_RUN_EVENTS.add(connection, [rows.row_of_event(event) for event in changes.events_added])
    await INSERT_LOGS.add(connection, [rows.row_of_log_line(line) for line in changes.logs_added])
    await INSERT_IDEMPOTENCY_KEYS.add(connection, sorted(rows.row_of_key(key) for key in changes.keys_added))


async def write_definitions(connection: Connection, changes: Changes) -> None:
    await INSERT_VERSIONS.add(connection, sorted(rows.row_of_version(version) for version in changes.versions_added))
    await SAVE_VARIABLES.add(connection, sorted(stored.row_of_variable(v) for v in changes.variables_seen.values()))
    await SAVE_WORKERS.add(connection, sorted(rows.row_of_worker(w) for w in changes.workers_saved.values()))


async def write_bulks(connection: Connection, changes: Changes) -> None:
    await INSERT_BULKS.add(connection, sorted(stored.row_of_bulk(bulk) for bulk in changes.bulks_added.values()))
    await UPDATE_BULKS.change(connection, [stored.change_of_bulk(bulk) for bulk in changes.bulks_changed.values()])
    await SAVE_BULK_ITEMS.add(connection, [rows.row_of_bulk_item(item) for item in changes.bulk_items_saved.values()])
    await SAVE_GROUP_NOTES.add(connection, sorted(stored.row_of_note(note) for note in changes.notes_saved.values()))


async def write_documents(connection: Connection, changes: Changes) -> None:
    kept = [document for document in changes.documents_saved.values() if document is not None]
    dropped = [key for key, document in changes.documents_saved.items() if document is None]
    await SAVE_DOCUMENTS.add(connection, sorted(rows.row_of_document(document) for document in kept))
    await DELETE_DOCUMENTS.add(connection, [(namespace, kind, rows.escape(key)) for namespace, kind, key in dropped])


async def lease(
    connection: Connection,
    opened: dict[StepKey, OpenStep],
    changed: dict[StepKey, OpenStep],
    closed: set[StepKey],
    claims: Sequence[Claim],
    now: datetime,
    token: str,
    was_ready: set[StepKey],
) -> Written:
    """Give ready steps to the claims, before anything is written.

    What is stored is found and updated; what is about to be written (``opened``, ``changed``) is replaced there, so
    that it is written as leased at once and never enters the queue.
    """
    fresh = [step for step in (*opened.values(), *changed.values()) if step.state is OpenState.READY]
    left = {step.route for step in fresh}
    if not claims:
        return Written([], left)
    asked: Counter[Route] = Counter()
    for claim in claims:
        for route in claim.routes:
            asked[claim.namespace, route] += claim.slots
    # Steps that this transaction takes away or writes anew are found as they were before: they are no candidates.
    overtaken = closed | changed.keys()
    found = await find_ready(connection, asked, len(overtaken & was_ready))
    stored = [step for step in found if (step.run_id, step.step) not in overtaken]
    queues = queues_of(fresh, set(asked))
    for place, waiting in queues_of(stored, set(asked)).items():
        queues.setdefault(place, []).extend(waiting)
    leased = lease_foremost(queues, claims, now, token)
    taken = []
    for step in leased:
        key = (step.run_id, step.step)
        if key in opened:
            opened[key] = step
        elif key in changed:
            changed[key] = step
        else:
            taken.append((step.run_id, step.step, step.worker_id))
    await LEASE_OPEN_STEPS.change(connection, taken, token=token, now=now)
    return Written(leased, left_over(left, queues))


def left_over(routes: set[str], queues: dict[Route, list[Queue]]) -> set[str]:
    """Routes where something waits that was not taken, whether anybody here asked for it or not."""
    emptied = {route for (_, route), waiting in queues.items() if all(queue.head is None for queue in waiting)}
    waits = {route for (_, route), waiting in queues.items() if any(queue.head is not None for queue in waiting)}
    return (routes - emptied) | waits


async def find_ready(connection: Connection, asked: dict[Route, int], more: int) -> list[OpenStep]:
    """The foremost stored steps of each route, locked: as many as are asked for, and ``more``."""
    wanted = {route: most + more for route, most in asked.items() if most > 0}
    if not wanted:
        return []
    namespaces, routes = zip(*wanted, strict=True)
    found = await FIND_READY_STEPS.fetch(connection, namespace=namespaces, route=routes, most=list(wanted.values()))
    return [rows.open_step_of(row) for row in found]
