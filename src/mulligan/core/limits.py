"""How large things may be, in bytes, and how long: the same on a server and in an embedded engine."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

MIB: Final = 1024 * 1024

PAYLOAD: Final = 4 * MIB
"""One payload: a run's input, the result of a step, the value of a playground variable."""

MESSAGE: Final = 12 * MIB
"""Payloads that go together: all that a step is called with. The results of a run go in several messages."""

ERROR: Final = 2 * MIB
"""An error with its frames and causes, as a worker reports it."""

FRAME: Final = 16 * MIB
"""What a session sends at once: the payloads of a message and an error, with room for the names around them."""

LONGEST_SPAN: Final = timedelta(days=3_652.5)
"""Ten years: any span that is declared or asked for. Added to any instant it is still one that dates can hold."""

MOST_RETRIES: Final = 1_000_000
LARGEST_FACTOR: Final = 1_000
LARGEST_JITTER: Final = 10
LARGEST_PRIORITY: Final = 1_000
"""And the smallest with a minus before it."""


def bounded(span: timedelta) -> timedelta:
    """What is declared today is within the limit; what an older version has stored need not be."""
    return min(span, LONGEST_SPAN)
