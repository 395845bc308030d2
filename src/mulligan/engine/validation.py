"""Checks JSON documents against JSON Schemas, and says what is wrong in words that a person can act on."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import NoReturn

import jsonschema_rs

from mulligan.errors import InvalidInput, Problem


def _fetch_nothing(uri: str) -> NoReturn:
    """Schemas come from workers; what they refer to elsewhere is never fetched (that would be their request, made by
    the server)."""
    raise ValueError(f"a schema may only refer to itself, not to {uri}")


@lru_cache(maxsize=1_000)
def _validator(schema: str) -> jsonschema_rs.Validator:
    try:
        return jsonschema_rs.validator_for(json.loads(schema), retriever=_fetch_nothing)
    except (jsonschema_rs.ValidationError, ValueError) as error:
        reason = str(error).partition("\n")[0]
        raise InvalidInput(f"The schema that the worker registered cannot be used: {reason}.") from error


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
