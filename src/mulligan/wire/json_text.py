"""The one gate for JSON text: what passes ``check`` can be stored, shown, edited and parsed by every part of Mulligan.

The text itself is never rewritten: numbers, key order and white space stay as they were written. Used for HTTP bodies,
for reports of workers, for edits of replays and for the outputs of step functions.
"""

from __future__ import annotations

import re
import sys
from array import array
from dataclasses import dataclass
from itertools import accumulate
from typing import Any, Final

import msgspec

from mulligan.core.limits import FRAME
from mulligan.core.limits import PAYLOAD as LARGEST_PAYLOAD
from mulligan.errors import InvalidInput, Problem, TooLarge

MAX_NUMBER_LENGTH: Final = 1_000


@dataclass(frozen=True, slots=True)
class Limits:
    """``size`` in bytes; ``keys`` over all objects of the text; ``depth`` in levels."""

    size: int
    keys: int
    depth: int = 100


PAYLOAD: Final = Limits(size=LARGEST_PAYLOAD, keys=100_000)
REQUEST: Final = Limits(size=FRAME, keys=250_000, depth=120)
"""A request holds payloads some levels down, which may be as deep as payloads may be."""
ANSWER: Final = Limits(size=sys.maxsize, keys=sys.maxsize, depth=REQUEST.depth)
"""What the server that was asked has to say, it has to say: to refuse it would undo nothing, and hide it for ever."""

_decode = msgspec.json.Decoder().decode

# The loop is possessive and the closing quote optional: it matches at every quote, so a scan is linear in any text.
_STRING = rb'"(?:[^"\\]++|\\.?)*+"?'
_STRINGS = re.compile(_STRING, re.DOTALL)
_TOKENS = re.compile(_STRING + rb"|[{}\[\]:]|[-+.0-9eE]++", re.DOTALL)
_SPACED_COLON = re.compile(rb'"[ \t\r\n]+:')
_UP_TO_LONE_SURROGATE = re.compile(
    rb"(?:[^\\]++|\\u[dD][89abAB]..\\u[dD][c-fC-F]..|\\(?!u[dD][89a-fA-F]).)*+", re.DOTALL
)
_BYTE = re.compile(r" \(byte (\d+)\)$")

_OPENING_AND_CLOSING = bytes.maketrans(b"[{]}", b"\x01\x01\xff\xff")
_ALL_BUT_BRACKETS = bytes(set(range(256)) - set(b"[{]}"))
_NUMBERS_AS_ZEROS = bytes(ord("0") if byte in b"+-.0123456789eE" else ord(" ") for byte in range(256))
_TOO_LONG_NUMBER = b"0" * (MAX_NUMBER_LENGTH + 1)


def check(text: bytes, what: str = "the JSON text", limits: Limits = PAYLOAD) -> None:
    """Return if ``text`` is one JSON value that everything downstream can hold; ``what`` names it in errors.

    Raises ``TooLarge`` (``too_large``) beyond ``limits``, ``InvalidInput`` (``too_deep``) for more levels, and
    ``InvalidInput`` (``invalid_json``) with line and column for anything that is not strict JSON in UTF-8 without
    duplicate keys, lone surrogates, NaN or Infinity, numbers beyond a double or of more than 1,000 digits.
    """
    size = len(text)
    if size > limits.size:
        raise TooLarge(f"{what} has {size:,} bytes; the limit is {limits.size:,}. Store large data elsewhere.")
    if size > limits.depth:
        # Only texts that could break these two limits pay for finding out.
        if text.count(b"[") + text.count(b"{") > limits.depth:
            _check_depth(text, what, limits.depth)
        if size > MAX_NUMBER_LENGTH and _TOO_LONG_NUMBER in text.translate(_NUMBERS_AS_ZEROS):
            _check_numbers(text, what)
    try:
        value = _decode(text)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise _explain(text, what, error) from None
    # An upper bound of the keys as written. If as many survived parsing, none of them occurred twice.
    written = text.count(b'":') if _SPACED_COLON.search(text) is None else text.count(b":")
    if written > 1 and written != _count_keys(value):
        written = _check_keys(text, value, what, limits)
    if written > limits.keys:
        raise _too_many_keys(what, limits)


def _check_depth(text: bytes, what: str, most: int) -> None:
    """Without parsing, since a parser's own recursion is what deep texts attack."""
    brackets = _STRINGS.sub(b"", text).translate(_OPENING_AND_CLOSING, _ALL_BUT_BRACKETS)
    depth = max(accumulate(array("b", brackets)), default=0)
    if depth > most:
        raise InvalidInput(f"{what} is nested {depth:,} levels deep; the limit is {most}. Flatten it.", code="too_deep")


def _check_numbers(text: bytes, what: str) -> None:
    for token in _TOKENS.finditer(text):
        if token.end() - token.start() > MAX_NUMBER_LENGTH and not token.group().startswith(b'"'):
            rule = f"a number of more than {MAX_NUMBER_LENGTH:,} digits; send it as a string"
            raise _refusal(text, token.start(), rule, what)


def _count_keys(value: Any) -> int:
    keys = 0
    items = value
    if type(value) is dict:
        keys = len(value)
        items = value.values()
    elif type(value) is not list:
        return 0
    for item in items:
        kind = type(item)
        if kind is dict or kind is list:
            keys += _count_keys(item)
    return keys


def _check_keys(text: bytes, value: object, what: str, limits: Limits) -> int:
    """Strings may hold colons too. Returns how many keys there really are."""
    written = _STRINGS.sub(b"", text).count(b":")
    if written <= limits.keys and written != _count_keys(value):
        _refuse_duplicate(text, what)
    return written


def _refuse_duplicate(text: bytes, what: str) -> None:
    objects: list[set[str]] = []
    previous: re.Match[bytes] | None = None
    for token in _TOKENS.finditer(text):
        first = token.group()[:1]
        if first in b"{[":
            objects.append(set())
        elif first in b"}]":
            objects.pop()
        elif first == b":" and previous is not None:
            key = _decode(previous.group())
            if key in objects[-1]:
                rule = f"the key {previous.group().decode()} occurs twice in one object; remove one of the two"
                raise _refusal(text, previous.start(), rule, what)
            objects[-1].add(key)
        previous = token


def _explain(text: bytes, what: str, error: Exception) -> InvalidInput:
    """Say where and why, better than a parser that has to be fast."""
    try:
        text.decode()
    except UnicodeDecodeError as unicode_error:
        return _refusal(text, unicode_error.start, "bytes that are not UTF-8", what)
    sound = _UP_TO_LONE_SURROGATE.match(text)
    if sound is not None and text.startswith(b"\\u", sound.end()):
        rule = "half of a surrogate pair, which is not a character; send both halves or neither"
        return _refusal(text, sound.end(), rule, what)
    if isinstance(error, msgspec.ValidationError):
        for token in _TOKENS.finditer(text):
            if not token.group().startswith(b'"') and abs(_to_float(token.group())) == float("inf"):
                return _refusal(text, token.start(), "a number too large for a double; send it as a string", what)
    reason = str(error)
    byte = _BYTE.search(reason)
    if byte is None:
        return _refusal(text, len(text), "the text ends too early", what)
    rule = _BYTE.sub("", reason).removeprefix("JSON is malformed: ")
    return _refusal(text, int(byte[1]), rule, what)


def _to_float(token: bytes) -> float:
    try:
        return float(token)
    except ValueError:
        return 0.0


def _refusal(text: bytes, at: int, rule: str, what: str) -> InvalidInput:
    start = text.rfind(b"\n", 0, at) + 1
    line = text.count(b"\n", 0, start) + 1
    column = len(text[start:at].decode(errors="replace")) + 1
    rule = f"line {line}, column {column}: {rule}"
    return InvalidInput(f"{what} is not valid: {rule}.", code="invalid_json", problems=(Problem("", rule, what),))


def _too_many_keys(what: str, limits: Limits) -> TooLarge:
    return TooLarge(f"{what} has more than {limits.keys:,} keys. Split it, or store large data elsewhere.")
