"""The session protocol over a WebSocket."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence

from starlette.websockets import WebSocket, WebSocketDisconnect

from mulligan.errors import MulliganError, TooLarge, Unauthorized
from mulligan.server.auth import require_own_origin
from mulligan.server.http import Door, refusal
from mulligan.server.session.session import Session
from mulligan.server.site import Call
from mulligan.wire.frames import decode_from_sdk, encode_frames
from mulligan.wire.messages import FromServer, Refused

POLICY = 1008
log = logging.getLogger("mulligan.server")


def session_endpoint(door: Door) -> Callable[[WebSocket], Awaitable[None]]:
    async def serve(socket: WebSocket) -> None:
        try:
            require_own_origin(socket)
            caller = await door.enter(socket)
        except MulliganError as error:
            # Before accepting: whoever may not come in learns nothing but why.
            await socket.send_denial_response(refusal(error, socket))
            return
        await socket.accept()
        call = Call(door.site, caller)
        session = Session(call)
        try:
            await _converse(socket, session, call)
        finally:
            await session.close()

    return serve


async def _converse(socket: WebSocket, session: Session, call: Call) -> None:
    """Until either side has had enough, or the token is no longer good."""
    tasks = [
        asyncio.create_task(_read(socket, session), name="mulligan-session-reader"),
        asyncio.create_task(_write(socket, session), name="mulligan-session-writer"),
        asyncio.create_task(_watch_token(socket, call), name="mulligan-session-token"),
    ]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    for outcome in outcomes:
        if isinstance(outcome, Exception) and not isinstance(outcome, WebSocketDisconnect):
            log.error("a session ended with an error", exc_info=outcome)


async def _watch_token(socket: WebSocket, call: Call) -> None:
    await call.site.no_longer_admits(call.caller)
    await _end(socket, Unauthorized("The token of this connection has expired or been revoked."))


async def _read(socket: WebSocket, session: Session) -> None:
    while True:
        message = await socket.receive()
        if message["type"] == "websocket.disconnect":
            return
        try:
            said = decode_from_sdk(message.get("bytes") or b"")
        except MulliganError as error:
            await _end(socket, error)
            return
        await session.handle(said)
        await session.has_room()


async def _write(socket: WebSocket, session: Session) -> None:
    while True:
        messages = await session.take()
        for frame in _frames(messages):
            await socket.send_bytes(frame)
        if any(isinstance(message, Refused) and message.fatal for message in messages):
            await socket.close(POLICY)
            return


def _frames(messages: Sequence[FromServer]) -> list[bytes]:
    """What fits no frame is left out: a session that ended over it would lose the others, and meet it again at once.

    What users make is kept below that size by ``core.limits``.
    """
    try:
        return encode_frames(messages)
    except TooLarge as error:
        if len(messages) == 1:
            log.error("left out: %s", error)
            return []
        middle = len(messages) // 2
        return _frames(messages[:middle]) + _frames(messages[middle:])


async def _end(socket: WebSocket, error: MulliganError) -> None:
    (frame,) = encode_frames([Refused(code=error.code, message=str(error), fatal=True)])
    await socket.send_bytes(frame)
    await socket.close(POLICY)
