"""Which failures are the same failure: what changes from run to run is taken out, what tells bugs apart stays."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator

from mulligan.core.records import RecordedError

_FRAMES = 5
"""In-app frames that count, from the innermost: two ways into the same broken function are one failure."""

_CHAIN = 10
"""Causes that count. Deeper ones tell nothing apart, and a hostile chain must not cost more."""

_READ = 2_000
"""Characters of a message that are looked at; what differs after them is data."""

_TITLE = 200

# Numbers, hex and ids share the placeholder <n>: an id may happen to have no letter in it.
_DATA = re.compile(
    r"""
      (?P<keep> \b (?:http(?:/[\d.]+)? | status | (?:status[ ])?code | errno) [ :=]* \d{1,3} \b
              | (?<![\w.,:-]) [45]\d\d (?=[ ](?-i:[A-Z][a-z])) )                            # 429 Too Many Requests
    | (?P<text> (?<=input_value=) .*? (?=,[ ]input_type=)                                 # pydantic cuts it anywhere
              | (?<!\w) '(?! [45]\d\d[ ](?-i:[A-Z][a-z]) ) (?:[^'\\\n]|\\.)*' (?!\w)        # httpx quotes statuses
              | (?<!\w) "(?:[^"\\\n]|\\.)*" (?!\w) | `[^`\n]*` )
    | (?P<url> (?<![\w+.-]) [a-z][a-z\d+.-]*+ ://[^\s'"<>)\]}]+ )
    | (?P<email> (?<![\w.+-]) [\w.+-]++ @[\w-]+ \.[\w.-]+ )
    | (?P<path> (?<![\w/.~]) (?: [a-z]:[/\\] | [.~]{0,2}/ ) [\w.+@%~/\\-]+
              | (?<![\w/.-]) (?: [\w.-]++/ )+ [\w-]++ (?:\.\w+)+ )
    | (?P<time> (?<!\w) \d{4}-\d\d-\d\d
                (?: [T ]\d\d:\d\d (?: :\d\d (?:[.,]\d+)? )? [ ]?(?: Z | UTC | [+-]\d\d:?\d\d )? )? (?!\w) )
    | (?P<n> (?<![\w-]) (?=[\w-]*\d) [\w-]++ (?: [.,:+] (?=[\w-]*\d) [\w-]++ )* )
    """,
    re.VERBOSE | re.ASCII | re.IGNORECASE,
)
_LIST = re.compile(r"(<\w+>)(?:[,;]?\s+\1)+")
_SEPARATOR = re.compile(r"[/\\]")


def fingerprint(step: str, workflow: str, error: RecordedError) -> str:
    """16 hex digits, the same for failures that are most likely mended together.

    Made of workflow, step, and for the error and each of its causes: type, normalised message, and the innermost five
    in-app frames as ``file.py:function``. Not of line numbers, directories, ids, numbers, times or quoted values, so
    that neither a moved line nor another input makes a new group.
    """
    digest = hashlib.sha256()
    for part in (workflow, step, *_parts(error)):
        # The length parts the parts: ("ab", "c") must not look like ("a", "bc").
        encoded = part.encode("utf-8", "backslashreplace")
        digest.update(b"%d:" % len(encoded) + encoded)
    return digest.hexdigest()[:16]


def title(error: RecordedError) -> str:
    """A failure group's name: the class without its modules and the first line of the normalised message."""
    name = error.type.rpartition(".")[2]
    message = normalise(error.message).strip().split("\n", 1)[0]
    text = f"{name}: {message}" if message else name
    return text if len(text) <= _TITLE else text[: _TITLE - 1] + "…"


def normalise(message: str) -> str:
    """The message with a placeholder such as ``<n>`` for everything that is likely to be data. HTTP statuses stay."""
    return _LIST.sub(r"\1", _DATA.sub(_placeholder, message[:_READ]))


def _placeholder(found: re.Match[str]) -> str:
    return found[0] if found.lastgroup == "keep" else f"<{found.lastgroup}>"


def _parts(error: RecordedError) -> Iterator[str]:
    for link in _chain(error):
        places = (
            f"{_SEPARATOR.split(frame.file)[-1]}:{frame.function}" for frame in reversed(link.frames) if frame.in_app
        )
        # Each place once: how deep a recursion went is data.
        innermost = list(dict.fromkeys(places))[:_FRAMES]
        yield from (link.type, normalise(link.message), str(len(innermost)), *innermost)


def _chain(error: RecordedError | None) -> Iterator[RecordedError]:
    for _ in range(_CHAIN):
        if error is None:
            return
        yield error
        error = error.cause
