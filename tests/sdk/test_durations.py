"""Durations as people write them."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mulligan.core.durations import write_duration
from mulligan.sdk.durations import parse_duration


@pytest.mark.parametrize("text", ["0s", "250ms", "30s", "1m30s", "1h30m", "1d", "2w"])
def test_what_is_written_is_what_is_read(text: str) -> None:
    assert write_duration(parse_duration(text)) == text


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("30s", timedelta(seconds=30)),
        ("2m", timedelta(minutes=2)),
        ("1h", timedelta(hours=1)),
        ("1d", timedelta(days=1)),
        ("1w", timedelta(weeks=1)),
        ("250ms", timedelta(milliseconds=250)),
        ("1.5s", timedelta(seconds=1.5)),
        ("1h30m", timedelta(hours=1, minutes=30)),
        ("42m30s", timedelta(minutes=42, seconds=30)),
        ("1d 2h", timedelta(days=1, hours=2)),
        ("0s", timedelta()),
    ],
)
def test_a_duration_is_the_sum_of_its_parts(text: str, span: timedelta) -> None:
    assert parse_duration(text) == span


def test_a_timedelta_is_taken_as_it_is() -> None:
    assert parse_duration(timedelta(seconds=3)) == timedelta(seconds=3)


@pytest.mark.parametrize("text", ["", "5", "s", "-1s", "30m1h", "1h1h", "1y", "1 hour", "1e3s", "5s x", "1h-30m"])
def test_nonsense_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a duration"):
        parse_duration(text)


def test_a_bare_number_is_refused_with_the_unit_that_was_meant() -> None:
    with pytest.raises(ValueError, match="did you mean '30s'"):
        parse_duration("30")


def test_negative_and_endless_spans_are_refused() -> None:
    with pytest.raises(ValueError, match="negative"):
        parse_duration(timedelta(seconds=-1))
    with pytest.raises(ValueError, match="too long"):
        parse_duration(f"{10**12}d")


@given(st.integers(0, 10_000), st.integers(0, 23), st.integers(0, 59), st.integers(0, 59), st.integers(0, 999))
def test_every_span_can_be_written(days: int, hours: int, minutes: int, seconds: int, ms: int) -> None:
    written = f"{days}d{hours}h{minutes}m{seconds}s{ms}ms"
    expected = timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds, milliseconds=ms)
    assert parse_duration(written) == expected
