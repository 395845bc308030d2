"""Spans as people write them: ``"30s"``, ``"250ms"``, ``"1h30m"``, ``"1d"``."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

UNITS: Final = {
    "w": timedelta(weeks=1),
    "d": timedelta(days=1),
    "h": timedelta(hours=1),
    "m": timedelta(minutes=1),
    "s": timedelta(seconds=1),
    "ms": timedelta(milliseconds=1),
}
"""The largest first."""


def write_duration(span: timedelta) -> str:
    """``"30s"``, ``"1h30m"``: in milliseconds, as it would be declared."""
    parts = []
    for unit, length in UNITS.items():
        amount, span = divmod(span, length)
        if amount:
            parts.append(f"{amount}{unit}")
    return "".join(parts) or "0s"
