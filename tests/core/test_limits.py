"""The limits fit into each other, and the page that users read has the true ones."""

from __future__ import annotations

from pathlib import Path

import pytest

from mulligan.core.limits import (
    ERROR,
    FRAME,
    LARGEST_FACTOR,
    LARGEST_JITTER,
    LARGEST_PRIORITY,
    LONGEST_SPAN,
    MESSAGE,
    MIB,
    MOST_RETRIES,
    PAYLOAD,
)

PAGE = Path(__file__).parents[2] / "docs/reference/limits.md"


@pytest.mark.parametrize(
    ("what", "size"),
    [
        ("one payload", PAYLOAD),
        ("all that a step is called with", MESSAGE),
        ("what an edit of a replay adds", MESSAGE),
        ("the error of an attempt", ERROR),
        ("a request of the API", FRAME),
    ],
)
def test_the_page_says_what_is_so(what: str, size: int) -> None:
    assert at_most(what) == f"{size // MIB} MiB"


def test_the_page_says_what_may_be_declared() -> None:
    assert at_most("a timeout") == f"{LONGEST_SPAN.days / 365.25:.0f} years"
    assert at_most("retries of a step") == (
        f"{MOST_RETRIES:,}, with a factor of at most {LARGEST_FACTOR:,} and a jitter of at most {LARGEST_JITTER}"
    )
    assert at_most("a priority") == f"{LARGEST_PRIORITY:,}, and not less than -{LARGEST_PRIORITY:,}"


def at_most(what: str) -> str:
    (row,) = [line for line in PAGE.read_text().splitlines() if line.startswith(f"| {what}")]
    return row.split(" | ")[1]
