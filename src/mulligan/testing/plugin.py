"""pytest's fixture ``lab``. Found by pytest itself once mulligan is installed; costs nothing until it is used."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

import pytest

try:
    from pytest_asyncio import fixture
except ImportError:
    # anyio's plugin runs async fixtures of pytest's own kind
    fixture = pytest.fixture  # type: ignore[assignment] # used in the one way that both allow

if TYPE_CHECKING:
    from mulligan.testing.lab import Lab


@fixture
async def lab() -> AsyncIterator[Lab]:
    """An engine, a worker and a virtual clock on the test's own loop: ``async def test_flow(lab: Lab) -> None``."""
    from mulligan.testing.lab import Lab

    async with Lab() as opened:
        yield opened
