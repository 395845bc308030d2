"""An async context that lives on a loop and thread of its own, started and stopped from elsewhere."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import AbstractAsyncContextManager
from typing import Generic, TypeVar

from mulligan.sdk.loops import LoopThread

T = TypeVar("T")


class Resident(Generic[T]):
    """Enters ``context`` on a new thread, and leaves it there on ``stop``: all of it in one task.

    ``value`` is what the context gives. Making one raises what entering the context raises. The thread is a daemon, so
    that a program which forgets to stop it can end; whoever makes a resident sees to ``stop``.
    """

    def __init__(self, name: str, context: Callable[[], AbstractAsyncContextManager[T]]) -> None:
        self._thread = LoopThread(name)
        self._leave = asyncio.Event()
        entered: Future[T] = Future()
        self._life = self._thread.submit(self._live(context, entered))
        try:
            self.value = entered.result()
        except BaseException:
            self._thread.stop()
            raise

    def stop(self) -> None:
        """Leave the context and end the thread. Raises what leaving raises. Stopping twice is fine."""
        if not self._life.done():
            self._thread.loop.call_soon_threadsafe(self._leave.set)
        try:
            self._life.result()
        finally:
            self._thread.stop()

    async def _live(self, context: Callable[[], AbstractAsyncContextManager[T]], entered: Future[T]) -> None:
        try:
            async with context() as value:
                entered.set_result(value)
                await self._leave.wait()
        except BaseException as error:
            if entered.done():
                raise
            entered.set_exception(error)
