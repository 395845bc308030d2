"""A worker: production's session and ledger, around step functions that fail, hang and take their time by the seed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta
from random import Random
from typing import Any, cast

from mulligan.app.system import SystemClock
from mulligan.core.records import RecordedError, WorkflowDefinition
from mulligan.errors import Refused
from mulligan.sdk.worker.ledger import Ledger
from mulligan.sdk.worker.session import WorkerSession
from mulligan.sdk.worker.worker import Worker
from mulligan.testing.simulation.audit import Auditor
from mulligan.testing.simulation.catalogue import output, reading
from mulligan.testing.simulation.loop import Process, SimulatedLoop
from mulligan.testing.simulation.network import Address, Network, SimulatedLink
from mulligan.testing.simulation.weather import Weather
from mulligan.wire.messages import PROTOCOL, Assign, Beat, FromSdk, Hello, Lease, Report


class SimulatedAttempt:
    """One call of a function: what the ledger and the session know of production's ``Attempt``."""

    def __init__(self, assign: Assign) -> None:
        self.assign = assign
        self.lease = assign.lease
        self.is_wanted = True
        self.has_begun = False
        self.hangs = False
        self.task: asyncio.Task[None] | None = None


class Functions:
    """Stands where production's ``Worker`` stands: between the session and the code of the steps."""

    def __init__(
        self,
        worker_id: str,
        name: str,
        slots: int,
        definitions: Sequence[WorkflowDefinition],
        weather: Weather,
        auditor: Auditor,
    ) -> None:
        self.id = worker_id
        self.name = name
        self.ledger = Ledger(slots)
        self.told = 0
        self._definitions = list(definitions)
        self._weather = weather
        self._auditor = auditor
        self.busy = 0
        self._hellos = 0

    def hello(self) -> Hello:
        self._hellos += 1
        return Hello(
            protocol=PROTOCOL,
            worker_id=self.id,
            name=self.name,
            host="simulated",
            pid=1,
            sdk="simulated",
            slots=self.ledger.slots,
            labels={},
            definitions=self._definitions,
            running=self.ledger.held(),
            lost=self.ledger.lost(),
            connection=self._hellos,
        )

    def beat(self) -> Beat:
        return Beat(running=self.ledger.running)

    def collect(self) -> list[FromSdk]:
        return self.ledger.collect()

    def assign(self, assigns: Iterable[Assign]) -> list[SimulatedAttempt]:
        taken = []
        for assign in assigns:
            attempt = SimulatedAttempt(assign)
            if self.ledger.hold(cast(Any, attempt)):
                attempt.task = asyncio.get_running_loop().create_task(self._run(attempt))
                taken.append(attempt)
        return taken

    def stop(self, leases: Iterable[Lease], reason: str) -> None:
        leases = list(leases)
        self.ledger.settle(leases)
        for lease in leases:
            attempt = self.ledger.find(lease)
            if attempt is not None:
                self._drop(cast(SimulatedAttempt, attempt))

    def stop_all(self, reason: str) -> None:
        for attempt in self.ledger.attempts:
            if attempt.is_wanted:
                if attempt.has_begun:
                    lease = attempt.lease
                    self._auditor.ledger.given_up.add((lease.run_id, lease.step, lease.token))
                self.ledger.give_up(attempt)
                self._end(cast(SimulatedAttempt, attempt))

    def expire(self, attempt: SimulatedAttempt) -> None:
        """The execution timeout is over: the step's function is ended and told of."""
        error = RecordedError(type="TimedOut", message=f"too long under {attempt.lease.token}")
        self._report(attempt, Report(lease=attempt.lease, outcome="timed_out", error=error))
        self._cancel(attempt)

    def _drop(self, attempt: SimulatedAttempt) -> None:
        self.ledger.drop(cast(Any, attempt))
        self._end(attempt)

    def _end(self, attempt: SimulatedAttempt) -> None:
        # every other function does not listen and goes on to its end, if it has one: its result must be refused
        if self._weather.happens(0.5) and not attempt.hangs:
            return
        self._cancel(attempt)

    def _cancel(self, attempt: SimulatedAttempt) -> None:
        # what has not begun never will: the ledger refuses, and the slot is free again
        if attempt.task is not None and attempt.has_begun:
            attempt.task.cancel()

    # ── The functions ────────────────────────────────────────────────────────────────────────────────────────────────

    async def _run(self, attempt: SimulatedAttempt) -> None:
        if not self.ledger.begin(cast(Any, attempt)):
            self.ledger.free(cast(Any, attempt))
            return
        lease = attempt.lease
        self._auditor.tell(self._auditor.ledger.begin, lease.run_id, lease.step, lease.attempt, lease.token)
        self.busy += 1
        self._auditor.tell(self._auditor.ledger.has_slot, self.name, self.busy, self.ledger.slots)
        try:
            await self.work(attempt)
        finally:
            self.busy -= 1
            self.ledger.free(cast(Any, attempt))

    async def work(self, attempt: SimulatedAttempt) -> None:
        """What the function does: it hangs, takes its time, fails or succeeds, as the weather has it."""
        weather = self._weather
        if attempt.assign.remaining_ms is not None and weather.happens(weather.step_hangs):
            attempt.hangs = True
            await asyncio.sleep(10_000)
        await asyncio.sleep(weather.step_takes_s())
        if weather.happens(weather.step_fails):
            self.fail(attempt, retryable=not weather.happens(weather.step_fails_for_good))
        else:
            self.succeed(attempt)

    def fail(self, attempt: SimulatedAttempt, *, retryable: bool = True) -> None:
        error = RecordedError(type="Broken", message=f"broken under {attempt.lease.token}", retryable=retryable)
        self._report(attempt, Report(lease=attempt.lease, outcome="failed", error=error))

    def succeed(self, attempt: SimulatedAttempt) -> None:
        lease, variables = attempt.lease, attempt.assign.overrides
        made = output(lease.run_id, lease.step, lease.attempt, lease.token, attempt.assign.input, variables)
        self._report(attempt, Report(lease=lease, outcome="succeeded", output=made, readings=[reading(variables)]))

    def _report(self, attempt: SimulatedAttempt, report: Report) -> None:
        self.ledger.report(cast(Any, attempt), report)


class WorkerNode:
    """A machine that runs one worker process after the other, each with an id of its own."""

    def __init__(
        self,
        name: str,
        namespace: str,
        slots: int,
        definitions: Sequence[WorkflowDefinition],
        loop: SimulatedLoop,
        network: Network,
        auditor: Auditor,
        choose: Callable[[], Address],
        seed: str,
        make: type[Functions] = Functions,
    ) -> None:
        self.name = name
        self.namespace = namespace
        self.definitions = definitions
        self.boots = 0
        self.functions: Functions | None = None
        self.session: WorkerSession | None = None
        self._slots = slots
        self._loop = loop
        self._network = network
        self._auditor = auditor
        self._choose = choose
        self._make = make
        self._random = Random(f"{seed}/{name}")
        self._process: Process | None = None

    @property
    def process(self) -> Process | None:
        return self._process if self.is_up else None

    @property
    def is_up(self) -> bool:
        return self._process is not None and self._process.alive

    @property
    def is_busy(self) -> bool:
        """A function is running."""
        return self.is_up and self.functions is not None and self.functions.busy > 0

    def boot(self) -> Process:
        assert not self.is_up
        self.boots += 1
        self.functions = None
        process = self._process = Process(self.name, self._loop, self.boots)
        process.spawn(self._run(process))
        return process

    async def _run(self, process: Process) -> None:
        worker_id = f"{self.name}-{self.boots}-{self._random.randbytes(3).hex()}"
        clock = SystemClock(self._loop.time, self._loop.time)
        link = SimulatedLink(self._network, process, self.namespace, self._choose)
        functions = self._make(
            worker_id, self.name, self._slots, self.definitions, self._network.weather, self._auditor
        )
        self.functions = functions
        self.session = WorkerSession(cast(Worker, functions), link, clock)
        try:
            await self.session.run()
        except Refused as refused:
            self._loop.failures.append(f"worker {worker_id} was refused for ever: {refused}")
        process.kill()

    def drain(self, grace_s: float) -> None:
        """A service manager asks the worker to leave, as by SIGTERM."""
        if self.session is not None and self._process is not None:
            self._process.spawn(self.session.drain(timedelta(seconds=grace_s)))
