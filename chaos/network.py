"""A TCP proxy between clients and servers that does what networks do: cut, swallow, delay and split."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from contextlib import suppress
from enum import Enum

CHUNK = 64 * 1024


class Weather(Enum):
    """``SILENT``: connections stay open and nothing arrives, in either direction, until ``CALM`` tears them down."""

    CALM = "calm"
    CLOSED = "closed"
    SILENT = "silent"
    SLOW = "slow"
    SPLIT = "split"


class Proxy:
    """Listens on a port of its own and passes connections on to the first of ``targets`` that takes them, in turn."""

    def __init__(self, targets: Sequence[int], chance: random.Random) -> None:
        self._targets = list(targets)
        self._chance = chance
        self._weather = Weather.CALM
        self._turn = 0
        self._connections: set[asyncio.Task[None]] = set()
        self._writers: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None
        self._audible = asyncio.Event()
        self._audible.set()
        self.port = 0

    async def open(self) -> None:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        assert self._server is not None
        self._server.close()
        self.cut()
        for task in self._connections:
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    # ── Weather ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def cut(self) -> None:
        """Tear every connection, without a goodbye."""
        for writer in self._writers:
            writer.transport.abort()

    def turn(self, weather: Weather) -> None:
        """From now on. What was silent is torn when it ends: no network forgets and then goes on."""
        was, self._weather = self._weather, weather
        if weather is Weather.SILENT:
            self._audible.clear()
        else:
            if was is Weather.SILENT:
                self.cut()
            self._audible.set()
        if weather is Weather.CLOSED:
            self.cut()

    # ── Connections ──────────────────────────────────────────────────────────────────────────────────────────────────

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        task.add_done_callback(self._connections.discard)
        self._writers.add(writer)
        try:
            if self._weather is Weather.CLOSED:
                return
            await self._pass_on(reader, writer)
        except OSError:
            return  # torn by us, by whoever was killed, or by nobody at home
        finally:
            self._writers.discard(writer)
            writer.transport.abort()

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        back, forth = await self._connect()
        self._writers.add(forth)
        ways = [asyncio.create_task(self._copy(reader, forth)), asyncio.create_task(self._copy(back, writer))]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            self._writers.discard(forth)
            forth.transport.abort()

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Raises OSError when nobody is at home."""
        self._turn += 1
        for place in range(len(self._targets)):
            port = self._targets[(self._turn + place) % len(self._targets)]
            with suppress(OSError):
                return await asyncio.open_connection("127.0.0.1", port)
        raise ConnectionRefusedError

    async def _copy(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        while data := await source.read(CHUNK):
            # bytes that have arrived here are swallowed with the connection when the silence ends
            await self._audible.wait()
            await self._send(data, target)

    async def _send(self, data: bytes, target: asyncio.StreamWriter) -> None:
        match self._weather:
            case Weather.SLOW:
                await asyncio.sleep(self._chance.uniform(0.02, 0.3))
                target.write(data)
            case Weather.SPLIT:
                while data:
                    length = self._chance.randint(1, max(1, len(data) // 3))
                    target.write(data[:length])
                    await target.drain()
                    await asyncio.sleep(0)
                    data = data[length:]
            case _:
                target.write(data)
        await target.drain()
