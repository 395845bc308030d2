"""A small scene that is played again and again, with one thing going wrong at one exact commit each time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from random import Random
from typing import TypeVar

from mulligan.app.system import SystemClock
from mulligan.core.commands import Cancelled, CancelRun
from mulligan.core.decide.policy import Policy
from mulligan.core.records import RunStatus, WorkflowDefinition
from mulligan.core.replay import ReplayRequest
from mulligan.errors import NotFound, Unavailable
from mulligan.ports.store import Store
from mulligan.sdk.client.session import ClientSession
from mulligan.sdk.transports.link import LinkClosed
from mulligan.testing.clock import SeededChance
from mulligan.testing.simulation.audit import Auditor, Violation
from mulligan.testing.simulation.audit.shadow import Intent, Life
from mulligan.testing.simulation.catalogue import run_input
from mulligan.testing.simulation.disk import Disk, Fate
from mulligan.testing.simulation.engines import EPOCH, EngineNode, WallClock
from mulligan.testing.simulation.loop import Process, SimulatedLoop
from mulligan.testing.simulation.network import Network, SimulatedLink
from mulligan.testing.simulation.storm import Node
from mulligan.testing.simulation.weather import Weather
from mulligan.testing.simulation.workers import Functions, SimulatedAttempt, WorkerNode
from mulligan.testing.simulation.world import no_unexpected_errors, seeded
from mulligan.wire.messages import Accepted, StartSpec

T = TypeVar("T")

NAMESPACE = "alpha"
LONGEST_S = 600.0
STEP_S = 0.2
LOOK_S = 0.01
NOTHING: Mapping[int, Fate] = {}


@dataclass(frozen=True, slots=True)
class Scenario:
    """``play`` acts and states what must have come of it; ``fails``: step -> how many of its attempts fail."""

    name: str
    definitions: tuple[WorkflowDefinition, ...]
    play: Callable[[Scene], Awaitable[None]]
    fails: Mapping[str, int] = field(default_factory=dict)
    hangs: frozenset[str] = frozenset()
    slots: int = 4


class Trouble:
    """``disk.Faults`` in which chosen commits, by their numbers, meet their fate."""

    def __init__(self, fates: Mapping[int, Fate]) -> None:
        self._fates = fates

    def fate_of_commit(self, number: int) -> Fate:
        return self._fates.get(number, Fate.FINE)

    def commit_takes_s(self) -> float:
        return 0.001

    def read_takes_s(self, question: str) -> float:
        return 0.0

    def read_fails(self) -> bool:
        return False

    def store_is_down(self) -> bool:
        return False


class Scene:
    """A database, an engine that is started again when it dies, workers, and one who acts."""

    def __init__(
        self, scenario: Scenario, open_store: Callable[[], Store], fates: Mapping[int, Fate] = NOTHING
    ) -> None:
        self.scenario = scenario
        self.loop = SimulatedLoop(Random(scenario.name))
        self.auditor = Auditor(self._broken, EPOCH, Policy().worker_ttl)
        self.weather = Weather(Random(scenario.name), wild=False)
        self.network = Network(self.loop, self.weather)
        self.disk = Disk(self.loop, open_store, Trouble(fates), self.auditor)
        self.engine = EngineNode("engine", self.loop, self.disk, WallClock(self.loop), Policy(), scenario.name)
        self.workers: list[WorkerNode] = []
        self.chance = SeededChance(1)
        self._resting: set[str] = set()

    # ── Playing ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def play(self) -> int:
        """Play it to its end; returns how many commits it took. Raises ``Violation`` (or ``Stalled``)."""
        with ExitStack() as stack:
            stack.enter_context(no_unexpected_errors(self._broken))
            stack.enter_context(seeded(len(self.scenario.name)))
            stack.callback(self.loop.close)
            self.loop.run_until_complete(self._play())
        return self.disk.commits

    async def _play(self) -> None:
        me = Process("me", self.loop)
        self.me = me
        self.engine.boot()
        watching = self.loop.create_task(self._watch_over())
        finished: asyncio.Future[None] = self.loop.create_future()
        me.spawn(self._act(finished))
        try:
            async with asyncio.timeout(LONGEST_S):
                await finished
        except TimeoutError:
            open_runs = [life.run for life in self.auditor.shadow.lives.values() if not life.ended]
            raise Violation("L1", f"{self.scenario.name} is not over after {LONGEST_S} s: {open_runs}") from None
        watching.cancel()
        if self.loop.failures:
            raise Violation("E", self.loop.failures[0])
        # played to its end, nothing may be left behind: the process ends, and another one reads everything
        process = self.engine.process
        if process is not None:
            process.kill()
        store = self.disk.open_store()
        self.loop.complete(store.open())
        try:
            await self.auditor.compare(store, self.auditor.latest_now)
        finally:
            self.loop.complete(store.close())

    async def _act(self, finished: asyncio.Future[None]) -> None:
        link = SimulatedLink(self.network, self.me, NAMESPACE, lambda: self.engine)
        self.session = ClientSession(link, SystemClock(self.loop.time, self.loop.time), lambda _: None)
        try:
            await self.scenario.play(self)
        except Violation as violation:
            self._broken(violation)
        else:
            finished.set_result(None)

    async def _watch_over(self) -> None:
        while True:
            await asyncio.sleep(0.1)
            nodes: list[Node] = [self.engine, *self.workers]
            for node in nodes:
                if not node.is_up and node.name not in self._resting:
                    node.boot()

    def _broken(self, violation: BaseException) -> None:
        if self.loop.verdict is None:
            self.loop.verdict = violation

    # ── What one can do ──────────────────────────────────────────────────────────────────────────────────────────────

    def worker(self, name: str = "worker", *, definitions: Sequence[WorkflowDefinition] | None = None) -> WorkerNode:
        """Start a worker; the service manager keeps it running."""
        scene = self

        class Scripted(Functions):
            async def work(self, attempt: SimulatedAttempt) -> None:
                await scene.work(self, attempt)

        node = WorkerNode(
            name, NAMESPACE, self.scenario.slots, definitions or self.scenario.definitions, self.loop, self.network,
            self.auditor, lambda: self.engine, self.scenario.name, Scripted,
        )  # fmt: skip
        self.workers.append(node)
        self._resting.discard(name)
        node.boot()
        return node

    async def work(self, functions: Functions, attempt: SimulatedAttempt) -> None:
        lease = attempt.lease
        if lease.step in self.scenario.hangs:
            await asyncio.sleep(10 * LONGEST_S)
        await asyncio.sleep(STEP_S)
        if attempt.assign.failures < self.scenario.fails.get(lease.step, 0):
            functions.fail(attempt)
        else:
            functions.succeed(attempt)

    def rest(self, node: WorkerNode) -> None:
        """It is not started again when it is gone."""
        self._resting.add(node.name)

    async def start(self, workflow: str, *, key: str | None = None, number: int = 1, delay_s: float = 0) -> str:
        """Start a run, asking again until there is an answer. Returns its id."""
        spec = StartSpec(
            run_id=self.chance.new_id(), workflow=workflow, input=run_input(number, workflow), idempotency_key=key,
            delay_ms=round(delay_s * 1000),
        )  # fmt: skip
        while True:
            (answer,) = await self.session.start([spec])
            if isinstance(answer, Accepted):
                self.auditor.tell(self.auditor.ledger.acknowledge, answer.run_id, NAMESPACE, key)
                return answer.run_id
            if not isinstance(answer, Unavailable | NotFound):
                raise Violation("S2", f"{self.scenario.name}: a start was refused: {answer!r}")
            spec = StartSpec(**{name: getattr(spec, name) for name in spec.__struct_fields__} | {"repeated": True})
            await asyncio.sleep(0.1)

    async def end(self, run_id: str) -> Life:
        """Wait for the run's end, and for the news of it."""
        ended = await self.insist(lambda: self.session.watch(run_id))
        self.auditor.tell(self.auditor.ledger.end, run_id, ended.status, ended.outputs)
        return self.life(run_id)

    def life(self, run_id: str) -> Life:
        return self.auditor.shadow.lives[run_id]

    async def until(self, is_so: Callable[[], bool]) -> None:
        """Look again and again: whoever acts here must not be part of what is looked at."""
        for _ in range(round(LONGEST_S / LOOK_S)):
            if is_so():
                return
            await asyncio.sleep(LOOK_S)

    async def until_leased(self, run_id: str, step: str) -> None:
        """Or until it is over: whoever waits for the answer to a start may come too late."""

        def is_leased() -> bool:
            life = self.auditor.shadow.lives.get(run_id)
            row = None if life is None else life.open.get(step)
            return (row is not None and row.worker_id is not None) or (life is not None and life.ended)

        await self.until(is_leased)

    async def cancel(self, run_id: str) -> Cancelled:
        command = CancelRun(run_id=run_id, namespace=NAMESPACE, actor="me")
        answer = await self.insist(lambda: self.engine.request(self.network, self.me, lambda e: e.cancel(command)))
        self.auditor.tell(self.auditor.ledger.cancelled, answer, NAMESPACE)
        return answer

    async def replay(self, run_id: str, request: ReplayRequest, intent: Intent, key: str = "again") -> str:
        self.auditor.shadow.intents[NAMESPACE, key] = intent
        replayed = await self.insist(
            lambda: self.engine.request(
                self.network,
                self.me,
                lambda e: e.replay(NAMESPACE, run_id, request, author="me", idempotency_key=key),
            )
        )
        self.auditor.tell(self.auditor.ledger.acknowledge, replayed.run_id, NAMESPACE, key)
        return replayed.run_id

    async def insist(self, ask: Callable[[], Awaitable[T]]) -> T:
        """Ask until there is an answer: the outcome of what was not answered is unknown."""
        while True:
            try:
                return await ask()
            except (LinkClosed, Unavailable):
                await asyncio.sleep(0.1)

    def check(self, life: Life, status: RunStatus, **attempts: int) -> None:
        """The run has this status, and its steps so many finished attempts, none of them lost."""
        tries = {step: len(made) for step, made in life.tries.items()}
        if life.run.status is not status or {**tries, **attempts} != tries:
            raise Violation(
                "L1", f"{self.scenario.name} came to {life.run.status} with {tries}, not {status} {attempts}"
            )
