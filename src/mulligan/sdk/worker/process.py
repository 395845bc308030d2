"""A worker as a process of its own: steps on the main thread's loop, signals, and a way out that always works."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from types import FrameType
from typing import TYPE_CHECKING

from mulligan.sdk.loops import new_loop
from mulligan.sdk.worker.driver import Driver
from mulligan.sdk.worker.logs import shown_on_stderr
from mulligan.sdk.worker.worker import Worker

if TYPE_CHECKING:
    from mulligan.sdk.app import Mulligan

log = logging.getLogger("mulligan.worker")


def run_worker(app: Mulligan, *, slots: int, name: str | None, labels: Mapping[str, str], grace: timedelta) -> None:
    """Until SIGTERM or SIGINT; the second of either exits at once. Raises DeclarationError and Refused."""
    with shown_on_stderr(), asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(_run(app, slots, name, labels, grace))


async def _run(app: Mulligan, slots: int, name: str | None, labels: Mapping[str, str], grace: timedelta) -> None:
    worker = Worker(app, asyncio.get_running_loop(), app.clock, slots=slots, name=name, labels=labels)
    driver = Driver(worker)
    try:
        with _leaving_on_signals(driver, grace):
            await asyncio.wrap_future(driver.ended)
    finally:
        driver.close()
        await worker.close()


@contextmanager
def _leaving_on_signals(driver: Driver, grace: timedelta) -> Iterator[None]:
    """Python's own handlers and not the loop's: a step that blocks the loop must not keep a process from leaving."""
    if threading.current_thread() is not threading.main_thread():
        # Python gives signals to the main thread only, whose business they then are
        yield
        return
    asked = False

    def leave(number: int, frame: FrameType | None) -> None:
        nonlocal asked
        if asked:
            # leases expire by themselves; nothing that this process could still write is worth waiting for
            print(f"\n{signal.Signals(number).name} again: leaving at once.", file=sys.stderr, flush=True)  # noqa: T201
            os._exit(130)
        asked = True
        driver.drain(grace)

    before = {number: signal.signal(number, leave) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
