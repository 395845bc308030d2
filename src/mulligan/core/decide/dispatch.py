"""From command to deciding function, and from command to the facts that it needs."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from mulligan.core.commands import (
    AppendLogs,
    BeatWorker,
    CancelRun,
    Command,
    ConnectWorker,
    ControlBulk,
    CreateBulk,
    DisconnectWorker,
    DrainWorker,
    DropDocument,
    FinishAttempt,
    FireTimer,
    ForgetWorker,
    KeepDocument,
    LoseAttempt,
    MoveBulk,
    NoteGroup,
    RegisterWorkflows,
    ReleaseAttempt,
    ReplayRun,
    StartRun,
)
from mulligan.core.decide import attempts, bulk, cancel, documents, start, workers
from mulligan.core.decide.policy import Policy
from mulligan.core.facts import Facts, Wanted
from mulligan.core.records import DocumentKind


def append_logs(command: AppendLogs, facts: Facts, now: datetime, policy: Policy) -> None:
    facts.changes.logs_added.extend(command.lines)


RULES: dict[type, Callable[[Any, Facts, datetime, Policy], Any]] = {
    StartRun: start.start_run,
    ReplayRun: start.replay_run,
    FinishAttempt: attempts.finish_attempt,
    ReleaseAttempt: attempts.release_attempt,
    LoseAttempt: attempts.lose_attempt,
    FireTimer: attempts.fire_timer,
    CancelRun: cancel.cancel_run,
    RegisterWorkflows: workers.register_workflows,
    ConnectWorker: workers.connect_worker,
    BeatWorker: workers.beat_worker,
    DrainWorker: workers.drain_worker,
    DisconnectWorker: workers.disconnect_worker,
    ForgetWorker: workers.forget_worker,
    AppendLogs: append_logs,
    CreateBulk: bulk.create_bulk,
    ControlBulk: bulk.control_bulk,
    MoveBulk: bulk.move_bulk,
    NoteGroup: bulk.note_group,
    KeepDocument: documents.keep_document,
    DropDocument: documents.drop_document,
}


def decide(command: Command, facts: Facts, now: datetime, policy: Policy) -> Any:
    """Decide one command on ``facts``, changing them, and return its answer (each command's docstring says which).

    Raises ``errors.Refused`` (or a subclass) when the command cannot be carried out; then ``facts`` are unchanged.
    """
    return RULES[type(command)](command, facts, now, policy)


def want_attempt(command: FinishAttempt | ReleaseAttempt, wanted: Wanted) -> None:
    wanted.run_ids.add(command.ref.run_id)


def want_run(command: FireTimer | CancelRun, wanted: Wanted) -> None:
    wanted.run_ids.add(command.run_id)


def want_lost(command: LoseAttempt, wanted: Wanted) -> None:
    wanted.run_ids.add(command.run_id)
    wanted.worker_ids.add(command.worker_id)


def want_worker(command: BeatWorker | DrainWorker | DisconnectWorker, wanted: Wanted) -> None:
    wanted.worker_ids.add(command.worker_id)


def want_leases(command: ConnectWorker | ForgetWorker, wanted: Wanted) -> None:
    wanted.worker_ids.add(command.worker_id)
    wanted.leases_of.add(command.worker_id)


def want_definitions(command: RegisterWorkflows, wanted: Wanted) -> None:
    for definition in command.definitions:
        wanted.workflows.add((command.namespace, definition.name))
        wanted.digests.add((command.namespace, definition.name, definition.digest))


def want_start(command: StartRun, wanted: Wanted) -> None:
    if command.version is not None:
        wanted.digests.add((command.namespace, command.workflow, command.version))
    else:
        wanted.workflows.add((command.namespace, command.workflow))
        if command.latest is not None:
            wanted.digests.add((command.namespace, command.workflow, command.latest))
    wanted.documents.add((command.namespace, DocumentKind.PIN, command.workflow))
    if command.idempotency_key is not None:
        wanted.keys.add((command.namespace, start.scoped_key(command.workflow, command.idempotency_key)))
    if command.repeated:
        wanted.possible_run_ids.add(command.run_id)
    if command.parent_id is not None:
        wanted.run_ids.add(command.parent_id)


def want_replay(command: ReplayRun, wanted: Wanted) -> None:
    replay = command.replay
    wanted.run_ids.add(replay.source_id)
    wanted.workflows.add((replay.namespace, command.workflow))
    wanted.digests.add((replay.namespace, command.workflow, command.digest))
    if command.idempotency_key is not None:
        wanted.keys.add((replay.namespace, start.scoped_key(command.workflow, command.idempotency_key)))
    if command.bulk_id is not None:
        wanted.bulk_ids.add(command.bulk_id)


def want_new_bulk(command: CreateBulk, wanted: Wanted) -> None:
    wanted.bulk_ids.add(command.bulk.id)


def want_bulk(command: ControlBulk | MoveBulk, wanted: Wanted) -> None:
    wanted.bulk_ids.add(command.bulk_id)


def want_document(command: DropDocument, wanted: Wanted) -> None:
    wanted.documents.add((command.namespace, command.kind, command.key))


def want_nothing(command: AppendLogs | NoteGroup | KeepDocument, wanted: Wanted) -> None:
    pass


WANTS: dict[type, Callable[[Any, Wanted], None]] = {
    StartRun: want_start,
    ReplayRun: want_replay,
    FinishAttempt: want_attempt,
    ReleaseAttempt: want_attempt,
    LoseAttempt: want_lost,
    FireTimer: want_run,
    CancelRun: want_run,
    RegisterWorkflows: want_definitions,
    ConnectWorker: want_leases,
    BeatWorker: want_worker,
    DrainWorker: want_worker,
    DisconnectWorker: want_worker,
    ForgetWorker: want_leases,
    AppendLogs: want_nothing,
    CreateBulk: want_new_bulk,
    ControlBulk: want_bulk,
    MoveBulk: want_bulk,
    NoteGroup: want_nothing,
    KeepDocument: want_nothing,
    DropDocument: want_document,
}


def wanted_by(command: Command, wanted: Wanted) -> None:
    """Add to ``wanted`` the facts that ``command`` is decided on."""
    WANTS[type(command)](command, wanted)
