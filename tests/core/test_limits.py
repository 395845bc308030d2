"""The limits fit into each other, and the page that users read has the true ones."""

from __future__ import annotations

from pathlib import Path

import pytest

from mulligan.core.limits import ERROR, FRAME, MESSAGE, MIB, PAYLOAD

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
    (row,) = [line for line in PAGE.read_text().splitlines() if line.startswith(f"| {what}")]
    assert row.split(" | ")[1] == f"{size // MIB} MiB"
