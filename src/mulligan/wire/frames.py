"""Frames of the session socket: bytes to messages and back, with the limits that a hostile peer would test."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, TypeVar

import msgspec

from mulligan.core.limits import FRAME
from mulligan.errors import InvalidInput, TooLarge
from mulligan.wire.messages import FromSdk, FromServer, Message

MAX_FRAME: Final = FRAME
"""Bytes. Whoever has more to say sends several frames."""

_encode = msgspec.msgpack.Encoder().encode
_from_sdk = msgspec.msgpack.Decoder(list[FromSdk])
_from_server = msgspec.msgpack.Decoder(list[FromServer])


def encode_frames(messages: Sequence[Message]) -> list[bytes]:
    """As few frames as possible, in order. Raises ``TooLarge`` if a single message is larger than a frame."""
    frame = _encode(messages)
    if len(frame) <= MAX_FRAME:
        return [frame]
    if len(messages) == 1:
        kind = type(messages[0]).__name__
        raise TooLarge(f"a {kind} message of {len(frame):,} bytes is larger than a frame ({MAX_FRAME:,}).")
    middle = len(messages) // 2
    return encode_frames(messages[:middle]) + encode_frames(messages[middle:])


def decode_from_sdk(frame: bytes) -> list[FromSdk]:
    """What an SDK process said. Raises ``InvalidInput`` (``invalid_frame``) or ``TooLarge``."""
    return _decode(_from_sdk, frame)


def decode_from_server(frame: bytes) -> list[FromServer]:
    """What the server said. Raises ``InvalidInput`` (``invalid_frame``) or ``TooLarge``."""
    return _decode(_from_server, frame)


_M = TypeVar("_M")


def _decode(decoder: msgspec.msgpack.Decoder[list[_M]], frame: bytes) -> list[_M]:
    if len(frame) > MAX_FRAME:
        raise TooLarge(f"a frame of {len(frame):,} bytes is larger than the limit of {MAX_FRAME:,}.")
    try:
        return decoder.decode(frame)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidInput(
            f"The frame is not one of protocol messages: {error}. Are SDK and server of versions that fit?",
            code="invalid_frame",
        ) from None
