"""The OpenAPI 3.1 document, made from the table of endpoints and the shapes that its functions are annotated with."""

from __future__ import annotations

import inspect
from http import HTTPStatus
from typing import Any

import msgspec

from mulligan.server.endpoint import JSON, PROBLEM, Endpoint
from mulligan.wire.rest.codec import JsonText, Key
from mulligan.wire.rest.problems import ProblemDetails

_REFS = "#/components/schemas/{name}"
# What every endpoint may answer besides its own statuses, and when.
_REFUSALS = {
    "400": "The request is not understood.",
    "401": "No token, or none that is valid.",
    "403": "The token lacks a scope.",
    "404": "There is no such thing in this namespace.",
    "409": "The state is not what the request takes for granted.",
    "413": "Too large.",
    "415": "Not JSON.",
    "422": "A rule is broken; `problems` says which, and where.",
    "429": "Too many failed attempts to authenticate.",
    "503": "Not now; nothing was accepted.",
}


def openapi_document(endpoints: tuple[Endpoint, ...], version: str, cookie: str) -> dict[str, Any]:
    paths: dict[str, dict[str, Any]] = {}
    for endpoint in endpoints:
        paths.setdefault(endpoint.path, {})[endpoint.method.lower()] = _operation(endpoint)
    shapes = {shape for endpoint in endpoints for shape in _shapes(endpoint)} | {ProblemDetails}
    _, components = msgspec.json.schema_components(sorted(shapes, key=lambda shape: shape.__name__), ref_template=_REFS)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Mulligan",
            "version": version,
            "summary": "Durable workflows with a second chance.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "."}],
        "security": [{"token": []}, {"session": []}],
        "paths": paths,
        "components": {
            "schemas": dict(sorted(components.items())),
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer", "bearerFormat": "mlg_<id>_<secret>"},
                "session": {"type": "apiKey", "in": "cookie", "name": cookie},
            },
        },
    }


def _shapes(endpoint: Endpoint) -> list[type]:
    wanted = [*endpoint.answers.values(), *([endpoint.body] if endpoint.body is not None else [])]
    return [shape for shape in wanted if inspect.isclass(shape) and issubclass(shape, msgspec.Struct)]


def _operation(endpoint: Endpoint) -> dict[str, Any]:
    doc = inspect.getdoc(endpoint.perform) or ""
    operation: dict[str, Any] = {
        "operationId": endpoint.name,
        "tags": [endpoint.path.split("/")[1]],
        "summary": doc.partition(". ")[0].partition("\n")[0].rstrip("."),
        "description": f"{doc}\n\nScope: `{endpoint.scope}`." if endpoint.scope else doc,
        "parameters": _parameters(endpoint),
        "responses": {str(status): _answer(status, shape) for status, shape in endpoint.answers.items()}
        | {status: _refusal(text) for status, text in _REFUSALS.items()},
    }
    if endpoint.scope is None:
        operation["security"] = []
    if endpoint.body is not None:
        required = any(field.required for field in msgspec.structs.fields(endpoint.body))
        schema = {"$ref": _REFS.format(name=endpoint.body.__name__)}
        operation["requestBody"] = {"required": required, "content": {JSON: {"schema": schema}}}
    return operation


def _parameters(endpoint: Endpoint) -> list[dict[str, Any]]:
    parameters: list[dict[str, Any]] = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}
        for name in endpoint.path_names
    ]
    if endpoint.query is not None:
        (_,), components = msgspec.json.schema_components([endpoint.query])
        for name, schema in components[endpoint.query.__name__]["properties"].items():
            parameters.append({"name": name, "in": "query", "required": False, "schema": _without_null(schema)})
    if endpoint.takes_key:
        parameters.append(
            {"name": "Idempotency-Key", "in": "header", "required": False, "schema": msgspec.json.schema(Key)}
        )
    return parameters


def _without_null(schema: dict[str, Any]) -> dict[str, Any]:
    """A query string has no null: what may be null may be left out."""
    options = [option for option in schema.get("anyOf", []) if option != {"type": "null"}]
    if not options:
        return schema
    return options[0] if len(options) == 1 else {"anyOf": options}


def _answer(status: int, shape: object) -> dict[str, Any]:
    described = {"description": HTTPStatus(status).phrase}
    if shape is type(None):
        return described
    schema: dict[str, Any] = {}
    if inspect.isclass(shape) and issubclass(shape, msgspec.Struct):
        schema = {"$ref": _REFS.format(name=shape.__name__)}
    else:
        assert shape is JsonText, f"{shape!r} is no shape of an answer"
    return described | {"content": {JSON: {"schema": schema}}}


def _refusal(text: str) -> dict[str, Any]:
    schema = {"$ref": _REFS.format(name=ProblemDetails.__name__)}
    return {"description": text, "content": {PROBLEM: {"schema": schema}}}
