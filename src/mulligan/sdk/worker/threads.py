"""A worker beside a program: its steps run on a loop in a thread of their own."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from concurrent.futures import Future
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from mulligan.sdk.leaving import before_exit, no_longer_before_exit
from mulligan.sdk.loops import LoopThread
from mulligan.sdk.worker.driver import Driver
from mulligan.sdk.worker.worker import Worker

if TYPE_CHECKING:
    from mulligan.sdk.app import Mulligan

AT_EXIT = timedelta(seconds=5)
"""How long a program that ends waits for the steps it still runs. What is not done by then is run again later."""


class WorkerThread:
    """Connects at once. Stops, letting steps finish for a moment, when the program ends."""

    def __init__(
        self, app: Mulligan, *, slots: int = 32, name: str | None = None, labels: Mapping[str, str] | None = None
    ) -> None:
        """Raises DeclarationError."""
        self._steps = LoopThread("mulligan-steps")
        try:
            self.worker = Worker(app, self._steps.loop, app.clock, slots=slots, name=name, labels=labels)
            self._driver = Driver(self.worker)
        except BaseException:
            self._steps.stop()
            raise
        self._at_exit = partial(self.stop, AT_EXIT)
        before_exit(self._at_exit)

    def ready(self) -> Future[None] | None:
        """See ``Driver.ready``. In a coroutine, await ``asyncio.wrap_future`` of it."""
        return self._driver.ready()

    def stop(self, grace: timedelta) -> None:
        """Drain within ``grace`` and end the threads. Stopping twice is fine.

        Blocks until then, so never call it on the loop that the engine or the session runs on: use a thread.
        """
        no_longer_before_exit(self._at_exit)
        if not self._driver.ended.done():
            self._driver.drain(grace).result()
        self._driver.close()
        if self._steps.loop.is_running():
            asyncio.run_coroutine_threadsafe(self.worker.close(), self._steps.loop).result()
        self._steps.stop()
