"""A reverse proxy as people put before a server: it knows one path prefix and nothing else of what passes through."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

_LONGEST_HEAD = 64 * 1024
_REQUEST_LINE = re.compile(rb"([A-Z]+) (\S+) (HTTP/1\.1)\r\n")
_CONNECTION = re.compile(rb"\r\n(?:proxy-)?connection:[^\r]*", re.IGNORECASE)


class ReverseProxy:
    """Requests below ``prefix`` go to ``upstream``, one per connection, and answers come back as they are streamed.

    A browser may also be told to use it as its HTTP proxy: then a site has any name that one likes.
    """

    def __init__(self, upstream: str, prefix: str) -> None:
        self._host, self._port = urlsplit(upstream).hostname, urlsplit(upstream).port
        self._prefix = prefix
        self.refused: list[str] = []
        """What was asked for outside the prefix, also by the browser on its own behalf."""
        self._exchanges: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[str]:
        """Yields the proxy's own address."""
        server = await asyncio.start_server(self._connected, "127.0.0.1", 0, limit=_LONGEST_HEAD)
        try:
            yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        finally:
            server.close()
            for exchange in self._exchanges:
                exchange.cancel()
            await asyncio.gather(*self._exchanges, return_exceptions=True)

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        exchange = asyncio.create_task(self._serve(reader, writer))
        self._exchanges.add(exchange)
        exchange.add_done_callback(self._exchanges.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # A browser also opens connections that it never uses.
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError), contextlib.closing(writer):
            await self._pass_on(await reader.readuntil(b"\r\n\r\n"), reader, writer)

    async def _pass_on(self, head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        found = _REQUEST_LINE.match(head)
        assert found is not None, head
        address = urlsplit(found[2].decode())
        if found[1] == b"CONNECT" or not f"{address.path}/".startswith(self._prefix):
            self.refused.append(found[2].decode())
            writer.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            return
        target = address._replace(scheme="", netloc="").geturl().encode()
        headers = _CONNECTION.sub(b"", head[found.end() - 2 :])
        back, forth = await asyncio.open_connection(self._host, self._port)
        forth.write(b"%s %s %s\r\nConnection: close" % (found[1], target, found[3]) + headers)
        # Whoever ends first, the browser or the server, ends the exchange.
        ways = [asyncio.create_task(_copy(reader, forth)), asyncio.create_task(_copy(back, writer))]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            forth.close()


async def _copy(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    while data := await source.read(_LONGEST_HEAD):
        target.write(data)
        await target.drain()
