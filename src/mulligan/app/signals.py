"""How a process is asked to stop: the first signal sets a flag, the second ends it on the spot."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager

log = logging.getLogger("mulligan.app")

EXIT_AT_ONCE = 130
SAME_KEYSTROKE_S = 0.5
"""Programs that start others (`timeout`, package runners) pass on a Ctrl-C that the terminal has also sent itself."""


@contextmanager
def stop_signals() -> Iterator[asyncio.Event]:
    """An event that SIGINT or SIGTERM sets. A second signal leaves at once: whatever was leased expires by itself."""
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    asked_at = 0.0

    def ask(number: int) -> None:
        nonlocal asked_at
        if stop.is_set():
            if loop.time() - asked_at < SAME_KEYSTROKE_S:
                return
            log.warning("second signal: leaving now; what runs is taken over when its leases expire")
            os._exit(EXIT_AT_ONCE)
        log.info("%s: finishing what runs; once more to leave at once", signal.Signals(number).name)
        asked_at = loop.time()
        stop.set()

    numbers = (signal.SIGINT, signal.SIGTERM)
    for number in numbers:
        loop.add_signal_handler(number, ask, number)
    try:
        yield stop
    finally:
        for number in numbers:
            loop.remove_signal_handler(number)
