"""Reading a function: which arguments are data, which are edges, dependencies, or the context."""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from mulligan.sdk.context import Context
from mulligan.sdk.declare.dependency import Dependency
from mulligan.sdk.declare.edges import After
from mulligan.sdk.declare.source import Where, mistake, where

EMPTY: Any = inspect.Parameter.empty


@dataclass(frozen=True, slots=True)
class Value:
    """An argument that is data, a part of the step's input document. ``parent`` when it is a step's output."""

    name: str
    annotation: Any
    default: Any = EMPTY
    parent: After | None = None

    @property
    def required(self) -> bool:
        return self.default is EMPTY


@dataclass(frozen=True, slots=True)
class Signature:
    """How a step's function is called. ``values`` and ``dependencies`` are in the order of the declaration."""

    fn: Callable[..., Any]
    at: Where
    is_async: bool
    takes_context: bool
    values: dict[str, Value]
    dependencies: dict[str, Dependency]
    returns: Any

    @property
    def needs_loop(self) -> bool:
        """False for a synchronous function all of whose dependencies can be made in its own thread."""
        return self.is_async or any(dependency.needs_loop for dependency in self.dependencies.values())


def read_signature(fn: Callable[..., Any], what: str, scope: Mapping[str, Any]) -> Signature:
    """Read ``fn``; ``what`` names it in errors ("step 'fetch'"), ``scope`` resolves names in its annotations.

    Raises DeclarationError.
    """
    at = where(fn)
    callable_by_name = inspect.isfunction(fn) or inspect.ismethod(fn)
    if not callable_by_name or inspect.isasyncgenfunction(fn) or inspect.isgeneratorfunction(fn):
        raise mistake(
            at, f"{what} is not a function that returns a result", "Decorate a `def` or `async def` without `yield`"
        )
    hints = _hints(fn, what, at, scope)
    takes_context = False
    values: dict[str, Value] = {}
    dependencies: dict[str, Dependency] = {}
    for index, parameter in enumerate(inspect.signature(fn).parameters.values()):
        name, default = parameter.name, parameter.default
        if isinstance(default, Dependency):
            dependencies[name] = default
        elif hints.get(name) is Context:
            _check_first(index, name, what, at)
            takes_context = True
        else:
            _check_data(parameter, hints, what, at)
            _check_default(name, default, what, at)
            is_edge = isinstance(default, After)
            values[name] = Value(name, hints[name], EMPTY if is_edge else default, default if is_edge else None)
    return Signature(
        fn=fn,
        at=at,
        is_async=inspect.iscoroutinefunction(fn),
        takes_context=takes_context,
        values=values,
        dependencies=dependencies,
        returns=hints.get("return", Any),
    )


def _hints(fn: Callable[..., Any], what: str, at: Where, scope: Mapping[str, Any]) -> dict[str, Any]:
    try:
        return typing.get_type_hints(fn, localns=dict(scope), include_extras=True)
    except NameError as error:
        raise mistake(
            at,
            f"{what} has an annotation that names {error.name!r}, which is not known here",
            "Define or import it above the function, and not under `if TYPE_CHECKING`: its type is needed to read and "
            "write JSON",
        ) from error
    except TypeError as error:
        raise mistake(at, f"{what} has an annotation that is not a type: {error}", "Write a type") from error


def _check_default(name: str, default: object, what: str, at: Where) -> None:
    declaration = getattr(default, "declaration", None)  # of a step, a task or a sleep, which are made of signatures
    if getattr(declaration, "signature", None) is not None:
        step = getattr(default, "__name__", name)
        raise mistake(at, f"{what}: {name!r} has the step {step!r} as its default", f"Write after({step})")


def _check_first(index: int, name: str, what: str, at: Where) -> None:
    if index != 0:
        raise mistake(at, f"{what} takes its Context as argument {index + 1}", f"Move `{name}: Context` to the front")


def _check_data(parameter: inspect.Parameter, hints: Mapping[str, Any], what: str, at: Where) -> None:
    name = parameter.name
    if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD, parameter.POSITIONAL_ONLY):
        stars = {parameter.VAR_POSITIONAL: "*", parameter.VAR_KEYWORD: "**", parameter.POSITIONAL_ONLY: ""}[
            parameter.kind
        ]
        raise mistake(
            at,
            f"{what} has the argument {stars}{name}; arguments are called by name, since they are stored as JSON",
            "Write ordinary arguments: no *args, no **kwargs, no `/`",
        )
    if name not in hints:
        hint = "ctx: Context" if name in ("ctx", "context") else f"{name}: str"
        raise mistake(
            at,
            f"{what} has no annotation for its argument {name!r}",
            f"Annotate it, for example `{hint}`: the type says how it is read from JSON and shown in the dashboard",
        )
