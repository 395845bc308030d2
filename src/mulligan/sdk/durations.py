"""Reading durations as people write them: ``"30s"``, ``"250ms"``, ``"1h30m"``, ``"1d"``."""

from __future__ import annotations

import re
from datetime import timedelta

from mulligan.core.durations import UNITS

_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d|w)")
_WHOLE = re.compile(rf"(?:{_PART.pattern})+")


def parse_duration(value: str | timedelta) -> timedelta:
    """``"1h30m"`` as a timedelta; a timedelta is returned as it is.

    Units are w, d, h, m, s and ms, each at most once and largest first. Raises ValueError for anything else, for
    negative spans and for spans beyond what a timedelta holds.
    """
    if isinstance(value, timedelta):
        if value < timedelta():
            raise ValueError(f"a duration cannot be negative: {value}")
        return value
    if not isinstance(value, str):
        raise ValueError(_explain(value))
    text = value.strip().replace(" ", "")
    if not _WHOLE.fullmatch(text):
        raise ValueError(_explain(value))
    parts = _PART.findall(text)
    units = [UNITS[unit] for _, unit in parts]
    if units != sorted(set(units), reverse=True):
        raise ValueError(f"{value!r} is not a duration: write each unit once, the largest first, such as '1h30m'")
    try:
        return sum((float(amount) * UNITS[unit] for amount, unit in parts), timedelta())
    except OverflowError:
        raise ValueError(f"{value!r} is too long for a duration") from None


def _explain(value: object) -> str:
    hint = f"; did you mean '{value}s'?" if isinstance(value, int | float) or str(value).isdigit() else ""
    return f"{value!r} is not a duration: write '250ms', '30s', '2m', '1h30m' or '1d', or pass a timedelta{hint}"
