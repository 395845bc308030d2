"""Checks JSON documents against JSON Schemas, and says what is wrong in words that a person can act on."""

from __future__ import annotations

import json
from functools import lru_cache

import jsonschema_rs

from mulligan.errors import InvalidInput, Problem


@lru_cache(maxsize=1_000)
def _validator(schema: str) -> jsonschema_rs.Validator:
    return jsonschema_rs.validator_for(json.loads(schema))


def problems_in(document: bytes, schema: str, where: str) -> list[Problem]:
    """Every rule of ``schema`` (JSON text) that ``document`` breaks. Paths are JSON Pointers into the document."""
    if schema in ("{}", "true", ""):
        return []
    return [
        Problem("".join(f"/{_escaped(part)}" for part in error.instance_path), error.message, where)
        for error in _validator(schema).iter_errors(json.loads(document))
    ]


def _escaped(part: object) -> str:
    return str(part).replace("~", "~0").replace("/", "~1")


def require_valid(document: bytes, schema: str, where: str) -> None:
    """Raise InvalidInput with every problem, unless the document is valid."""
    raise_for(problems_in(document, schema, where))


def raise_for(problems: list[Problem]) -> None:
    if problems:
        first = problems[0]
        more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
        place = first.path or "/"
        raise InvalidInput(f"{first.where}: at {place}: {first.rule}{more}.", problems=tuple(problems))
