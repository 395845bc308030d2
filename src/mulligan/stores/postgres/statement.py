"""Statements as the driver takes them: numbered parameters, and the names by which they are given."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mulligan.errors import StoreConflict
from mulligan.stores.postgres.rows import Row, columns
from mulligan.stores.statements import numbered, parameters, read_statement

Connection = Any
"""An ``asyncpg.Connection``, which has no types."""


class Statement:
    """One ``.sql`` file. ``suffix`` is for the clause that makes a reading statement lock what it reads."""

    def __init__(self, name: str, suffix: str = "") -> None:
        text = read_statement("mulligan.stores.postgres", name)
        self.name = name
        self.parameters = parameters(text)
        self.sql = f"{numbered(text)} {suffix}".rstrip()

    async def fetch(self, connection: Connection, **given: Any) -> list[Row]:
        """All rows, for parameters given by name."""
        found: list[Row] = await connection.fetch(self.sql, *[given[name] for name in self.parameters])
        return found

    async def execute(self, connection: Connection, **given: Any) -> int:
        """How many rows it has touched, for parameters given by name."""
        return _touched(await connection.execute(self.sql, *[given[name] for name in self.parameters]))

    async def add(self, connection: Connection, rows: Sequence[Row]) -> None:
        """Write all rows at once; nothing is sent when there are none."""
        if rows:
            await connection.execute(self.sql, *columns(rows))

    async def change(self, connection: Connection, rows: Sequence[Row]) -> None:
        """Each row must hit exactly one: a row that is not there means that the facts were not what they seemed."""
        if rows and _touched(await connection.execute(self.sql, *columns(rows))) != len(rows):
            raise StoreConflict("A row that the transaction changes is not there.")


def _touched(status: str) -> int:
    """``UPDATE 3`` and ``INSERT 0 3`` are three rows."""
    return int(status.rpartition(" ")[2])
