"""``depends``: what a step needs beside its input, made for it and cleaned up after it."""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any, Literal, TypeVar, cast, get_args, overload

from mulligan.sdk.declare.source import Where, mistake, where, where_called

T = TypeVar("T")
Scope = Literal["step", "worker"]
Kind = Literal["async generator", "generator", "coroutine", "function"]


class Dependency:
    """The default value that ``depends`` leaves in a signature.

    ``needs`` are the provider's own dependencies by argument name; ``context_argument`` is the argument that wants
    the step's Context, if any.
    """

    __slots__ = ("context_argument", "kind", "needs", "provider", "scope")

    def __init__(self, provider: Callable[..., Any], scope: Scope) -> None:
        self.provider = provider
        self.scope = scope
        self.kind = _kind_of(provider)
        self.needs: dict[str, Dependency] = {}
        self.context_argument: str | None = None
        at = where(provider)
        for parameter in _parameters(provider):
            self._read(parameter, at)
        if scope == "worker":
            self._check_worker_scope(at)

    @property
    def name(self) -> str:
        return getattr(self.provider, "__name__", repr(self.provider))

    @property
    def needs_loop(self) -> bool:
        """True if it can only be made on the event loop: it is async, shared by the worker, or needs one that is."""
        own = self.kind in ("async generator", "coroutine") or self.scope == "worker"
        return own or any(need.needs_loop for need in self.needs.values())

    def _read(self, parameter: inspect.Parameter, at: Where) -> None:
        if isinstance(parameter.default, Dependency):
            self.needs[parameter.name] = parameter.default
        elif is_context(parameter.annotation):
            self.context_argument = parameter.name
        elif parameter.default is parameter.empty and parameter.kind not in (
            parameter.VAR_POSITIONAL,
            parameter.VAR_KEYWORD,
        ):
            raise mistake(
                at,
                f"dependency {self.name!r} has an argument {parameter.name!r} that nobody can give",
                f"Write {parameter.name}=depends(…), give it a default, or annotate it with Context",
            )

    def _check_worker_scope(self, at: Where) -> None:
        narrow = [need.name for need in self.needs.values() if need.scope == "step"]
        if narrow or self.context_argument is not None:
            what = f"depends on {narrow[0]!r}, which lives" if narrow else "asks for a Context, which lives"
            raise mistake(
                at,
                f'dependency {self.name!r} lives as long as the worker (scope="worker") but {what} only for one step',
                'Give both scope="worker", or both scope="step"',
            )


def _parameters(provider: Callable[..., Any]) -> list[inspect.Parameter]:
    try:
        return list(inspect.signature(provider).parameters.values())
    except ValueError:  # a builtin such as dict, which says nothing of its arguments
        return []


def is_context(annotation: object) -> bool:
    """Also where annotations are strings: a provider's other annotations are none of our business."""
    name = annotation if isinstance(annotation, str) else getattr(annotation, "__qualname__", "")
    return name.rpartition(".")[2] == "Context" and (
        isinstance(annotation, str) or getattr(annotation, "__module__", "") == "mulligan.sdk.context"
    )


def _kind_of(provider: Callable[..., Any]) -> Kind:
    if inspect.isasyncgenfunction(provider):
        return "async generator"
    if inspect.isgeneratorfunction(provider):
        return "generator"
    return "coroutine" if inspect.iscoroutinefunction(provider) else "function"


@overload
def depends(provider: Callable[..., AsyncIterator[T]], *, scope: Scope = ...) -> T: ...
@overload
def depends(provider: Callable[..., Iterator[T]], *, scope: Scope = ...) -> T: ...
@overload
def depends(provider: Callable[..., Awaitable[T]], *, scope: Scope = ...) -> T: ...
@overload
def depends(provider: Callable[..., T], *, scope: Scope = ...) -> T: ...
def depends(provider: Callable[..., Any], *, scope: Scope = "step") -> Any:
    """The default of an argument that is not data: ``conn: Db = depends(db)``.

    ``provider`` is a function, a coroutine function, or a (sync or async) generator function that yields once; what
    follows the ``yield`` is the clean-up and sees the step's exception. Providers may depend on others. Within one
    attempt each provider is called once. ``scope="worker"`` keeps the value until the worker stops. Synchronous
    providers of an async step run on the event loop: write them async if they wait.

    Raises DeclarationError.
    """
    if not callable(provider):
        raise mistake(where_called(), f"depends({provider!r}): that is not a function", "Pass the function itself")
    if scope not in get_args(Scope):
        raise mistake(where_called(), f"scope={scope!r} is not a scope", 'Use "step" or "worker"')
    return cast(Any, Dependency(provider, scope))
