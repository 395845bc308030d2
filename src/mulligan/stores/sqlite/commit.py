"""What a transaction writes: the changes, row by row and table by table, and then the leases.

An ordinary one-step run costs five row writes over its whole life: run, open step, open step gone, attempt, run ended.
A step that is ready and claimed in the same transaction is written as leased at once and never enters the queue.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import ExitStack, closing
from datetime import datetime
from typing import Any

import apsw

from mulligan.core.facts import Changes, Claim, StepKey
from mulligan.core.records import OpenStep
from mulligan.errors import StoreConflict
from mulligan.stores import stored
from mulligan.stores.leasing import Queue, Route, lease_foremost, queues_of
from mulligan.stores.sqlite import rows
from mulligan.stores.sqlite.database import immediate
from mulligan.stores.statements import read_statement

DELETE_DOCUMENTS = read_statement(__package__, "delete_documents")
DELETE_OPEN_STEPS = read_statement(__package__, "delete_open_steps")
FIND_READY_STEPS = read_statement(__package__, "find_ready_steps")
FIND_ROUTES_WITH_READY_STEPS = read_statement(__package__, "find_routes_with_ready_steps")
INSERT_ATTEMPTS = read_statement(__package__, "insert_attempts")
INSERT_BULKS = read_statement(__package__, "insert_bulks")
INSERT_IDEMPOTENCY_KEYS = read_statement(__package__, "insert_idempotency_keys")
INSERT_KEPT_RESULTS = read_statement(__package__, "insert_kept_results")
INSERT_LARGE_INPUTS = read_statement(__package__, "insert_large_inputs")
INSERT_LOGS = read_statement(__package__, "insert_logs")
INSERT_OPEN_STEPS = read_statement(__package__, "insert_open_steps")
INSERT_REPLAYS = read_statement(__package__, "insert_replays")
INSERT_RUN_EVENTS = read_statement(__package__, "insert_run_events")
INSERT_RUNS = read_statement(__package__, "insert_runs")
INSERT_VERSIONS = read_statement(__package__, "insert_versions")
SAVE_BULK_ITEMS = read_statement(__package__, "save_bulk_items")
SAVE_DOCUMENTS = read_statement(__package__, "save_documents")
SAVE_GROUP_NOTES = read_statement(__package__, "save_group_notes")
SAVE_VARIABLES = read_statement(__package__, "save_variables")
SAVE_WORKERS = read_statement(__package__, "save_workers")
LEASE_OPEN_STEPS = read_statement(__package__, "lease_open_steps")
UPDATE_BULKS = read_statement(__package__, "update_bulks")
UPDATE_OPEN_STEPS = read_statement(__package__, "update_open_steps")
UPDATE_RUNS = read_statement(__package__, "update_runs")


def commit(
    connection: apsw.Connection, changes: Changes, claims: Sequence[Claim], now: datetime, token: str
) -> list[OpenStep]:
    """One transaction, on the writer's thread. Returns the steps that were leased, claim by claim."""
    with immediate(connection):
        write_runs(connection, changes)
        change_rows(connection, DELETE_OPEN_STEPS, list(changes.closed))
        change_rows(connection, UPDATE_OPEN_STEPS, [rows.change_of_open_step(s) for s in changes.changed.values()])
        write_history(connection, changes)
        write_definitions(connection, changes)
        write_bulks(connection, changes)
        write_documents(connection, changes)
        opened = dict(changes.opened)
        leased = lease(connection, opened, claims, now, token) if claims else []
        write_rows(connection, INSERT_OPEN_STEPS, [rows.row_of_open_step(step) for step in opened.values()])
    return leased


def write_runs(connection: apsw.Connection, changes: Changes) -> None:
    added = changes.runs_added.values()
    write_rows(connection, INSERT_RUNS, [rows.row_of_run(run, payload) for run, payload in added])
    large = [(run.id, run.namespace, payload) for run, payload in added if len(payload) > rows.INLINE_INPUT]
    write_rows(connection, INSERT_LARGE_INPUTS, large)
    change_rows(connection, UPDATE_RUNS, [rows.end_of_run(run) for run in changes.runs_changed.values()])
    write_rows(connection, INSERT_REPLAYS, [stored.row_of_replay(replay) for replay in changes.replays_added])
    write_rows(connection, INSERT_KEPT_RESULTS, [row for r in changes.replays_added for row in stored.kept_by(r)])


def write_history(connection: apsw.Connection, changes: Changes) -> None:
    write_rows(connection, INSERT_ATTEMPTS, [rows.row_of_attempt(a, output) for a, output in changes.attempts_added])
    write_rows(connection, INSERT_RUN_EVENTS, [rows.row_of_event(event) for event in changes.events_added])
    write_rows(connection, INSERT_LOGS, [rows.row_of_log_line(line) for line in changes.logs_added])
    write_rows(connection, INSERT_IDEMPOTENCY_KEYS, [rows.row_of_key(key) for key in changes.keys_added])


def write_definitions(connection: apsw.Connection, changes: Changes) -> None:
    write_rows(connection, INSERT_VERSIONS, [rows.row_of_version(version) for version in changes.versions_added])
    write_rows(connection, SAVE_VARIABLES, [stored.row_of_variable(v) for v in changes.variables_seen.values()])
    write_rows(connection, SAVE_WORKERS, [rows.row_of_worker(worker) for worker in changes.workers_saved.values()])


def write_bulks(connection: apsw.Connection, changes: Changes) -> None:
    write_rows(connection, INSERT_BULKS, [stored.row_of_bulk(bulk) for bulk in changes.bulks_added.values()])
    change_rows(connection, UPDATE_BULKS, [stored.change_of_bulk(bulk) for bulk in changes.bulks_changed.values()])
    write_rows(connection, SAVE_BULK_ITEMS, [rows.row_of_bulk_item(item) for item in changes.bulk_items_saved.values()])
    write_rows(connection, SAVE_GROUP_NOTES, [stored.row_of_note(note) for note in changes.notes_saved.values()])


def write_documents(connection: apsw.Connection, changes: Changes) -> None:
    kept = [document for document in changes.documents_saved.values() if document is not None]
    write_rows(connection, SAVE_DOCUMENTS, [rows.row_of_document(document) for document in kept])
    dropped = [key for key, document in changes.documents_saved.items() if document is None]
    write_rows(connection, DELETE_DOCUMENTS, dropped)


def write_rows(connection: apsw.Connection, statement: str, written: Sequence[stored.Row]) -> None:
    if written:
        connection.executemany(statement, written)


def change_rows(connection: apsw.Connection, statement: str, changed: Sequence[stored.Row]) -> None:
    """Each row must hit exactly one: a row that is not there means that the facts were not what they seemed."""
    if not changed:
        return
    before = connection.total_changes()
    connection.executemany(statement, changed)
    if connection.total_changes() - before != len(changed):
        raise StoreConflict("A row that the transaction changes is not there.")


# ── Leasing ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def lease(
    connection: apsw.Connection, opened: dict[StepKey, OpenStep], claims: Sequence[Claim], now: datetime, token: str
) -> list[OpenStep]:
    """Give ready steps to the claims. Stored ones are updated; those in ``opened`` are replaced there, unwritten."""
    with ExitStack() as cursors:
        leased = lease_foremost(ready_queues(connection, opened.values(), claims, cursors), claims, now, token)
    stored = []
    for step in leased:
        key = (step.run_id, step.step)
        if key in opened:
            opened[key] = step
        else:
            stored.append(rows.lease_of_open_step(step))
    change_rows(connection, LEASE_OPEN_STEPS, stored)
    return leased


def ready_queues(
    connection: apsw.Connection, opened: Iterable[OpenStep], claims: Sequence[Claim], cursors: ExitStack
) -> dict[Route, list[Queue]]:
    """For each route that is claimed: what is about to be written, and what is stored, read only as far as taken."""
    asked = {(claim.namespace, route) for claim in claims for route in claim.routes if claim.slots > 0}
    queues = queues_of(opened, asked)
    found: list[Any] = connection.execute(
        FIND_ROUTES_WITH_READY_STEPS, {"asked": stored.json_text(sorted(asked))}
    ).fetchall()
    for namespace, route in found:
        cursor = connection.execute(FIND_READY_STEPS, {"namespace": namespace, "route": route})
        cursors.enter_context(closing(cursor))
        queues.setdefault((namespace, route), []).append(Queue(map(rows.open_step_of, cursor)))
    return queues
