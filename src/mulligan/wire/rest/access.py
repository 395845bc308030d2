"""Who speaks to which server: information, signing in, tokens."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from msgspec import Meta

from mulligan.wire.rest.codec import Answer, Name, Question, Scope


class Info(Answer, frozen=True, kw_only=True):
    """``retention_s``: how long finished runs are kept; null: for ever."""

    version: str
    store: str
    mode: Literal["dev", "production"]
    namespace: str
    actor: str
    protocol: int
    started_at: datetime
    retention_s: float | None
    base_path: str
    scopes: list[Scope]


class SignIn(Question, frozen=True, kw_only=True):
    token: Annotated[str, Meta(max_length=200)]


class TokenSummary(Answer, frozen=True, kw_only=True):
    id: str
    name: str
    scopes: list[Scope]
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None


class TokenList(Answer, frozen=True, kw_only=True):
    items: list[TokenSummary]


class NewToken(Question, frozen=True, kw_only=True):
    name: Name
    scopes: Annotated[list[Scope], Meta(min_length=1, max_length=10)]
    expires_in_s: Annotated[float, Meta(gt=0, le=315_576_000)] | None = None


class CreatedToken(TokenSummary, frozen=True, kw_only=True):
    """``token`` is shown this once; only its hash is stored."""

    token: str
