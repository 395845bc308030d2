"""What all shapes share: the vocabulary of their fields, and the one codec that keeps payloads to the letter."""

from __future__ import annotations

from typing import Annotated, Literal, TypeVar

import msgspec
from msgspec import Meta, Raw, UnsetType

from mulligan.errors import InvalidInput, Problem
from mulligan.wire.json_text import ANSWER, REQUEST, check

JsonText = Raw
"""Any JSON value, as its exact text: ``bytes(field)``."""
Unset = UnsetType

RunState = Literal["queued", "running", "succeeded", "failed", "cancelled"]
StepState = Literal[
    "pending", "queued", "running", "retrying", "sleeping", "succeeded", "failed", "cancelled", "kept", "not_reached"
]
OutcomeName = Literal["succeeded", "failed", "timed_out", "lost", "cancelled"]
Scope = Literal["read", "trigger", "operate", "worker", "admin"]
"""``trigger`` starts runs, ``operate`` cancels and replays, ``worker`` runs steps, ``admin`` may do everything."""

NO_NUL = r"^[^\u0000]*$"
Name = Annotated[str, Meta(min_length=1, max_length=200, pattern=r"^[^\u0000-\u001f\u007f]+$")]
Words = Annotated[str, Meta(max_length=2_000, pattern=NO_NUL)]
Key = Annotated[str, Meta(min_length=1, max_length=255, pattern=r"^[^\u0000-\u001f\u007f]+$")]
Overrides = dict[Name, dict[Name, JsonText]]
"""Step name (or ``*`` for every step) -> variable name -> value."""


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What the server says. Fields may be added; unknown ones are ignored when reading."""


class Question(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What the caller says. Unknown fields are refused: a misspelt option must not be silently ignored."""


_write = msgspec.json.Encoder().encode
_readers: dict[type, msgspec.json.Decoder[object]] = {}
_Shape = TypeVar("_Shape", bound=msgspec.Struct)


def write(shape: msgspec.Struct) -> bytes:
    """JSON text, with every payload spliced in to the letter."""
    return _write(shape)


def read(kind: type[_Shape], text: bytes, what: str = "the request body") -> _Shape:
    """A shape from JSON text, its payloads being the exact slices of it.

    Raises ``InvalidInput`` as ``json_text.check`` does, of a question also ``TooLarge``, and ``InvalidInput``
    (``invalid_input``) with the path and the rule that is broken.
    """
    check(text, what, REQUEST if issubclass(kind, Question) else ANSWER)
    reader = _readers.get(kind)
    if reader is None:
        reader = _readers.setdefault(kind, msgspec.json.Decoder(kind))
    try:
        shape = reader.decode(text)
    except msgspec.ValidationError as error:
        rule, _, place = str(error).partition(" - at ")
        path = _pointer(place)
        raise InvalidInput(
            f"{what} does not fit: {rule}{f' at {path}' if path else ''}.", problems=(Problem(path, rule, what),)
        ) from None
    assert isinstance(shape, kind)
    return shape


def _pointer(place: str) -> str:
    """A JSON Pointer from the way msgspec names places, such as ```$.runs[0].input```."""
    place = place.rpartition("in ")[2].strip("`").removeprefix("$")
    return place.replace("[...]", "/…").replace("[", "/").replace("]", "").replace(".", "/")
