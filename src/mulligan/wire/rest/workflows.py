"""Workflows as they are declared, and the workers that run them."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from mulligan.core.records import Effect
from mulligan.wire.rest.codec import Answer, JsonText
from mulligan.wire.rest.replays import CodeRef
from mulligan.wire.rest.runs import Graph
from mulligan.wire.rest.steps import ArgumentOrigin, RetryPolicy


class WorkflowSummary(Answer, frozen=True, kw_only=True):
    """``version`` is the latest number, ``versions`` how many there are; ``counts`` of the last 24 hours' runs."""

    name: str
    doc: str
    is_task: bool
    version: int
    digest: str
    registered_at: datetime
    versions: int
    steps: int
    counts: dict[str, int]
    workers: int


class WorkflowList(Answer, frozen=True, kw_only=True):
    items: list[WorkflowSummary]


class VersionRef(CodeRef, frozen=True, kw_only=True):
    registered_at: datetime


class StepShape(Answer, frozen=True, kw_only=True):
    """A step as declared in code."""

    name: str
    kind: Literal["call", "sleep", "on_failure"]
    parents: list[str]
    arguments: list[ArgumentOrigin]
    input_schema: JsonText
    output_schema: JsonText
    retry: RetryPolicy
    timeout_s: float | None
    queue_timeout_s: float | None
    sleep_s: float | None
    effect: Effect
    at_most_once: bool
    file: str
    line: int
    doc: str


class VariableSeen(Answer, frozen=True, kw_only=True):
    step: str
    name: str
    default: JsonText
    schema: JsonText
    file: str
    line: int
    seen_at: datetime


class WorkflowDetail(Answer, frozen=True, kw_only=True):
    """One version of a workflow, with the list of all of them."""

    name: str
    doc: str
    is_task: bool
    number: int
    digest: str
    label: str
    registered_at: datetime
    input_schema: JsonText
    graph: Graph
    steps: list[StepShape]
    versions: list[VersionRef]
    variables: list[VariableSeen]


class WorkerWorkflow(Answer, frozen=True, kw_only=True):
    """``number`` is null for a version that is not registered (any more)."""

    name: str
    number: int | None
    digest: str


class WorkerDetail(Answer, frozen=True, kw_only=True):
    id: str
    name: str
    host: str
    pid: int
    sdk: str
    state: Literal["active", "draining", "gone"]
    slots: int
    running: int
    lag_ms: int
    started_at: datetime
    seen_at: datetime
    workflows: list[WorkerWorkflow]
    labels: dict[str, str]


class WorkerList(Answer, frozen=True, kw_only=True):
    items: list[WorkerDetail]
