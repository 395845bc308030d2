"""Time and chance as arguments: production, tests and simulation differ only in what is plugged in here."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """The only source of time. ``now`` is timezone-aware UTC and never goes back."""

    def now(self) -> datetime: ...

    async def sleep(self, span: timedelta) -> None:
        """Return once ``now`` has moved on by ``span``. Cancellable."""
        ...


class SharedClock(Clock, Protocol):
    """A clock that can follow another: that of the database, which all engines on it have in common."""

    def correct(self, by: timedelta) -> None:
        """Follow a clock that is ``by`` ahead of ``now`` (behind, if negative). Only the first time may set it back."""
        ...


class Chance(Protocol):
    """The only source of randomness."""

    def new_id(self) -> str:
        """A UUIDv7 as 26 characters of lower-case base32hex: sorts by time of creation."""
        ...

    def new_token(self) -> str:
        """A lease token: 64 random bits as hex."""
        ...
