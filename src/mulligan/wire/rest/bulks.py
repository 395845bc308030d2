"""Bulk replays: many runs replayed with the same changes, as one object with brakes."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from msgspec import Meta

from mulligan.core.bulk import FASTEST, SLOWEST
from mulligan.wire.rest.codec import Answer, Name, Question, RunState, Words
from mulligan.wire.rest.replays import ReplayRequest

BulkState = Literal["running", "paused", "stopped", "aborted", "finished"]
ItemState = Literal["waiting", "started", "refused"]
Query = Annotated[str, Meta(max_length=4_000)]


class BulkSelection(Question, frozen=True, kw_only=True):
    """Which runs: those that a query means, or exactly those of ``ids``. ``request`` may hold no whole documents: they
    would copy one run's input to all others."""

    q: Query = ""
    ids: Annotated[list[Name], Meta(max_length=10_000)] | None = None
    request: ReplayRequest


class RunProblem(Answer, frozen=True, kw_only=True):
    run_id: str
    problem: str


class BulkPreview(Answer, frozen=True, kw_only=True):
    """``eligible``: matching runs that have finished. Of those, ``previewed`` were planned one by one."""

    matched: int
    eligible: int
    previewed: int
    will_run: int
    problems: list[RunProblem]


class BulkReplay(BulkSelection, frozen=True, kw_only=True):
    """``canary``: counts (1, 10) or parts (0.1) after which to wait and look. ``rate``: replays per second."""

    canary: Annotated[list[Annotated[float, Meta(gt=0)]], Meta(max_length=20)] = []
    rate: Annotated[float, Meta(ge=SLOWEST, le=FASTEST)] | None = None
    stop_after: Annotated[int, Meta(ge=1)] | None = None
    stop_on_new: bool = False


class BulkProgress(Answer, frozen=True, kw_only=True):
    """``failed`` counts refused items and replays that failed."""

    waiting: int
    started: int
    refused: int
    running: int
    succeeded: int
    failed: int


class Bulk(Answer, frozen=True, kw_only=True):
    """``stages``: how many items may have begun before all of them must have ended. ``request``: the one for all."""

    id: str
    created_at: datetime
    author: str
    reason: str
    query: str
    request: ReplayRequest
    matched: int
    total: int
    stages: list[int]
    rate: float | None
    stop_after: int | None
    stop_on_new: bool
    state: BulkState
    state_reason: str
    state_at: datetime | None
    state_by: str
    progress: BulkProgress


class BulkList(Answer, frozen=True, kw_only=True):
    items: list[Bulk]


class BulkItem(Answer, frozen=True, kw_only=True):
    """One source run. ``run_id``, ``status`` and ``error_…`` are of its replay; ``problem`` says why there is none."""

    position: int
    source_id: str
    state: ItemState
    run_id: str | None
    status: RunState | None
    error_type: str | None
    error_message: str | None
    problem: str | None


class BulkItems(Answer, frozen=True, kw_only=True):
    items: list[BulkItem]
    next_cursor: str | None


class ControlRequest(Question, frozen=True, kw_only=True):
    reason: Words = ""
