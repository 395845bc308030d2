"""What PostgreSQL says in its own words, for ``run_filter``."""

from __future__ import annotations

from typing import Any

from mulligan.core.query import FieldTest
from mulligan.stores.postgres.rows import VALUE_MARK, escape
from mulligan.stores.run_filter import Bind, Dialect


def bound(value: Any) -> Any:
    """Text is written as the rows have it."""
    if isinstance(value, str):
        return escape(value)
    return [escape(one) for one in value] if isinstance(value, tuple) else value


def tag_holds(name: str, value: str, bind: Bind) -> str:
    entry = f"{bind(name)}::text || '{VALUE_MARK}' || {bind(value)}::text"
    return f"coalesce({entry} = ANY (runs.metadata), false)"


def input_holds(payload: str, test: FieldTest, bind: Bind) -> str:
    return f"input_holds({payload}, {bind(test.path)}, {bind(test.value)})"


POSTGRES = Dialect(
    parameter=lambda number: f"${number}",
    bound=bound,
    among="{column} = ANY ({values})",
    contains='strpos(lower({text} COLLATE "C"), {part}) > 0',
    bucket="floor(extract(epoch FROM runs.created_at - {start}::timestamptz) * 1000000 / {width}::bigint)::bigint",
    input="runs.input",
    trouble="runs.trouble",
    # A run that has not ended has an open step: that table is small, and no index on runs has to change at their end.
    live="runs.id IN (SELECT run_id FROM open_steps)",
    tag=tag_holds,
    input_holds=input_holds,
)
