"""The records: what a workflow, a run, a step run, an attempt and a replay are, as plain immutable data.

Payloads are ``bytes`` of JSON text, exactly as the user's side wrote them; small JSON fragments inside a record (a
schema, a default) are ``str`` of JSON text. Instants are timezone-aware UTC datetimes named ``…_at``.
"""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cached_property
from typing import Literal

import msgspec

Effect = Literal["none", "idempotent", "irreversible"]
OutputRef = tuple[str, str, int]
"""(run id, step name, attempt number): where an output is stored."""


class RunStatus(StrEnum):
    """Every status but ``RUNNING`` is terminal and final. A run that waits for a worker or a timer is ``RUNNING``."""

    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


class OpenState(StrEnum):
    """Why a step run is in the hot table: it waits for a worker, is leased to one, waits for its retry, or sleeps."""

    READY = "ready"
    LEASED = "leased"
    RETRYING = "retrying"
    SLEEPING = "sleeping"


class Outcome(StrEnum):
    """How one attempt ended."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    TIMED_OUT = "timed_out"
    LOST = "lost"
    CANCELLED = "cancelled"


class StepKind(StrEnum):
    CALL = "call"
    SLEEP = "sleep"
    ON_FAILURE = "on_failure"


class Record(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """An immutable value. Unknown fields are ignored when decoding, so that N and N-1 can read each other.

    Values cannot form cycles, so the garbage collector need not walk through them: with a hundred thousand runs in
    memory that would be a quarter of all the work.
    """


# ── Definitions ──────────────────────────────────────────────────────────────────────────────────────────────────────


class Retry(Record, frozen=True):
    """When a failed attempt is tried again: delay = min(cap, first * factor^(failures-1)), plus jitter after it."""

    retries: int = 0
    first: timedelta = timedelta(seconds=1)
    factor: float = 2.0
    cap: timedelta = timedelta(minutes=5)
    jitter: float = 0.1


class Argument(Record, frozen=True):
    """One argument of a step's call and where its value comes from.

    ``origin`` is ``"input"`` (the whole run input), ``"input:<field>"`` (one field of it), ``"step:<name>"`` (the
    output of a parent) or ``"failure"`` (only in the on-failure step).
    """

    name: str
    origin: str


class DeclaredVariable(Record, frozen=True):
    """A playground variable as a step's source declares it. ``default``: JSON text. ``line``: of the call."""

    name: str
    default: str
    schema: str = "{}"
    file: str = ""
    line: int = 0


class StepDefinition(Record, frozen=True, dict=True, gc=True):
    """One node of the graph. ``parents`` holds data edges and order-only edges, each name once.

    ``variables``: those that its source names in a way that can be known without running it.
    """

    name: str
    kind: StepKind = StepKind.CALL
    arguments: tuple[Argument, ...] = ()
    parents: tuple[str, ...] = ()
    input_schema: str = "{}"
    output_schema: str = "{}"
    retry: Retry = Retry()
    start_to_close: timedelta | None = None
    schedule_to_start: timedelta | None = None
    sleep: timedelta | None = None
    effect: Effect = "none"
    at_most_once: bool = False
    file: str = ""
    line: int = 0
    doc: str = ""
    variables: tuple[DeclaredVariable, ...] = ()

    @cached_property
    def outputs_read(self) -> tuple[str, ...]:
        """The parents whose outputs are arguments, in order of the arguments."""
        return tuple(argument.origin[5:] for argument in self.arguments if argument.origin.startswith("step:"))

    @cached_property
    def takes_run_input(self) -> bool:
        """True for a task: its input document is the run's input itself."""
        return bool(self.arguments) and all(argument.origin.startswith("input:") for argument in self.arguments)

    @cached_property
    def reads_run_input(self) -> bool:
        return any(argument.origin.partition(":")[0] == "input" for argument in self.arguments)

    @cached_property
    def reads_failure(self) -> bool:
        return any(argument.origin == "failure" for argument in self.arguments)


class WorkflowDefinition(Record, frozen=True, dict=True, gc=True):
    """A named DAG of steps. ``code`` is a digest of the source it was declared in, so that a fix is a new version.

    ``replay_metadata``: the names of the metadata that a replay takes over from its source; None: all.
    """

    name: str
    steps: tuple[StepDefinition, ...]
    input_schema: str = "{}"
    is_task: bool = False
    code: str = ""
    label: str = ""
    priority: int = 0
    doc: str = ""
    replay_metadata: tuple[str, ...] | None = None

    @cached_property
    def by_name(self) -> dict[str, StepDefinition]:
        return {step.name: step for step in self.steps}

    @cached_property
    def roots(self) -> tuple[StepDefinition, ...]:
        """Steps that can act at once."""
        return tuple(step for step in self.steps if not step.parents and step.kind is not StepKind.ON_FAILURE)

    @cached_property
    def children(self) -> dict[str, tuple[StepDefinition, ...]]:
        """For each step, those that name it as a parent, in order of declaration."""
        return {step.name: tuple(c for c in self.steps if step.name in c.parents) for step in self.steps}

    @cached_property
    def on_failure(self) -> StepDefinition | None:
        return next((step for step in self.steps if step.kind is StepKind.ON_FAILURE), None)

    @cached_property
    def shapes(self) -> dict[str, str]:
        """For each step, eight hex digits over how it is called: argument names and origins."""
        calls = {step.name: "\n".join(f"{arg.name}={arg.origin}" for arg in step.arguments) for step in self.steps}
        return {name: hashlib.sha256(call.encode()).hexdigest()[:8] for name, call in calls.items()}

    @cached_property
    def digest(self) -> str:
        """The content hash that names this version: 12 hex digits."""
        return hashlib.sha256(msgspec.json.encode(self)).hexdigest()[:12]


class Version(Record, frozen=True):
    """A definition as registered: ``digest`` is its content hash, ``number`` counts 1, 2, … per workflow."""

    namespace: str
    workflow: str
    digest: str
    number: int
    registered_at: datetime
    definition: WorkflowDefinition


# ── Errors and what code read ────────────────────────────────────────────────────────────────────────────────────────


class Frame(Record, frozen=True):
    """One line of a traceback, outermost first in its list. ``in_app`` is false for library code."""

    file: str
    line: int
    function: str
    code: str = ""
    in_app: bool = True


class RecordedError(Record, frozen=True):
    """An exception as data. ``type`` is the qualified class name, ``cause`` the exception it was raised from."""

    type: str
    message: str
    frames: tuple[Frame, ...] = ()
    cause: RecordedError | None = None
    retryable: bool = True


class Reading(Record, frozen=True):
    """A playground variable as one attempt really read it. ``default``, ``override``, ``value``: JSON texts."""

    name: str
    default: str
    value: str
    schema: str = "{}"
    override: str | None = None
    file: str = ""
    line: int = 0


class Variable(Record, frozen=True):
    """A playground variable as last seen in a step of a workflow, whoever's run it was."""

    namespace: str
    workflow: str
    step: str
    name: str
    default: str
    schema: str
    file: str
    line: int
    seen_at: datetime


# ── Runs ─────────────────────────────────────────────────────────────────────────────────────────────────────────────

EVERY_STEP = "*"
"""Stands for all steps where a step is named; no step is called so."""

Overrides = dict[str, dict[str, str]]
"""step name (or ``EVERY_STEP``) -> variable name -> JSON text of the value."""


class Run(Record, frozen=True):
    """One instance of a workflow, without its input (payloads are read separately, and never change).

    ``family_id`` is the id of the first run of its lineage (its own, when it is no replay). ``key_scope`` is what
    idempotency keys are derived from: the family by default, the run itself after a fresh key was asked for, and for a
    child the call that it is of its parent's family.
    """

    id: str
    namespace: str
    workflow: str
    version: str
    created_at: datetime
    family_id: str
    key_scope: str
    status: RunStatus = RunStatus.RUNNING
    pinned: bool = False
    priority: int = 0
    available_at: datetime | None = None
    finished_at: datetime | None = None
    metadata: dict[str, str] = {}
    idempotency_key: str | None = None
    overrides: Overrides = {}
    source_id: str | None = None
    generation: int = 0
    parent_id: str | None = None
    parent_step: str | None = None
    bulk_id: str | None = None
    failed_step: str | None = None
    error_type: str | None = None
    error_message: str | None = None
    fingerprint: str | None = None


class OpenStep(Record, frozen=True):
    """A step run that is not finished and can act: the one hot row that says who owns it and until when.

    ``attempt`` is the last attempt number given out (0 before the first dispatch). ``due_at`` is, by state: READY the
    queue timeout, LEASED the execution timeout, RETRYING and SLEEPING the moment to go on. A lease lasts as long as
    its worker's (``Worker.lease_until_at``), so that a heartbeat is one row and not one per lease.
    """

    run_id: str
    step: str
    namespace: str
    workflow: str
    route: str
    state: OpenState
    queued_at: datetime
    since_at: datetime
    priority: int = 0
    attempt: int = 0
    failures: int = 0
    losses: int = 0
    token: str | None = None
    worker_id: str | None = None
    due_at: datetime | None = None
    start_to_close: timedelta | None = None


class Attempt(Record, frozen=True):
    """One finished try. Its output is stored with it and read separately (``OutputRef``); it is never rewritten."""

    run_id: str
    step: str
    number: int
    namespace: str
    outcome: Outcome
    queued_at: datetime
    started_at: datetime | None
    finished_at: datetime
    version: str = ""
    worker_id: str | None = None
    error: RecordedError | None = None
    fingerprint: str | None = None
    readings: tuple[Reading, ...] = ()


class PatchOp(Record, frozen=True):
    """One operation of a JSON Patch (RFC 6902). ``value`` is JSON text, kept to the letter."""

    op: Literal["add", "remove", "replace", "move", "copy", "test"]
    path: str
    value: str | None = None
    from_: str | None = msgspec.field(default=None, name="from")


Patch = tuple[PatchOp, ...]


class Replay(Record, frozen=True):
    """The record that made ``run_id`` out of ``source_id``. ``kept`` says which earlier output each kept step reuses.

    ``step_edits`` holds, for every step that runs afresh, all edits in force (the source's own, then the new ones);
    ``new_edits`` only those made for this replay, for the audit and the comparison page. The same goes for overrides:
    those in force stand in ``Run.overrides``, those given now in ``new_overrides``.
    """

    run_id: str
    source_id: str
    namespace: str
    start_steps: tuple[str, ...]
    kept: dict[str, OutputRef]
    created_at: datetime
    author: str
    reason: str = ""
    step_edits: dict[str, Patch] = {}
    new_edits: dict[str, Patch] = {}
    input_edit: Patch = ()
    new_overrides: Overrides = {}
    code: str = "latest"
    from_beginning: bool = False


class RunEvent(Record, frozen=True):
    """Something that attempts and runs do not tell by themselves. Ordered by (``at``, ``seq``) within its run."""

    run_id: str
    namespace: str
    at: datetime
    kind: str
    step: str | None = None
    attempt: int | None = None
    actor: str | None = None
    detail: str = "{}"


class LogLine(Record, frozen=True):
    """One line that step code logged. ``level`` is the stdlib's number."""

    run_id: str
    step: str
    attempt: int
    namespace: str
    at: datetime
    level: int
    logger: str
    message: str


class WorkerState(StrEnum):
    ACTIVE = "active"
    DRAINING = "draining"
    GONE = "gone"


class Worker(Record, frozen=True):
    """A process that executes steps. ``workflows`` maps workflow name to the digest of the version it has.

    ``session`` names the connection that it has said hello on last: nothing is leased to it through an older one.
    ``connection`` is that connection's number as the worker counts its own: 1, 2, …; 0 if it does not count.
    """

    id: str
    namespace: str
    name: str
    host: str
    pid: int
    sdk: str
    slots: int
    started_at: datetime
    seen_at: datetime
    lease_until_at: datetime
    state: WorkerState = WorkerState.ACTIVE
    labels: dict[str, str] = {}
    workflows: dict[str, str] = {}
    lag_ms: int = 0
    running: int = 0
    session: str = ""
    connection: int = 0


class IdempotencyKey(Record, frozen=True):
    """The first answer given for a key: a repeat with the same ``content`` hash gets the same run."""

    namespace: str
    key: str
    run_id: str
    content: str
    created_at: datetime


class AccessToken(Record, frozen=True):
    """An API token. The secret is shown once and stored only as its SHA-256 (hex)."""

    id: str
    namespace: str
    name: str
    secret_sha256: str
    scopes: tuple[str, ...]
    created_at: datetime
    expires_at: datetime | None = None
    revoked_at: datetime | None = None


class DocumentKind(StrEnum):
    """What people keep beside runs. VIEW: a saved query. PRESET: named values for a step's playground variables.
    PIN: overrides for every new run of a workflow. DRAFT: a replay that somebody prepares for somebody else."""

    VIEW = "view"
    PRESET = "preset"
    PIN = "pin"
    DRAFT = "draft"


class Document(Record, frozen=True):
    """Something kept under a name. ``value``: JSON text. A PIN's key is the workflow, its value ``Overrides``."""

    namespace: str
    kind: DocumentKind
    key: str
    value: str
    at: datetime
    by: str


class QueueDepth(Record, frozen=True):
    """How many open steps share a route and a state, and since when the oldest of them waits or runs.

    ``oldest_at`` is the ``queued_at`` of ready steps, the ``since_at`` of all others.
    """

    workflow: str
    step: str
    route: str
    state: OpenState
    count: int
    oldest_at: datetime
