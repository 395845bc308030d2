"""A call that fits a workflow's schema, to show how it is started."""

from __future__ import annotations

import json
import shlex
from typing import Any

from mulligan.cli.values import json_value
from mulligan.core.records import WorkflowDefinition

PLAIN = {"string": "ada", "integer": 1, "number": 1.5, "boolean": True, "array": [], "null": None}
"""JSON type -> a value of it."""


def example_call(definition: WorkflowDefinition) -> str:
    """The arguments of `mulligan run` that start the workflow, as far as its schema tells."""
    schema = json.loads(definition.input_schema)
    sample = sample_of(schema, schema.get("$defs", {}))
    name = shlex.quote(definition.name)
    if not isinstance(sample, dict):
        return f"{name} --input {shlex.quote(json.dumps(sample))}"
    return name + "".join(f" --set {shlex.quote(f'{key}={typed(value)}')}" for key, value in sample.items())


def typed(value: Any) -> str:
    """A value as a person types it behind ``--set``: words without quotes, unless they would be read as JSON."""
    text = json.dumps(value)
    return value if isinstance(value, str) and json_value(value, "a sample") == text else text


def sample_of(schema: dict[str, Any], definitions: dict[str, Any]) -> Any:
    """The smallest value that the schema's types, choices and required members allow."""
    if "$ref" in schema:
        return sample_of(definitions.get(schema["$ref"].rpartition("/")[2], {}), definitions)
    for given in ("default", "const"):
        if given in schema:
            return schema[given]
    for choices in ("enum", "examples"):
        if schema.get(choices):
            return schema[choices][0]
    for alternatives in ("anyOf", "oneOf"):
        if schema.get(alternatives):
            return sample_of(schema[alternatives][0], definitions)
    kinds = schema.get("type", "object")
    kind = kinds[0] if isinstance(kinds, list) else kinds
    if kind in PLAIN:
        return PLAIN[kind]
    members = schema.get("properties", {})
    return {name: sample_of(members.get(name, {}), definitions) for name in schema.get("required", [])}
