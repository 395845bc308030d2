"""How long to wait before the next try to connect: longer each time, never for ever, and not all at once."""

from __future__ import annotations

import random
from datetime import timedelta

FIRST = timedelta(milliseconds=100)
CAP = timedelta(seconds=5)
"""However long an outage was, work goes on so soon after it. A thousand workers are then 250 tries a second."""


def reconnect_delay(failures: int) -> timedelta:
    """After ``failures`` tries in a row (1, 2, …): doubling up to ``CAP``, of which a random half or more is waited.

    Random, since a restarted server would otherwise see all its workers in the same instant.
    """
    ceiling = min(CAP, FIRST * (1 << min(failures - 1, 10)))
    return ceiling * random.uniform(0.5, 1.0)  # noqa: S311 - spreads load, keeps no secret
