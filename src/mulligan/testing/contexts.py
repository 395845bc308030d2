"""A ``Context`` for calling a step's function directly in a unit test."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from mulligan.sdk.context import Context
from mulligan.sdk.declare.codec import encode_any
from mulligan.wire.messages import Assign, Lease


def _forget(at: datetime, level: int, logger: str, message: str) -> None:
    """Nobody reads the log of a step that is called directly."""


def make_context(
    *,
    playground: Mapping[str, Any] | None = None,
    run_id: str = "run",
    workflow: str = "workflow",
    step: str = "step",
    attempt: int = 1,
    retries: int = 0,
    failures: int = 0,
    metadata: Mapping[str, str] | None = None,
    key: str | None = None,
    generation: int = 0,
    source_id: str | None = None,
    emit: Callable[[datetime, int, str, str], None] = _forget,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Context:
    """A context as a worker would make it: ``summary(make_context(playground={"temperature": 1.0}), doc, pieces)``.

    ``playground`` are overrides by variable name; ``key`` is the base of the idempotency key (default: the run id).
    """
    overrides = {name: encode_any(value, f"override {name!r}").decode() for name, value in (playground or {}).items()}
    assign = Assign(
        lease=Lease(run_id, step, attempt, "token"),
        workflow=workflow,
        version="",
        input=b"{}",
        overrides=overrides,
        key=run_id if key is None else key,
        metadata=dict(metadata or {}),
        failures=failures,
        retries=retries,
        generation=generation,
        source_id=source_id,
    )
    return Context(assign, lambda _, at, level, logger, message: emit(at, level, logger, message), now)
