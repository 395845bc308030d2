"""One clock for all engines: the database's. Each engine's own is put right by it."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from mulligan.ports.clock import SharedClock
from mulligan.stores.postgres.database import Address
from mulligan.stores.postgres.statement import Connection

MUCH = timedelta(seconds=1)
"""A machine that is so far off deserves a word: its own log lines are, too."""

LOOKS = 3

log = logging.getLogger("mulligan.stores")


async def go_by_database(connection: Connection, address: Address, clock: SharedClock) -> None:
    """Look at the database's clock a few times, believe the quickest answer, and follow it.

    What lies within the time that the answer took is no difference that could be known.
    """
    offset, took = min([await look(connection, clock) for _ in range(LOOKS)], key=lambda seen: seen[1])
    clock.correct(offset if abs(offset) > took / 2 else timedelta())
    if abs(offset) >= MUCH:
        log.warning(
            "this machine's clock is %.1f s %s that of %s; the engine goes by the database's",
            abs(offset.total_seconds()),
            "behind" if offset > timedelta() else "ahead of",
            address.shown,
        )


async def look(connection: Connection, clock: SharedClock) -> tuple[timedelta, timedelta]:
    """How far the database's clock is ahead of ours, and how long it took to ask."""
    before = clock.now()
    async with connection.transaction(readonly=True):
        theirs: datetime = await connection.fetchval("SELECT clock_timestamp()", timeout=5)
    after = clock.now()
    took = after - before
    return theirs - (before + took / 2), took
