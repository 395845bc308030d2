"""History in spans of time, so that retention drops tables and does not delete the rows of a million runs one by one.

All that belongs to a run lies in the span that its id tells. Spans are made ahead of time; ids of no span (those of
before there were any, of a client whose clock is far off, of tests) lie in the rest, where rows are deleted.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from mulligan.ports.clock import Clock
from mulligan.stores.postgres.connections import Connections
from mulligan.stores.postgres.span_maker import SpanMaker
from mulligan.stores.postgres.spans import BUSY, Span, alone, find_spans, instant_of, width_of
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
INSERT_DROPPED_SPAN = Statement("insert_dropped_span")

AGAIN = timedelta(minutes=1)
"""After so long it is tried again to drop what could not be locked."""
LATE = timedelta(hours=1)
"""Of a span that has to wait for its last run longer than this, the others do not wait for it."""
PART = 50_000
"""Runs that are looked at by one statement: less than a second's reading."""
BATCH = 10_000
MOST_BATCHES = 10
"""Of rows beside the partitions, per call: timers and heartbeats wait for us."""

IN_FLIGHT = timedelta(minutes=1)
"""Longer than a transaction takes: what was written in one that had not ended yet is no older than that."""

log = logging.getLogger("mulligan.stores")


@dataclass(frozen=True, slots=True)
class Ending:
    """Of a span in which nothing runs any more: how many runs there were, when the last ended, when that was seen.

    Not before ``try_at`` is it to be dropped: whoever tries makes everybody wait.
    """

    runs: int
    last_at: datetime
    seen_at: datetime
    try_at: datetime


class Partitions:
    """``retention`` None: nothing will ever be dropped, so no spans are made.

    Of several engines one at a time changes spans, under a lock that the others do not wait for. Nor does it wait long
    for the locks of tables, because all work would queue up behind it: what does not work is tried again later.
    """

    def __init__(self, connections: Connections, clock: Clock, retention: timedelta | None) -> None:
        self._connections = connections
        self._retention = retention
        self._maker = None if retention is None else SpanMaker(connections, clock, retention)
        self._endings: dict[str, Ending] = {}
        self._held: set[str] = set()
        self._looking: asyncio.Task[None] | None = None

    async def close(self) -> None:
        if self._maker is not None:
            await self._maker.close()
        looking, self._looking = self._looking, None
        if looking is not None:
            looking.cancel()
            await asyncio.wait((looking,))

    async def spans(self) -> list[Span]:
        """Oldest first."""
        async with self._connections.sweep() as connection:
            return await find_spans(connection)

    def make_ahead(self, spans: Sequence[Span], now: datetime) -> None:
        """Begin to make the span that is needed next, if it is not among ``spans``."""
        if self._maker is not None:
            self._maker.make_ahead(spans, now)

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
            if not await alone(connection) or span not in await find_spans(connection):
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
                        if not await alone(connection):
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
        async with self._connections.sweep() as connection:
            if await _is_held(connection, span, now):
                self._held.add(span.name)
                return
        runs, last_at = 0, instant_of(span.least)
        after: str | None = ""
        while after is not None:
            # Part by part: one long look would keep the vacuum from all that changes meanwhile.
            async with self._connections.sweep() as connection:
                [(count, part_last_at, running, after)] = await FIND_SPAN_END.fetch(
                    connection, least=span.least, limit=span.limit, after=after, most=PART
                )
            if running:
                self._held.add(span.name)
                return
            runs, last_at = runs + count, max(last_at, part_last_at or last_at)
        self._held.discard(span.name)
        self._endings[span.name] = Ending(runs, last_at, now, now)


async def _is_held(connection: Connection, span: Span, seen_at: datetime) -> bool:
    """Whether anything happens in the span, or has since ``seen_at``, or a run elsewhere relies on one in it."""
    [(held,)] = await FIND_SPAN_HOLDERS.fetch(connection, least=span.least, limit=span.limit, since=seen_at - IN_FLIGHT)
    return bool(held)
