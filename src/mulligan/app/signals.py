"""How a process is asked to stop: the first signal sets a flag, the second ends it on the spot (G-13)."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager

log = logging.getLogger("mulligan.app")

EXIT_AT_ONCE = 130


@contextmanager
def stop_signals() -> Iterator[asyncio.Event]:
    """An event that SIGINT or SIGTERM sets. A second signal leaves at once: whatever was leased expires by itself."""
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()

    def ask(number: int) -> None:
        if stop.is_set():
            log.warning("second signal: leaving now; what runs is taken over when its leases expire")
            os._exit(EXIT_AT_ONCE)
        log.info("%s: finishing what runs; once more to leave at once", signal.Signals(number).name)
        stop.set()

    numbers = (signal.SIGINT, signal.SIGTERM)
    for number in numbers:
        loop.add_signal_handler(number, ask, number)
    try:
        yield stop
    finally:
        for number in numbers:
            loop.remove_signal_handler(number)
