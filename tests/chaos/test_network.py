"""The proxy does to connections what it says, and nothing else."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator

import pytest

from chaos.network import Proxy, Weather


@pytest.fixture
async def echo() -> AsyncIterator[int]:
    """The port of a server that says everything again."""

    async def say_again(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(1024):
                writer.write(data)
                await writer.drain()
        except ConnectionError:
            return
        finally:
            writer.close()

    server = await asyncio.start_server(say_again, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


@pytest.fixture
async def proxy(echo: int) -> AsyncIterator[Proxy]:
    proxy = Proxy([echo], random.Random(1))
    await proxy.open()
    yield proxy
    await proxy.close()


class Line:
    """A connection through the proxy."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def open(cls, proxy: Proxy) -> Line:
        return cls(*await asyncio.open_connection("127.0.0.1", proxy.port))

    async def ask(self, data: bytes) -> bytes:
        """What comes back; raises ConnectionError or IncompleteReadError when the line is torn."""
        self._writer.write(data)
        return await self._reader.readexactly(len(data))

    def close(self) -> None:
        self._writer.transport.abort()


TORN = (ConnectionError, asyncio.IncompleteReadError)


@pytest.mark.parametrize("weather", [Weather.CALM, Weather.SLOW, Weather.SPLIT])
async def test_bytes_arrive_as_they_were_sent(proxy: Proxy, weather: Weather) -> None:
    proxy.turn(weather)
    line = await Line.open(proxy)
    data = random.Random(2).randbytes(3_000)
    assert await line.ask(data) == data
    line.close()


async def test_a_cut_tears_what_is_open_and_takes_what_is_new(proxy: Proxy) -> None:
    line = await Line.open(proxy)
    assert await line.ask(b"before") == b"before"
    proxy.cut()
    with pytest.raises(TORN):
        await line.ask(b"after")
    again = await Line.open(proxy)
    assert await again.ask(b"again") == b"again"
    line.close()
    again.close()


async def test_closed_takes_nothing_until_it_is_calm(proxy: Proxy) -> None:
    proxy.turn(Weather.CLOSED)
    line = await Line.open(proxy)
    with pytest.raises(TORN):
        await line.ask(b"hello")
    line.close()
    proxy.turn(Weather.CALM)
    again = await Line.open(proxy)
    assert await again.ask(b"hello") == b"hello"
    again.close()


async def test_silence_keeps_the_connection_and_swallows_what_is_said(proxy: Proxy) -> None:
    line = await Line.open(proxy)
    assert await line.ask(b"before") == b"before"
    proxy.turn(Weather.SILENT)
    asking = asyncio.create_task(line.ask(b"lost"))
    other = await Line.open(proxy)
    asking_too = asyncio.create_task(other.ask(b"lost too"))
    done, _ = await asyncio.wait([asking, asking_too], timeout=0.2)
    assert not done
    proxy.turn(Weather.CALM)
    for each in (asking, asking_too):
        with pytest.raises(TORN):
            await each
    line.close()
    other.close()


async def test_the_next_target_is_taken_when_one_is_not_at_home(echo: int) -> None:
    nobody = await asyncio.start_server(lambda reader, writer: None, "127.0.0.1", 0)
    gone = nobody.sockets[0].getsockname()[1]
    nobody.close()
    await nobody.wait_closed()
    proxy = Proxy([gone, echo], random.Random(1))
    await proxy.open()
    for _ in range(2):
        line = await Line.open(proxy)
        assert await line.ask(b"hello") == b"hello"
        line.close()
    await proxy.close()
