"""How the state of a token is told."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from mulligan.cli.tokens import _state
from mulligan.wire.rest.access import TokenSummary

NOW = datetime.now(UTC)


@pytest.mark.parametrize(
    ("span", "shown"),
    [(timedelta(hours=1), "%Y-%m-%d %H:%M"), (timedelta(days=90), "%Y-%m-%d")],
)
def test_an_end_that_is_near_has_a_time_of_day(span: timedelta, shown: str) -> None:
    end = NOW + span
    token = TokenSummary(id="t", name="ci", scopes=["read"], created_at=NOW, expires_at=end, revoked_at=None)
    assert _state(token) == f"until {end.astimezone():{shown}}"
