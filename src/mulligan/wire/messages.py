"""The session protocol between the server and SDK processes (workers and clients), version 1.

One WebSocket carries both roles. A frame is one msgpack array of messages: everything that one turn of the sender's
loop had to say. Messages are independent of each other; answers refer to their question by ``seq`` or by attempt.

Worker: ``Hello`` → ``Welcome``; then ``Credit`` opens slots, ``Assign`` uses them, ``Report`` answers them,
``Acknowledge`` settles a report (re-sent until then), ``Beat`` keeps the leases. Client: ``Start`` → ``StartAnswer``,
``Watch`` → ``RunEnded``.
"""

from __future__ import annotations

from datetime import datetime

import msgspec

from mulligan.core.commands import AttemptRef
from mulligan.core.records import Overrides, Reading, RecordedError, WorkflowDefinition

PROTOCOL = 1


class Message(msgspec.Struct, frozen=True, array_like=True, tag=True, gc=False):
    """One message. Encoded as an array that begins with the class name; fields are only ever appended."""


# ── SDK process → server ─────────────────────────────────────────────────────────────────────────────────────────────


Lease = AttemptRef
"""Which attempt, and the fence that proves whose it is."""


class Hello(Message, frozen=True):
    """The first message of a worker, and again after every reconnect (same ``worker_id``).

    ``running``: the leases whose functions run or whose reports are not acknowledged yet. ``lost``: those whose
    functions had begun and were given up here, because the server could not be reached for too long. Of any other
    lease the worker never called the function: the server hands it to somebody else as if it had not been given out.
    ``connection``: counts the hellos of this worker, so that one which arrives late is known for what it is.
    """

    protocol: int
    worker_id: str
    name: str
    host: str
    pid: int
    sdk: str
    slots: int
    labels: dict[str, str]
    definitions: list[WorkflowDefinition]
    running: list[Lease]
    lost: list[Lease] = []
    connection: int = 0


class Credit(Message, frozen=True):
    """``slots`` more assignments may be sent. Every assignment uses one. After a Hello credits start at 0."""

    slots: int


class Report(Message, frozen=True):
    """How an attempt ended. ``outcome``: succeeded | failed | timed_out | cancelled. ``output``: JSON text."""

    lease: Lease
    outcome: str
    output: bytes | None = None
    error: RecordedError | None = None
    readings: list[Reading] = []
    ran_ms: float = 0.0


class Release(Message, frozen=True):
    """Leases handed back; their functions were never called."""

    leases: list[Lease]


class Beat(Message, frozen=True):
    """Every ``Welcome.beat_ms``. ``lag_ms``: how late the loop that runs async steps is; ``running``: busy slots."""

    lag_ms: int = 0
    running: int = 0


class LogEntry(msgspec.Struct, frozen=True, array_like=True, gc=False):
    at: datetime
    level: int
    logger: str
    message: str


class Logs(Message, frozen=True):
    """Captured log lines of one attempt, in order. Droppable."""

    lease: Lease
    lines: list[LogEntry]


class Drain(Message, frozen=True):
    """No more assignments, please; running steps will be reported."""


class Goodbye(Message, frozen=True):
    """Drained; the connection closes now."""


class StartSpec(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """One run to start. ``input``: JSON text. ``run_id``: made by the client (UUIDv7, 26 characters base32hex).

    ``key_scope``: of a child, which of its parent's calls it is: 32 hex digits, the same in all replays of the parent.
    """

    run_id: str
    workflow: str
    input: bytes
    version: str | None = None
    metadata: dict[str, str] = {}
    priority: int | None = None
    delay_ms: int = 0
    idempotency_key: str | None = None
    overrides: Overrides = {}
    parent_id: str | None = None
    parent_step: str | None = None
    repeated: bool = False
    key_scope: str | None = None


class Start(Message, frozen=True):
    """Start runs. Each is accepted or refused by itself."""

    seq: int
    runs: list[StartSpec]


class Watch(Message, frozen=True):
    """Tell me when these runs have ended (once each, at once if they already have)."""

    run_ids: list[str]


class Unwatch(Message, frozen=True):
    run_ids: list[str]


# ── server → SDK process ─────────────────────────────────────────────────────────────────────────────────────────────


class Welcome(Message, frozen=True):
    """``ttl_ms``: without a beat for so long, leases are lost. ``versions``: workflow → (digest, number)."""

    protocol: int
    ttl_ms: int
    beat_ms: int
    versions: dict[str, tuple[str, int]]


class Assign(Message, frozen=True):
    """Run this step. ``input``: the JSON document of the call's arguments, edits applied.

    ``overrides``: variable name → JSON text, those for this step. ``key``: the base of ``ctx.idempotency_key``.
    ``remaining_ms``: execution timeout, None for none. ``failures`` so far, ``retries`` allowed.
    """

    lease: Lease
    workflow: str
    version: str
    input: bytes
    overrides: dict[str, str]
    key: str
    metadata: dict[str, str]
    failures: int = 0
    retries: int = 0
    remaining_ms: int | None = None
    generation: int = 0
    source_id: str | None = None


class Acknowledge(Message, frozen=True):
    """Reports that are settled. ``verdicts``: applied | repeated | stale, in the order of ``leases``."""

    leases: list[Lease]
    verdicts: list[str]


class Stop(Message, frozen=True):
    """These attempts are no longer wanted (cancelled, timed out, lease lost): cancel them, report nothing."""

    leases: list[Lease]
    reason: str


class Refused(Message, frozen=True):
    """The session (or, with ``seq``, one request; with ``run_id``, the watching of one run) is refused: a problem with
    a stable ``code`` and what to do. ``fatal``: the connection is closed after it."""

    code: str
    message: str
    seq: int | None = None
    fatal: bool = False
    run_id: str | None = None


class Accepted(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Committed and on disk. ``existing``: an earlier run answered (idempotency key or repeat)."""

    run_id: str
    existing: bool = False


class StartAnswer(Message, frozen=True):
    """``answers`` in the order of the question; each is the accepted run, or None with an entry in ``problems``."""

    seq: int
    answers: list[Accepted | None]
    problems: dict[int, tuple[str, str]]


class RunEnded(Message, frozen=True):
    """``outputs``: step name → JSON text, of every step that has one. ``error`` when the run failed.

    ``more``: other outputs follow, which are too large to go with these; the last message has all else.
    """

    run_id: str
    status: str
    outputs: dict[str, bytes]
    failed_step: str | None = None
    error: RecordedError | None = None
    more: bool = False


FromSdk = Hello | Credit | Report | Release | Beat | Logs | Drain | Goodbye | Start | Watch | Unwatch
FromServer = Welcome | Assign | Acknowledge | Stop | Refused | StartAnswer | RunEnded
