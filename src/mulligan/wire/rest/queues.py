"""What waits for workers, and what people keep beside runs."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from mulligan.wire.rest.codec import Answer, JsonText, Question

DocumentKind = Literal["view", "preset", "pin", "draft"]


class Queue(Answer, frozen=True, kw_only=True):
    """Step runs that share a route, by what they do. ``workers``: names of those connected that can run them."""

    workflow: str
    step: str
    route: str
    ready: int
    running: int
    retrying: int
    sleeping: int
    oldest_at: datetime
    workers: list[str]
    waiting: str | None


class QueueList(Answer, frozen=True, kw_only=True):
    items: list[Queue]


class KeptDocument(Answer, frozen=True, kw_only=True):
    """``view``: a saved query; ``preset``: values for a step's variables; ``pin``: overrides for every new run of the
    workflow that ``key`` names; ``draft``: a replay that is being prepared."""

    kind: DocumentKind
    key: str
    value: JsonText
    at: datetime
    by: str


class DocumentList(Answer, frozen=True, kw_only=True):
    items: list[KeptDocument]


class KeepRequest(Question, frozen=True, kw_only=True):
    value: JsonText
