"""Records as JSON in a column ``record``: rows that are the same in every SQL database.

A row has the order of the parameters of its statement.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any, TypeVar

import msgspec

from mulligan.core.bulk import Bulk
from mulligan.core.inbox import GroupNote
from mulligan.core.records import Replay, Variable

Row = tuple[Any, ...]
R = TypeVar("R")

_encode = msgspec.json.Encoder().encode


def json_text(value: object) -> str:
    return _encode(value).decode()


def json_or_null(value: object) -> str | None:
    return _encode(value).decode() if value else None


def moment_text(at: datetime) -> str:
    """An instant as records hold it, without the Z: so they can be compared as text."""
    return _encode(at).decode().strip('"Z')


def records(kind: type[R], rows: Iterable[Row]) -> list[R]:
    """The records of rows that hold nothing else."""
    decode = msgspec.json.Decoder(kind).decode
    return [decode(record) for (record,) in rows]


def row_of_replay(replay: Replay) -> Row:
    return (replay.run_id, replay.namespace, json_text(replay))


def kept_by(replay: Replay) -> list[Row]:
    """One row for each run whose results the replay reuses."""
    return [(kept, replay.run_id, replay.namespace) for kept in sorted({ref[0] for ref in replay.kept.values()})]


def row_of_variable(variable: Variable) -> Row:
    return (variable.namespace, variable.workflow, variable.step, variable.name, json_text(variable))


def row_of_bulk(bulk: Bulk) -> Row:
    return (bulk.id, bulk.namespace, bulk.state, json_text(bulk))


def change_of_bulk(bulk: Bulk) -> Row:
    return (bulk.state, json_text(bulk), bulk.id)


def row_of_note(note: GroupNote) -> Row:
    return (note.namespace, note.fingerprint, json_text(note))
