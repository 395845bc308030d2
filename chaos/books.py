"""What the engine's database says in the end, read by SQL of our own and kept as plain rows."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg

from chaos.ledgers import sealed

RUNS = (
    "SELECT id, workflow, status, idempotency_key, source_id, parent_id, parent_step, failed_step, error_type FROM runs"
)
ATTEMPTS = (
    "SELECT a.run_id, a.step, a.number, a.outcome, a.output, a.error, w.name"
    " FROM attempts a LEFT JOIN workers w ON w.id = a.worker_id"
)
OPEN_STEPS = "SELECT run_id, step, state FROM open_steps"
REPLAYS = "SELECT run_id, record FROM replays"
HISTORIES = {"runs": "id", "attempts": "run_id", "replays": "run_id", "run_events": "run_id"}
"""What may never change once a run has ended, and the column that says whose row it is."""
ENDED = ("succeeded", "failed", "cancelled")

StepRef = tuple[str, str]


@dataclass(frozen=True, slots=True)
class RunRow:
    id: str
    workflow: str
    status: str
    key: str | None
    source: str | None = None
    parent: str | None = None
    parent_step: str | None = None
    failed_step: str | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class AttemptRow:
    """``result`` and ``worker`` (its name) as in the ledger of the workers."""

    run: str
    step: str
    number: int
    outcome: str
    result: str | None = None
    error: str | None = None
    worker: str | None = None


@dataclass(frozen=True, slots=True)
class Books:
    """``kept``: step of a replay -> the step of the earlier run whose result it reuses."""

    runs: dict[str, RunRow] = field(default_factory=dict)
    attempts: list[AttemptRow] = field(default_factory=list)
    open_steps: list[tuple[str, str, str]] = field(default_factory=list)
    kept: dict[StepRef, StepRef] = field(default_factory=dict)

    @property
    def running(self) -> list[str]:
        return [run.id for run in self.runs.values() if run.status not in ENDED]


async def read_books(database: Path | str) -> Books:
    """``database``: a SQLite file, or the URL of a PostgreSQL."""
    runs, attempts, open_steps, replays = await _read(database, [RUNS, ATTEMPTS, OPEN_STEPS, REPLAYS])
    kept = {
        (run, step): (reused[0], reused[1])
        for run, record in replays
        for step, reused in json.loads(record).get("kept", {}).items()
    }
    return Books(
        runs={row[0]: RunRow(*row) for row in runs},
        attempts=[_attempt(*row) for row in attempts],
        open_steps=[(run, step, state) for run, step, state in open_steps],
        kept=kept,
    )


def _attempt(
    run: str, step: str, number: int, outcome: str, output: bytes | None, error: str | None, worker: str | None
) -> AttemptRow:
    result = None if output is None else json.loads(output)
    return AttemptRow(
        run, step, number, outcome,
        result=None if result is None else sealed(result),
        error=None if error is None else json.loads(error)["type"],
        worker=worker,
    )  # fmt: skip


async def read_histories(database: Path | str, runs: Sequence[str]) -> dict[str, str]:
    """A seal over every row of each of these runs, and over its status."""
    found = {run: [""] for run in runs}
    listed = ", ".join(f"'{run}'" for run in runs)
    statements = [
        f"SELECT {key}, {_whole_row(database)} FROM {table} t WHERE {key} IN ({listed})"
        for table, key in HISTORIES.items()
    ]
    for rows in await _read(database, statements) if runs else []:
        for run, *row in rows:
            found[run].append(repr(row))
    return {run: sealed("\n".join(sorted(rows))) for run, rows in found.items()}


def _whole_row(database: Path | str) -> str:
    return "t.*" if isinstance(database, Path) else "t::text"


async def _read(database: Path | str, statements: Sequence[str]) -> list[list[Any]]:
    if isinstance(database, Path):
        return await asyncio.to_thread(_read_file, database, statements)
    connection = await asyncpg.connect(database)
    try:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            return [[tuple(row) for row in await connection.fetch(statement)] for statement in statements]
    finally:
        await connection.close()


def _read_file(database: Path, statements: Sequence[str]) -> list[list[Any]]:
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=30)) as connection:
        connection.isolation_level = None
        connection.execute("BEGIN")  # one state of things, not one per statement
        return [connection.execute(statement).fetchall() for statement in statements]
