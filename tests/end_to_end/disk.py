"""What a server has written to its SQLite file, read past the engine while it runs."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

Rows = dict[str, list[tuple[Any, ...]]]


@contextmanager
def reading(database: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=10)) as connection:
        yield connection


def rows_of(database: Path, run_id: str) -> Rows:
    """Every row that belongs to a run, to the last bit, by table: the run, attempts, events, payloads, logs, replay.

    All tables are asked, also those that come later; two results are equal if nothing of the run has changed.
    """
    found: Rows = {}
    with reading(database) as connection:
        for (table,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
            columns = [row[1] for row in connection.execute(f'PRAGMA table_info("{table}")')]
            key = "id" if table == "runs" else "run_id"
            if key in columns:
                rows = connection.execute(f'SELECT * FROM "{table}" WHERE {key} = ?', (run_id,)).fetchall()
                found[table] = sorted(rows, key=repr)
    assert found["runs"], f"there is no run {run_id}"
    return found


def steps_executed(database: Path, run_id: str) -> set[str]:
    """The steps of which the run itself has attempts: kept results are other runs' attempts."""
    with reading(database) as connection:
        return {step for (step,) in connection.execute("SELECT step FROM attempts WHERE run_id = ?", (run_id,))}
