"""The numbers that the rules go by, in one place; the settings may change them."""

from __future__ import annotations

from datetime import timedelta

from mulligan.core.records import Record


class Policy(Record, frozen=True):
    """``worker_ttl``: how long leases live after a beat. ``reconnect_grace``: the same after a torn connection.

    ``max_losses``: with so many lost workers a step run is *poisoned* and fails. ``timeout_grace``: the worker ends a
    step at its timeout and reports where it hung; the engine steps in so much later, if it does not.
    """

    worker_ttl: timedelta = timedelta(seconds=15)
    beat: timedelta = timedelta(seconds=3)
    reconnect_grace: timedelta = timedelta(seconds=5)
    max_losses: int = 3
    timeout_grace: timedelta = timedelta(seconds=2)
