"""Runs: starting, listing, looking at one, cancelling."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from msgspec import UNSET, Meta

from mulligan.core.records import Effect
from mulligan.wire.rest.codec import Answer, JsonText, Key, Name, Overrides, Question, RunState, Unset, Words
from mulligan.wire.rest.problems import ProblemDetails
from mulligan.wire.rest.steps import EditOperation, ErrorDetails, KeptFrom, StepSummary


class StartRequest(Question, frozen=True, kw_only=True):
    """``version``: number or digest of exactly the code to run; by default any worker's that fits."""

    workflow: Name
    input: JsonText | Unset = UNSET
    version: Name | None = None
    metadata: Annotated[dict[Name, Words], Meta(max_length=100)] = {}
    priority: Annotated[int, Meta(ge=-1_000, le=1_000)] | None = None
    delay_s: Annotated[float, Meta(ge=0, le=315_576_000)] = 0.0
    playground: Overrides = {}


class BulkStartItem(StartRequest, frozen=True, kw_only=True):
    idempotency_key: Key | None = None


class BulkStart(Question, frozen=True, kw_only=True):
    runs: Annotated[list[BulkStartItem], Meta(max_length=1_000)]


class BulkAnswer(Answer, frozen=True, kw_only=True):
    """Either ``id`` and ``existing``, or ``problem``."""

    id: str | Unset = UNSET
    existing: bool | Unset = UNSET
    problem: ProblemDetails | Unset = UNSET


class BulkAnswers(Answer, frozen=True, kw_only=True):
    """One item per run asked for, in order."""

    items: list[BulkAnswer]


class RunSummary(Answer, frozen=True, kw_only=True):
    """One run as a line of a list. ``version`` is the number, ``digest`` the content hash of its workflow version."""

    id: str
    workflow: str
    version: int
    digest: str
    status: RunState
    created_at: datetime
    finished_at: datetime | None
    duration_ms: float | None
    input_head: str
    metadata: dict[str, str]
    priority: int
    failed_step: str | None
    error_type: str | None
    error_message: str | None
    fingerprint: str | None
    source_id: str | None
    family_id: str
    generation: int
    idempotency_key: str | None
    parent_id: str | None
    parent_step: str | None


class RunList(Answer, frozen=True, kw_only=True):
    """``searched_to``: a search in inputs has looked at the runs since then and found no more, so that the page is
    short, or empty; those before are searched with ``next_cursor``."""

    items: list[RunSummary]
    next_cursor: str | None
    searched_to: datetime | None = None


class RunCount(Answer, frozen=True, kw_only=True):
    """``searched_to``: a search in inputs has counted the runs since then only."""

    total: int
    by_status: dict[str, int]
    searched_to: datetime | None = None


class Bar(Answer, frozen=True, kw_only=True):
    at: datetime
    counts: dict[str, int]


class Histogram(Answer, frozen=True, kw_only=True):
    """Runs by time of creation; bars without any run are there too. ``searched_to`` as in ``RunCount``."""

    width_s: int
    buckets: list[Bar]
    searched_to: datetime | None = None


class GraphNode(Answer, frozen=True, kw_only=True):
    name: str
    kind: Literal["call", "sleep", "on_failure"]
    effect: Effect


class GraphEdge(Answer, frozen=True, kw_only=True):
    """``data`` is false for an edge that only orders."""

    source: str
    target: str
    data: bool


class Graph(Answer, frozen=True, kw_only=True):
    nodes: list[GraphNode]
    edges: list[GraphEdge]


class ReplayInfo(Answer, frozen=True, kw_only=True):
    """The replay that made a run. ``edits`` by step (``input`` for the run input), ``overrides`` given for it."""

    source_id: str
    author: str
    reason: str
    created_at: datetime
    start_steps: list[str]
    from_beginning: bool
    code: str
    kept: dict[str, KeptFrom]
    edits: dict[str, list[EditOperation]]
    overrides: dict[str, dict[str, JsonText]]


class ReplayLink(Answer, frozen=True, kw_only=True):
    """A run that was made from this one."""

    id: str
    status: RunState
    author: str
    reason: str
    created_at: datetime


class RunDetail(RunSummary, frozen=True, kw_only=True):
    """A run with its steps. ``output``: of a task's only step. ``waiting``: why nothing runs, if nothing does.
    ``children``: how many runs its steps have started, by status."""

    started_at: datetime | None
    is_task: bool
    input: JsonText
    output: JsonText | Unset = UNSET
    waiting: str | None
    failure: ErrorDetails | None
    graph: Graph
    steps: list[StepSummary]
    replay: ReplayInfo | None
    replays: list[ReplayLink]
    children: dict[str, int]


class Event(Answer, frozen=True, kw_only=True):
    """Something that happened to a run; ``text`` tells it in words."""

    at: datetime
    kind: str
    step: str | None
    attempt: int | None
    actor: str | None
    detail: JsonText
    text: str


class EventList(Answer, frozen=True, kw_only=True):
    items: list[Event]


class LineageReplay(Answer, frozen=True, kw_only=True):
    author: str
    reason: str
    start_steps: list[str]
    edits_count: int
    overrides_count: int


class LineageRun(RunSummary, frozen=True, kw_only=True):
    replay: LineageReplay | None


class Lineage(Answer, frozen=True, kw_only=True):
    """All runs of a family, oldest first."""

    family_id: str
    runs: list[LineageRun]


class CancelRequest(Question, frozen=True, kw_only=True):
    reason: Words = ""


class CancelAnswer(Answer, frozen=True, kw_only=True):
    id: str
    changed: bool
    was: RunState
    stopping: int
    answer: Literal["cancelled", "cancel_requested", "already_finished"]
