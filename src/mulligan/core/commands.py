"""The commands: everything that can change state, in the imperative. Each has one deciding function in ``decide``.

A command is answered with a value, or refused with an error of ``mulligan.errors``; a refused command changes nothing.
"""

from __future__ import annotations

from datetime import timedelta

from mulligan.core.bulk import Bulk, BulkItem, BulkState, Control
from mulligan.core.inbox import GroupNote
from mulligan.core.records import (
    Document,
    DocumentKind,
    LogLine,
    Outcome,
    Overrides,
    Reading,
    Record,
    RecordedError,
    Replay,
    WorkflowDefinition,
)


class StartRun(Record, frozen=True):
    """Make a run of ``workflow``. Answer: ``Started``. The caller makes ``run_id``, so that a repeat is recognised."""

    run_id: str
    namespace: str
    workflow: str
    input: bytes
    version: str | None = None
    metadata: dict[str, str] = {}
    priority: int | None = None
    delay: timedelta = timedelta()
    idempotency_key: str | None = None
    overrides: Overrides = {}
    parent_id: str | None = None
    parent_step: str | None = None
    repeated: bool = False
    """The caller sent this before and does not know the outcome: look whether the run exists."""
    only_if_made: bool = False
    """Answer with the run that was made under the key, or refuse with NotFound: no run is made now."""
    latest: str | None = None
    """The digest to run where none is given, if that is not the newest: of those, nobody may be there who has it."""
    key_scope: str | None = None
    """What the run's idempotency keys are derived from, if not from itself."""


class Started(Record, frozen=True):
    """``existing`` is true when the idempotency key (or the repeated id) had already made this run."""

    run_id: str
    existing: bool = False


class AttemptRef(Record, frozen=True, array_like=True, cache_hash=True):
    """Which attempt a worker speaks of. The token is the fence: with an old one nothing is changed.

    It is the lease of the session protocol, too, so that nothing is translated on the way: fields are only appended.
    """

    run_id: str
    step: str
    attempt: int
    token: str


class FinishAttempt(Record, frozen=True):
    """A worker's report. Answer: a ``Verdict``. ``output`` only when succeeded, ``error`` only when not."""

    ref: AttemptRef
    namespace: str
    worker_id: str
    outcome: Outcome
    output: bytes | None = None
    error: RecordedError | None = None
    readings: tuple[Reading, ...] = ()
    version: str = ""


class ReleaseAttempt(Record, frozen=True):
    """Hand back a lease whose function was never called (drain, lost in transit). The attempt number is used again."""

    ref: AttemptRef
    namespace: str


class LoseAttempt(Record, frozen=True):
    """The worker's lease ran out. Counts as an infrastructure loss, never as a failure of the user's code."""

    run_id: str
    step: str
    token: str
    worker_id: str


class FireTimer(Record, frozen=True):
    """An open step's ``due_at`` has come: a retry, the end of a sleep, or a timeout, by its state."""

    run_id: str
    step: str


class CancelRun(Record, frozen=True):
    """End a run now. Answer: ``Cancelled``."""

    run_id: str
    namespace: str
    actor: str
    reason: str = ""


class Cancelled(Record, frozen=True):
    """``was`` is the status that the run had; ``stopping`` counts the attempts whose workers are told to stop."""

    run_id: str
    changed: bool
    was: str
    stopping: int = 0


class ReplayRun(Record, frozen=True):
    """Make ``replay.run_id`` from a plan that was checked. Answer: ``Started``.

    ``input`` is the new run's input, ``digest`` the version the plan was made for, ``overrides`` those in force.
    """

    replay: Replay
    workflow: str
    digest: str
    pinned: bool
    input: bytes
    overrides: Overrides = {}
    fresh_key: bool = False
    idempotency_key: str | None = None
    content: str = ""
    metadata: dict[str, str] = {}
    priority: int | None = None
    bulk_id: str | None = None
    newest: str | None = None
    """The digest of the newest version when the plan was made. None: it is ``digest``."""


class RegisterWorkflows(Record, frozen=True):
    """Make definitions known. Answer: the ``Version`` of each, in order."""

    namespace: str
    definitions: tuple[WorkflowDefinition, ...]


class ConnectWorker(Record, frozen=True):
    """A worker said hello (again). Of its leases, those that it lists as ``running`` stay, those in ``lost`` (begun,
    then given up because no engine could be reached) are lost, and all others were never begun and are released.

    ``connection``: which of its connections this is, counted by the worker. A hello that was overtaken by that of a
    later connection is refused: it does not know of what was leased since."""

    worker_id: str
    namespace: str
    name: str
    host: str
    pid: int
    sdk: str
    slots: int
    labels: dict[str, str] = {}
    workflows: dict[str, str] = {}
    running: tuple[AttemptRef, ...] = ()
    lost: tuple[AttemptRef, ...] = ()
    session: str = ""
    connection: int = 0


class BeatWorker(Record, frozen=True):
    """A heartbeat: the worker's leases live for another TTL. Answer: true if the worker is known and not gone."""

    worker_id: str
    lag_ms: int = 0
    running: int = 0


class DrainWorker(Record, frozen=True):
    """The worker takes no new work and will disconnect when its running steps have ended."""

    worker_id: str


class DisconnectWorker(Record, frozen=True):
    """The connection closed. ``clean``: the worker said goodbye; else its leases get a short grace to come back.

    With a ``session`` nothing happens if the worker has said hello on another connection since.
    """

    worker_id: str
    clean: bool
    session: str = ""


class ForgetWorker(Record, frozen=True):
    """The worker's lease ran out and none of its leases is left: it is gone."""

    worker_id: str


class AppendLogs(Record, frozen=True):
    """Lines that step code logged. Droppable under pressure; results are not."""

    lines: tuple[LogLine, ...]


class CreateBulk(Record, frozen=True):
    """Freeze a selection as a bulk replay. Answer: the ``Bulk``."""

    bulk: Bulk
    items: tuple[BulkItem, ...]


class ControlBulk(Record, frozen=True):
    """A person pauses, resumes or aborts. Answer: ``Bulk``. ``failed``, ``fingerprints``: what resuming forgives."""

    bulk_id: str
    namespace: str
    control: Control
    actor: str
    reason: str = ""
    failed: int = 0
    fingerprints: tuple[str, ...] = ()


class MoveBulk(Record, frozen=True):
    """The agent has begun ``items``, or found that the bulk replay must go to ``state``. Answer: the ``Bulk``."""

    bulk_id: str
    namespace: str
    items: tuple[BulkItem, ...] = ()
    state: BulkState | None = None
    reason: str = ""


class NoteGroup(Record, frozen=True):
    """A person resolves, snoozes or opens a failure group. Answer: the ``GroupNote``, with its time."""

    note: GroupNote


class KeepDocument(Record, frozen=True):
    """Keep a view, preset, pin or draft under its name, in place of what was there. Answer: the ``Document``."""

    document: Document


class DropDocument(Record, frozen=True):
    """Forget it. Answer: whether there was one."""

    namespace: str
    kind: DocumentKind
    key: str


class Verdict(Record, frozen=True):
    """What became of a report: ``applied``, ``repeated`` (the same result was applied before) or ``stale``."""

    applied: bool
    stale: bool = False


Command = (
    StartRun
    | FinishAttempt
    | ReleaseAttempt
    | LoseAttempt
    | FireTimer
    | CancelRun
    | ReplayRun
    | RegisterWorkflows
    | ConnectWorker
    | BeatWorker
    | DrainWorker
    | DisconnectWorker
    | ForgetWorker
    | AppendLogs
    | CreateBulk
    | ControlBulk
    | MoveBulk
    | NoteGroup
    | KeepDocument
    | DropDocument
)
