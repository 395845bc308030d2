"""What stands behind ``--set``, ``--playground`` and ``--input``: paths, names and JSON values, kept to the letter."""

from __future__ import annotations

import json
import os
import shlex
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import msgspec

from mulligan.core.document import apply_patch, set_path
from mulligan.core.records import EVERY_STEP
from mulligan.errors import InvalidInput
from mulligan.wire.json_text import check

_LONGEST_HINT = 60


class Assignment(NamedTuple):
    """``name`` (or path) and ``value`` of one ``name=value``; the value as JSON text."""

    name: str
    value: str


def parse_assignment(text: str, option: str) -> Assignment:
    """``doc.lang=fr`` as path and value. The value is JSON if it parses as JSON, else a string."""
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise InvalidInput(f"{option} {text!r} is not of the form name=value, such as {option} doc.lang=fr.")
    return Assignment(name, json_value(value, f"{option} {name}"))


def json_value(text: str, what: str) -> str:
    """``text`` itself if it is JSON, else the JSON string of it. NaN and Infinity are no JSON, hence strings.

    ``what`` names it in errors. Raises what ``wire.json_text.check`` raises, of JSON that no server would take.
    """
    try:
        # Only whether it is JSON is asked here; converting a number could fail by its length.
        json.loads(text, parse_int=str, parse_constant=_refuse_constant)
    except RecursionError:
        pass  # it began as JSON, and below is said how deep it may be
    except ValueError:
        text = json.dumps(text, ensure_ascii=False)
    try:
        check(text.encode(), what)
    except UnicodeEncodeError:
        raise InvalidInput(f"The value {text!r} is not valid UTF-8. Give it as JSON with \\u escapes.") from None
    return text.strip()


def read_document(text: str, option: str) -> bytes:
    """The JSON document given as text, as ``@file``, or as ``-`` for standard input.

    Raises ``InvalidInput`` and ``TooLarge`` for what no server would take either.
    """
    if text == "-":
        source, content = "standard input", sys.stdin.buffer.read()
    elif text.startswith("@"):
        source = text[1:]
        try:
            content = Path(source).read_bytes()
        except OSError as error:
            raise InvalidInput(f"{option} cannot read {source}: {error}. Check the path.") from None
    else:
        source, content = "the text", os.fsencode(text)
    try:
        check(content, source)
    except InvalidInput as error:
        hint = "" if source != "the text" or error.code != "invalid_json" else _quoting_hint(text, option)
        raise InvalidInput(f"{option} takes JSON, @file or - for standard input, and {error}{hint}") from None
    return content.strip()


def with_values(document: bytes, sets: Iterable[str]) -> bytes:
    """``document`` after each ``--set path=value``."""
    for path, value in (parse_assignment(text, "--set") for text in sets):
        document = apply_patch(document, set_path(document, path, value))
    return document


@contextmanager
def hinting_at_quotes(sets: Sequence[str]) -> Iterator[None]:
    """A refusal because a ``--set`` was read as a number (or so) and a string is wanted says how to write a string."""
    try:
        yield
    except InvalidInput as error:
        for text in sets:
            path, _, value = text.partition("=")
            pointer = f"/{path.replace('.', '/')}"
            for problem in error.problems:
                # a replay's path may begin with the step
                if problem.path and pointer.endswith(problem.path) and problem.rule.endswith('is not of type "string"'):
                    quoted = shlex.quote(f"{path}={json.dumps(value, ensure_ascii=False)}")
                    message = f"{error} If you mean a string: --set {quoted}"
                    raise InvalidInput(message, code=error.code, problems=error.problems) from None
        raise


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


def _quoting_hint(text: str, option: str) -> str:
    """A bare word is the likeliest mistake: shells take the quotes of a JSON string away."""
    if not text or text[0] in '{["' or len(text) > _LONGEST_HINT:
        return ""
    return f" If you mean a string: {option} {shlex.quote(json.dumps(text, ensure_ascii=False))}"


def _refuse_constant(name: str) -> object:
    raise ValueError(f"{name} is not JSON")
