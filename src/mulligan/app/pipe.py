"""Batches of messages from one event loop to another, with one wake-up for all that piles up meanwhile."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from typing import Generic, TypeVar

from mulligan.sdk.transports.link import LinkClosed

T = TypeVar("T")

MOST_BATCHES = 64
"""So many batches may wait before whoever puts more has to wait himself."""


class Pipe(Generic[T]):
    """One writer on one loop, one reader on another or the same one. Nothing that was put is lost by ``close``."""

    def __init__(self, reader: asyncio.AbstractEventLoop) -> None:
        self._reader = reader
        self._batches: deque[Sequence[T]] = deque()
        self._filled = asyncio.Event()
        self._knocked = False
        self._room: tuple[asyncio.AbstractEventLoop, asyncio.Event] | None = None
        self._closed = False

    async def put(self, batch: Sequence[T]) -> None:
        """Hand over a batch; waits while the reader is far behind. Raises LinkClosed."""
        if self._closed:
            raise LinkClosed("The connection to the engine in this process is closed.")
        self._batches.append(batch)
        self._knock()
        while len(self._batches) > MOST_BATCHES and not self._closed:
            room = asyncio.Event()
            self._room = (asyncio.get_running_loop(), room)
            if len(self._batches) > MOST_BATCHES:  # looked at again: the reader may not have seen that somebody waits
                await room.wait()

    async def take(self) -> list[T]:
        """All that has been put, at least one message. Raises LinkClosed. Cancelling loses nothing."""
        while not self._batches:
            # In this order: whatever is put after the first line knocks again, whatever was put before is seen.
            self._knocked = False
            self._filled.clear()
            if self._batches:
                break
            if self._closed:
                raise LinkClosed("The connection to the engine in this process is closed.")
            await self._filled.wait()
        messages: list[T] = []
        while self._batches:
            messages += self._batches.popleft()
        self._make_room()
        return messages

    def close(self) -> None:
        """From any thread: both sides learn of it, the reader once it has taken what is there."""
        self._closed = True
        self._knocked = False
        self._knock()
        self._make_room()

    def _knock(self) -> None:
        if self._knocked:
            return
        self._knocked = True
        if _running_loop() is self._reader:
            self._filled.set()  # no way to go, so no wake-up to pay for
            return
        try:
            self._reader.call_soon_threadsafe(self._filled.set)
        except RuntimeError:  # that loop has ended, and with it the reader
            self._closed = True

    def _make_room(self) -> None:
        room, self._room = self._room, None
        if room is not None:
            loop, event = room
            with suppress(RuntimeError):  # that loop has ended: nobody waits there any more
                loop.call_soon_threadsafe(event.set)


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None
