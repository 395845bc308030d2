"""Lengths of time as numbers and in words."""

from __future__ import annotations

from datetime import datetime, timedelta


def ms(span: timedelta) -> float:
    return round(span.total_seconds() * 1_000, 3)


def ms_between(start: datetime | None, end: datetime | None) -> float | None:
    return None if start is None or end is None else ms(end - start)


def seconds(span: timedelta | None) -> float | None:
    return None if span is None else span.total_seconds()


def in_words(span: timedelta) -> str:
    """``43 ms``, ``0.3 s``, ``41 s``, ``3 min 12 s``, ``2 h 5 min``, ``3 d 4 h``."""
    total = max(span.total_seconds(), 0.0)
    if 0 < total < 0.1:
        return f"{total * 1_000:.0f} ms"
    if total < 10:
        return f"{total:.1f} s"
    whole = round(total)
    for size, unit, part_size, part_unit in ((86_400, "d", 3_600, "h"), (3_600, "h", 60, "min"), (60, "min", 1, "s")):
        if whole >= size:
            rest = whole % size // part_size
            return f"{whole // size} {unit}" + (f" {rest} {part_unit}" if rest else "")
    return f"{whole} s"


def moment(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S} UTC"
