"""A resident context is entered and left on its own thread, and its troubles are raised to whoever holds it."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from mulligan.app.resident import Resident


def test_a_context_lives_on_its_own_thread_until_it_is_stopped() -> None:
    happened: list[str] = []

    @asynccontextmanager
    async def context() -> AsyncIterator[str]:
        happened.append(f"entered on {threading.current_thread().name}")
        yield "value"
        happened.append(f"left on {threading.current_thread().name}")

    resident = Resident("somewhere", context)
    assert resident.value == "value"
    assert happened == ["entered on somewhere"]
    resident.stop()
    resident.stop()
    assert happened == ["entered on somewhere", "left on somewhere"]
    assert "somewhere" not in [thread.name for thread in threading.enumerate()]


def test_what_entering_raises_is_raised_and_the_thread_ends() -> None:
    @asynccontextmanager
    async def context(reason: str) -> AsyncIterator[None]:
        if reason:
            raise ValueError(reason)
        yield

    with pytest.raises(ValueError, match="cannot enter"):
        Resident("never", lambda: context("cannot enter"))
    assert "never" not in [thread.name for thread in threading.enumerate()]


def test_what_leaving_raises_is_raised_by_stop() -> None:
    @asynccontextmanager
    async def context() -> AsyncIterator[None]:
        yield
        raise ValueError("cannot leave")

    resident = Resident("sticky", context)
    with pytest.raises(ValueError, match="cannot leave"):
        resident.stop()
