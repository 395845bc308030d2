"""``Task``: a workflow of one step that is called like the function it was made of, and runs durably."""

from __future__ import annotations

import copy
import functools
from collections.abc import Callable, Coroutine, Iterable
from typing import TYPE_CHECKING, Any, Concatenate, Generic, ParamSpec, Protocol, TypeVar, Unpack, cast, overload

from mulligan.sdk.context import Context
from mulligan.sdk.declare.declaration import StepDeclaration
from mulligan.sdk.workflow import Node, PolicyOptions

if TYPE_CHECKING:
    from mulligan.sdk.client.calls import Call, StartOptions
    from mulligan.sdk.client.runs import Run

P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T")
T_contra = TypeVar("T_contra", contravariant=True)
C_co = TypeVar("C_co", covariant=True)


class TaskOptions(PolicyOptions, total=False):
    name: str
    """Default: the function's name."""
    priority: int
    """Higher runs first. Default 0."""
    version_label: str
    """A name for this version of the code, for people. Default: the environment's MULLIGAN_CODE_VERSION."""


class OfOne(Protocol[T_contra, C_co]):
    """A callable that needs one argument: how type checkers learn what ``map`` takes."""

    def __call__(self, item: T_contra, /) -> C_co: ...


class Task(Node, Generic[P, R]):
    """A durable function: ``await hello("ada")`` starts a run, waits for its end and returns its result.

    ``hello.fn("ada")`` is the plain call. Inside of a step the run becomes a child of that step: when the step is
    tried again, it finds the children it already has instead of starting them anew.
    """

    __name__: str

    def __init__(self, declaration: StepDeclaration, fn: Callable[..., Any]) -> None:
        super().__init__(declaration)
        self.fn = fn
        self._options: StartOptions = {}
        functools.update_wrapper(self, fn)

    def options(self, **options: Unpack[StartOptions]) -> Task[P, R]:
        """The same task with options for starting: ``await hello.options(delay="10m").start("ada")``."""
        changed = copy.copy(self)
        changed._options = {**self._options, **options}
        return changed

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> Coroutine[Any, Any, R]:
        """Run it durably and return its result.

        Raises ``RunFailed``, ``InvalidInput``, ``NotFound``, ``Unavailable``.
        """
        # made now and not when awaited: a child's place is given by the order of the calls
        call = self._call(args, kwargs)
        return self.declaration.workflow.app.client.run_to_result(call, self.declaration.output)

    async def start(self, *args: P.args, **kwargs: P.kwargs) -> Run[R]:
        """Start a run and return its handle as soon as it is on disk. Raises as a call does, but for ``RunFailed``."""
        (run,) = await self.declaration.workflow.app.client.start_many([self._call(args, kwargs)])
        return run

    async def map(self: OfOne[T, Coroutine[Any, Any, R]], items: Iterable[T], *, limit: int | None = None) -> list[R]:
        """Run it once per item, at most ``limit`` at the same time, and return the results in order.

        Each item is the first argument of a call. Raises ``RunFailed`` for the first failure; runs that have been
        started go on, and no further ones are started.
        """
        task = cast(Task[..., R], self)
        calls = [task._call((item,), {}) for item in items]
        client = task.declaration.workflow.app.client
        results: list[R] = await client.run_many(calls, task.declaration.output, limit)
        return results

    async def start_many(self: OfOne[T, Coroutine[Any, Any, R]], items: Iterable[T]) -> list[Run[R]]:
        """Start one run per item, in few messages. Raises what the first refused one was refused with."""
        task = cast(Task[..., R], self)
        return await task.declaration.workflow.app.client.start_many([task._call((item,), {}) for item in items])

    def call(self, *args: P.args, **kwargs: P.kwargs) -> Call:
        """A start that has not happened yet, for ``m.runs.start_many([hello.call("ada"), …])``."""
        return self._call(args, kwargs)

    def _call(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Call:
        declaration = self.declaration
        arguments = self._arguments(args, kwargs)
        workflow = declaration.workflow
        return workflow.app.client.call(workflow, declaration.document.encode(arguments), self._options)

    def _arguments(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
        """The input document of a call, by the rules of Python calls. Raises TypeError."""
        signature = self.declaration.signature
        assert signature is not None
        values = signature.values
        if not kwargs and len(args) == len(values):
            return dict(zip(values, args, strict=True))
        arguments = dict(zip(values, args, strict=False))
        wrong = [name for name in kwargs if name not in values or name in arguments]
        arguments.update(kwargs)
        missing = [name for name, value in values.items() if value.required and name not in arguments]
        if wrong or missing or len(args) > len(values):
            injected = [name for name in wrong if name in signature.dependencies]
            if injected:
                raise TypeError(f"{self.name}() cannot be given {injected[0]!r}: depends() fills it in on the worker")
            problem = (
                f"unexpected or repeated argument {wrong[0]!r}" if wrong
                else f"missing argument {missing[0]!r}" if missing
                else f"{len(args)} positional arguments given"
            )  # fmt: skip
            raise TypeError(f"{self.name}({', '.join(values)}): {problem}")
        return arguments


class TaskDecorator:
    """``@m.task(…)`` with options: makes a task of a function."""

    def __init__(self, declare: Callable[[Callable[..., Any]], StepDeclaration]) -> None:
        self._declare = declare

    @overload
    def __call__(self, fn: Callable[Concatenate[Context, P], Coroutine[Any, Any, R]], /) -> Task[P, R]: ...
    @overload
    def __call__(self, fn: Callable[P, Coroutine[Any, Any, R]], /) -> Task[P, R]: ...
    @overload
    def __call__(self, fn: Callable[Concatenate[Context, P], R], /) -> Task[P, R]: ...
    @overload
    def __call__(self, fn: Callable[P, R], /) -> Task[P, R]: ...
    def __call__(self, fn: Callable[..., Any], /) -> Any:
        return Task(self._declare(fn), fn)
