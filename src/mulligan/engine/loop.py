"""The only place of the engine that sleeps: it wakes the agents at the right time, and forgives them everything."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta

from mulligan.errors import StoreUnavailable
from mulligan.ports.clock import Clock

POLL = timedelta(seconds=1)
"""How often replicas that share a store sweep it: a notification may get lost, the database is the truth."""

IDLE = timedelta(hours=1)
"""The same for an engine that owns its store: it knows when the next thing is due, so this is only a safety net."""

Duty = Callable[[datetime], Awaitable[datetime | None]]
"""An agent's ``tick``: says when it wants to be called again, at the latest."""

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

    async def ring(self, clock: Clock) -> None:
        """Return when it is time."""
        while self._at is None or (now := clock.now()) < self._at:
            self._earlier.clear()
            sleeping = asyncio.ensure_future(clock.sleep(IDLE if self._at is None else self._at - now))
            earlier = asyncio.ensure_future(self._earlier.wait())
            try:
                await asyncio.wait((sleeping, earlier), return_when=asyncio.FIRST_COMPLETED)
            finally:
                sleeping.cancel()
                earlier.cancel()


async def keep_time(clock: Clock, alarm: Alarm, longest: timedelta, duties: Sequence[Duty]) -> None:
    """Do the duties one after the other, for ever: when one of them has asked for it, and after ``longest``."""
    while True:
        now = clock.now()
        alarm.set(now + longest)
        for duty in duties:
            alarm.bring_forward(await forgiving(duty, now))
        await alarm.ring(clock)


async def keep_awake(clock: Clock, every: timedelta, awake: Callable[[datetime], None]) -> None:
    """Call ``awake`` again and again. It does nothing else, so that a gap says: nothing could be done here at all."""
    while True:
        awake(clock.now())
        await clock.sleep(every)


async def forgiving(duty: Duty, now: datetime) -> datetime | None:
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
