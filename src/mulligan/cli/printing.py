"""How answers look: tables for people, the server's own JSON for programs. User data can never control the terminal."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Annotated, Literal

import msgspec
from cyclopts import Parameter
from rich.console import Console
from rich.table import Table
from rich.text import Text

from mulligan.cli.connection import Answer
from mulligan.wire.rest.codec import JsonText, Unset
from mulligan.wire.rest.replays import EditShown, OverrideShown

Format = Annotated[
    Literal["table", "json"], Parameter(name=["--output", "-o"], help="Tables for people or JSON for programs.")
]

STATUS_STYLES = {
    "succeeded": "green",
    "kept": "cyan",
    "running": "blue",
    "queued": "blue",
    "retrying": "yellow",
    "sleeping": "yellow",
    "failed": "bold red",
    "timed_out": "bold red",
    "lost": "bold red",
    "cancelled": "magenta",
    "finished": "green",
    "paused": "yellow",
    "stopped": "bold red",
    "aborted": "magenta",
    "refused": "bold red",
    "open": "bold red",
    "snoozed": "yellow",
    "resolved": "green",
    "active": "green",
    "draining": "yellow",
    "gone": "dim",
    "run": "bold",
    "keep": "cyan",
    "irreversible": "bold yellow",
}
LEVEL_STYLES = {"WARNING": "yellow", "ERROR": "red", "CRITICAL": "bold red", "DEBUG": "dim"}
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
_LONGEST_VALUE = 60
Cell = Text | str | int | float | None


@cache
def console() -> Console:
    """Standard output. Colours only on a terminal and never with NO_COLOR."""
    return Console(highlight=False, soft_wrap=True)


def plain(value: object) -> str:
    """``value`` as text in which no character moves the cursor, hides text or reverses its direction."""
    return _CONTROL.sub(lambda found: f"\\x{ord(found[0]):02x}", str(value))


def styled(status: object, like: str | None = None) -> Text:
    """A status in its colour, or in that of the status it is ``like``."""
    text = plain(status)
    return Text(text, style=STATUS_STYLES.get(like or text, ""))


def say(text: str | Text = "", style: str = "") -> None:
    """One line on standard output."""
    console().print(text if isinstance(text, Text) else Text(text, style=style))


def hint(text: str) -> None:
    """A line for the person at the terminal, kept out of standard output."""
    print(text, file=sys.stderr)


def print_json(answer: Answer | bytes) -> None:
    """JSON for programs: the server's own text, indented; numbers and key order stay to the letter."""
    text = answer.text if isinstance(answer, Answer) else answer
    print(msgspec.json.format(text, indent=2).decode())


def print_table(columns: Sequence[str], rows: Iterable[Sequence[Cell]]) -> None:
    """A table without a frame, which also reads well in a log or through ``grep``."""
    table = Table(box=None, pad_edge=False, header_style="bold", show_edge=False)
    for number, column in enumerate(columns):
        # A cut-off id is of no use; the text at the end of a line may be cut.
        table.add_column(column, no_wrap=True, overflow="ellipsis" if number == len(columns) - 1 else "ignore")
    for row in rows:
        table.add_row(*(cell if isinstance(cell, Text) else Text("" if cell is None else plain(cell)) for cell in row))
    if sys.stdout.isatty():
        Console(highlight=False).print(table)
        return
    # As wide as it takes, because `grep` does not like wrapped lines, and no row padded to the longest of the others.
    wide = Console(highlight=False, width=10_000)
    with wide.capture() as captured:
        wide.print(table)
    for line in captured.get().removesuffix("\n").split("\n"):
        print(line.rstrip(" "))


def first_line(text: object) -> str:
    """The first line of a message, for a table."""
    lines = str(text or "").splitlines()
    return lines[0] if lines else ""


def print_changes(edits: Sequence[EditShown], overrides: Sequence[OverrideShown]) -> None:
    """Edits and overrides, before and after."""
    rows = [(f"{edit.step}{edit.path}", _short(edit.before), _short(edit.after)) for edit in edits]
    rows += [(f"{one.step} playground {one.name}", _short(one.before), _short(one.after)) for one in overrides]
    if rows:
        print_table(("changed", "before", "after"), rows)
        say()


def ago(at: datetime | None) -> str:
    """How long ago an instant was: ``12s``, ``5m``, ``3h``, ``2d``."""
    return "" if at is None else in_words(timedelta(seconds=max(1, int((datetime.now(UTC) - at).total_seconds()))))


def in_words(span: timedelta) -> str:
    """The largest unit of a span: ``850ms``, ``12s``, ``5m``, ``3h``, ``2d``."""
    seconds = max(0.0, span.total_seconds())
    if seconds < 1:
        return f"{seconds * 1000:.0f}ms"
    for size, unit in ((86400, "d"), (3600, "h"), (60, "m")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f}{unit}"
    return f"{seconds:.0f}s" if seconds >= 10 else f"{seconds:.2g}s"


def took(milliseconds: float | None) -> str:
    """A duration in milliseconds as people say it."""
    return "" if milliseconds is None else in_words(timedelta(milliseconds=milliseconds))


def _short(value: JsonText | Unset) -> str:
    text = bytes(value).decode() if value else ""
    return text if len(text) <= _LONGEST_VALUE else f"{text[: _LONGEST_VALUE - 1]}…"
