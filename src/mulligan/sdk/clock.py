"""The SDK's time. ``Clock`` has the shape of the engine's port, so that a virtual clock serves both in tests."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """``now`` is timezone-aware UTC; ``sleep`` returns once ``now`` has moved on by ``span``. Cancellable."""

    def now(self) -> datetime: ...

    async def sleep(self, span: timedelta) -> None: ...


class RealClock:
    """The machine's clocks. ``now`` never goes back, since leases and timeouts are measured with it."""

    def __init__(self) -> None:
        self._started_at = datetime.now(UTC)
        self._started = time.monotonic()

    def now(self) -> datetime:
        return self._started_at + timedelta(seconds=time.monotonic() - self._started)

    async def sleep(self, span: timedelta) -> None:
        import asyncio  # a quarter of the time that `import mulligan` would take; scripts that only declare need none

        await asyncio.sleep(max(0.0, span.total_seconds()))


stopwatch = time.perf_counter
"""Seconds for measuring how long code took, which is real time in tests as well."""
