"""Making spans ahead of time, beside all other work: of large tables it takes minutes, and nobody waits for it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

import asyncpg

from mulligan.ports.clock import Clock
from mulligan.stores.postgres.connections import Connections
from mulligan.stores.postgres.spans import (
    BUSY,
    LONGEST_SCAN_S,
    NOT_YET,
    Span,
    alone,
    find_spans,
    instant_of,
    next_span,
    width_of,
)
from mulligan.stores.postgres.statement import Connection, Statement

FIND_SIZE_OF_REST = Statement("find_size_of_rest")
KEEP_SPAN_OUT_OF_REST = Statement("keep_span_out_of_rest")
LET_ALL_INTO_REST = Statement("let_all_into_rest")
MAKE_SPAN = Statement("make_span")

ANALYSES = ("ANALYZE runs", "ANALYZE attempts", "ANALYZE run_events", "ANALYZE logs")
CHECKS_OF_REST = (
    "ALTER TABLE runs_rest VALIDATE CONSTRAINT not_of_the_next_span",
    "ALTER TABLE attempts_rest VALIDATE CONSTRAINT not_of_the_next_span",
    "ALTER TABLE run_events_rest VALIDATE CONSTRAINT not_of_the_next_span",
    "ALTER TABLE logs_rest VALIDATE CONSTRAINT not_of_the_next_span",
)
"""Each in a transaction of its own: none holds its lock and its snapshot for longer than it needs them."""

MOST_SKIPPED = 2

LARGE_REST = 64 * 1024 * 1024
"""Bytes. What is smaller is looked through in a moment, while everybody waits."""
NOT_YET_BESIDE_A_LARGE_REST = timedelta(hours=1)
"""No run may come into the new span before it is there: longer than the four tables in turn can take."""
STATISTICS_LAST = timedelta(hours=1)
"""When it has to be tried again and again, for want of a lock."""

MAKER_LOCK = 0x4D4C474D
"""The advisory lock under which one engine at a time prepares a span: "MLGM"."""

log = logging.getLogger("mulligan.stores")


class SpanMaker:
    def __init__(self, connections: Connections, clock: Clock, retention: timedelta) -> None:
        self._connections = connections
        self._clock = clock
        self._retention = retention
        self._making: asyncio.Task[None] | None = None
        self._statistics_at: datetime | None = None

    async def close(self) -> None:
        making, self._making = self._making, None
        if making is not None:
            making.cancel()
            await asyncio.wait((making,))

    def make_ahead(self, spans: Sequence[Span], now: datetime) -> None:
        """Begin to make the span that is needed next, if it is not among ``spans``. Raises what went wrong before."""
        if self._making is not None and self._making.done():
            made, self._making = self._making, None
            made.result()
        if self._making is None and next_span(spans, now, self._retention) is not None:
            self._making = asyncio.create_task(self._make_next(spans), name="mulligan-span-maker")

    async def _make_next(self, spans: Sequence[Span]) -> None:
        try:
            async with self._alone() as connection:
                if connection is not None:
                    await self._prepare_and_make(connection, spans)
        except BUSY as busy:
            left = max((instant_of(span.limit) for span in spans), default=self._clock.now()) - self._clock.now()
            level = logging.WARNING if left < width_of(self._retention) / 2 else logging.INFO
            log.log(
                level, "the next partition is made later, and there is one for %s: %s", max(left, timedelta()), busy
            )

    @asynccontextmanager
    async def _alone(self) -> AsyncIterator[Connection | None]:
        """A connection on which anything may take long. None while another engine is at it, whom nobody disturbs: the
        lock is held by another connection that does nothing, for as long as this lasts."""
        async with self._connections.apart() as guard, guard.transaction():
            if await guard.fetchval("SELECT pg_try_advisory_xact_lock($1)", MAKER_LOCK):
                async with self._connections.apart() as connection:
                    yield connection
            else:
                yield None

    async def _prepare_and_make(self, connection: Connection, spans: Sequence[Span]) -> None:
        await self._take_statistics(connection)
        async with connection.transaction():
            [(size,)] = await FIND_SIZE_OF_REST.fetch(connection)
        ahead = NOT_YET if size < LARGE_REST else NOT_YET_BESIDE_A_LARGE_REST
        for skipped in range(MOST_SKIPPED + 1):
            span = next_span(spans, self._clock.now(), self._retention, skipped, ahead)
            if span is None:
                return
            try:
                if size >= LARGE_REST:
                    await self._keep_out_of_rest(connection, span)
                return await self._make(connection, span)
            except asyncpg.CheckViolationError:
                log.warning("the rest holds runs of a clock that is far ahead: no partition from %s on", span.name)
            finally:
                if size >= LARGE_REST:
                    await let_all_into_rest(connection)

    async def _take_statistics(self, connection: Connection) -> None:
        """The database does this by itself for partitions, but not for what they are parts of.

        Only of something, and before the new ones are there: of a table that was never looked at it thinks that it
        holds something, and reads it by its key; of one seen empty, any way is right, and it keeps to that as it grows.
        """
        now = self._clock.now()
        if self._statistics_at is not None and now - self._statistics_at < STATISTICS_LAST:
            return
        async with connection.transaction():
            something = await connection.fetchval("SELECT EXISTS (SELECT FROM runs)")
        for analyse in ANALYSES if something else ():
            try:
                await connection.execute(analyse, timeout=LONGEST_SCAN_S)
            except TimeoutError:
                log.info("%s took too long and was given up; it is not needed to go on", analyse)
        self._statistics_at = now

    async def _keep_out_of_rest(self, connection: Connection, span: Span) -> None:
        """See to it that the database knows that the rest holds nothing of the span, without anybody waiting.

        Who writes of that time all the same, with a clock that is far ahead, takes the constraint away again; so does
        whoever comes upon one whose engine was killed (transaction.py).
        """
        async with connection.transaction():
            there = "SELECT EXISTS (SELECT FROM runs WHERE id >= $1 AND id < $2)"
            if await connection.fetchval(there, span.least, span.limit):
                raise asyncpg.CheckViolationError("The rest holds runs of the span.")
            await KEEP_SPAN_OUT_OF_REST.fetch(connection, least=span.least, limit=span.limit)
        for check in CHECKS_OF_REST:
            await connection.execute(check, timeout=LONGEST_SCAN_S)

    async def _make(self, connection: Connection, span: Span) -> None:
        async with connection.transaction():
            # Another engine may have made it, or another one of this time, since we have looked.
            if await alone(connection) and not any(each.limit > span.least for each in await find_spans(connection)):
                await MAKE_SPAN.execute(connection, name=span.name, least=span.least, limit=span.limit)


async def let_all_into_rest(connection: Connection) -> None:
    async with connection.transaction():
        await LET_ALL_INTO_REST.fetch(connection)
