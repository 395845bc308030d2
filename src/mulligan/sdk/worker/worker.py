"""The worker's core: the server's messages in, calls of step functions, messages to the server out. No transport."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from mulligan.core.records import RecordedError
from mulligan.sdk.client.calls import new_id
from mulligan.sdk.clock import Clock, stopwatch
from mulligan.sdk.context import Context
from mulligan.sdk.declare.declaration import StepDeclaration
from mulligan.sdk.version import sdk_version
from mulligan.sdk.worker.attempt import Attempt
from mulligan.sdk.worker.ledger import Ledger
from mulligan.sdk.worker.pool import Pool
from mulligan.sdk.worker.runner import Runner
from mulligan.wire.messages import PROTOCOL, Assign, Beat, FromSdk, Hello, Lease, LogEntry, Report

if TYPE_CHECKING:
    from mulligan.sdk.app import Mulligan

log = logging.getLogger("mulligan.worker")

Substitute = Callable[[Assign], Callable[..., Any] | None]
"""What to call in place of a step's function, if anything; how a test lab stubs steps."""


class Worker:
    """Runs the steps of one program. Async steps run on ``loop``; the methods may be called from any thread.

    Raises DeclarationError when the program declares something that cannot work.
    """

    def __init__(
        self,
        app: Mulligan,
        loop: asyncio.AbstractEventLoop,
        clock: Clock,
        *,
        slots: int = 32,
        name: str | None = None,
        labels: Mapping[str, str] | None = None,
        substitute: Substitute | None = None,
    ) -> None:
        self.app = app
        self.id = new_id()
        self.host = socket.gethostname()
        self.name = name or f"{self.host}-{os.getpid()}"
        self.labels = dict(labels or {})
        self.ledger = Ledger(slots)
        self.pool = Pool(slots)
        self._loop = loop
        self._clock = clock
        self._runner = Runner(self.ledger, self.pool)
        self._substitute = substitute
        self._steps: dict[tuple[str, str], StepDeclaration] = {}
        self._probe_sent: float | None = None
        self._lag_s = 0.0
        self._hellos = 0
        self.told = -1
        """The revision of the program's declarations that the last hello told the server of."""
        app.definitions()

    def hello(self) -> Hello:
        """The first message on a connection, with everything that the program declares by now."""
        self.told = self.app.revision
        self._hellos += 1
        declarations = list(self.app.declarations.values())
        self._steps = {
            (workflow.name, step.name): step for workflow in declarations for step in workflow.steps.values()
        }
        return Hello(
            protocol=PROTOCOL,
            worker_id=self.id,
            name=self.name,
            host=self.host,
            pid=os.getpid(),
            sdk=sdk_version(),
            slots=self.ledger.slots,
            labels=self.labels,
            definitions=self.app.definitions(),
            running=self.ledger.held(),
            lost=self.ledger.lost(),
            connection=self._hellos,
        )

    def beat(self) -> Beat:
        """A sign of life, with how late the steps' loop is."""
        return Beat(lag_ms=round(self._measure_lag() * 1000), running=self.ledger.busy_slots)

    def collect(self) -> list[FromSdk]:
        return self.ledger.collect()

    # ── Taking messages ──────────────────────────────────────────────────────────────────────────────────────────────

    def assign(self, assigns: Iterable[Assign]) -> list[Attempt]:
        """Begin these attempts. Returns those that were taken, for their timeouts."""
        in_threads: list[Attempt] = []
        on_loop: list[Attempt] = []
        began = stopwatch()
        for assign in assigns:
            step = self._steps.get((assign.workflow, assign.lease.step))
            if step is None or step.signature is None:
                self._refuse(assign)
                continue
            context = Context(assign, self._write_line, self._clock.now, self._note_wait)
            substitute = None if self._substitute is None else self._substitute(assign)
            attempt = Attempt(assign, assign.lease, step, context, substitute, began)
            if self.ledger.hold(attempt):
                (on_loop if self._runner.needs_loop(attempt) else in_threads).append(attempt)
        if in_threads:
            self.pool.submit([partial(self._runner.run_in_thread, attempt) for attempt in in_threads])
        if on_loop:
            # one hop for the whole batch
            self._on_loop(self._begin, on_loop)
        return in_threads + on_loop

    def stop(self, leases: Iterable[Lease], reason: str) -> None:
        """These attempts are no longer wanted. Their results are dropped; what can be cancelled is."""
        leases = list(leases)
        self.ledger.settle(leases)
        for lease in leases:
            attempt = self.ledger.find(lease)
            if attempt is not None and attempt.is_wanted:
                log.info("Stopping %s of run %s: %s", attempt.step.what, lease.run_id, reason)
                self._drop(attempt)

    def stop_all(self, reason: str) -> None:
        """Nothing that still runs is wanted any more; finished work that was not acknowledged is kept."""
        wanted = [attempt for attempt in self.ledger.attempts if attempt.is_wanted]
        if wanted:
            log.warning("Stopping %d running steps: %s", len(wanted), reason)
        for attempt in wanted:
            self.ledger.give_up(attempt)
            self._cancel(attempt)

    def expire(self, attempt: Attempt) -> None:
        """The attempt's execution timeout is over."""
        attempt.has_timed_out = True
        if not self._cancel(attempt):
            # a thread cannot be stopped, and what has not begun need not: in both cases the failure is told now
            self.ledger.report(attempt, attempt.timed_out(None))

    async def close(self) -> None:
        """Clean up what lived as long as the worker. On the steps' loop, once nothing runs."""
        await self._runner.close()
        self.pool.close()

    # ── Inside ───────────────────────────────────────────────────────────────────────────────────────────────────────

    def _begin(self, attempts: list[Attempt]) -> None:
        for attempt in attempts:
            attempt.task = self._loop.create_task(self._runner.run(attempt))

    def _drop(self, attempt: Attempt) -> None:
        self.ledger.drop(attempt)
        self._cancel(attempt)

    def _cancel(self, attempt: Attempt) -> bool:
        """Tell it to stop. False if nothing can end it: a function in a thread, or one that has not been called yet.

        A task that is cancelled before its first step never runs, and so would never give its slot back.
        """
        attempt.context.cancel()
        if attempt.task is None or not attempt.has_begun or attempt.thread_id is not None:
            return False
        self._on_loop(attempt.task.cancel)
        return True

    def _refuse(self, assign: Assign) -> None:
        """The server believes that this worker knows a step which it does not."""
        error = RecordedError(
            type="mulligan.UnknownStep",
            message=f"Worker {self.name} was given step {assign.lease.step!r} of workflow {assign.workflow!r}, which "
            "its code does not declare. Deploy the code that declares it, or stop the worker that has old code.",
        )
        self.ledger.refuse(Report(lease=assign.lease, outcome="failed", error=error))

    def _write_line(self, lease: Lease, at: datetime, level: int, logger: str, message: str) -> None:
        self.ledger.log(lease, LogEntry(at=at, level=level, logger=logger, message=message))

    def _note_wait(self, lease: Lease, begins: bool) -> None:
        """A slot that is lent may be lent to a synchronous step, which needs a thread of its own."""
        if begins and self.ledger.wait_begins(lease):
            self.pool.resize(1)
        elif not begins and self.ledger.wait_ends(lease):
            self.pool.resize(-1)

    def _on_loop(self, call: Callable[..., object], *args: Any) -> None:
        try:
            running = asyncio.get_running_loop()
        except RuntimeError:
            running = None
        if running is self._loop:
            call(*args)
        else:
            self._loop.call_soon_threadsafe(call, *args)

    def _measure_lag(self) -> float:
        """How long the steps' loop takes to get to something new. While it has not answered, at least so long."""
        if self._probe_sent is None:
            self._probe_sent = stopwatch()
            self._loop.call_soon_threadsafe(self._probed)
            return self._lag_s
        return max(self._lag_s, stopwatch() - self._probe_sent)

    def _probed(self) -> None:
        if self._probe_sent is not None:
            self._lag_s = stopwatch() - self._probe_sent
            self._probe_sent = None
