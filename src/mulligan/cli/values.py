"""What stands behind ``--set``, ``--playground`` and ``--input``: paths, names and JSON values, kept to the letter."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path

import msgspec

from mulligan.errors import InvalidInput


@dataclass(frozen=True, slots=True)
class Assignment:
    """``path`` as the parts between the dots, ``value`` as JSON text."""

    path: tuple[str, ...]
    value: bytes

    def __str__(self) -> str:
        return f"{'.'.join(self.path)}={self.value.decode()}"


def parse_assignment(text: str, option: str) -> Assignment:
    """``doc.lang=fr`` as path and value. The value is JSON if it parses as JSON, else a string."""
    name, equals, value = text.partition("=")
    path = tuple(name.split("."))
    if not equals or not all(path):
        raise InvalidInput(f"{option} {text!r} is not of the form path=value, such as {option} doc.lang=fr.")
    return Assignment(path, json_value(value))


def json_value(text: str) -> bytes:
    """``text`` itself if it is JSON, else the JSON string of it. NaN and Infinity are no JSON, hence strings."""
    try:
        json.loads(text, parse_constant=_refuse_constant)
    except ValueError:
        text = json.dumps(text, ensure_ascii=False)
    try:
        return text.strip().encode()
    except UnicodeEncodeError:
        raise InvalidInput(f"The value {text!r} is not valid UTF-8. Give it as JSON with \\u escapes.") from None


def read_document(text: str, option: str) -> bytes:
    """The JSON document given as text, as ``@file``, or as ``-`` for standard input."""
    if text == "-":
        source, content = "standard input", sys.stdin.read()
    elif text.startswith("@"):
        source = text[1:]
        try:
            content = Path(source).read_text()
        except (OSError, UnicodeDecodeError) as error:
            raise InvalidInput(f"{option} cannot read {source}: {error}. Check the path.") from None
    else:
        source, content = "it", text
    try:
        json.loads(content, parse_constant=_refuse_constant)
    except ValueError as error:
        raise InvalidInput(f"{option} must be JSON, @file or - for standard input; {source} is not: {error}.") from None
    return content.strip().encode()


def set_value(document: bytes, path: tuple[str, ...], value: bytes) -> bytes:
    """``document`` with ``value`` at ``path``; objects on the way are made. All other values keep their exact text."""
    if not path:
        return value
    part, rest = path[0], path[1:]
    if document.lstrip()[:1] == b"[":
        items = msgspec.json.decode(document, type=list[msgspec.Raw])
        index = _index(part, len(items))
        items[index] = msgspec.Raw(set_value(bytes(items[index]), rest, value))
        return msgspec.json.encode(items)
    if document.lstrip()[:1] == b"{":
        members = msgspec.json.decode(document, type=dict[str, msgspec.Raw])
    elif document.strip() == b"null":
        members = {}
    else:
        raise InvalidInput(f"There is no place for {part!r} inside the value {document.decode()}.")
    members[part] = msgspec.Raw(set_value(bytes(members.get(part, b"{}")), rest, value))
    return msgspec.json.encode(members)


def has_path(document: bytes, path: tuple[str, ...]) -> bool:
    """Whether there is a value at ``path`` already."""
    if not path:
        return True
    start = document.lstrip()[:1]
    if start == b"[":
        items = msgspec.json.decode(document, type=list[msgspec.Raw])
        return path[0].isdecimal() and int(path[0]) < len(items) and has_path(bytes(items[int(path[0])]), path[1:])
    if start == b"{":
        members = msgspec.json.decode(document, type=dict[str, msgspec.Raw])
        return path[0] in members and has_path(bytes(members[path[0]]), path[1:])
    return False


def pointer(path: tuple[str, ...]) -> str:
    """``path`` as a JSON Pointer (RFC 6901)."""
    return "".join("/" + part.replace("~", "~0").replace("/", "~1") for part in path)


def _index(part: str, length: int) -> int:
    if part.isdecimal() and int(part) < length:
        return int(part)
    raise InvalidInput(f"{part!r} is no position in a list of {length}; count from 0.")


def _refuse_constant(name: str) -> object:
    raise ValueError(f"{name} is not JSON")
