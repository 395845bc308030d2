"""``Link`` over a WebSocket: msgpack frames of many messages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus, InvalidURI

from mulligan.errors import Forbidden, InvalidInput, Refused, TooLarge, Unauthorized
from mulligan.sdk.transports.link import LinkClosed
from mulligan.sdk.transports.replicas import Replicas, socket_of
from mulligan.wire.frames import MAX_FRAME, decode_from_server, encode_frames
from mulligan.wire.messages import FromSdk, FromServer

OPEN_TIMEOUT_S = 10.0
"""For all replicas together, so that one that is cut off leaves time for the others before leases run out."""
CLOSE_TIMEOUT_S = 2.0

TORN = (ConnectionClosed, OSError, EOFError, TimeoutError, RuntimeError)
"""How a connection can be torn under us. RuntimeError is what uvloop says of a transport closed meanwhile."""


class WebSocketLink:
    """One connection at a time to the session socket of one replica; after a break, of the next."""

    def __init__(self, replicas: Replicas, headers: Mapping[str, str]) -> None:
        self._replicas = replicas
        self._headers = headers
        self._address = replicas.current
        self._socket: ClientConnection | None = None

    async def connect(self) -> None:
        """Raises the last replica's reason when none takes the session."""
        await self.close()
        for _ in self._replicas.addresses[1:]:
            try:
                return await self._connect()
            except LinkClosed:
                self._replicas.leave(self._address)
        await self._connect()

    async def _connect(self) -> None:
        self._address = self._replicas.current
        try:
            self._socket = await connect(
                socket_of(self._address),
                additional_headers=self._headers,
                max_size=MAX_FRAME,
                # small frames on a fast network: compressing them costs more than it saves
                compression=None,
                open_timeout=OPEN_TIMEOUT_S / len(self._replicas.addresses),
                close_timeout=CLOSE_TIMEOUT_S,
            )
        except InvalidStatus as error:
            raise self._explain(error.response.status_code) from error
        except InvalidURI as error:
            raise Refused(f"{self._address} cannot be used as a server's address: {error}.", code="bad_url") from error
        except (InvalidHandshake, *TORN) as error:
            reason = str(error) or type(error).__name__
            raise LinkClosed(f"The server at {self._address} cannot be reached ({reason}).") from error

    def _explain(self, status: int) -> Exception:
        if status == 401:
            return Unauthorized(
                f"The server at {self._address} does not accept the token. Set MULLIGAN_TOKEN; the dev server keeps "
                "its own in .mulligan/token."
            )
        if status == 403:
            return Forbidden(
                f"The token may not open a session at {self._address}. It needs the scope worker or trigger."
            )
        if status in (404, 426):
            return LinkClosed(
                f"{self._address} answers, but not as a Mulligan server (HTTP {status}). Check MULLIGAN_URL."
            )
        return LinkClosed(f"The server at {self._address} does not take sessions now (HTTP {status}).")

    def _connected(self) -> ClientConnection:
        if self._socket is None:
            raise LinkClosed(f"The connection to {self._address} is closed.")
        return self._socket

    async def send(self, messages: Sequence[FromSdk]) -> None:
        socket = self._connected()
        try:
            for frame in encode_frames(messages):
                await socket.send(frame)
        except TORN as error:
            raise self._closed(error) from error

    async def receive(self) -> Sequence[FromServer]:
        socket = self._connected()
        try:
            frame = await socket.recv(decode=False)
        except TORN as error:
            raise self._closed(error) from error
        try:
            return decode_from_server(frame)
        except (InvalidInput, TooLarge) as error:
            await self.close()
            raise LinkClosed(f"The server at {self._address} sent something that is not understood: {error}") from error

    async def confirm(self) -> None:
        try:
            pong = await self._connected().ping()
            await pong
        except TORN as error:
            raise self._closed(error) from error

    async def close(self) -> None:
        socket, self._socket = self._socket, None
        if socket is not None:
            await socket.close()

    def _closed(self, error: Exception) -> LinkClosed:
        if self._socket is not None:  # else it is we who have closed it
            self._replicas.leave(self._address)
        said = error.rcvd if isinstance(error, ConnectionClosed) else None
        reason = f": {said.reason}" if said is not None and said.reason else ""
        return LinkClosed(f"The connection to {self._address} was lost{reason}.")
