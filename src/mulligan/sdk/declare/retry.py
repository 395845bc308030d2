"""When a failed attempt is tried again, as users declare it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from mulligan.core import records
from mulligan.core.limits import LARGEST_FACTOR, LARGEST_JITTER, LONGEST_SPAN, MOST_RETRIES
from mulligan.errors import DeclarationError
from mulligan.sdk.declare.source import Where
from mulligan.sdk.durations import parse_duration

USUAL_CAP = timedelta(minutes=5)


class NonRetryable(Exception):
    """Raise it in a step (or derive from it) to fail the step at once, whatever its ``retries`` say."""


@dataclass(frozen=True, slots=True)
class Retry:
    """Retry up to ``retries`` times, waiting ``first``, then ``factor`` times longer each time, at most ``cap``.

    ``cap`` is five minutes, or ``first`` where that is longer, unless it is given.
    ``jitter`` adds up to that fraction of the delay. ``on`` are the exception classes worth another try; any other
    fails the step at once. ``Retry(5, first="1s", cap="1m", on=(TimeoutError,))``
    """

    retries: int
    first: str | timedelta = "1s"
    factor: float = 2.0
    cap: str | timedelta | None = None
    jitter: float = 0.1
    on: tuple[type[BaseException], ...] = (Exception,)

    def __post_init__(self) -> None:
        retries: object = self.retries
        if isinstance(retries, bool) or not isinstance(retries, int) or retries < 0:
            raise DeclarationError(f"retries={self.retries!r} must be a whole number of retries, 0 or more.")
        if retries > MOST_RETRIES:
            raise DeclarationError(f"retries={retries:,} is too many: at most {MOST_RETRIES:,}.")
        # said so that NaN, of which nothing is true, is refused as well
        if not (1 <= self.factor <= LARGEST_FACTOR and 0 <= self.jitter <= LARGEST_JITTER):
            raise DeclarationError(
                f"A Retry needs 1 <= factor <= {LARGEST_FACTOR:,} and 0 <= jitter <= {LARGEST_JITTER}; delays must "
                "neither shrink nor grow beyond measure."
            )
        on: tuple[object, ...] = self.on
        wrong = [kind for kind in on if not (isinstance(kind, type) and issubclass(kind, BaseException))]
        if wrong:
            raise DeclarationError(f"Retry(on=…) takes exception classes, not {wrong[0]!r}.")
        try:
            first = parse_duration(self.first)
            cap = None if self.cap is None else parse_duration(self.cap)
        except ValueError as error:
            raise DeclarationError(f"Retry: {error}.") from None
        if max(first, cap or first) > LONGEST_SPAN:
            raise DeclarationError("A Retry waits at most 10 years: give shorter spans for first= and cap=.")
        if cap is not None and cap < first:
            raise DeclarationError(f"A Retry that first waits {self.first} cannot be capped at {self.cap}.")

    @property
    def record(self) -> records.Retry:
        """What the engine needs to know."""
        first = parse_duration(self.first)
        return records.Retry(
            retries=self.retries,
            first=first,
            factor=self.factor,
            cap=max(USUAL_CAP, first) if self.cap is None else parse_duration(self.cap),
            jitter=self.jitter,
        )


def as_retry(retries: int | Retry, what: str, at: Where) -> Retry:
    """``retries=3`` is short for ``retries=Retry(3)``. Raises DeclarationError; ``what`` and ``at`` say whose it is."""
    if isinstance(retries, Retry):
        return retries
    try:
        return Retry(retries)
    except DeclarationError as error:
        raise DeclarationError(f"{at}: {what}: {error}") from None
