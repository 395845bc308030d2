"""``Context``: what a step may know about its run and ask of Mulligan while it runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeVar, overload

from mulligan.core.records import Reading
from mulligan.errors import MulliganError

if TYPE_CHECKING:
    import logging

    from mulligan.sdk.playground import Known
    from mulligan.wire.messages import Assign, Lease

    Emit = Callable[[Lease, datetime, int, str, str], None]

T = TypeVar("T")

STEP_LOGGER = "mulligan.step"
PROGRESS_LOGGER = "mulligan.progress"
INFO = 20
"""The stdlib's number."""

running_context: ContextVar[Context | None] = ContextVar("mulligan_context", default=None)


class Cancelled(BaseException):
    """Raised by ``ctx.raise_if_cancelled()``. Like asyncio's, it passes through ``except Exception``."""


class Context:
    """The step run that is being executed. Ask for it as the first argument: ``def summary(ctx: Context, …)``.

    Everything here is in memory: reading a playground variable, logging or reporting progress costs no round trip.
    May be used from the step's own threads and tasks.
    """

    __slots__ = ("_assign", "_calls", "_cancelled", "_emit", "_known", "_now", "_readings", "_waits")

    def __init__(
        self,
        assign: Assign,
        emit: Emit,
        now: Callable[[], datetime],
        waits: Callable[[Lease, bool], None] = lambda _lease, _begins: None,
    ) -> None:
        self._assign = assign
        self._emit = emit
        self._now = now
        self._waits = waits
        self._cancelled = False
        self._known: dict[str, Known] = {}
        self._readings: list[Reading] = []
        self._calls: dict[str, int] = {}

    # ── Who am I ─────────────────────────────────────────────────────────────────────────────────────────────────────

    @property
    def run_id(self) -> str:
        return self._assign.lease.run_id

    @property
    def workflow(self) -> str:
        return self._assign.workflow

    @property
    def step(self) -> str:
        return self._assign.lease.step

    @property
    def attempt(self) -> int:
        """1 for the first try."""
        return self._assign.lease.attempt

    @property
    def retries_left(self) -> int:
        """How many more times the step would be tried if this attempt failed."""
        return max(0, self._assign.retries - self._assign.failures)

    @property
    def metadata(self) -> Mapping[str, str]:
        """What the run was started with, for people and queries."""
        return MappingProxyType(self._assign.metadata)

    @property
    def generation(self) -> int:
        """0 in an original run, 1 in its replay, 2 in a replay of that."""
        return self._assign.generation

    @property
    def source_id(self) -> str | None:
        """The run that this one is a replay of."""
        return self._assign.source_id

    @property
    def idempotency_key(self) -> str:
        """The same in every attempt of this step *and in every replay* of its run: a payment is not made twice.

        Only a replay with ``fresh_key`` has another: it means to make the payment again.
        """
        return f"{self._assign.key}/{self.step}"

    @property
    def attempt_key(self) -> str:
        """Different in every attempt."""
        return f"{self.run_id}/{self.step}/{self.attempt}"

    # ── Playground variables ─────────────────────────────────────────────────────────────────────────────────────────

    @overload
    def playground(
        self,
        name: str,
        default: T,
        *,
        help: str | None = None,
        choices: Sequence[T] | None = None,
        min: float | None = None,
        max: float | None = None,
        multiline: bool = False,
        kind: str | None = None,
    ) -> T: ...
    @overload
    def playground(
        self,
        name: str,
        default: Any,
        *,
        type: type[T],
        help: str | None = None,
        choices: Sequence[T] | None = None,
        min: float | None = None,
        max: float | None = None,
        multiline: bool = False,
        kind: str | None = None,
    ) -> T: ...
    @overload
    def playground(
        self,
        name: str,
        default: Any,
        *,
        type: object,
        help: str | None = None,
        choices: Sequence[Any] | None = None,
        min: float | None = None,
        max: float | None = None,
        multiline: bool = False,
        kind: str | None = None,
    ) -> Any: ...
    def playground(self, name: str, default: Any, *, type: Any = None, **details: Any) -> Any:  # noqa: A002
        """``default``, or the override that was given for this run: ``ctx.playground("temperature", 0.2, max=2)``.

        The default says the type (or ``type=``): an int takes only whole numbers, a float any number, a bool only
        true and false. ``help``, ``choices``, ``min``, ``max``, ``multiline`` and ``kind`` shape the dashboard's form.
        Raises ``InvalidInput`` for an override that does not fit, ``DeclarationError`` for one name of two types,
        ``TooLarge`` beyond a megabyte of variables in one step.
        """
        from mulligan.sdk import playground
        from mulligan.sdk.declare.source import where_called

        at = where_called()
        spec = playground.VariableSpec(name, default, playground.type_of(default, type, name, at), **details)
        known = self._known.get(name)
        if known is not None:
            playground.check_same(spec, at, known)
            return known.value
        known, reading, problem = playground.read(spec, self._assign.overrides.get(name), at)
        self._readings.append(reading)
        playground.check_size(self._readings)
        if problem is not None:
            raise problem
        self._known[name] = known
        return known.value

    # ── Telling ──────────────────────────────────────────────────────────────────────────────────────────────────────

    @property
    def log(self) -> logging.Logger:
        """A standard logger; its lines are shown with the attempt, like those of every other logger of this step."""
        import logging  # not with the package: declaring logs nothing

        return logging.getLogger(f"{STEP_LOGGER}.{self.workflow}.{self.step}")

    def progress(self, done: float, total: float | None = None, message: str = "") -> None:
        """Say how far the step is: ``progress(0.4)``, ``progress(3, 10, "pages")``. Shown with the attempt."""
        share = done if total is None else done / total if total else 1.0
        of = "" if total is None else f" ({done:g} of {total:g})"
        self.write_line(INFO, PROGRESS_LOGGER, f"{share:.0%}{of}{': ' if message else ''}{message}")

    # ── Being told to stop ───────────────────────────────────────────────────────────────────────────────────────────

    @property
    def cancelled(self) -> bool:
        """True once nobody wants the result any more: cancelled, timed out, or the lease was lost.

        An async step is cancelled the asyncio way. A sync one goes on until it looks: see ``raise_if_cancelled``.
        """
        return self._cancelled

    def raise_if_cancelled(self) -> None:
        """Raise ``Cancelled`` if nobody wants the result any more. Call it between the parts of a long sync step."""
        if self._cancelled:
            raise Cancelled(f"step {self.step!r} of run {self.run_id} is no longer wanted")

    # ── Used by the SDK ──────────────────────────────────────────────────────────────────────────────────────────────

    @property
    def readings(self) -> list[Reading]:
        """The playground variables that were read so far, in order."""
        return list(self._readings)

    def write_line(self, level: int, logger: str, message: str) -> None:
        """Add a line to the attempt's log. ``level`` is the stdlib's number."""
        self._emit(self._assign.lease, self._now(), level, logger, message)

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """The step does nothing but wait for other runs meanwhile; its slot is lent to others.

        Else parents would fill all slots of a worker, and wait for children that no slot is left for.
        """
        self._waits(self._assign.lease, True)
        try:
            yield
        finally:
            self._waits(self._assign.lease, False)

    def cancel(self) -> None:
        """Nobody wants the result any more."""
        self._cancelled = True

    def next_call(self, name: str) -> int:
        """0, 1, 2 … for each child that this attempt starts of one workflow."""
        index = self._calls.get(name, 0)
        self._calls[name] = index + 1
        return index


def current_context() -> Context:
    """The Context of the step that is calling, also from helper functions, tasks and threads of the step.

    Raises MulliganError outside of a step that a worker runs.
    """
    context = running_context.get()
    if context is None:
        raise MulliganError(
            "current_context() was called outside of a step. It works in code that a worker runs; in a plain call of a "
            "step's function, pass a Context (mulligan.testing.make_context) instead."
        )
    return context
