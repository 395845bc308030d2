"""Those who start runs and wait for them, through production's client session, and never forget what they were told."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

import msgspec

from mulligan.app.system import SystemClock
from mulligan.core.records import EVERY_STEP, WorkflowDefinition
from mulligan.errors import Conflict, MulliganError, NotFound, Unavailable
from mulligan.sdk.client.session import ClientSession
from mulligan.testing.clock import SeededChance
from mulligan.testing.simulation.audit import Auditor, Violation
from mulligan.testing.simulation.catalogue import VARIABLE, WORKFLOWS, newer, run_input
from mulligan.testing.simulation.loop import Process, SimulatedLoop
from mulligan.testing.simulation.network import Address, Network, SimulatedLink
from mulligan.testing.simulation.weather import seed_of
from mulligan.wire.messages import Accepted, StartSpec

PINNABLE = ("single", "chain")


@dataclass(slots=True)
class Wishes:
    """What a client wants, so often: weights drawn once per world."""

    every_s: float
    keyed: float
    watched: float
    delayed: float
    pinned: float
    batch: int


@dataclass(slots=True)
class ClientNode:
    """A program that starts runs for ``namespace`` until it is told to stop."""

    name: str
    namespace: str
    loop: SimulatedLoop
    network: Network
    auditor: Auditor
    choose: Callable[[], Address]
    wishes: Wishes
    seed: str
    is_starting: bool = True
    boots: int = 0
    count: int = 0
    unanswered: set[str] = field(default_factory=set)
    _process: Process | None = None
    _session: ClientSession | None = None

    @property
    def process(self) -> Process | None:
        return self._process if self.is_up else None

    @property
    def is_up(self) -> bool:
        return self._process is not None and self._process.alive

    def boot(self) -> Process:
        assert not self.is_up
        self.boots += 1
        self.unanswered.clear()
        process = self._process = Process(self.name, self.loop, self.boots)
        seed = f"{self.seed}/{self.name}/{self.boots}"
        link = SimulatedLink(self.network, process, self.namespace, self.choose)
        clock = SystemClock(self.loop.time, self.loop.time)
        session = self._session = ClientSession(link, clock, lambda _: None)
        process.spawn(self._live(process, session, Random(seed), seed))
        return process

    def start_one_of_each(self) -> None:
        """Ordinary work: one run of every workflow, at once."""
        process, session = self.process, self._session
        assert process is not None
        assert session is not None
        seed = f"{self.seed}/{self.name}/ordinary/{self.count}"
        random, chance = Random(seed), SeededChance(seed_of(seed))
        specs = [self._spec(definition, random, chance) for definition in WORKFLOWS]
        process.spawn(self._start(process, session, specs, random, chance))

    async def _live(self, process: Process, session: ClientSession, random: Random, seed: str) -> None:
        chance = SeededChance(seed_of(seed))
        while self.is_starting:
            await asyncio.sleep(random.expovariate(1 / self.wishes.every_s))
            if self.is_starting:
                drawn = [random.choice(WORKFLOWS) for _ in range(random.randint(1, self.wishes.batch))]
                specs = [self._spec(definition, random, chance) for definition in drawn]
                process.spawn(self._start(process, session, specs, random, chance))

    def _spec(self, definition: WorkflowDefinition, random: Random, chance: SeededChance) -> StartSpec:
        self.count += 1
        mark = f"{self.name}/{self.boots}/{self.count}"
        pinned = random.random() < self.wishes.pinned and definition.name in PINNABLE
        version = random.choice((definition, newer(definition))).digest if pinned else None
        places = (EVERY_STEP, *definition.by_name)
        return StartSpec(
            run_id=chance.new_id(),
            workflow=definition.name,
            input=run_input(self.count, mark),
            version=version,
            priority=random.choice((None, None, 0, 5, -5)),
            delay_ms=random.choice((1_000, 30_000, 300_000)) if random.random() < self.wishes.delayed else 0,
            idempotency_key=mark if random.random() < self.wishes.keyed else None,
            overrides={random.choice(places): {VARIABLE: "0.5"}} if random.random() < 0.1 else {},
        )

    async def _start(
        self, process: Process, session: ClientSession, specs: list[StartSpec], random: Random, chance: SeededChance
    ) -> None:
        """Start, and ask again for what was not answered: with the key if there is one, else as a repeat."""
        for spec in specs:
            self.auditor.ledger.ask(spec.run_id, self.namespace, spec.workflow)
        watched = random.random() < self.wishes.watched
        left = specs
        for _ in range(20):
            again: list[StartSpec] = []
            for spec, answer in zip(left, await session.start(left), strict=True):
                if isinstance(answer, Accepted):
                    self._accepted(process, session, spec, answer, random, watched=watched)
                elif not isinstance(answer, NotFound | Unavailable):
                    self.auditor.tell(self._refused, spec, answer)
                elif spec.idempotency_key is not None and random.random() < 0.5:
                    again.append(msgspec.structs.replace(spec, run_id=chance.new_id()))
                else:
                    again.append(msgspec.structs.replace(spec, repeated=True))
            if not again:
                return
            left = again
            await asyncio.sleep(random.uniform(0.5, 20))

    def _refused(self, spec: StartSpec, answer: MulliganError) -> None:
        raise Violation("S2", f"start of {spec.run_id} (key {spec.idempotency_key}) was refused: {answer!r}")

    def _accepted(
        self,
        process: Process,
        session: ClientSession,
        spec: StartSpec,
        answer: Accepted,
        random: Random,
        *,
        watched: bool,
    ) -> None:
        self.auditor.tell(self.auditor.ledger.acknowledge, answer.run_id, self.namespace, spec.idempotency_key)
        if watched:
            process.spawn(self._watch(session, answer.run_id))
        if spec.idempotency_key is not None and random.random() < 0.2:
            process.spawn(self._start_otherwise(session, spec, random))

    async def _watch(self, session: ClientSession, run_id: str) -> None:
        self.unanswered.add(run_id)
        while True:
            try:
                ended = await session.watch(run_id)
            except NotFound:
                break
            except Unavailable:
                await asyncio.sleep(1)
                continue
            self.auditor.tell(self.auditor.ledger.end, run_id, ended.status, ended.outputs)
            break
        self.unanswered.discard(run_id)

    async def _start_otherwise(self, session: ClientSession, spec: StartSpec, random: Random) -> None:
        """The same key with another input is somebody's mistake, and must be told so."""
        await asyncio.sleep(random.uniform(0, 100))
        other_id = spec.run_id[:-1] + ("1" if spec.run_id.endswith("0") else "0")
        other = msgspec.structs.replace(spec, run_id=other_id, input=run_input(-1, "other"))
        (answer,) = await session.start([other])
        key = (self.namespace, spec.workflow, spec.idempotency_key)
        if not isinstance(answer, Conflict | Unavailable) and key in self.auditor.ledger.answered_keys:
            self.auditor.tell(self._accepted_wrongly, other, answer)

    def _accepted_wrongly(self, spec: StartSpec, answer: object) -> None:
        raise Violation("S2", f"key {spec.idempotency_key!r} came with another input and was answered {answer!r}")
