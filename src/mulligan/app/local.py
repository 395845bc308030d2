"""The engine in this process, as the SDK sees it: sessions without a network, REST requests without HTTP.

The sessions are the server's own, and so are the requests: an embedded program and a remote one differ in nothing but
the way that their messages go.
"""

from __future__ import annotations

import asyncio
import getpass
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from mulligan.app.pipe import Pipe
from mulligan.errors import Unavailable
from mulligan.sdk.transports.link import LinkClosed
from mulligan.server.in_process import InProcess
from mulligan.server.session.session import Session
from mulligan.server.site import ALL_SCOPES, Call, Caller, Site
from mulligan.wire.messages import FromSdk, FromServer, Refused

STOPPED = "The engine in this process has stopped."


class LocalEngine:
    """What all links and requests of this process share. Made on the engine's loop; ``serve`` runs there."""

    def __init__(self, site: Site, namespace: str) -> None:
        actor = _user()
        self.loop = asyncio.get_running_loop()
        self._call = Call(site, Caller(namespace, actor, frozenset(ALL_SCOPES)))
        self._in_process = InProcess(site, namespace=namespace, actor=actor)
        self._sessions: set[asyncio.Task[None]] = set()

    def open_session(self, inward: Pipe[FromSdk], outward: Pipe[FromServer]) -> None:
        """Serve a new session until either pipe is closed. Called on the engine's loop."""
        task = self.loop.create_task(self._converse(inward, outward), name="mulligan-local-session")
        self._sessions.add(task)
        task.add_done_callback(self._sessions.discard)

    async def request(self, *request: Any) -> tuple[int, bytes]:
        return await self._in_process.request(*request)

    async def close(self) -> None:
        """End all sessions; workers whose sessions end get the grace of a torn connection."""
        sessions = list(self._sessions)
        for task in sessions:
            task.cancel()
        await asyncio.gather(*sessions, return_exceptions=True)

    async def _converse(self, inward: Pipe[FromSdk], outward: Pipe[FromServer]) -> None:
        session = Session(self._call, trusted=True)
        writing = asyncio.create_task(_write(session, outward), name="mulligan-local-writer")
        try:
            while True:
                await session.handle(await inward.take())
                await session.has_room()
        except LinkClosed:
            pass  # the other side has gone, as it may at any time
        finally:
            writing.cancel()
            await asyncio.gather(writing, return_exceptions=True)
            inward.close()
            outward.close()
            await session.close()


async def _write(session: Session, outward: Pipe[FromServer]) -> None:
    while True:
        messages = await session.take()
        await outward.put(messages)
        if any(isinstance(message, Refused) and message.fatal for message in messages):
            outward.close()
            return


@asynccontextmanager
async def local_engine(site: Site, namespace: str) -> AsyncIterator[LocalEngine]:
    """A ``LocalEngine`` whose sessions end with the block."""
    engine = LocalEngine(site, namespace)
    try:
        yield engine
    finally:
        await engine.close()


class LocalLink:
    """``sdk.transports.Link`` to the engine of this process, from whatever loop it is connected on."""

    def __init__(self, engine: LocalEngine) -> None:
        self._engine = engine
        self._inward: Pipe[FromSdk] | None = None
        self._outward: Pipe[FromServer] | None = None

    async def connect(self) -> None:
        await self.close()
        self._inward = Pipe(self._engine.loop)
        self._outward = Pipe(asyncio.get_running_loop())
        try:
            self._engine.loop.call_soon_threadsafe(self._engine.open_session, self._inward, self._outward)
        except RuntimeError:
            raise LinkClosed(STOPPED) from None

    async def send(self, messages: Sequence[FromSdk]) -> None:
        if self._inward is None:
            raise LinkClosed(STOPPED)
        await self._inward.put(messages)

    async def receive(self) -> list[FromServer]:
        if self._outward is None:
            raise LinkClosed(STOPPED)
        return await self._outward.take()

    async def confirm(self) -> None:
        """Within one process what was sent has arrived."""

    async def close(self) -> None:
        for pipe in (self._inward, self._outward):
            if pipe is not None:
                pipe.close()


class LocalTransport:
    """``sdk.transports.ClientTransport`` to the engine of this process. ``on_close`` is called once, by ``close``."""

    def __init__(self, engine: LocalEngine, address: str, *, slots_here: int, on_close: Callable[[], None]) -> None:
        self.address = address
        self.slots_here = slots_here
        self.worker_loop: asyncio.AbstractEventLoop | None = engine.loop
        self._engine = engine
        self._on_close: Callable[[], None] | None = on_close

    def link(self) -> LocalLink:
        return LocalLink(self._engine)

    async def request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: bytes | None = None,
        idempotency_key: str | None = None,
    ) -> tuple[int, bytes]:
        asked = self._engine.request(method, path, query, body, idempotency_key)
        try:
            answer = asyncio.run_coroutine_threadsafe(asked, self._engine.loop)
        except RuntimeError:
            asked.close()
            raise Unavailable(STOPPED) from None
        return await asyncio.wrap_future(answer)

    def close(self) -> None:
        on_close, self._on_close = self._on_close, None
        if on_close is not None:
            on_close()


def _user() -> str:
    """Who works here: the author of replays that a program or a person makes without a token."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container without a user database
        return "local"
