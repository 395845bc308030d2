"""One simulated hour: everything that the seed says goes wrong, and then a calm in which everything must come right."""

from __future__ import annotations

import asyncio
import gc
import logging
import random as global_random
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random

from mulligan.core.bulk import BulkState
from mulligan.core.decide.policy import Policy
from mulligan.core.records import OpenState, OpenStep
from mulligan.engine import cycle, memory, payloads
from mulligan.engine.agents import timers
from mulligan.errors import Unavailable
from mulligan.ports.store import Store
from mulligan.testing.simulation.audit import Auditor, Violation
from mulligan.testing.simulation.catalogue import WORKFLOWS, newer
from mulligan.testing.simulation.clients import ClientNode, Wishes
from mulligan.testing.simulation.disk import Disk, memory_disk
from mulligan.testing.simulation.engines import EPOCH, EngineNode, WallClock
from mulligan.testing.simulation.loop import SimulatedLoop
from mulligan.testing.simulation.network import KEEPALIVE_S, Network
from mulligan.testing.simulation.operators import LiarNode, OperatorNode
from mulligan.testing.simulation.storm import Node, Storm
from mulligan.testing.simulation.weather import Weather
from mulligan.testing.simulation.workers import WorkerNode

HOUR_S = 3600.0
WAITERS_S = 3.0
"""L5: so long after the terminal commit every waiter has its answer."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What was broken: the promise by its number, a sentence, and the auditor's lines that say so."""

    rule: str
    message: str
    where: str

    @classmethod
    def of(cls, error: BaseException) -> Finding:
        rule = error.rule if isinstance(error, Violation) else type(error).__name__
        return cls(rule, str(error), "".join(traceback.format_exception(error)))


@dataclass(slots=True)
class Report:
    """What one world saw. ``finding`` is None in a good one; equal ``trace`` means an equal history."""

    seed: int
    finding: Finding | None
    trace: str
    hours: float
    runs: int
    attempts: int
    commits: int
    faults: Counter[str]
    took_s: float
    ended_by: Counter[str] = field(default_factory=Counter)


class World:
    """Built from a seed; ``run`` it once. ``open_store``: on a database that several engines may share."""

    def __init__(
        self,
        seed: int,
        *,
        hours: float = 1.0,
        open_store: Callable[[], Store] | None = None,
        epoch: datetime = EPOCH,
    ) -> None:
        self.seed = seed
        self.hours = hours
        random = Random(f"{seed}/world")
        self.loop = SimulatedLoop(Random(f"{seed}/loop"), shuffle=random.random() < 0.8)
        self.weather = Weather(Random(f"{seed}/weather"))
        self.weather.time = self.loop.time
        self.network = Network(self.loop, self.weather)
        self.wall = WallClock(self.loop, epoch)
        ttl = timedelta(seconds=random.choice((15, 30, 60, 60)))
        self.policy = Policy(worker_ttl=ttl, beat=ttl / 5)
        self.auditor = Auditor(self._broken, epoch, ttl)
        replicas = random.choice((1, 1, 1, 2, 3))
        self.disk = Disk(self.loop, open_store or memory_disk(), self.weather, self.auditor, shared=replicas > 1)
        retention = timedelta(minutes=30) if random.random() < 0.15 else None
        if retention is not None:
            # A start that is repeated after longer than runs are kept makes another run; clients here are not so slow.
            self.wall.most_s = retention.total_seconds() / 6
        self.engines = [
            EngineNode(
                f"engine{n}",
                self.loop,
                self.disk,
                self.wall,
                self.policy,
                str(seed),
                retention,
                self.auditor.engine_started,
            )
            for n in range(replicas)
        ]
        self.namespaces = ("alpha", "beta") if random.random() < 0.3 else ("alpha",)
        self._people_it(random)
        self.storm = Storm(
            self.loop, Random(f"{seed}/storm"), self.weather, self.network, self.wall, self.engines, self.workers,
            self.clients, ttl.total_seconds(),
        )  # fmt: skip
        self._sure_at = 0.0
        """When the last trouble of the storm is over for sure, in seconds of the world."""
        self._tight = {
            (cycle, "LARGEST_TURN"): random.choice((1, 3, cycle.LARGEST_TURN, cycle.LARGEST_TURN)),
            (timers, "MOST_AT_ONCE"): random.choice((1, timers.MOST_AT_ONCE)),
            (memory, "MOST_RUNS"): random.choice((0, 3, memory.MOST_RUNS, memory.MOST_RUNS)),
            (payloads, "MOST_BYTES"): random.choice((0, 2_000, payloads.MOST_BYTES, payloads.MOST_BYTES)),
        }

    def _people_it(self, random: Random) -> None:
        seed = str(self.seed)
        choices = Random(f"{seed}/choices")

        def any_engine() -> EngineNode:
            return choices.choice(self.engines)

        old = WORKFLOWS
        new = tuple(newer(definition) for definition in WORKFLOWS)
        mixed = random.random() < 0.5
        every_s = random.choice((15.0, 40.0, 90.0))
        self.workers = [
            WorkerNode(
                f"worker-{namespace}-{n}", namespace, random.choice((1, 2, 8)), (old, new)[n % 2 if mixed else 0],
                self.loop, self.network, self.auditor, any_engine, seed,
            )
            for namespace in self.namespaces
            for n in range(random.choice((2, 2, 2, 3, 4)))
        ]  # fmt: skip
        self.clients = [
            ClientNode(
                f"client-{namespace}-{n}", namespace, self.loop, self.network, self.auditor, any_engine,
                Wishes(
                    every_s=every_s, keyed=random.random(), watched=random.random(), delayed=random.choice((0, 0.2)),
                    pinned=random.choice((0, 0.2)) if mixed else 0.0, batch=random.choice((1, 1, 3)),
                ),
                seed,
            )
            for namespace in self.namespaces
            for n in range(random.choice((1, 2)))
        ]  # fmt: skip
        self.operator = OperatorNode(
            "operator", self.namespaces, self.loop, self.network, self.auditor, any_engine,
            every_s=random.choice((5.0, 20.0, 100.0)), replays=random.random(),
            bulks=random.choice((0, 0.1)), seed=seed,
        )  # fmt: skip
        self.liar = LiarNode(
            "liar", self.namespaces[0], self.loop, self.network, self.auditor, any_engine,
            every_s=random.choice((5.0, 60.0)), seed=seed,
        )  # fmt: skip

    # ── Running ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def _broken(self, violation: BaseException) -> None:
        if self.loop.verdict is None:
            self.loop.verdict = violation

    def run(self) -> Report:
        began = time.process_time()
        with ExitStack() as stack:
            stack.enter_context(self._tightened())
            stack.enter_context(seeded(self.seed))
            stack.enter_context(no_unexpected_errors(self._broken))
            try:
                self.loop.run_until_complete(self._live())
            except AssertionError as violation:
                self._broken(violation)
            finally:
                self.loop.close()
        return self._report(time.process_time() - began)

    @contextmanager
    def _tightened(self) -> Iterator[None]:
        """Limits that are hardly ever reached are reached all the time."""
        before = {place: getattr(*place) for place in self._tight}
        for place, value in self._tight.items():
            setattr(*place, value)
        try:
            yield
        finally:
            for place, value in before.items():
                setattr(*place, value)

    async def _live(self) -> None:
        loop = asyncio.get_running_loop()
        nodes: list[Node] = [*self.engines, *self.workers, *self.clients]
        for node in nodes:
            node.boot()
        self.operator.boot()
        self.liar.boot()
        watching = loop.create_task(self.storm.watch_over())
        raging = loop.create_task(self.storm.rage())
        await asyncio.sleep(self.hours * HOUR_S)
        raging.cancel()
        await self._come_right()
        await self._be_as_before()
        store = self.disk.open_store()
        self.loop.complete(store.open())
        try:
            await self.auditor.compare(store, self._latest_now())
        finally:
            self.loop.complete(store.close())
        watching.cancel()
        if self.loop.failures:
            raise Violation("E", self.loop.failures[0])

    def _latest_now(self) -> datetime:
        return self.auditor.latest_now

    # ── Calm ─────────────────────────────────────────────────────────────────────────────────────────────────────────

    async def _come_right(self) -> None:
        """Faults off: by the bound every run has ended (L1), and everybody who waits was told (L5)."""
        self.operator.is_acting = False
        for client in self.clients:
            client.is_starting = False
        self.storm.clear()
        self.wall.shift_s = self.wall.furthest_s
        calm_at = self.loop.time()
        self._sure_at = calm_at + 2 * self.policy.worker_ttl.total_seconds() + KEEPALIVE_S
        self.auditor.calm_from(self._sure_at)
        await self._until_all_ended()
        # Whose server died a moment before the calm hears of it by the slowest of messages, or by its keepalive.
        await self._until_all_told(calm_at + max(KEEPALIVE_S, self.weather.slowest_message_s))

    async def _be_as_before(self) -> None:
        """What the storm left behind is in nobody's way: ordinary runs end, and every timer is punctual (L8)."""
        await asyncio.sleep(max(self._sure_at - self.loop.time(), 0))
        for _ in range(2):
            for client in self.clients:
                client.start_one_of_each()
            await asyncio.sleep(self.policy.beat.total_seconds())
        await self._until_all_ended()
        await self._until_all_told(self.loop.time())

    async def _until_all_ended(self) -> None:
        """The bound begins anew with each run that ends: a single slot may have a long queue before it."""
        left, bound_at = self._left(), self.loop.time() + self._bound_s()
        while self.loop.time() < bound_at:
            await asyncio.sleep(5)
            if self.loop.failures:
                raise Violation("E", self.loop.failures[0])
            if self._all_ended() and not self.operator.busy:
                return
            if self._left() != left:
                left, bound_at = self._left(), self.loop.time() + self._bound_s()
        raise Violation("L1", f"nothing has ended for {self._bound_s()} s, though nothing fails: {self._stuck()}")

    def _left(self) -> int:
        return sum(not life.ended for life in self.auditor.shadow.lives.values())

    async def _until_all_told(self, heard_at: float) -> None:
        """``heard_at``: when the last message of the storm has arrived. A start that was on its way may have come since
        the last run ended; who waits for that one waits with good reason."""
        await asyncio.sleep(max(heard_at - self.loop.time(), 0))
        waiting = self._waiting_in_vain()
        await asyncio.sleep(WAITERS_S + 2)
        if waiting := waiting & self._waiting_in_vain():
            raise Violation("L5", f"nobody told the waiters that their runs have ended: {sorted(waiting)}")

    def _waiting_in_vain(self) -> set[tuple[str, str]]:
        """Client and run, of those who wait for what has ended."""
        lives = self.auditor.shadow.lives
        return {
            (client.name, run_id)
            for client in self.clients
            for run_id in client.unanswered
            if run_id not in lives or lives[run_id].ended
        }

    def _bound_s(self) -> float:
        """2 TTL, plus the longest that a run can take by itself: a delay, a nap, all retries of a slow step."""
        return 2 * self.policy.worker_ttl.total_seconds() + 300 + 90 + 5 * (self.weather.longest_step_s + 52) + 120

    def _all_ended(self) -> bool:
        bulks_end = all(bulk.state is not BulkState.RUNNING for bulk in self.auditor.shadow.bulks.values())
        return bulks_end and all(life.ended for life in self.auditor.shadow.lives.values())

    def _stuck(self) -> list[str]:
        running = [bulk for bulk in self.auditor.shadow.bulks.values() if bulk.state is BulkState.RUNNING]
        if running:
            return [f"bulk replay {bulk.id}" for bulk in running]
        return [
            f"{life.run.namespace}/{life.run.workflow}/{life.run.id}: "
            + ", ".join(self._why(step) for step in life.open.values())
            for life in self.auditor.shadow.lives.values()
            if not life.ended
        ][:5]

    def _why(self, step: OpenStep) -> str:
        worker = self.auditor.shadow.workers.get(step.worker_id or "")
        text = f"{step.step} is {step.state} since {step.since_at:%H:%M:%S} due {step.due_at}"
        if step.state is OpenState.LEASED and worker is not None:
            text += f" at {worker.id} ({worker.state}, until {worker.lease_until_at:%H:%M:%S})"
        return text

    def _report(self, took_s: float) -> Report:
        auditor = self.auditor
        return Report(
            seed=self.seed,
            finding=None if self.loop.verdict is None else Finding.of(self.loop.verdict),
            trace=auditor.trace,
            hours=self.loop.time() / HOUR_S,
            runs=len(auditor.shadow.lives) + len(auditor.shadow.pruned),
            attempts=auditor.attempts,
            commits=auditor.commits,
            faults=self.storm.seen,
            took_s=took_s,
            ended_by=Counter(life.run.status.value for life in auditor.shadow.lives.values()),
        )


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """The SDK spreads its reconnects with the global random numbers."""
    state = global_random.getstate()
    global_random.seed(seed)
    try:
        yield
    finally:
        global_random.setstate(state)


class ErrorLog(logging.Handler):
    """Production logs an error when something happened that should not: then the world ends.

    That a store could not be reached is said there, too, and is what this is all about.
    """

    def __init__(self, broken: Callable[[BaseException], None]) -> None:
        super().__init__(logging.ERROR)
        self._broken = broken

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        if not isinstance(error, Unavailable):
            violation = Violation("E", f"{record.getMessage()}: {error!r}")
            violation.__cause__ = error
            self._broken(violation)


@contextmanager
def no_unexpected_errors(broken: Callable[[BaseException], None]) -> Iterator[None]:
    log = logging.getLogger("mulligan")
    handler = ErrorLog(broken)
    level, propagate = log.level, log.propagate
    log.addHandler(handler)
    log.setLevel(logging.ERROR)
    log.propagate = False
    try:
        yield
    finally:
        log.removeHandler(handler)
        log.setLevel(level)
        log.propagate = propagate


def simulate(seed: int, *, hours: float = 1.0, server: str | None = None) -> Report:
    """One world, from its seed: in memory, or on the PostgreSQL server with this URL, in a database of its own."""
    with _swept_afterwards():
        if server is None:
            return World(seed, hours=hours).run()
        # imported here: worlds in memory need no database driver
        from mulligan.testing.simulation.postgres import own_database

        with own_database(server) as disk:
            return World(seed, hours=hours, open_store=disk.open_store).run()


@contextmanager
def _swept_afterwards() -> Iterator[None]:
    """A world is small and short: to look for garbage while it lives is an eighth of what it costs."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
        gc.collect()
