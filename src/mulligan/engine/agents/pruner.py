"""Removes finished runs that are older than the retention."""

from __future__ import annotations

from datetime import datetime, timedelta

from mulligan.ports.store import Store

MOST_AT_ONCE = 200
EVERY = timedelta(minutes=1)
SOON = timedelta(milliseconds=100)


class Pruner:
    def __init__(self, store: Store, retention: timedelta) -> None:
        self._store = store
        self._retention = retention

    async def tick(self, now: datetime) -> datetime | None:
        """Delete a bounded number of runs, so that live work never waits long behind it. Says when to come again."""
        deleted = await self._store.prune(now - self._retention, MOST_AT_ONCE)
        return now + (SOON if deleted >= MOST_AT_ONCE else EVERY)
