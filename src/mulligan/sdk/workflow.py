"""``Workflow`` and ``Step``: declaring a DAG of steps, and starting runs of it."""

from __future__ import annotations

import functools
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from datetime import timedelta
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Generic, ParamSpec, TypedDict, TypeVar, Unpack, cast, overload

from mulligan.core.limits import LONGEST_SPAN
from mulligan.core.records import Effect, StepKind
from mulligan.sdk.declare.declaration import StepDeclaration, StepPolicy, WorkflowDeclaration
from mulligan.sdk.declare.edges import After
from mulligan.sdk.declare.retry import Retry, as_retry
from mulligan.sdk.declare.signature import Signature, read_signature
from mulligan.sdk.declare.source import Where, mistake, names_in_scope, where, where_called
from mulligan.sdk.durations import parse_duration

if TYPE_CHECKING:
    from mulligan.sdk.app import Mulligan
    from mulligan.sdk.client.calls import Call, StartOptions
    from mulligan.sdk.client.runs import Run

P = ParamSpec("P")
C = TypeVar("C")
R = TypeVar("R")
I = TypeVar("I")  # noqa: E741 - the workflow's input


class PolicyOptions(TypedDict, total=False):
    """How a step is run: the keyword arguments that tasks and steps share."""

    retries: int | Retry
    """How often a failed attempt is tried again, or exactly how and when. Default 0."""
    timeout: str | timedelta | None
    """Ends an attempt that runs longer; counts as a failure. Default none."""
    queue_timeout: str | timedelta | None
    """Fails the step if no worker takes it in time. Default none."""
    effect: Effect
    """What running it again does outside: "none", "idempotent" or "irreversible". Shown before a replay."""
    at_most_once: bool
    """A lost worker fails the step instead of repeating it."""


class StepOptions(PolicyOptions, total=False):
    name: str
    """Default: the function's name."""
    after: Sequence[Node]
    """Steps and sleeps that must be over first, for edges that only order."""


class Node:
    """A node of a workflow's graph: what ``after=[…]`` takes."""

    def __init__(self, declaration: StepDeclaration) -> None:
        self.declaration = declaration

    @property
    def name(self) -> str:
        return self.declaration.name

    def __repr__(self) -> str:
        return f"<{self.declaration.kind.value} {self.declaration.workflow.name}/{self.name}>"


class Sleep(Node):
    """A pause in the graph. It holds no worker and survives everything."""


class Step(Node, Generic[P, C, R]):
    """A step of a workflow. Called directly, with all arguments, it is the plain function it was made of."""

    __name__: str

    def __init__(self, declaration: StepDeclaration, fn: Callable[P, C]) -> None:
        super().__init__(declaration)
        self.fn = fn
        functools.update_wrapper(self, fn)

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> C:
        """Call the function, now and here; nothing is recorded. Raises TypeError for arguments left to Mulligan."""
        assert self.declaration.signature is not None
        check_direct_call(self.declaration.signature, self.name, args, kwargs)
        return self.fn(*args, **kwargs)


def check_direct_call(signature: Signature, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """A plain call gives every argument. Raises TypeError naming those that only a run could fill in."""
    fillable = [value.name for value in signature.values.values() if value.parent is not None]
    fillable += signature.dependencies
    if not fillable:
        return
    order = list(signature.fn.__code__.co_varnames[: len(args)])
    missing = [argument for argument in fillable if argument not in kwargs and argument not in order]
    if missing:
        example = ", ".join(f"{argument}=…" for argument in missing)
        raise TypeError(
            f"{name}() was called directly, outside of a run, without {' and '.join(map(repr, missing))}: after() and "
            f"depends() are filled in only when a worker runs the step. Pass {example}, or start the workflow."
        )


class Workflow(Generic[I]):
    """A named DAG of steps with a typed input. Made by ``m.workflow("name", input=Doc)``."""

    def __init__(self, declaration: WorkflowDeclaration) -> None:
        self.declaration = declaration

    @property
    def name(self) -> str:
        return self.declaration.name

    @property
    def app(self) -> Mulligan:
        return self.declaration.app

    def __repr__(self) -> str:
        return f"<workflow {self.name}>"

    # ── Declaring ────────────────────────────────────────────────────────────────────────────────────────────────────

    @overload
    def step(self, fn: Callable[P, Coroutine[Any, Any, R]], /) -> Step[P, Coroutine[Any, Any, R], R]: ...
    @overload
    def step(self, fn: Callable[P, R], /) -> Step[P, R, R]: ...
    @overload
    def step(self, /, **options: Unpack[StepOptions]) -> StepDecorator: ...
    def step(self, fn: Callable[..., Any] | None = None, /, **options: Unpack[StepOptions]) -> Any:
        """Declare a step: ``@wf.step`` or ``@wf.step(retries=3, timeout="30s")``.

        The arguments say what the step needs: one annotated with the workflow's input type is that input,
        ``text: str = after(fetch)`` is another step's output, ``conn: Db = depends(db)`` is made for the step, and a
        first argument annotated with ``Context`` is its context. Raises DeclarationError.
        """
        decorator = StepDecorator(self.declaration, StepKind.CALL, options)
        return decorator if fn is None else decorator(fn)

    @overload
    def on_failure(self, fn: Callable[P, Coroutine[Any, Any, R]], /) -> Step[P, Coroutine[Any, Any, R], R]: ...
    @overload
    def on_failure(self, fn: Callable[P, R], /) -> Step[P, R, R]: ...
    @overload
    def on_failure(self, /, **options: Unpack[PolicyOptions]) -> StepDecorator: ...
    def on_failure(self, fn: Callable[..., Any] | None = None, /, **options: Unpack[PolicyOptions]) -> Any:
        """Declare the step that runs once a run has failed and nothing else of it is left to run.

        It may take the workflow's input and a ``Failure``. Raises DeclarationError.
        """
        if any(step.kind is StepKind.ON_FAILURE for step in self.declaration.steps.values()):
            at = where(fn) if fn is not None else where_called()
            raise mistake(
                at, f"workflow {self.name!r} has two on-failure steps", "Keep one; it can call several functions"
            )
        decorator = StepDecorator(self.declaration, StepKind.ON_FAILURE, cast(StepOptions, options))
        return decorator if fn is None else decorator(fn)

    def sleep(self, span: str | timedelta, *, after: Sequence[Node] = (), name: str | None = None) -> Sleep:
        """A pause of ``span`` once all of ``after`` are over (or from the run's start). Put it into a step's ``after``.

        Raises DeclarationError.
        """
        at = where_called()
        length = duration(span, "the length of a sleep", at)
        assert length is not None
        chosen = name or f"sleep_{str(span).replace(' ', '_')}"
        if name is None and chosen in self.declaration.steps:
            chosen = f"{chosen}_{sum(other.startswith(chosen) for other in self.declaration.steps) + 1}"
        node = StepDeclaration(
            workflow=self.declaration,
            name=chosen,
            at=at,
            kind=StepKind.SLEEP,
            parents=parents_of(self.declaration, None, after, f"sleep {chosen!r}", at),
            sleep=length,
        )
        self.declaration.add(node)
        return Sleep(node)

    # ── Running ──────────────────────────────────────────────────────────────────────────────────────────────────────

    @overload
    async def start(self: Workflow[None], **options: Unpack[StartOptions]) -> Run[Any]: ...
    @overload
    async def start(self, input: I, /, **options: Unpack[StartOptions]) -> Run[Any]: ...
    async def start(self, *inputs: Any, **options: Any) -> Run[Any]:
        """Start a run and return its handle as soon as it is on disk.

        ``metadata``, ``delay``, ``priority``, ``idempotency_key``, ``playground`` and ``version`` as in
        ``StartOptions``. Raises ``InvalidInput``, ``NotFound`` (no worker has registered it), ``Unavailable``, and
        TypeError for options that there are not.
        """
        (run,) = await self.app.client.start_many([self._call(inputs, cast("StartOptions", options))])
        return run

    @overload
    async def run(self: Workflow[None], **options: Unpack[StartOptions]) -> Run[Any]: ...
    @overload
    async def run(self, input: I, /, **options: Unpack[StartOptions]) -> Run[Any]: ...
    async def run(self, *inputs: Any, **options: Any) -> Run[Any]:
        """Start a run, wait for its end and return its handle. Raises ``RunFailed`` too."""
        call = self._call(inputs, cast("StartOptions", options))
        return (await self.app.client.run_to_end(call)).check()

    async def start_many(self, inputs: Iterable[I], **options: Unpack[StartOptions]) -> list[Run[Any]]:
        """Start one run per input, in few messages. Raises what the first refused one was refused with."""
        return await self.app.client.start_many([self._call((item,), options) for item in inputs])

    @overload
    def call(self: Workflow[None], **options: Unpack[StartOptions]) -> Call: ...
    @overload
    def call(self, input: I, /, **options: Unpack[StartOptions]) -> Call: ...
    def call(self, *inputs: Any, **options: Any) -> Call:
        """A start that has not happened yet, for ``m.runs.start_many([wf.call(doc), …])``."""
        return self._call(inputs, cast("StartOptions", options))

    def _call(self, inputs: tuple[Any, ...], options: StartOptions) -> Call:
        if len(inputs) > 1:
            raise TypeError(f"Workflow {self.name!r} takes one input, but {len(inputs)} were given. Put them into one.")
        run_input = inputs[0] if inputs else None
        return self.app.client.call(self.declaration, self.declaration.input.encode(run_input), options)


class StepDecorator:
    """``@wf.step(…)`` with options: makes a step of a function."""

    def __init__(self, workflow: WorkflowDeclaration, kind: StepKind, options: StepOptions) -> None:
        self._workflow = workflow
        self._kind = kind
        self._options = options

    @overload
    def __call__(self, fn: Callable[P, Coroutine[Any, Any, R]], /) -> Step[P, Coroutine[Any, Any, R], R]: ...
    @overload
    def __call__(self, fn: Callable[P, R], /) -> Step[P, R, R]: ...
    def __call__(self, fn: Callable[..., Any], /) -> Any:
        name = self._options.get("name", "") or fn.__name__
        declaration = declare_step(self._workflow, name, fn, self._kind, self._options, self._options.get("after", ()))
        return Step(declaration, fn)


def declare_step(
    workflow: WorkflowDeclaration,
    name: str,
    fn: Callable[..., Any],
    kind: StepKind,
    options: PolicyOptions,
    after: Sequence[Node] = (),
) -> StepDeclaration:
    """Add a function to a workflow. Raises DeclarationError."""
    what = f"{'task' if workflow.is_task else 'step'} {name!r}"
    signature = read_signature(fn, what, names_in_scope())
    check_options(options, what, signature.at)
    step = StepDeclaration(
        workflow=workflow,
        name=name,
        at=signature.at,
        kind=kind,
        parents=parents_of(workflow, signature, after, what, signature.at),
        signature=signature,
        origins=workflow.origins(signature, what, kind),
        policy=policy_of(options, what, signature.at),
    )
    workflow.add(step)
    return step


KNOWN_OPTIONS = (
    "retries", "timeout", "queue_timeout", "effect", "at_most_once", "name", "after", "priority", "version_label",
)  # fmt: skip


def check_options(options: Mapping[str, Any], what: str, at: Where) -> None:
    """A misspelt option that was passed over would be found out only when it is needed. Raises DeclarationError."""
    for option in options:
        if option not in KNOWN_OPTIONS:
            near = get_close_matches(option, KNOWN_OPTIONS, n=1)
            fix = f"Did you mean {near[0]}=?" if near else f"There are: {', '.join(KNOWN_OPTIONS)}"
            raise mistake(at, f"{what} has an unknown option {option!r}", fix)


def policy_of(options: PolicyOptions, what: str, at: Where) -> StepPolicy:
    policy = StepPolicy(
        retry=as_retry(options.get("retries", 0), what, at),
        start_to_close=duration(options.get("timeout"), f"the timeout of {what}", at),
        schedule_to_start=duration(options.get("queue_timeout"), f"the queue_timeout of {what}", at),
        effect=options.get("effect", "none"),
        at_most_once=options.get("at_most_once", False),
    )
    policy.check(what, at)
    return policy


def duration(value: str | timedelta | None, what: str, at: Where) -> timedelta | None:
    if value is None:
        return None
    try:
        span = parse_duration(value)
    except ValueError as error:
        raise mistake(at, f"{what} is wrong", str(error).capitalize()) from None
    if not span:
        raise mistake(at, f"{what} is zero", "Give a longer span, or leave it out")
    if span > LONGEST_SPAN:
        raise mistake(at, f"{what} is longer than 10 years", "Give a shorter span, or leave it out")
    return span


def parents_of(
    workflow: WorkflowDeclaration, signature: Signature | None, after: Sequence[Node], what: str, at: Where
) -> tuple[str, ...]:
    """Names of the nodes that must be over first, data edges before order-only ones, each once."""
    edges = [] if signature is None else [v.parent.parent for v in signature.values.values() if v.parent is not None]
    if isinstance(after, Node | After | str) or not all(isinstance(node, Node) for node in after):
        raise mistake(at, f"after= of {what} takes a list of steps", "Write after=[fetch, chunk]")
    for node in after:
        workflow.check_own(node.declaration, what, at)
        edges.append(node.declaration)
    return tuple(dict.fromkeys(edge.name for edge in edges))
