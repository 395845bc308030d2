"""The real clock and the real randomness: the only place on the engine's side that asks the machine for either."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import uuid_utils

from mulligan.wire.ids import encode_id

_LONGEST_NAP_S = 5.0
"""A laptop that sleeps stops the loop's own clock: wake this often to notice that the wall clock has moved on."""


class SystemClock:
    """``ports.Clock`` on the machine's clocks: UTC that follows the wall clock but never goes back.

    When the wall clock is set forward (or the machine wakes from suspend), ``now`` follows at once. When it is set
    back, ``now`` goes on at half speed until the wall clock has caught up: an order that was true stays true, timers
    still fire, and a small correction is absorbed in a moment. Not for use from several threads at once.

    ``correct`` makes it a ``ports.SharedClock``: from then on it tells the time of another machine, and what happens to
    this machine's wall clock does not matter any more.
    """

    def __init__(self, wall: Callable[[], float] = time.time, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._wall = wall
        self._monotonic = monotonic
        self._last = wall()
        self._last_monotonic = monotonic()
        self._follows = False

    def correct(self, by: timedelta) -> None:
        """Follow a clock that is ``by`` ahead of ``now`` (behind, if negative). Only the first time may set it back."""
        time_there, seen = self.now().timestamp() + by.total_seconds(), self._monotonic()
        monotonic = self._monotonic
        self._wall = lambda: time_there + (monotonic() - seen)
        if not self._follows:
            self._follows, self._last = True, time_there

    def now(self) -> datetime:
        wall, monotonic = self._wall(), self._monotonic()
        slowed = self._last + (monotonic - self._last_monotonic) / 2
        self._last = max(wall, slowed)
        self._last_monotonic = monotonic
        return datetime.fromtimestamp(self._last, UTC)

    async def sleep(self, span: timedelta) -> None:
        """Return once ``now`` has moved on by ``span``, also when the machine was suspended meanwhile."""
        until_at = self.now() + span
        left = span.total_seconds()
        while True:
            await asyncio.sleep(min(max(left, 0.0), _LONGEST_NAP_S))
            left = (until_at - self.now()).total_seconds()
            if left <= 0:
                return


class SystemChance:
    """``ports.Chance`` on the operating system's randomness."""

    def new_id(self) -> str:
        return encode_id(uuid_utils.uuid7().bytes)

    def new_token(self) -> str:
        return secrets.token_hex(8)
