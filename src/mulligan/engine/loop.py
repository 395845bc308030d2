"""The only place of the engine that sleeps: it wakes the agents at the right time, and forgives them everything."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

from mulligan.ports.clock import Clock

POLL = timedelta(seconds=1)
"""Sweeps run at least this often: a hint may get lost, the database is the truth."""

log = logging.getLogger("mulligan.engine")


class Alarm:
    """The time of the next thing to do. Whoever commits something earlier brings it forward."""

    def __init__(self) -> None:
        self.at: datetime | None = None
        self._earlier = asyncio.Event()

    def bring_forward(self, at: datetime) -> None:
        if self.at is None or at < self.at:
            self.at = at
            self._earlier.set()

    async def wait(self, clock: Clock) -> None:
        """Return at ``at``, after ``POLL`` at the latest; sooner moments that come up meanwhile count."""
        until = clock.now() + POLL
        while (now := clock.now()) < (ends := until if self.at is None else min(until, self.at)):
            self._earlier.clear()
            sleeping = asyncio.ensure_future(clock.sleep(ends - now))
            earlier = asyncio.ensure_future(self._earlier.wait())
            try:
                await asyncio.wait((sleeping, earlier), return_when=asyncio.FIRST_COMPLETED)
            finally:
                sleeping.cancel()
                earlier.cancel()


async def forgiving(duty: Callable[[datetime], Awaitable[object]], now: datetime) -> object:
    """One tick. An agent that fails is tried again at its next tick; the others go on."""
    try:
        return await duty(now)
    except Exception:
        log.exception("%s failed; it is tried again", getattr(duty, "__qualname__", duty))
        return None
