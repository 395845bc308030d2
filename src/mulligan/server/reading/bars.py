"""Runs over time as bars of equal width."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from mulligan.core.query_text import parse_moment
from mulligan.wire.rest.runs import Bar

LONGEST = timedelta(days=3_660)


@dataclass(frozen=True, slots=True)
class Scale:
    """``count`` bars of ``width_s`` seconds from ``first_at`` on. They begin at multiples of their width, so that they
    stand still while time goes on; the last one holds now."""

    first_at: datetime
    width_s: int
    count: int

    def bars(self, counts: Mapping[datetime, dict[str, int]]) -> list[Bar]:
        """Those without a run, too. ``counts`` by the beginning of the bar."""
        moments = [self.first_at + timedelta(seconds=self.width_s * number) for number in range(self.count)]
        return [Bar(at=at, counts=counts.get(at, {})) for at in moments]


def scale_since(text: str, count: int, now: datetime) -> Scale:
    """``text``: a span such as 24h, or an instant. Raises InvalidInput."""
    span = min(now - parse_moment(text, now), LONGEST)
    width_s = max(1, round(span.total_seconds() / count))
    last_at = datetime.fromtimestamp(int(now.timestamp()) // width_s * width_s, UTC)
    return Scale(last_at - timedelta(seconds=width_s * (count - 1)), width_s, count)
