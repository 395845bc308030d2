"""One assignment on its way through a worker."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

import msgspec

from mulligan.core.durations import write_duration
from mulligan.core.records import RecordedError
from mulligan.sdk.clock import stopwatch
from mulligan.sdk.context import Context
from mulligan.sdk.declare.declaration import StepDeclaration
from mulligan.sdk.failure import frames, record, stack_frames
from mulligan.wire.messages import Assign, Lease, Report

TIMEOUT_ERROR = "mulligan.StepTimeout"


class Attempt(msgspec.Struct, eq=False):
    """``is_wanted`` and ``has_begun`` change under the ledger's lock. ``substitute`` is called for the function."""

    assign: Assign
    lease: Lease
    step: StepDeclaration
    context: Context
    substitute: Callable[..., Any] | None
    began: float
    """On the stopwatch."""
    is_wanted: bool = True
    waits: int = 0
    """How many waits for other runs it is in; under the ledger's lock as well."""
    has_begun: bool = False
    has_timed_out: bool = False
    task: asyncio.Task[None] | None = None
    thread_id: int | None = None
    """Set while the function itself runs in a thread, where nothing can be cancelled."""

    def succeeded(self, output: bytes) -> Report:
        return self.timed_out(None) if self.has_timed_out else self._report("succeeded", output=output)

    def failed(self, error: BaseException) -> Report | None:
        """None when nobody wants to know."""
        if self.has_timed_out:
            return self.timed_out(error)
        if not self.is_wanted:
            return None
        return self._report("failed", error=record(error, self.step.policy.retry))

    def timed_out(self, error: BaseException | None) -> Report:
        """With where it hung: from the cancellation that ended it, or from the thread that goes on."""
        limit = self.step.policy.start_to_close
        of = f" of {write_duration(limit)}" if limit is not None else ""
        message = f"The step ran longer than its timeout{of}. Give it a longer timeout=, or make it faster."
        found = tuple(frames(error.__traceback__)) if error is not None else tuple(stack_frames(self._thread_frame()))
        return self._report("timed_out", error=RecordedError(type=TIMEOUT_ERROR, message=message, frames=found))

    def _thread_frame(self) -> FrameType | None:
        return None if self.thread_id is None else sys._current_frames().get(self.thread_id)

    def _report(self, outcome: str, *, output: bytes | None = None, error: RecordedError | None = None) -> Report:
        return Report(
            lease=self.lease,
            outcome=outcome,
            output=output,
            error=error,
            readings=self.context.readings,
            ran_ms=(stopwatch() - self.began) * 1000,
        )
