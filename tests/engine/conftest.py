"""A desk to watch the engine from: a memory store, a virtual clock, and a worker whose steps are plain functions."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from mulligan.core.commands import (
    AttemptRef,
    BeatWorker,
    ConnectWorker,
    DisconnectWorker,
    FinishAttempt,
    Started,
    StartRun,
    Verdict,
)
from mulligan.core.decide.attempts import ref_of
from mulligan.core.records import OpenStep, Outcome, Reading, RecordedError, WorkflowDefinition
from mulligan.engine.api import Engine
from mulligan.engine.dispatcher import Assignment, Seat
from mulligan.engine.feed import RunEnd
from mulligan.ports.store import RunDocument
from mulligan.stores.memory import MemoryStore
from mulligan.testing.clock import SeededChance, VirtualClock, settle

Function = Callable[[bytes], bytes]


class Crash(Exception):
    """Raised by a step function: the worker dies without a word."""


@dataclass
class FakeWorker:
    """Answers every assignment at once with what its function gives, unless it is told to hold its answers."""

    engine: Engine
    definitions: list[WorkflowDefinition]
    functions: dict[str, Function]
    id: str = "worker-1"
    slots: int = 10
    holding: bool = False
    got: list[Assignment] = field(default_factory=list)
    stopped: list[AttemptRef] = field(default_factory=list)
    readings: dict[str, tuple[Reading, ...]] = field(default_factory=dict)
    seat: Seat | None = None

    async def connect(self) -> None:
        await self.engine.register("default", self.definitions)
        routes = await self.engine.routes_served("default", self.definitions)
        self.seat = Seat(self.id, "default", routes, self.deliver, lambda refs, _: self.stopped.extend(refs))
        hello = ConnectWorker(
            worker_id=self.id,
            namespace="default",
            name=self.id,
            host="here",
            pid=1,
            sdk="test",
            slots=self.slots,
            workflows={definition.name: definition.digest for definition in self.definitions},
        )
        await self.engine.connect_worker(hello, self.seat)
        self.engine.add_credits(self.seat, self.slots)

    async def disconnect(self, *, clean: bool = False) -> None:
        assert self.seat is not None
        self.engine.unseat(self.seat)
        await self.engine.submit_all([DisconnectWorker(worker_id=self.id, clean=clean)])

    async def beat(self) -> None:
        assert await self.engine.submit(BeatWorker(worker_id=self.id))

    def deliver(self, assignments: list[Assignment]) -> None:
        self.got.extend(assignments)
        if not self.holding:
            for assignment in assignments:
                self.answer(assignment)

    def answer(self, assignment: Assignment) -> None:
        outcome, output, error = Outcome.SUCCEEDED, None, None
        try:
            output = self.functions[assignment.step.step](assignment.input)
        except Crash:
            return
        except Exception as raised:  # noqa: BLE001 (whatever a step raises is data)
            outcome = Outcome.FAILED
            error = RecordedError(type=type(raised).__name__, message=str(raised))
        self.report(assignment.step, outcome, output, error)

    def report(
        self,
        step: OpenStep,
        outcome: Outcome,
        output: bytes | None = None,
        error: RecordedError | None = None,
    ) -> object:
        assert self.seat is not None
        self.engine.add_credits(self.seat, 1)
        return self.engine.submit_later((self.finish(step, outcome, output, error),))

    def finish(
        self, step: OpenStep, outcome: Outcome, output: bytes | None = None, error: RecordedError | None = None
    ) -> FinishAttempt:
        return FinishAttempt(
            ref=ref_of(step),
            namespace="default",
            worker_id=self.id,
            outcome=outcome,
            output=output,
            error=error,
            readings=self.readings.get(step.step, ()),
            version="v",
        )

    async def finish_now(self, step: OpenStep, output: bytes = b"1") -> Verdict:
        verdict: Verdict = await self.engine.submit(self.finish(step, Outcome.SUCCEEDED, output))
        return verdict

    @property
    def steps_seen(self) -> list[str]:
        return [assignment.step.step for assignment in self.got]


@dataclass
class Desk:
    engine: Engine
    clock: VirtualClock
    store: MemoryStore
    _count: int = 0

    async def worker(
        self,
        definition: WorkflowDefinition,
        functions: dict[str, Function],
        *,
        name: str = "worker-1",
        holding: bool = False,
        slots: int = 10,
    ) -> FakeWorker:
        worker = FakeWorker(self.engine, [definition], functions, id=name, holding=holding, slots=slots)
        await worker.connect()
        return worker

    async def start(self, workflow: str, run_input: bytes = b"{}", **given: object) -> str:
        command = StartRun(
            run_id=self.engine.chance.new_id(),
            namespace="default",
            workflow=workflow,
            input=run_input,
            **given,  # type: ignore[arg-type]  # the fields of StartRun, as each test needs them
        )
        started: Started = await self.engine.submit(command)
        return started.run_id

    async def end(self, run_id: str) -> RunEnd:
        await settle()
        return await self.engine.wait("default", run_id)

    async def document(self, run_id: str) -> RunDocument:
        await settle()
        document = await self.store.run("default", run_id)
        assert document is not None
        return document

    async def advance(self, seconds: float, *, beating: FakeWorker | None = None) -> None:
        """Move time on; a worker that is not said to be ``beating`` is as silent as a lost one."""
        while beating is not None and seconds > 3:
            await self.clock.advance(timedelta(seconds=3))
            await beating.beat()
            seconds -= 3
        await self.clock.advance(timedelta(seconds=seconds))


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    clock = VirtualClock()
    store = MemoryStore()
    engine = Engine(store, clock, SeededChance())
    await engine.start()
    yield Desk(engine, clock, store)
    await engine.stop()
