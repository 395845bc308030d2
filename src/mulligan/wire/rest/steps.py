"""Step runs, their attempts, variables, edits and logs."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec
from msgspec import UNSET

from mulligan.core.records import Effect
from mulligan.wire.rest.codec import Answer, JsonText, OutcomeName, Question, StepState, Unset, Words


class FrameLine(Answer, frozen=True, kw_only=True):
    file: str
    line: int
    function: str
    code: str
    in_app: bool


class ErrorDetails(Answer, frozen=True, kw_only=True):
    """An exception of user code; ``frames`` outermost first, ``cause`` the exception it was raised from."""

    type: str
    message: str
    retryable: bool
    frames: list[FrameLine]
    cause: ErrorDetails | None


class KeptFrom(Answer, frozen=True, kw_only=True):
    """The attempt whose result is reused."""

    run_id: str
    attempt: int


class Span(Answer, frozen=True, kw_only=True):
    """One attempt on the timeline; ``outcome`` is null while it runs."""

    attempt: int
    outcome: OutcomeName | None
    queued_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    worker: str | None
    error_type: str | None


class StepSummary(Answer, frozen=True, kw_only=True):
    """``attempts`` counts those so far, ``attempt`` is the last one's number. ``waiting`` says why it does not run."""

    name: str
    kind: Literal["call", "sleep", "on_failure"]
    status: StepState
    attempts: int
    attempt: int
    queued_at: datetime | None
    started_at: datetime | None
    finished_at: datetime | None
    duration_ms: float | None
    due_at: datetime | None
    kept_from: KeptFrom | None
    error_type: str | None
    error_message: str | None
    worker: str | None
    effect: Effect
    waiting: str | None
    edited: bool
    spans: list[Span]


class EditOperation(Question, frozen=True, kw_only=True):
    """One operation of a JSON Patch (RFC 6902)."""

    op: Literal["add", "remove", "replace", "move", "copy", "test"]
    path: Words
    value: JsonText | Unset = UNSET
    from_: Words | Unset = msgspec.field(default=UNSET, name="from")


class ArgumentOrigin(Answer, frozen=True, kw_only=True):
    """``origin``: ``input``, ``input:<field>``, ``step:<name>`` or ``failure``."""

    name: str
    origin: str


class RetryPolicy(Answer, frozen=True, kw_only=True):
    retries: int
    first_s: float
    factor: float
    cap_s: float


class VariableReading(Answer, frozen=True, kw_only=True):
    """A playground variable as one attempt read it."""

    name: str
    default: JsonText
    value: JsonText
    override: JsonText | Unset = UNSET
    schema: JsonText
    file: str
    line: int


class AttemptDetail(Answer, frozen=True, kw_only=True):
    number: int
    outcome: OutcomeName | None
    queued_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    duration_ms: float | None
    worker: str | None
    worker_id: str | None
    version: int | None
    error: ErrorDetails | None
    fingerprint: str | None
    has_output: bool
    readings: list[VariableReading]


class StepVariable(Answer, frozen=True, kw_only=True):
    """``read``: the chosen attempt read it. ``override``: in force for this step. ``value``: as last read."""

    name: str
    schema: JsonText
    default: JsonText
    override: JsonText | Unset = UNSET
    value: JsonText | Unset = UNSET
    file: str
    line: int
    read: bool


class StepDetail(StepSummary, frozen=True, kw_only=True):
    """A step run in full. ``input`` is absent, and ``input_problem`` says why, while it cannot be known."""

    run_id: str
    workflow: str
    file: str
    line: int
    doc: str
    arguments: list[ArgumentOrigin]
    input_schema: JsonText
    output_schema: JsonText
    retry: RetryPolicy
    timeout_s: float | None
    queue_timeout_s: float | None
    chosen_attempt: int | None
    input: JsonText | Unset = UNSET
    input_problem: str | None
    output: JsonText | Unset = UNSET
    tries: list[AttemptDetail]
    variables: list[StepVariable]
    edits: list[EditOperation]


class LogEntry(Answer, frozen=True, kw_only=True):
    position: int
    at: datetime
    step: str
    attempt: int
    level: str
    logger: str
    message: str


class LogPage(Answer, frozen=True, kw_only=True):
    """``last``: ask for what comes after this position next."""

    items: list[LogEntry]
    last: int
