"""What one server is made of, and who is calling it: the two things that every handler is given."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final, Literal

from mulligan.engine.api import Engine
from mulligan.errors import StoreUnavailable
from mulligan.server.tokens import TokenBook
from mulligan.wire.rest.codec import Scope

ADMITTED_FOR: Final = timedelta(seconds=15)
"""How long a connection may outlive its token, while the store can be asked."""
ALL_SCOPES: Final[tuple[Scope, ...]] = ("read", "trigger", "operate", "worker", "admin")


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """``base_path`` begins and ends with a slash. ``public_hosts``: names (with port, if any) browsers may use.

    ``cookie_key``: signs the dashboard's cookies; the same on all replicas, secret, at least 32 bytes.
    ``behind_proxy``: whoever seems to call from this machine may be anybody whom a proxy on it lets through.
    """

    version: str
    cookie_key: bytes
    mode: Literal["dev", "production"] = "dev"
    namespace: str = "default"
    base_path: str = "/"
    public_hosts: tuple[str, ...] = ()
    secure_cookies: bool = False
    behind_proxy: bool = False


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls, and what they may do. Everything they see and touch is in their ``namespace``.

    ``token_id`` is None for whoever needs none: this very process.
    """

    namespace: str
    actor: str
    scopes: frozenset[Scope]
    token_id: str | None = None

    def may(self, scope: Scope) -> bool:
        return scope in self.scopes or "admin" in self.scopes


@dataclass(slots=True)
class SessionCounts:
    """What sessions have seen since the start; ``/metrics`` shows them."""

    open: int = 0
    starts: int = 0
    refused_starts: int = 0
    assignments: int = 0
    reports: int = 0
    stale_reports: int = 0
    repeated_reports: int = 0
    unknown_reports: int = 0
    dropped_log_lines: int = 0


@dataclass(frozen=True, slots=True)
class Site:
    """``tokens`` knows who may call; ``counts`` is what ``/metrics`` shows of sessions."""

    engine: Engine
    settings: ServerSettings
    tokens: TokenBook
    counts: SessionCounts = field(default_factory=SessionCounts)

    async def no_longer_admits(self, caller: Caller) -> None:
        """Return when the caller's token has expired or been revoked: then connections made with it have to end."""
        while await self._admits(caller):
            await self.engine.clock.sleep(ADMITTED_FOR)

    async def _admits(self, caller: Caller) -> bool:
        """Also while the store cannot be asked: that says nothing about the token, and a worker whose connection ends
        would give up its steps, since no hello is answered then."""
        try:
            return caller.token_id is None or await self.tokens.by_id(caller.token_id) is not None
        except StoreUnavailable:
            return True


@dataclass(frozen=True, slots=True)
class Call:
    """One request: to which site, by whom."""

    site: Site
    caller: Caller

    @property
    def engine(self) -> Engine:
        return self.site.engine

    @property
    def namespace(self) -> str:
        return self.caller.namespace
