"""What stands behind ``--set``, ``--playground`` and ``--input``: paths, names and JSON values, kept to the letter."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import msgspec

from mulligan.core.document import apply_patch, set_path
from mulligan.errors import InvalidInput

EVERY_STEP = "*"


class Assignment(NamedTuple):
    """``name`` (or path) and ``value`` of one ``name=value``; the value as JSON text."""

    name: str
    value: str


def parse_assignment(text: str, option: str) -> Assignment:
    """``doc.lang=fr`` as path and value. The value is JSON if it parses as JSON, else a string."""
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise InvalidInput(f"{option} {text!r} is not of the form name=value, such as {option} doc.lang=fr.")
    return Assignment(name, json_value(value))


def json_value(text: str) -> str:
    """``text`` itself if it is JSON, else the JSON string of it. NaN and Infinity are no JSON, hence strings."""
    try:
        json.loads(text, parse_constant=_refuse_constant)
    except ValueError:
        text = json.dumps(text, ensure_ascii=False)
    try:
        text.encode()
    except UnicodeEncodeError:
        raise InvalidInput(f"The value {text!r} is not valid UTF-8. Give it as JSON with \\u escapes.") from None
    return text.strip()


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


def with_values(document: bytes, sets: Iterable[str]) -> bytes:
    """``document`` after each ``--set path=value``."""
    for path, value in (parse_assignment(text, "--set") for text in sets):
        document = apply_patch(document, set_path(document, path, value))
    return document


def read_overrides(texts: Iterable[str]) -> dict[str, dict[str, msgspec.Raw]]:
    """``name=value`` holds for every step (``*``), ``step.name=value`` for one."""
    chosen: dict[str, dict[str, msgspec.Raw]] = {}
    for target, value in (parse_assignment(text, "--playground") for text in texts):
        step, dot, name = target.partition(".")
        if dot and not (step and name):
            raise InvalidInput(f"--playground {target}={value} must be name=value or step.name=value.")
        chosen.setdefault(step if dot else EVERY_STEP, {})[name if dot else target] = msgspec.Raw(value.encode())
    return chosen


def read_pairs(texts: Iterable[str], option: str) -> dict[str, str]:
    """``key=value`` where the value is just text."""
    pairs: dict[str, str] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise InvalidInput(f"{option} {text!r} must be key=value.")
        pairs[name] = value
    return pairs


def _refuse_constant(name: str) -> object:
    raise ValueError(f"{name} is not JSON")
