"""A queueing simulation of N replicas on one PostgreSQL: what group commit, cores and the log's disk make of them.

A replica does what `engine/cycle.py` does: it takes all commands that wait (a task is two: its start and its report),
works, sends one transaction, waits until that is on disk, answers, and begins again. The database has cores, each of
which does one transaction at a time, and one log: whoever comes while it is being synced waits for the next sync, which
serves all of them. Workers are never short. Nothing else is in it: no locks, no checkpoints, no vacuum.
"""

from __future__ import annotations

import heapq
import itertools
import random
import statistics
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

LARGEST_TURN = 512
"""Commands, as in `engine/cycle.py`."""

WARM_UP = 0.25
"""The part of the time that is not counted."""


@dataclass(frozen=True, slots=True)
class Cost:
    """In seconds or in bytes: so much for each task, and so much for each transaction, however many share it."""

    task: float
    turn: float

    def of(self, tasks: float) -> float:
        return self.turn + self.task * tasks


@dataclass(frozen=True, slots=True)
class World:
    """``engine``, ``database``: seconds of CPU. ``log``: bytes. ``trip_s``: the network's part of a transaction.
    ``work_s``: from an assignment to its report."""

    engine: Cost
    database: Cost
    log: Cost
    replicas: int
    cores: int
    sync_s: float
    log_bytes_per_s: float
    trip_s: float
    work_s: float


@dataclass(frozen=True, slots=True)
class Outcome:
    """``rate``: tasks per second. ``busy``: the part of the database's cores that worked. ``per_turn``: tasks in a
    transaction. ``per_sync``: transactions that shared a sync."""

    rate: float
    p50_ms: float
    p99_ms: float
    busy: float
    per_turn: float
    per_sync: float
    log_mb_per_s: float


Command = tuple[float, bool]
"""When its task was called, and whether this is its report."""


@dataclass(slots=True, eq=False)
class Replica:
    inbox: deque[Command] = field(default_factory=deque)
    turn: list[Command] = field(default_factory=list)

    @property
    def tasks(self) -> float:
        """In the turn."""
        return len(self.turn) / 2


@dataclass(slots=True, eq=False)
class Totals:
    spans: list[float] = field(default_factory=list)
    turns: int = 0
    commands: int = 0
    busy_s: float = 0.0
    syncs: int = 0
    log_bytes: float = 0.0


class Simulation:
    """``rate``: tasks per second that come by chance; None: each replica always has ``window`` tasks under way."""

    def __init__(self, world: World, rate: float | None, window: int, seed: int) -> None:
        self._world = world
        self._rate = rate
        self._window = window
        self._chance = random.Random(seed)
        self._replicas = [Replica() for _ in range(world.replicas)]
        self._now = 0.0
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._order = itertools.count()
        self._free_cores = world.cores
        self._for_core: deque[Replica] = deque()
        self._for_sync: list[Replica] = []
        self._syncing = False
        self._totals = Totals()

    def run(self, seconds: float) -> Outcome:
        for replica in self._replicas:
            if self._rate is None:
                self._receive(replica, [(0.0, False)] * self._window)
            else:
                self._expect(replica)
        self._until(seconds * WARM_UP)
        self._totals = Totals()
        self._until(seconds)
        return self._outcome(seconds * (1 - WARM_UP))

    def _outcome(self, seconds: float) -> Outcome:
        totals = self._totals
        cuts = statistics.quantiles(totals.spans or [0.0, 0.0], n=100)
        return Outcome(
            rate=len(totals.spans) / seconds,
            p50_ms=cuts[49] * 1000,
            p99_ms=cuts[98] * 1000,
            busy=totals.busy_s / seconds / self._world.cores,
            per_turn=totals.commands / 2 / max(1, totals.turns),
            per_sync=totals.turns / max(1, totals.syncs),
            log_mb_per_s=totals.log_bytes / seconds / 1e6,
        )

    def _until(self, at: float) -> None:
        while self._events and self._events[0][0] <= at:
            self._now, _, happen = heapq.heappop(self._events)
            happen()
        self._now = at

    def _after(self, seconds: float, happen: Callable[[], None]) -> None:
        heapq.heappush(self._events, (self._now + seconds, next(self._order), happen))

    # calls and reports

    def _expect(self, replica: Replica) -> None:
        assert self._rate is not None
        self._after(self._chance.expovariate(self._rate / len(self._replicas)), lambda: self._call(replica))

    def _call(self, replica: Replica) -> None:
        self._receive(replica, [(self._now, False)])
        self._expect(replica)

    def _receive(self, replica: Replica, commands: list[Command]) -> None:
        replica.inbox.extend(commands)
        if not replica.turn:
            self._begin(replica)

    # a turn: work, send, wait for a core, wait for the disk, answer

    def _begin(self, replica: Replica) -> None:
        while replica.inbox and len(replica.turn) < LARGEST_TURN:
            replica.turn.append(replica.inbox.popleft())
        if replica.turn:
            spent = self._world.engine.of(replica.tasks) + self._world.trip_s
            self._after(spent, lambda: self._send(replica))

    def _send(self, replica: Replica) -> None:
        self._for_core.append(replica)
        self._give_cores()

    def _give_cores(self) -> None:
        while self._free_cores and self._for_core:
            replica = self._for_core.popleft()
            self._free_cores -= 1
            spent = self._world.database.of(replica.tasks)
            self._totals.busy_s += spent
            self._after(spent, partial(self._leave_core, replica))

    def _leave_core(self, replica: Replica) -> None:
        self._free_cores += 1
        self._for_sync.append(replica)
        self._sync()
        self._give_cores()

    def _sync(self) -> None:
        if self._syncing or not self._for_sync:
            return
        synced, self._for_sync = self._for_sync, []
        self._syncing = True
        size = sum(self._world.log.of(replica.tasks) for replica in synced)
        self._totals.syncs += 1
        self._totals.log_bytes += size
        self._after(self._world.sync_s + size / self._world.log_bytes_per_s, lambda: self._synced(synced))

    def _synced(self, replicas: list[Replica]) -> None:
        self._syncing = False
        for replica in replicas:
            self._answer(replica)
        self._sync()

    def _answer(self, replica: Replica) -> None:
        turn, replica.turn = replica.turn, []
        self._totals.turns += 1
        self._totals.commands += len(turn)
        reports: list[Command] = [(called_at, True) for called_at, is_report in turn if not is_report]
        if reports:
            self._after(self._world.work_s, lambda: self._receive(replica, reports))
        done = [called_at for called_at, is_report in turn if is_report]
        self._totals.spans += [self._now - called_at for called_at in done]
        if self._rate is None:
            replica.inbox.extend([(self._now, False)] * len(done))
        self._begin(replica)


def simulate(world: World, rate: float | None, seconds: float, window: int = 0, seed: int = 1) -> Outcome:
    return Simulation(world, rate, window, seed).run(seconds)
