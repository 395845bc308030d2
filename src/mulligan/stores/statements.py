"""Hand-written statements: one per ``.sql`` file, read once when the module that uses it is imported."""

from __future__ import annotations

import re
from importlib.resources import files

_NAME = re.compile(r"(?<![:\w]):([a-z_]+)")
_COMMENT = re.compile(r"--[^\n]*")


def read_statement(package: str, name: str) -> str:
    """The text of ``sql/<name>.sql`` in ``package``, without its comments. A missing file fails at import time."""
    text = files(package).joinpath("sql", f"{name}.sql").read_text(encoding="utf-8")
    return _COMMENT.sub("", text).strip()


def parameters(statement: str) -> tuple[str, ...]:
    """The names of a statement's ``:name`` parameters in order of first use: the order of a row that is bound to it."""
    return tuple(dict.fromkeys(_NAME.findall(statement)))


def numbered(statement: str) -> str:
    """The statement with ``$1``, ``$2``, … in place of its ``:name`` parameters, in order of first use."""
    names = parameters(statement)
    return _NAME.sub(lambda found: f"${names.index(found[1]) + 1}", statement)
