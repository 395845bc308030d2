"""Spans of ids: which there are, and which is needed next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from mulligan.errors import StoreConflict, StoreUnavailable
from mulligan.stores.postgres.statement import Connection, Statement

FIND_SPANS = Statement("find_spans")

PER_RETENTION = 5
"""Spans: runs stay for up to a fifth of the retention longer than asked for, and queries look into so many tables."""
SHORTEST = timedelta(hours=1)
NOT_YET = timedelta(minutes=1)
"""How far ahead the first span begins: no engine, and no client with a decent clock, makes ids of it meanwhile."""

LONGEST_SCAN_S = 600.0
"""For what reads whole tables beside all other work."""

SPAN_LOCK = 0x4D4C4753
"""The advisory lock under which one engine at a time makes or drops spans: "MLGS"."""

BUSY = (StoreUnavailable, StoreConflict)

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
TICK = timedelta(milliseconds=1)
"""A UUIDv7 begins with the ticks since the epoch, and an id is its base32hex."""
DIGITS = "0123456789abcdefghijklmnopqrstuv"


@dataclass(frozen=True, slots=True)
class Span:
    """The ids from ``least`` up to ``limit``, which is the next one's. ``name`` is how its tables' names end."""

    name: str
    least: str
    limit: str


def id_from(at: datetime) -> str:
    """What sorts before every id made at ``at`` or later, and after all earlier ones."""
    ticks = (at - EPOCH) // TICK << 2
    return "".join(DIGITS[ticks >> shift & 31] for shift in range(45, -1, -5))


def instant_of(bound: str) -> datetime:
    """The inverse of ``id_from``."""
    return EPOCH + (int(bound, 32) >> 2) * TICK


def width_of(retention: timedelta) -> timedelta:
    return max(retention / PER_RETENTION, SHORTEST)


def next_span(
    spans: Sequence[Span], now: datetime, retention: timedelta, skipped: int = 0, ahead: timedelta = NOT_YET
) -> Span | None:
    """The one to make now, so that there is always one whose time has not come yet."""
    width = width_of(retention)
    begin = max([now + ahead, *(instant_of(span.limit) for span in spans)])
    if spans and begin > now + width:
        return None
    begin += skipped * width
    return Span(f"{begin:%Y%m%dt%H%M%S}", id_from(begin), id_from(begin + width))


async def find_spans(connection: Connection) -> list[Span]:
    return [Span(*row) for row in await FIND_SPANS.fetch(connection)]


async def alone(connection: Connection) -> bool:
    """Whether this transaction may change spans."""
    await connection.execute("SET LOCAL lock_timeout = '500ms'")
    await connection.execute("SET LOCAL statement_timeout = '5s'")
    locked: bool = await connection.fetchval("SELECT pg_try_advisory_xact_lock($1)", SPAN_LOCK)
    return locked
