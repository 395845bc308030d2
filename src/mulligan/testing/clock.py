"""Time and chance for tests: a clock that only moves when it is told to, and ids that repeat with their seed."""

from __future__ import annotations

import asyncio
import heapq
import itertools
import random
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

from mulligan.wire.ids import encode_id

MOST_TURNS = 10_000
"""A task that asks again and again whether something has changed would otherwise keep time from ever moving on."""

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)


class VirtualClock:
    """A ``Clock`` whose time stands still until ``advance``. Nothing that waits on it ever really sleeps.

    ``settled`` returns when everything that can go on without time has done so.
    """

    def __init__(self, start: datetime = EPOCH, settled: Callable[[], Awaitable[None]] | None = None) -> None:
        self._now = start
        self._settled = settled or settle
        self._sleepers: list[tuple[datetime, int, asyncio.Future[None]]] = []
        self._order = itertools.count()

    def now(self) -> datetime:
        return self._now

    async def sleep(self, span: timedelta) -> None:
        if span <= timedelta():
            await asyncio.sleep(0)
            return
        woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self._now + span, next(self._order), woken))
        await woken

    async def advance(self, span: timedelta) -> None:
        """Move time on by ``span``, waking each sleeper at its own moment and letting it act before the next."""
        until = self._now + span
        await self._settled()
        while (at := self._next_at()) is not None and at <= until:
            self._now = max(self._now, at)
            self._wake_due()
            await self._settled()
        self._now = until
        await self._settled()

    async def pass_by(self, span: timedelta) -> None:
        """Move time on as for a process that is stopped meanwhile: all that was due wakes too late, at one moment."""
        self._now += span
        self._wake_due()
        await self._settled()

    def _next_at(self) -> datetime | None:
        while self._sleepers and self._sleepers[0][2].done():
            heapq.heappop(self._sleepers)
        return self._sleepers[0][0] if self._sleepers else None

    def _wake_due(self) -> None:
        while self._sleepers and self._sleepers[0][0] <= self._now:
            _, _, woken = heapq.heappop(self._sleepers)
            if not woken.done():
                woken.set_result(None)


async def settle(turns: int = 200) -> None:
    """Let every task of this loop that can go on do so, until all wait for time or for the outside world.

    asyncio's own loop shows what it will run next, so that this ends at the right moment. Of another loop ``turns`` are
    taken: a task needs one per await that is ready at once, and no chain here has nearly as many.
    """
    ready = getattr(asyncio.get_running_loop(), "_ready", None)
    if ready is None:
        for _ in range(turns):
            await asyncio.sleep(0)
        return
    for _ in range(MOST_TURNS):
        await asyncio.sleep(0)
        if not ready:
            return


class SeededChance:
    """A ``Chance`` that gives the same ids and tokens for the same seed."""

    def __init__(self, seed: int = 0) -> None:
        self._random = random.Random(seed)
        self._count = itertools.count(1)

    def new_id(self) -> str:
        return encode_id(next(self._count).to_bytes(6, "big") + self._random.randbytes(10))

    def new_token(self) -> str:
        return self._random.randbytes(8).hex()
