"""What SQLite says in its own words, for ``run_filter``."""

from __future__ import annotations

import json
import re
from datetime import datetime
from typing import Any

from mulligan.core.query import FieldTest
from mulligan.stores.run_filter import Bind, Dialect
from mulligan.stores.sqlite.rows import micros
from mulligan.stores.stored import json_text

_LITERAL = re.compile(r"[-0-9]|true$|false$|null$")
"""What may also stand without quotes."""


def tag_holds(name: str, value: str, bind: Bind) -> str:
    return (
        f"EXISTS (SELECT 1 FROM json_each(runs.metadata) AS tag WHERE tag.key = {bind(name)} "
        f"AND tag.value = {bind(value)})"
    )


def input_holds(payload: str, test: FieldTest, bind: Bind) -> str:
    """A string is compared by its value, a number or constant by how it is written.

    As text, because a BLOB would be taken for SQLite's own binary JSON; behind ``json_valid``, because whatever else
    was stored must not turn a search into an error. Only what has the value in it somewhere is read as JSON at all:
    with a backslash, it may be spelled in another way. The LIMITs keep the payload from being looked up once per use.
    """
    path = bind("$" + "".join("." + json.dumps(name, ensure_ascii=False) for name in test.path))
    value = bind(test.value)
    spelled = bind(test.value if _LITERAL.match(test.value) else f'"{test.value}"')
    holds = (
        f"CASE WHEN json_valid(t) THEN CASE json_type(t, {path}) WHEN 'text' THEN t ->> {path} = {value} "
        f"WHEN 'object' THEN 0 WHEN 'array' THEN 0 ELSE t -> {path} = {value} END ELSE 0 END"
    )
    return (
        f"(SELECT {holds} FROM (SELECT CAST(p AS TEXT) AS t FROM (SELECT {payload} AS p LIMIT 1) "
        f"WHERE instr(p, CAST({spelled} AS BLOB)) > 0 OR instr(p, x'5C') > 0 LIMIT 1))"
    )


def bound(value: Any) -> Any:
    if isinstance(value, datetime):
        return micros(value)
    return json_text(value) if isinstance(value, tuple) else value


SQLITE = Dialect(
    parameter=lambda number: f"?{number}",
    bound=bound,
    among="{column} IN (SELECT value FROM json_each({values}))",
    contains="instr(lower({text}), {part}) > 0",
    bucket="(runs.created_at - {start}) / {width}",
    input="coalesce(runs.input, (SELECT payload FROM large_inputs WHERE run_id = runs.id))",
    trouble="runs.status",
    live=None,
    tag=tag_holds,
    input_holds=input_holds,
)
