"""Waiting through outages, for steps: that the engine cannot answer just now is no failure of the user's code.

What a step's lease cannot outlast ends the step from outside: the worker stops it, and another attempt finds the same
children. Outside of steps nobody waits; the caller decides.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import TypeVar

from mulligan.errors import Unavailable
from mulligan.sdk.backoff import reconnect_delay
from mulligan.sdk.clock import Clock
from mulligan.sdk.context import running_context

T = TypeVar("T")

LONGEST = timedelta(minutes=5)
"""An engine that is there and renews leases, but cannot answer this one question for so long, never will."""


class Patience:
    """Of one question that the running step asks, if one runs."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._context = running_context.get()
        self._failures = 0
        self._until = clock.now() + LONGEST

    async def lasts(self) -> bool:
        """After a failed try: wait a while, and say whether to ask again. Raises ``Cancelled`` in a stopped step."""
        if self._context is None or self._clock.now() >= self._until:
            return False
        self._failures += 1
        self._context.raise_if_cancelled()
        await self._clock.sleep(reconnect_delay(self._failures))
        self._context.raise_if_cancelled()
        return True


async def through_outages(ask: Callable[[], Awaitable[T]], clock: Clock) -> T:
    """The answer to a question that may be asked any number of times. Raises ``Unavailable`` as ``ask`` does, inside
    of a step only after ``LONGEST``."""
    patience: Patience | None = None
    while True:
        try:
            return await ask()
        except Unavailable:
            patience = patience or Patience(clock)
            if not await patience.lasts():
                raise
