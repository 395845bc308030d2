"""Execution timeouts: one sleeper for all attempts, woken for the earliest."""

from __future__ import annotations

import asyncio
import heapq
import itertools
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from mulligan.sdk.clock import Clock
from mulligan.sdk.worker.attempt import Attempt


class Deadlines:
    """For one event loop. ``expire`` is called with each attempt that still runs when its time is up."""

    def __init__(self, clock: Clock, expire: Callable[[Attempt], None]) -> None:
        self._clock = clock
        self._expire = expire
        self._heap: list[tuple[datetime, int, Attempt]] = []
        self._crowded = 100
        self._order = itertools.count()
        self._earlier = asyncio.Event()

    def add(self, attempt: Attempt, remaining: timedelta) -> None:
        if len(self._heap) > self._crowded:
            # attempts that ended long before their time are not kept until then
            self._heap = [entry for entry in self._heap if entry[2].is_wanted]
            heapq.heapify(self._heap)
            self._crowded = 2 * len(self._heap) + 100
        entry = (self._clock.now() + remaining, next(self._order), attempt)
        heapq.heappush(self._heap, entry)
        if self._heap[0] is entry:
            self._earlier.set()

    async def run(self) -> None:
        """For ever; cancel it."""
        while True:
            now = self._clock.now()
            while self._heap and (self._heap[0][0] <= now or not self._heap[0][2].is_wanted):
                _, _, attempt = heapq.heappop(self._heap)
                if attempt.is_wanted:
                    self._expire(attempt)
            self._earlier.clear()
            await self._next(now)

    async def _next(self, now: datetime) -> None:
        waits: set[asyncio.Future[Any]] = {asyncio.ensure_future(self._earlier.wait())}
        if self._heap:
            waits.add(asyncio.ensure_future(self._clock.sleep(self._heap[0][0] - now)))
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
