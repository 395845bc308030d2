"""The playground variables that a step's source names, so that they can be overridden before it has ever run.

Only what can be known without running the code: calls of ``ctx.playground`` in the function itself, whose arguments are
literals or names of its module. All others are known once an attempt has read them.
"""

from __future__ import annotations

import ast
import builtins
import inspect
import linecache
import textwrap
from collections.abc import Iterator
from typing import Any

from mulligan.core.records import DeclaredVariable
from mulligan.sdk.declare.signature import Signature
from mulligan.sdk.declare.source import Where, where


class Unknown(Exception):
    """The value of an expression shows only when it is carried out."""


def variables_in(signature: Signature) -> tuple[DeclaredVariable, ...]:
    """In the order of the source, each name once. Raises DeclarationError where a declaration contradicts itself."""
    if not signature.takes_context:
        return ()
    bare: Any = inspect.unwrap(signature.fn)
    context = next(iter(inspect.signature(bare).parameters))
    found: dict[str, DeclaredVariable] = {}
    for call in _calls(bare, context):
        try:
            variable = _declared(call, bare)
        except Unknown:
            continue
        found.setdefault(variable.name, variable)
    return tuple(found.values())


def _calls(fn: Any, context: str) -> Iterator[ast.Call]:
    linecache.checkcache(where(fn).file)  # an edited file is not what it said before
    try:
        lines, first = inspect.getsourcelines(fn)
        tree = ast.parse(textwrap.dedent("".join(lines)))
    except (OSError, TypeError, SyntaxError):
        return  # no source, or a part of a line, as that of a lambda
    ast.increment_lineno(tree, first - 1)
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    for call in sorted(calls, key=lambda call: (call.lineno, call.col_offset)):
        match call.func:
            case ast.Attribute(value=ast.Name(id=owner), attr="playground") if owner == context:
                yield call


def _declared(call: ast.Call, fn: Any) -> DeclaredVariable:
    from mulligan.sdk.playground import VariableSpec, read, type_of  # needs Pydantic, which declaring does not

    local = {*fn.__code__.co_varnames, *fn.__code__.co_cellvars, *fn.__code__.co_freevars}
    scope = {name: value for name, value in {**vars(builtins), **fn.__globals__}.items() if name not in local}
    named = {keyword.arg: keyword.value for keyword in call.keywords if keyword.arg is not None}
    if len(named) < len(call.keywords) or any(isinstance(argument, ast.Starred) for argument in call.args):
        raise Unknown
    given = {**dict(zip(("name", "default"), call.args, strict=False)), **named}
    details = {name: _value(node, scope) for name, node in given.items()}
    if not isinstance(details.get("name"), str) or "default" not in details:
        raise Unknown
    written = where(fn)
    at = Where(written.file, call.lineno, written.module)
    declared_type = details.pop("type", None)
    details["type"] = type_of(details["default"], declared_type, details["name"], at)
    try:
        spec = VariableSpec(**details)
    except TypeError as error:
        raise Unknown from error  # the call fails in the same way when it is carried out
    _, reading, _ = read(spec, None, at)
    return DeclaredVariable(
        name=reading.name, default=reading.default, schema=reading.schema, file=reading.file, line=reading.line
    )


def _value(node: ast.expr, scope: dict[str, Any]) -> Any:
    if isinstance(node, ast.Name) and node.id in scope:
        return scope[node.id]
    try:
        return ast.literal_eval(node)
    except ValueError:
        raise Unknown from None
