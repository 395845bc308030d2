"""What a session has to say, until its transport takes it: everything of one turn of the loop goes out together."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from mulligan.core.limits import MIB
from mulligan.wire.messages import FromServer


class Outbox:
    """Bounded by its other side: assignments by credits, answers by questions, and questions wait for ``has_room``.

    Results of runs come when they come, and are large: whoever says them looks at ``is_full`` first.
    """

    FULL = 5_000
    """Messages."""
    FULL_SIZE = 32 * MIB
    """Bytes of results."""

    def __init__(self) -> None:
        self._messages: list[FromServer] = []
        self._size = 0
        self._filled = asyncio.Event()
        self._emptied = asyncio.Event()
        self._emptied.set()

    def say(self, messages: Sequence[FromServer], size: int = 0) -> None:
        """``size``: bytes of the results among them, about."""
        self._messages += messages
        self._size += size
        self._filled.set()
        if self.is_full:
            self._emptied.clear()

    @property
    def is_full(self) -> bool:
        return len(self._messages) >= self.FULL or self._size >= self.FULL_SIZE

    async def take(self) -> list[FromServer]:
        """All that is to be said, at least one message. Cancelling loses nothing."""
        await self._filled.wait()
        return self.take_now()

    def take_now(self) -> list[FromServer]:
        messages, self._messages = self._messages, []
        self._size = 0
        self._filled.clear()
        self._emptied.set()
        return messages

    async def has_room(self) -> None:
        """Return once the transport keeps up."""
        await self._emptied.wait()
