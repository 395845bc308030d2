"""Statements as the driver takes them: numbered parameters, and the names by which they are given."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from mulligan.errors import StoreConflict
from mulligan.stores.postgres.rows import joined
from mulligan.stores.statements import numbered, parameters, read_statement
from mulligan.stores.stored import Row

Connection = Any
"""An ``asyncpg.Connection``, which has no types."""


_TEXTS = re.compile(r"texts\(:([a-z_]+)\)")
_BOUND = re.compile(r"(least|greatest)_(ids?|run_id)")
"""Parameters that nobody gives, the last ones: the least or greatest of another's values. They tell the database which
partitions it need not look into."""


class Statement:
    """One ``.sql`` file. ``suffix`` is for the clause that makes a reading statement lock what it reads."""

    def __init__(self, name: str, suffix: str = "") -> None:
        text = read_statement("mulligan.stores.postgres", name)
        self.name = name
        named = parameters(text)
        bounds = [bound for name in named if (bound := _BOUND.fullmatch(name))]
        self.parameters = named[: len(named) - len(bounds)]
        self._bounds = [(min if end == "least" else max, named.index(of)) for end, of in (b.groups() for b in bounds)]
        self._of_texts = [name in _TEXTS.findall(text) for name in self.parameters]
        self.sql = f"{numbered(text)} {suffix}".rstrip()

    async def fetch(self, connection: Connection, **given: Any) -> list[Row]:
        """All rows, for parameters given by name."""
        found: list[Row] = await connection.fetch(self.sql, *self._named(given))
        return found

    async def execute(self, connection: Connection, **given: Any) -> int:
        """How many rows it has touched, for parameters given by name."""
        return _touched(await connection.execute(self.sql, *self._named(given)))

    async def add(self, connection: Connection, rows: Sequence[Row]) -> None:
        """Write all rows at once; nothing is sent when there are none."""
        if rows:
            await connection.execute(self.sql, *self._arguments(rows, {}))

    async def change(self, connection: Connection, rows: Sequence[Row], **given: Any) -> None:
        """Each row must hit exactly one: a row that is not there means that the facts were not what they seemed.

        ``given`` are the parameters that are the same for all rows; they come before the columns.
        """
        if rows and _touched(await connection.execute(self.sql, *self._arguments(rows, given))) != len(rows):
            raise StoreConflict("A row that the transaction changes is not there.")

    def _named(self, given: dict[str, Any]) -> list[Any]:
        arguments = [
            joined(given[name]) if of_texts else given[name]
            for of_texts, name in zip(self._of_texts, self.parameters, strict=True)
        ]
        return arguments + [choose(given[self.parameters[place]], default="") for choose, place in self._bounds]

    def _arguments(self, rows: Sequence[Row], given: dict[str, Any]) -> list[Any]:
        """The columns of the rows, which ``unnest`` turns back: the longer ones fill up those that are only NULL."""
        arguments = list(given.values())
        columns = list(zip(*rows, strict=True))
        for of_texts, column in zip(self._of_texts[len(given) :], columns, strict=True):
            if column.count(None) == len(column):
                arguments.append(None)
            else:
                arguments.append(joined(column) if of_texts else column)
        return arguments + [choose(columns[place - len(given)]) for choose, place in self._bounds]


def _touched(status: str) -> int:
    """``UPDATE 3`` and ``INSERT 0 3`` are three rows."""
    return int(status.rpartition(" ")[2])
