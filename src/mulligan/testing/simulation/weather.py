"""What goes wrong, and how often: drawn from the seed, weights included, so that seeds differ in kind and not in luck.

Everything is a question that the nodes ask at the moment it matters. In ``calm`` weather all answers are kind.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable
from random import Random

from mulligan.testing.simulation.disk import Fate

SWEEPS = frozenset({"expired_workers", "leases_of", "due_steps", "next_due_at", "ready_routes"})


def seed_of(text: str) -> int:
    """A number that stands for ``text``, the same in every process."""
    return zlib.crc32(text.encode())


class Weather:
    def __init__(self, random: Random, *, wild: bool = True) -> None:
        self._random = random
        self.calm = not wild
        self.outage_until = 0.0
        self.time: Callable[[], float] = lambda: 0.0
        # commits
        self.refused = self._weight(0.03)
        self.reply_lost = self._weight(0.02)
        self.crash_before = self._weight(0.004)
        self.crash_after = self._weight(0.004)
        self.slow_commit = self._weight(0.1)
        self.slowest_commit_s = random.choice((0.05, 0.5, 5.0))
        self.slow_read = self._weight(0.2)
        self.slowest_read_s = random.choice((0.01, 0.2, 3.0))
        self.failed_read = self._weight(0.05)
        self.slow_sweep = random.choice((0.0, 0.0, 0.0, 0.7))
        """What an agent has read is old when it acts on it."""
        # network
        self.slow_message = self._weight(0.1)
        self.slowest_message_s = random.choice((0.5, 5.0, 60.0))
        self.twice = self._weight(0.05)
        self.silent_end = self._weight(0.5)
        # steps
        self.step_fails = self._weight(0.3)
        self.step_fails_for_good = self._weight(0.05)
        self.step_hangs = self._weight(0.1)
        self.step_is_long = self._weight(0.2)
        self.longest_step_s = random.choice((5.0, 30.0, 90.0))
        self.lies = self._weight(0.2)

    def _weight(self, most: float) -> float:
        """Nothing at all for a third of the seeds; else anything up to ``most``, small values as likely as large."""
        if self._random.random() < 0.33:
            return 0.0
        return most * 10 ** -self._random.uniform(0, 1.5)

    def happens(self, weight: float) -> bool:
        return not self.calm and weight > 0 and self._random.random() < weight

    def span(self, shortest: float, longest: float) -> float:
        """Seconds between the two, each order of magnitude as likely as the next."""
        return math.exp(self._random.uniform(math.log(shortest), math.log(longest)))

    # ── Store ────────────────────────────────────────────────────────────────────────────────────────────────────────

    def fate_of_commit(self, number: int) -> Fate:
        if self.calm:
            return Fate.FINE
        drawn = self._random.random()
        for weight, fate in (
            (self.refused, Fate.REFUSED),
            (self.reply_lost, Fate.LATE if number % 2 else Fate.REPLY_LOST),
            (self.crash_before, Fate.CRASH_BEFORE),
            (self.crash_after, Fate.CRASH_AFTER),
        ):
            if drawn < weight:
                return fate
            drawn -= weight
        return Fate.FINE

    def commit_takes_s(self) -> float:
        if self.happens(self.slow_commit):
            return self.span(0.001, self.slowest_commit_s)
        return 0.0005 if self._random.random() < 0.3 else 0.0

    def read_takes_s(self, question: str) -> float:
        if question in SWEEPS and self.happens(self.slow_sweep):
            return self.span(0.01, 2.0)
        if self.happens(self.slow_read):
            return self.span(0.0005, self.slowest_read_s)
        return 0.0

    def read_fails(self) -> bool:
        return self.happens(self.failed_read)

    def store_is_down(self) -> bool:
        return self.time() < self.outage_until

    # ── Network ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def message_takes_s(self) -> float:
        if self.happens(self.slow_message):
            return self.span(0.005, self.slowest_message_s)
        return 0.0005 + 0.002 * self._random.random()

    # ── Steps ────────────────────────────────────────────────────────────────────────────────────────────────────────

    def step_takes_s(self) -> float:
        if self._random.random() < self.step_is_long:
            return self.span(0.5, self.longest_step_s)
        return self.span(0.005, 1.0)
