"""Playground variables: values that step code exposes, so that a replay can give them others."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from mulligan.core.records import Reading
from mulligan.errors import DeclarationError, InvalidInput, TooLarge
from mulligan.sdk.declare.codec import ValueCodec
from mulligan.sdk.declare.source import Where, mistake

MOST_CHARACTERS = 1024 * 1024
LONGEST_NAME = 200


@dataclass(frozen=True, slots=True)
class VariableSpec:
    """A variable as one call of ``ctx.playground`` declares it."""

    name: str
    default: Any
    type: Any
    help: str | None = None
    choices: Sequence[Any] | None = None
    min: float | None = None
    max: float | None = None
    multiline: bool = False
    kind: str | None = None


@dataclass(frozen=True, slots=True)
class Known:
    """A variable that this attempt has read: what came out, and where it was declared how."""

    spec: VariableSpec
    at: Where
    value: Any


def type_of(default: Any, declared: Any, name: str, at: Where) -> Any:
    """The type that values of the variable must have. Raises DeclarationError when nothing says it, and for a name that
    nobody could write down."""
    if not 0 < len(name) <= LONGEST_NAME or not name.isprintable():
        raise mistake(
            at, f"{name!r} is no name for a playground variable", f"Use 1 to {LONGEST_NAME} printable characters"
        )
    if declared is not None:
        return declared
    if default is None:
        raise mistake(
            at,
            f"the default of playground variable {name!r} is None, which says nothing about its type",
            "Pass the type, for example `type=str`",
        )
    known: dict[type, Any] = {list: list[Any], dict: dict[str, Any], tuple: list[Any]}
    return known.get(type(default), type(default))


def read(spec: VariableSpec, override: str | None, at: Where) -> tuple[Known, Reading, InvalidInput | None]:
    """The effective value and its record. With an error, the override was not usable and the default stands there.

    ``override`` is JSON text. Raises DeclarationError when the declaration contradicts itself.
    """
    codec = _codec(spec.type)
    try:
        default_text = codec.encode(spec.default)
        default = codec.decode(default_text)
    except InvalidInput as error:
        raise mistake(
            at, f"the default of playground variable {spec.name!r} is not of its type: {error}", "Change one of the two"
        ) from error
    rule = _broken_rule(spec, default)
    if rule is not None:
        raise mistake(at, f"the default of playground variable {spec.name!r} {rule}", "Change one of the two")
    value, problem, value_text = default, None, default_text
    if override is not None:
        value, problem = _overridden(spec, codec, override, default)
        value_text = codec.encode(value)
    reading = Reading(
        name=spec.name,
        default=default_text.decode(),
        value=value_text.decode(),
        schema=schema_of(spec),
        override=override,
        file=at.portable,
        line=at.line,
    )
    return Known(spec, at, value), reading, problem


def _overridden(spec: VariableSpec, codec: ValueCodec, override: str, default: Any) -> tuple[Any, InvalidInput | None]:
    try:
        # strict: a "3" for an int is a typing mistake in a form, and shall not become a 3 behind anybody's back
        value = codec.decode(override, strict=True)
        rule = _broken_rule(spec, value)
    except InvalidInput as error:
        return default, InvalidInput(
            f"The override of playground variable {spec.name!r} cannot be used: {error} Replay with another value.",
            code="invalid_override",
            problems=error.problems,
        )
    if rule is None:
        return value, None
    return default, InvalidInput(
        f"The override {override} of playground variable {spec.name!r} {rule}. Replay with another value.",
        code="invalid_override",
    )


def _broken_rule(spec: VariableSpec, value: Any) -> str | None:
    if spec.choices is not None and value not in spec.choices:
        return f"is none of its choices {', '.join(json.dumps(choice, default=str) for choice in spec.choices)}"
    if spec.min is not None and value < spec.min:
        return f"is below its min of {spec.min}"
    if spec.max is not None and value > spec.max:
        return f"is above its max of {spec.max}"
    return None


def check_same(spec: VariableSpec, at: Where, known: Known) -> None:
    """One name is one variable. Raises DeclarationError when it is read again with another type."""
    if spec.type != known.spec.type:
        raise DeclarationError(
            f"{at}: playground variable {spec.name!r} is a {_name(spec.type)} here and a {_name(known.spec.type)} at "
            f"{known.at}. Give one of them another name."
        )


def check_size(readings: Sequence[Reading]) -> None:
    """What a step has read travels with its result. Raises TooLarge when that becomes too much."""
    size = sum(len(one.default) + len(one.value) + len(one.override or "") for one in readings)
    if size > MOST_CHARACTERS:
        raise TooLarge(
            f"The playground variables of this step have {size:,} characters; the limit is {MOST_CHARACTERS:,}. A "
            "variable is something that a person edits: pass large data as an input or a result."
        )


def schema_of(spec: VariableSpec) -> str:
    """JSON Schema of the values it takes; what the dashboard makes the form field from."""
    schema = dict(_schema(spec.type))
    if spec.help is not None:
        schema["description"] = spec.help
    if spec.choices is not None:
        schema["enum"] = [json.loads(_codec(spec.type).encode(choice)) for choice in spec.choices]
    if spec.min is not None:
        schema["minimum"] = spec.min
    if spec.max is not None:
        schema["maximum"] = spec.max
    if spec.multiline:
        schema["x-mulligan-multiline"] = True
    if spec.kind is not None:
        schema["x-mulligan-kind"] = spec.kind
    return json.dumps(schema, ensure_ascii=False, separators=(",", ":"))


@lru_cache(maxsize=256)
def _codec(kind: Any) -> ValueCodec:
    return ValueCodec(kind, "the value")


@lru_cache(maxsize=256)
def _schema(kind: Any) -> dict[str, Any]:
    return _codec(kind).schema(written=False)


def _name(kind: Any) -> str:
    return getattr(kind, "__name__", str(kind))
