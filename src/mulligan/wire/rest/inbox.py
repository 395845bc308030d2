"""The failure inbox: failed runs by kind, what people said about each kind, and what its runs have in common."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from msgspec import Meta

from mulligan.wire.rest.codec import Answer, Question, Words
from mulligan.wire.rest.runs import Bar, RunSummary
from mulligan.wire.rest.steps import ErrorDetails

GroupState = Literal["open", "snoozed", "resolved"]


class GroupVersion(Answer, frozen=True, kw_only=True):
    """``number`` is null for a version that is not known (any more)."""

    number: int | None
    digest: str


class GroupNote(Answer, frozen=True, kw_only=True):
    """What somebody last said about a group. A snooze ends with whichever of ``until_…`` is given."""

    status: GroupState
    at: datetime
    actor: str
    note: str
    until_at: datetime | None
    until_more: int | None
    until_version: bool


class Group(Answer, frozen=True, kw_only=True):
    """Failed runs with one fingerprint. ``samples``: ids of the newest. ``recovered``: replayed with success."""

    fingerprint: str
    workflow: str
    step: str
    error_type: str
    error_message: str
    count: int
    first_at: datetime
    last_at: datetime
    versions: list[GroupVersion]
    status: GroupState
    recurred: bool
    note: GroupNote | None
    samples: list[str]
    replayed: int
    recovered: int
    activity: list[Bar]


class GroupCounts(Answer, frozen=True, kw_only=True):
    open: int
    snoozed: int
    resolved: int


class Inbox(Answer, frozen=True, kw_only=True):
    """Groups by impact: those with most runs first. ``counts`` are of all groups, whatever was asked for."""

    items: list[Group]
    counts: GroupCounts


class CommonValue(Answer, frozen=True, kw_only=True):
    value: str
    count: int


class Difference(Answer, frozen=True, kw_only=True):
    """How runs of a group differ in one thing (``input.lang``, ``version``, ``worker``, ``tag.team``), or do not."""

    what: str
    values: list[CommonValue]


class GroupDetail(Group, frozen=True, kw_only=True):
    """``normalised``: the error as the fingerprint sees it. ``differs_by``: drawn from the newest ``looked_at`` runs.
    ``error`` is of the newest run of all, ``runs`` are the samples."""

    normalised: str
    error: ErrorDetails | None
    differs_by: list[Difference]
    looked_at: int
    runs: list[RunSummary]


class NoteRequest(Question, frozen=True, kw_only=True):
    """Resolve, snooze or open a group. A snooze needs an end: a moment, a span, more runs, or a new version."""

    status: GroupState
    note: Words = ""
    until_at: datetime | None = None
    for_s: Annotated[float, Meta(gt=0, le=315_576_000)] | None = None
    until_more: Annotated[int, Meta(ge=1, le=1_000_000)] | None = None
    until_version: bool = False
