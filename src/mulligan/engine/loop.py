"""The only place of the engine that sleeps: it wakes the agents at the right time, and forgives them everything."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

from mulligan.errors import StoreUnavailable
from mulligan.ports.clock import Clock

POLL = timedelta(seconds=1)
"""How often replicas that share a store sweep it: a notification may get lost, the database is the truth."""

IDLE = timedelta(hours=1)
"""The same for an engine that owns its store: it knows when the next thing is due, so this is only a safety net."""

log = logging.getLogger("mulligan.engine")


class Alarm:
    """The time of the next thing to do. Whoever commits something that is due earlier brings it forward."""

    def __init__(self) -> None:
        self._at: datetime | None = None
        self._earlier = asyncio.Event()

    def set(self, at: datetime) -> None:
        """Forget what was set before, and ring at ``at`` at the latest."""
        self._at = at

    def bring_forward(self, at: datetime | None) -> None:
        if at is not None and (self._at is None or at < self._at):
            self._at = at
            self._earlier.set()

    async def ring(self, clock: Clock) -> timedelta:
        """Return when it is time, with how late it is: very, if the machine slept or the process was stopped."""
        while self._at is None or (now := clock.now()) < self._at:
            self._earlier.clear()
            sleeping = asyncio.ensure_future(clock.sleep(IDLE if self._at is None else self._at - now))
            earlier = asyncio.ensure_future(self._earlier.wait())
            try:
                await asyncio.wait((sleeping, earlier), return_when=asyncio.FIRST_COMPLETED)
            finally:
                sleeping.cancel()
                earlier.cancel()
        return now - self._at


async def forgiving(duty: Callable[[datetime], Awaitable[datetime | None]], now: datetime) -> datetime | None:
    """One tick. An agent that fails is tried again at its next tick; the others go on."""
    try:
        return await duty(now)
    except StoreUnavailable as error:
        # one line and no traceback: an outage is told of once a second, perhaps for hours
        log.warning("%s waits: %s", getattr(duty, "__qualname__", duty), error)
        return now + POLL
    except Exception:
        log.exception("%s failed; it is tried again", getattr(duty, "__qualname__", duty))
        return now + POLL
