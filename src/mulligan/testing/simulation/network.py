"""Connections that are slow, say things twice, break, or go silent without a word; and requests over the same lines.

A connection is a stream, as TCP gives it: in order, or broken with what was under way lost. A silent one swallows
everything until somebody's patience ends.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Protocol, TypeVar

from mulligan.sdk.transports.link import LinkClosed
from mulligan.testing.simulation.loop import Process, SimulatedLoop
from mulligan.testing.simulation.weather import Weather
from mulligan.wire.frames import decode_from_server, encode_frames
from mulligan.wire.messages import Beat, FromSdk, FromServer, Report

T = TypeVar("T")

KEEPALIVE_S = 40.0
"""After so long both transports have noticed that a connection is dead (ping every 20 s, answer within 20 s)."""

REQUEST_TIMEOUT_S = 30.0


class Address(Protocol):
    """Where a server listens, whichever process is behind it now."""

    name: str

    @property
    def process(self) -> Process | None: ...

    def accept(self, end: End) -> None:
        """A connection was made. Called as the server's process."""
        ...


class End:
    """One end of a connection: what has arrived, and a way to send. ``None`` arrives when the connection has ended."""

    def __init__(self, connection: Connection, process: Process) -> None:
        self.connection = connection
        self.process = process
        self.other: End
        self.is_open = True
        self.is_mute = False
        self._is_greeted = False
        self._arrived: deque[bytes] = deque()
        self._reader: asyncio.Future[None] | None = None
        self._pongs: list[asyncio.Future[None]] = []
        self._last_at = 0.0
        self._under_way: deque[tuple[Callable[..., None], tuple[Any, ...]]] = deque()

    def send(self, frame: bytes, *, may_be_twice: bool = False) -> None:
        """Hand a frame to the network. What a dead or silent connection swallows, nobody is told of."""
        network = self.connection.network
        self._pass(self.other._take, frame)
        if may_be_twice and network.weather.happens(network.weather.twice):
            # a copy on a way of its own: it arrives after things that were said later
            late = network.loop.time() + 20 * network.weather.message_takes_s()
            if not self.is_mute:
                self.other.process.call_at(late, self.other._take_copy, frame)

    def ping(self) -> asyncio.Future[None]:
        """Done when the other side's process is known to have got everything sent before."""
        pong: asyncio.Future[None] = self.connection.network.loop.create_future()
        self._pongs.append(pong)
        self._pass(self.other._answer_ping, pong)
        return pong

    def _answer_ping(self, pong: asyncio.Future[None]) -> None:
        if self.is_open:
            self._pass(self.other._take_pong, pong)

    def _take_pong(self, pong: asyncio.Future[None]) -> None:
        if not pong.done():
            self._pongs.remove(pong)
            pong.set_result(None)

    def _pass(self, act: Callable[..., None], *args: Any) -> None:
        if not self.is_open or self.is_mute:
            return
        network = self.connection.network
        self._last_at = max(self._last_at, network.loop.time() + network.weather.message_takes_s())
        self._under_way.append((act, args))
        self.other.process.call_at(self._last_at, self._arrive)

    def _arrive(self) -> None:
        """The oldest of what is under way: in order, whichever of two steps at one moment the loop takes first."""
        act, args = self._under_way.popleft()
        act(*args)

    def _take(self, frame: bytes) -> None:
        if self.is_open:
            self._is_greeted = True
            self._arrived.append(frame)
            self._wake_reader()

    def _wake_reader(self) -> None:
        if self._reader is not None and not self._reader.done():
            self._reader.set_result(None)

    def _take_copy(self, frame: bytes) -> None:
        """Not before the connection's first frame: that one stands for the handshake."""
        if self._is_greeted:
            self._take(frame)

    async def receive(self) -> bytes | None:
        """The next frame, or None when there will be no more."""
        while not self._arrived:
            if not self.is_open:
                return None
            self._reader = self.connection.network.loop.create_future()
            await self._reader
        return self._arrived.popleft()

    def close(self) -> None:
        """From this side; the other one hears of it in time, or by and by if the line is silent."""
        if not self.is_open:
            return
        was_mute = self.is_mute
        network = self.connection.network
        self._pass(self.other.hang_up)
        if was_mute:
            self.other.process.call_at(network.loop.time() + KEEPALIVE_S, self.other.hang_up)
        self.hang_up()

    def hang_up(self) -> None:
        """The connection has ended, for this side."""
        self.is_open = False
        self._wake_reader()
        pongs, self._pongs = self._pongs, []
        for pong in pongs:
            if not pong.done():
                pong.set_exception(LinkClosed("The connection was lost."))
                pong.exception()


class Connection:
    def __init__(self, network: Network, client: Process, server: Process) -> None:
        self.network = network
        self.client = End(self, client)
        self.server = End(self, server)
        self.client.other, self.server.other = self.server, self.client
        client.at_death(lambda: self._died(self.client))
        server.at_death(lambda: self._died(self.server))

    @property
    def is_open(self) -> bool:
        return self.client.is_open and self.server.is_open

    def cut(self) -> None:
        """Both sides hear of it at once: a reset."""
        for end in (self.client, self.server):
            end.process.call(end.hang_up)

    def silence(self, *, up: bool = True, down: bool = True) -> None:
        """Everything sent is swallowed from now on, until keepalives notice."""
        self.client.is_mute |= up
        self.server.is_mute |= down
        at = self.network.loop.time() + KEEPALIVE_S
        for end in (self.client, self.server):
            end.process.call_at(at, end.hang_up)

    def _died(self, end: End) -> None:
        """A process is gone. Its kernel says so, unless the whole machine went."""
        if not end.is_open:
            return
        if self.network.weather.happens(self.network.weather.silent_end):
            self.silence()
        else:
            end._pass(end.other.hang_up)
        end.is_open = False


class Network:
    def __init__(self, loop: SimulatedLoop, weather: Weather) -> None:
        self.loop = loop
        self.weather = weather
        self.connections: list[Connection] = []
        self.blocked: dict[tuple[str, str], float] = {}

    def block(self, client: str, server: str, seconds: float) -> None:
        """A partition: no connections between the two, and those there are go silent."""
        self.blocked[client, server] = self.loop.time() + seconds
        for connection in self.between(client, server):
            connection.silence()

    def between(self, client: str, server: str) -> list[Connection]:
        self.connections = [each for each in self.connections if each.is_open]
        return [
            each
            for each in self.connections
            if (each.client.process.name, each.server.process.name) == (client, server)
        ]

    def can_reach(self, client: str, server: str) -> bool:
        return self.weather.calm or self.blocked.get((client, server), 0.0) <= self.loop.time()

    def connect(self, client: Process, address: Address) -> End | None:
        """The client's end of a new connection, or None if nobody answers."""
        server = address.process
        if server is None or not server.alive or not self.can_reach(client.name, address.name):
            return None
        connection = Connection(self, client, server)
        if len(self.connections) > 200:
            self.connections = [each for each in self.connections if each.is_open]
        self.connections.append(connection)
        server.call(address.accept, connection.server)
        return connection.client

    async def request(self, client: Process, address: Address, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """One request and its answer: ``work`` is awaited by the server. Raises ``LinkClosed`` if none comes back."""
        server = address.process
        if server is None or not server.alive or not self.can_reach(client.name, address.name):
            raise LinkClosed("Nobody listens there.")
        answer: asyncio.Future[T] = self.loop.create_future()

        async def serve() -> None:
            try:
                result = await work()
            except Exception as error:  # noqa: BLE001 (it is the answer)
                client.call_at(self.loop.time() + self.weather.message_takes_s(), _settle, answer, None, error)
            else:
                client.call_at(self.loop.time() + self.weather.message_takes_s(), _settle, answer, result, None)

        server.call_at(self.loop.time() + self.weather.message_takes_s(), lambda: server.spawn(serve()))
        try:
            async with asyncio.timeout(REQUEST_TIMEOUT_S):
                return await answer
        except TimeoutError:
            raise LinkClosed("There was no answer.") from None


def _settle(answer: asyncio.Future[Any], result: Any, error: Exception | None) -> None:
    if answer.done():
        return
    if error is None:
        answer.set_result(result)
    else:
        answer.set_exception(error)


class SimulatedLink:
    """``sdk.transports.Link`` over the simulated network, to whichever of the servers is chosen for each try."""

    def __init__(self, network: Network, process: Process, namespace: str, choose: Callable[[], Address]) -> None:
        self._network = network
        self._process = process
        self._namespace = namespace
        self._choose = choose
        self._end: End | None = None

    @property
    def end(self) -> End:
        if self._end is None or not self._end.is_open:
            raise LinkClosed("The connection was lost.")
        return self._end

    async def connect(self) -> None:
        if self._end is not None:
            self._end.close()
        await asyncio.sleep(self._network.weather.message_takes_s())
        self._end = self._network.connect(self._process, self._choose())
        if self._end is None:
            raise LinkClosed("The server cannot be reached.")
        self._end.send(self._namespace.encode())

    async def send(self, messages: Sequence[FromSdk]) -> None:
        for frame in encode_frames(messages):
            self.end.send(frame, may_be_twice=all(isinstance(message, Report | Beat) for message in messages))

    async def receive(self) -> Sequence[FromServer]:
        end = self._end
        frame = None if end is None else await end.receive()
        if frame is None:
            raise LinkClosed("The connection was lost.")
        return decode_from_server(frame)

    async def confirm(self) -> None:
        await self.end.ping()

    async def close(self) -> None:
        if self._end is not None:
            self._end.close()
