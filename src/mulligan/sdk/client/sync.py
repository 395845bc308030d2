"""``m.sync``: waiting for anything that is awaited, from code that cannot await."""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections.abc import AsyncIterator, Awaitable, Coroutine, Iterator
from concurrent.futures import Future
from typing import TypeVar

from mulligan.errors import MulliganError
from mulligan.sdk.loops import LoopThread

T = TypeVar("T")


class Sync:
    """``m.sync(hello("ada"))``, ``run = m.sync(wf.start(doc))``, ``m.sync(run.wait())``.

    It works in scripts, notebooks, Django views and sync steps, also where an event loop is running already: there is
    a loop of its own, in a thread of its own. Made with the first call.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._thread: LoopThread | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self.waiting = 0
        """How many calls wait for their result now."""

    def __call__(self, awaitable: Awaitable[T]) -> T:
        """The result of ``awaitable``, or its exception. Called from another loop's thread it blocks that loop."""
        done: Future[T] = Future()
        # the caller's context goes along: a sync step's children belong to that step
        context = contextvars.copy_context()
        thread = self._running()
        if thread.is_current:
            if isinstance(awaitable, Coroutine):
                awaitable.close()
            raise MulliganError("m.sync(…) was called from what m.sync itself is running; await it there.")
        with self._lock:
            self.waiting += 1
        try:
            thread.loop.call_soon_threadsafe(lambda: context.run(self._begin, thread.loop, awaitable, done))
            return done.result()
        except KeyboardInterrupt:
            done.cancel()
            raise
        finally:
            with self._lock:
                self.waiting -= 1

    def iterate(self, items: AsyncIterator[T]) -> Iterator[T]:
        """``for run in m.sync.iterate(m.runs.query("status:failed"))``"""
        while True:
            try:
                yield self(_next(items))
            except StopAsyncIteration:
                return

    def close(self) -> None:
        """End the thread; what it was waiting for is cancelled."""
        with self._lock:
            thread, self._thread = self._thread, None
        if thread is not None:
            thread.stop()

    def _begin(self, loop: asyncio.AbstractEventLoop, awaitable: Awaitable[T], done: Future[T]) -> None:
        async def carry_out() -> None:
            try:
                result = await awaitable
            except BaseException as error:  # noqa: BLE001 - it is raised where the caller waits
                if not done.cancelled():
                    done.set_exception(error)
            else:
                if not done.cancelled():
                    done.set_result(result)

        task = loop.create_task(carry_out())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _running(self) -> LoopThread:
        with self._lock:
            if self._thread is None:
                self._thread = LoopThread("mulligan-sync")
            return self._thread


async def _next(items: AsyncIterator[T]) -> T:
    return await anext(items)
