"""Records outside the engine that survive every kill: lines that are on disk before anything else happens.

A line is one JSON object. Instants are nanoseconds of the machine's monotonic clock, which all its processes share.
"""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

Line = dict[str, Any]


def sealed(text: str | bytes) -> str:
    """What stands for a payload in a ledger."""
    return hashlib.sha256(text.encode() if isinstance(text, str) else text).hexdigest()[:16]


class Ledger:
    """A file that any number of processes append to."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def write(self, what: str, **details: object) -> None:
        """Return once the line is on disk."""
        line = json.dumps({"what": what, "at": time.monotonic_ns(), **details})
        descriptor = os.open(self._file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            # one write: lines of several processes do not mix
            os.write(descriptor, f"{line}\n".encode())
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def read_ledger(file: Path) -> list[Line]:
    """All whole lines. A process that was killed in the middle of its last one has told nobody of it."""
    if not file.exists():
        return []
    return [json.loads(line) for line in file.read_bytes().splitlines(keepends=True) if line.endswith(b"\n")]


class Tail:
    """Follows a ledger that is being written."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._position = 0

    def new_lines(self) -> Iterator[Line]:
        if not self._file.exists():
            return
        with self._file.open("rb") as lines:
            lines.seek(self._position)
            for line in lines:
                if not line.endswith(b"\n"):
                    return
                self._position += len(line)
                yield json.loads(line)


class Effects:
    """The world that steps act on: a database of its own, in which every effect has a unique key."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def create(self) -> None:
        with closing(sqlite3.connect(self._file)) as connection:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute(
                "CREATE TABLE effects (run TEXT, step TEXT, attempt INTEGER, times INTEGER NOT NULL DEFAULT 1,"
                " PRIMARY KEY (run, step, attempt))"
            )

    def happen(self, run: str, step: str, attempt: int) -> None:
        """An effect that no engine can take back. A second one of the same attempt is counted, not refused."""
        with closing(sqlite3.connect(self._file, timeout=30)) as connection, connection:
            connection.execute(
                "INSERT INTO effects (run, step, attempt) VALUES (?, ?, ?)"
                " ON CONFLICT (run, step, attempt) DO UPDATE SET times = times + 1",
                (run, step, attempt),
            )

    def read(self) -> dict[tuple[str, str, int], int]:
        """How often each happened."""
        with closing(sqlite3.connect(self._file, timeout=30)) as connection:
            rows = connection.execute("SELECT run, step, attempt, times FROM effects").fetchall()
        return {(run, step, attempt): times for run, step, attempt, times in rows}
