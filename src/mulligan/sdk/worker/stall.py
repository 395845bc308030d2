"""Noticing that a step blocks the event loop: how long each turn of its coroutine takes."""

from __future__ import annotations

import types
from collections.abc import Callable, Coroutine, Generator
from typing import Any, TypeVar

from mulligan.sdk.clock import stopwatch

T = TypeVar("T")
Whose = TypeVar("Whose")

LIMIT_S = 0.1


@types.coroutine
def watched(
    coroutine: Coroutine[Any, Any, T], blocked: Callable[[Whose, float], None], whose: Whose
) -> Generator[Any, Any, T]:
    """Run ``coroutine``; after a turn of more than ``LIMIT_S``, call ``blocked`` with the seconds it took.

    Timed turn by turn and not by a watchdog, since only here it is certain whose turn it was.
    """
    error: BaseException | None = None
    while True:
        began = stopwatch()
        try:
            waits_for = coroutine.send(None) if error is None else coroutine.throw(error)
        except StopIteration as end:
            result: T = end.value
            return result
        finally:
            took = stopwatch() - began
            if took > LIMIT_S:
                blocked(whose, took)
        error = None
        try:
            yield waits_for
        except GeneratorExit:
            coroutine.close()
            raise
        except BaseException as thrown:  # noqa: BLE001 - a cancellation, handed on to the step
            error = thrown
