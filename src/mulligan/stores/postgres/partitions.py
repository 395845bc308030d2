"""History in spans of time, so that retention drops tables and does not delete the rows of a million runs one by one.

All that belongs to a run lies in the span that its id tells. Spans are made ahead of time; ids of no span (those of
before there were any, of a client whose clock is far off, of tests) lie in the rest, where rows are deleted.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import asyncpg

from mulligan.errors import StoreConflict, StoreUnavailable
from mulligan.stores.postgres.connections import Connections
from mulligan.stores.postgres.statement import Connection, Statement

DELETE_BESIDE = [
    Statement("delete_keys_of_span"),
    Statement("delete_replays_of_span"),
    Statement("delete_kept_results_of_span"),
]
DELETE_DROPPED_SPAN = Statement("delete_dropped_span")
DROP_SPAN = Statement("drop_span")
FIND_DROPPED_SPANS = Statement("find_dropped_spans")
FIND_SPAN_END = Statement("find_span_end")
FIND_SPAN_HOLDERS = Statement("find_span_holders")
FIND_SPANS = Statement("find_spans")
INSERT_DROPPED_SPAN = Statement("insert_dropped_span")
MAKE_SPAN = Statement("make_span")

PER_RETENTION = 5
"""Spans: runs stay for up to a fifth of the retention longer than asked for, and queries look into so many tables."""
SHORTEST = timedelta(hours=1)
NOT_YET = timedelta(minutes=1)
"""How far ahead the first span begins: no engine, and no client with a decent clock, makes ids of it meanwhile."""
MOST_SKIPPED = 2
AGAIN = timedelta(minutes=1)
"""After so long it is tried again to drop what could not be locked."""
LATE = timedelta(hours=1)
"""Of a span that has to wait for its last run longer than this, the others do not wait for it."""
BATCH = 10_000
MOST_BATCHES = 10
"""Of rows beside the partitions, per call: timers and heartbeats wait for us."""

LONGEST_SCAN_S = 600.0
IN_FLIGHT = timedelta(minutes=1)
"""Longer than a transaction takes: what was written in one that had not ended yet is no older than that."""

SPAN_LOCK = 0x4D4C4753
"""The advisory lock under which one engine at a time makes or drops spans: "MLGS"."""

BUSY = (StoreUnavailable, StoreConflict)

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
TICK = timedelta(milliseconds=1)
"""A UUIDv7 begins with the ticks since the epoch, and an id is its base32hex."""
DIGITS = "0123456789abcdefghijklmnopqrstuv"

log = logging.getLogger("mulligan.stores")


@dataclass(frozen=True, slots=True)
class Span:
    """The ids from ``least`` up to ``limit``, which is the next one's. ``name`` is how its tables' names end."""

    name: str
    least: str
    limit: str


@dataclass(frozen=True, slots=True)
class Ending:
    """Of a span in which nothing runs any more: how many runs there were, when the last ended, when that was seen.

    Not before ``try_at`` is it to be dropped: whoever tries makes everybody wait.
    """

    runs: int
    last_at: datetime
    seen_at: datetime
    try_at: datetime


def id_from(at: datetime) -> str:
    """What sorts before every id made at ``at`` or later, and after all earlier ones."""
    ticks = (at - EPOCH) // TICK << 2
    return "".join(DIGITS[ticks >> shift & 31] for shift in range(45, -1, -5))


def instant_of(bound: str) -> datetime:
    """The inverse of ``id_from``."""
    return EPOCH + (int(bound, 32) >> 2) * TICK


def width_of(retention: timedelta) -> timedelta:
    return max(retention / PER_RETENTION, SHORTEST)


def next_span(spans: Sequence[Span], now: datetime, retention: timedelta, skipped: int = 0) -> Span | None:
    """The one to make now, so that there is always one whose time has not come yet."""
    width = width_of(retention)
    begin = max([now + NOT_YET, *(instant_of(span.limit) for span in spans)])
    if spans and begin > now + width:
        return None
    begin += skipped * width
    return Span(f"{begin:%Y%m%dt%H%M%S}", id_from(begin), id_from(begin + width))


class Partitions:
    """``retention`` None: nothing will ever be dropped, so no spans are made.

    Of several engines one at a time changes spans, under a lock that the others do not wait for. Nor does it wait long
    for the locks of tables, because all work would queue up behind it: what does not work is tried again later.
    """

    def __init__(self, connections: Connections, retention: timedelta | None) -> None:
        self._connections = connections
        self._retention = retention
        self._endings: dict[str, Ending] = {}
        self._held: set[str] = set()
        self._looking: asyncio.Task[None] | None = None

    async def close(self) -> None:
        looking, self._looking = self._looking, None
        if looking is not None:
            looking.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await looking

    async def spans(self) -> list[Span]:
        """Oldest first."""
        async with self._connections.sweep() as connection:
            return await find_spans(connection)

    async def make_ahead(self, spans: Sequence[Span], now: datetime) -> None:
        """Make the span that is needed next, if it is not among ``spans``."""
        if self._retention is None:
            return
        for skipped in range(MOST_SKIPPED + 1):
            span = next_span(spans, now, self._retention, skipped)
            if span is None:
                return
            try:
                return await self._make(span)
            except asyncpg.CheckViolationError:
                log.warning("the rest holds runs of a clock that is far ahead: no partition from %s on", span.name)
            except BUSY as busy:
                log.info("the partition from %s on is made a little later: %s", span.name, busy)
                return

    async def _make(self, span: Span) -> None:
        async with self._connections.writing() as connection:
            # Another engine may have made it, or another one of this time, since we have looked.
            if not await _alone(connection) or any(each.limit > span.least for each in await find_spans(connection)):
                return
            # The database does this by itself for partitions, but not for what they are parts of. Only of something,
            # and before the new ones are there: of a table that was never looked at it thinks that it holds something,
            # and reads it by its key; of one seen empty, any way is right, and it keeps to that as it grows.
            if await connection.fetchval("SELECT EXISTS (SELECT FROM runs)"):
                await connection.execute("ANALYZE runs, attempts, run_events, logs")
            await MAKE_SPAN.execute(connection, name=span.name, least=span.least, limit=span.limit)

    async def drop(self, spans: Sequence[Span], before: datetime, now: datetime) -> int:
        """Drop those of ``spans`` in which all has finished before ``before``. Returns how many runs went with them."""
        self._look_for_endings([span for span in spans if span.name not in self._endings], now)
        dropped = 0
        for span in spans:
            ending = self._endings.get(span.name)
            if ending is None or ending.last_at >= before or ending.try_at > now:
                continue
            try:
                dropped += await self._drop(span, ending)
            except BUSY as busy:
                self._endings[span.name] = replace(ending, try_at=now + AGAIN)
                log.info("the partition from %s on is dropped a little later: %s", span.name, busy)
        try:
            await self._delete_beside()
        except BUSY as busy:
            log.info("what lay beside dropped partitions is deleted a little later: %s", busy)
        return dropped

    def will_go(self, span: Span, before: datetime) -> bool:
        """Whether it will soon be dropped as a whole, as far as is known: then its rows need not be deleted one by one.

        What should have gone long ago is not waited for, whatever the reason may be.
        """
        ending = self._endings.get(span.name)
        late = span.name in self._held or (ending is not None and ending.last_at >= before + LATE)
        overdue = instant_of(span.limit) < before - width_of(self._retention or timedelta())
        return not (late or overdue)

    async def _drop(self, span: Span, ending: Ending) -> int:
        async with self._connections.writing() as connection:
            if not await _alone(connection) or span not in await find_spans(connection):
                return 0
            await connection.execute("LOCK TABLE runs, attempts, run_events, logs IN ACCESS EXCLUSIVE MODE")
            # Nobody can change it any more: is it still as it was?
            if await _is_held(connection, span, ending.seen_at):
                self._forget(span)
                return 0
            await DROP_SPAN.execute(connection, name=span.name)
            await INSERT_DROPPED_SPAN.execute(connection, name=span.name, least=span.least, next=span.limit)
        self._forget(span)
        return ending.runs

    def _forget(self, span: Span) -> None:
        self._endings.pop(span.name, None)
        self._held.discard(span.name)

    async def _delete_beside(self) -> None:
        """What dropped spans have left in tables without partitions. Not before the drop, which may fail: as long as a
        run can be seen, a replay may rely on all that belongs to it."""
        async with self._connections.sweep() as connection:
            dropped = [Span(*row) for row in await FIND_DROPPED_SPANS.fetch(connection)]
        for span in dropped:
            for statement in DELETE_BESIDE:
                for _ in range(MOST_BATCHES):
                    async with self._connections.writing() as connection:
                        if not await _alone(connection):
                            return
                        deleted = await statement.execute(connection, least=span.least, limit=span.limit, most=BATCH)
                    if deleted < BATCH:
                        break
                else:
                    return  # the rest next time
            async with self._connections.writing() as connection:
                await DELETE_DROPPED_SPAN.execute(connection, name=span.name)

    def _look_for_endings(self, spans: Sequence[Span], now: datetime) -> None:
        """Beside everything else: all of a span is read, though once only, when nothing runs in it any more."""
        if spans and (self._looking is None or self._looking.done()):
            self._looking = asyncio.create_task(self._find_endings(spans, now), name="mulligan-span-endings")

    async def _find_endings(self, spans: Sequence[Span], now: datetime) -> None:
        for span in spans:
            try:
                await self._find_ending(span, now)
            except BUSY as busy:
                log.info("whether all has ended in the partition from %s on is seen later: %s", span.name, busy)

    async def _find_ending(self, span: Span, now: datetime) -> None:
        async with self._connections.sweep(snapshot=True) as connection:
            if await _is_held(connection, span, now):
                self._held.add(span.name)
                return
            [(runs, last_at, running)] = await connection.fetch(
                FIND_SPAN_END.sql, span.least, span.limit, timeout=LONGEST_SCAN_S
            )
        if running:
            self._held.add(span.name)
        else:
            self._held.discard(span.name)
            self._endings[span.name] = Ending(runs, last_at or instant_of(span.least), now, now)


async def find_spans(connection: Connection) -> list[Span]:
    return [Span(*row) for row in await FIND_SPANS.fetch(connection)]


async def _alone(connection: Connection) -> bool:
    """Whether this transaction may change spans."""
    await connection.execute("SET LOCAL lock_timeout = '500ms'")
    await connection.execute("SET LOCAL statement_timeout = '5s'")
    alone: bool = await connection.fetchval("SELECT pg_try_advisory_xact_lock($1)", SPAN_LOCK)
    return alone


async def _is_held(connection: Connection, span: Span, seen_at: datetime) -> bool:
    """Whether anything happens in the span, or has since ``seen_at``, or a run elsewhere relies on one in it."""
    [(held,)] = await FIND_SPAN_HOLDERS.fetch(connection, least=span.least, limit=span.limit, since=seen_at - IN_FLIGHT)
    return bool(held)
