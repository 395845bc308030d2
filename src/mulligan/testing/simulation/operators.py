"""People with a dashboard: they cancel and replay at the worst moments. And a liar, who reports what is not his."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from random import Random

from mulligan.core.bulk import Control
from mulligan.core.commands import CancelRun
from mulligan.core.query import RunFilter
from mulligan.core.records import Overrides, PatchOp, StepDefinition, StepKind
from mulligan.core.replay import ReplayRequest
from mulligan.engine.bulks import Brakes
from mulligan.errors import Conflict, InvalidInput, NotFound, Unavailable
from mulligan.sdk.transports.link import LinkClosed
from mulligan.testing.simulation.audit import Auditor, Violation
from mulligan.testing.simulation.audit.shadow import Edits, Intent, Life
from mulligan.testing.simulation.catalogue import VARIABLE
from mulligan.testing.simulation.engines import EngineNode
from mulligan.testing.simulation.loop import Process, SimulatedLoop
from mulligan.testing.simulation.network import Network, SimulatedLink
from mulligan.wire.messages import PROTOCOL, FromSdk, Hello, Lease, Report

TRIES = 6


@dataclass(slots=True)
class OperatorNode:
    """Acts on any run of any namespace it has heard of; in half of the cases as somebody of the wrong namespace."""

    name: str
    namespaces: tuple[str, ...]
    loop: SimulatedLoop
    network: Network
    auditor: Auditor
    choose: Callable[[], EngineNode]
    every_s: float
    replays: float
    bulks: float
    seed: str
    is_acting: bool = True
    count: int = 0
    busy: int = 0

    def boot(self) -> Process:
        process = Process(self.name, self.loop)
        process.spawn(self._live(process, Random(f"{self.seed}/{self.name}")))
        return process

    async def _live(self, process: Process, random: Random) -> None:
        while self.is_acting:
            await asyncio.sleep(random.expovariate(1 / self.every_s))
            life = self._pick(random)
            if life is None or not self.is_acting:
                continue
            act = self._replay if random.random() < self.replays else self._cancel
            if random.random() < self.bulks:
                act = self._replay_many
            process.spawn(self._carefully(act, process, random, life))

    async def _carefully(
        self, act: Callable[[Process, Random, Life], Awaitable[None]], process: Process, random: Random, life: Life
    ) -> None:
        self.busy += 1
        try:
            await act(process, random, life)
        finally:
            self.busy -= 1

    def _pick(self, random: Random) -> Life | None:
        recent = self.auditor.shadow.recent
        return self.auditor.shadow.lives.get(random.choice(recent)) if recent else None

    # ── Cancelling ───────────────────────────────────────────────────────────────────────────────────────────────────

    async def _cancel(self, process: Process, random: Random, life: Life) -> None:
        namespace = random.choice(self.namespaces) if random.random() < 0.2 else life.run.namespace
        command = CancelRun(run_id=life.run.id, namespace=namespace, actor=self.name, reason="simulated")
        for _ in range(TRIES):
            try:
                answer = await self.choose().request(self.network, process, lambda engine: engine.cancel(command))
            except (LinkClosed, Unavailable):
                await asyncio.sleep(random.uniform(0.1, 5))
                continue
            except NotFound:
                return
            self.auditor.tell(self.auditor.ledger.cancelled, answer, namespace)
            return

    # ── Replaying ────────────────────────────────────────────────────────────────────────────────────────────────────

    async def _replay(self, process: Process, random: Random, life: Life) -> None:
        """Plan and replay with one key, again and again until there is an answer: there must be one run."""
        self.count += 1
        key = f"{self.name}/{self.count}"
        namespace = random.choice(self.namespaces) if random.random() < 0.1 else life.run.namespace
        intent, request = self._wish(random, life, namespace)
        self.auditor.shadow.intents[namespace, key] = intent
        source = life.run.id
        token: str | None = None
        answered: set[str] = set()
        for _ in range(TRIES):
            node = self.choose()
            try:
                if token is None and random.random() < 0.5:
                    plan = await node.request(
                        self.network, process, lambda engine: engine.plan_replay(namespace, source, request)
                    )
                    token = plan.token
                used = token
                replayed = await node.request(
                    self.network,
                    process,
                    lambda engine, used=used: engine.replay(  # type: ignore[misc]  # mypy cannot see defaults
                        namespace, source, request, author=self.name, token=used, idempotency_key=key
                    ),
                )
            except (LinkClosed, Unavailable):
                await asyncio.sleep(random.uniform(0.1, 5))
            except (Conflict, InvalidInput, NotFound):
                token = None
                if life.ended and random.random() < 0.7:
                    return
                await asyncio.sleep(random.uniform(1, 30))
            else:
                answered.add(replayed.run_id)
                self.auditor.tell(self._answered, replayed.run_id, namespace, key, answered)
                if random.random() < 0.8:
                    return

    async def _replay_many(self, process: Process, random: Random, life: Life) -> None:
        """One bulk replay of some runs of one workflow, carefully or not; it goes on by itself."""
        shadow, namespace = self.auditor.shadow, life.run.namespace
        alike = [
            run_id for run_id in shadow.recent
            if (other := shadow.lives.get(run_id)) is not None
            and (other.run.namespace, other.run.workflow) == (namespace, life.run.workflow)
        ]  # fmt: skip
        self.count += 1
        bulk_id = f"{self.name}-bulk-{self.count}"
        intent, request = self._wish(random, life, namespace)
        shadow.bulk_intents[bulk_id] = intent
        brakes = Brakes(
            canary=random.choice(((), (1,), (0.5,))),
            rate=random.choice((None, 0.5)),
            stop_after=random.choice((None, 1)),
        )
        wanted = RunFilter(ids=tuple(alike))
        for _ in range(TRIES):
            try:
                await self.choose().request(
                    self.network, process,
                    lambda engine: engine.bulks.create(
                        namespace, wanted, "ids", request, brakes, author=self.name, bulk_id=bulk_id
                    ),
                )  # fmt: skip
            except (LinkClosed, Unavailable):
                await asyncio.sleep(random.uniform(0.1, 5))
            except (Conflict, InvalidInput, NotFound):
                return
            else:
                break
        await self._meddle(process, random, namespace, bulk_id)

    async def _meddle(self, process: Process, random: Random, namespace: str, bulk_id: str) -> None:
        """Pause and resume, or give it up."""
        ways: tuple[tuple[Control, ...], ...] = ((), ("pause", "resume"), ("abort",))
        for control in random.choice(ways):
            await asyncio.sleep(random.uniform(0, 10))
            with suppress(LinkClosed, Unavailable, Conflict, NotFound):
                await self.choose().request(
                    self.network, process,
                    lambda engine, control=control: engine.bulks.control(  # type: ignore[misc]  # mypy, see above
                        namespace, bulk_id, control, actor=self.name
                    ),
                )  # fmt: skip

    def _answered(self, run_id: str, namespace: str, key: str, answered: set[str]) -> None:
        self.auditor.ledger.acknowledge(run_id, namespace, key)
        if len(answered) > 1:
            raise Violation("S17", f"replay key {key!r} was answered with {sorted(answered)}")

    def _wish(self, random: Random, life: Life, namespace: str) -> tuple[Intent, ReplayRequest]:
        steps = [step for step in life.ordinary if step.kind is StepKind.CALL]
        starts: tuple[str, ...] = ()
        from_beginning = random.random() < 0.3
        if not from_beginning and random.random() < 0.6:
            starts = (random.choice(steps).name,)
        input_edits: Edits = [(("n",), random.randrange(1000))] if random.random() < 0.3 else []
        step_edits: dict[str, Edits] = {}
        overrides: Overrides = {}
        runs_afresh = random.choice(steps) if not starts else life.step(starts[0])
        if random.random() < 0.5:
            step_edits = {runs_afresh.name: [(place_in(runs_afresh, random), f"edit {random.randrange(1000)}")]}
        if random.random() < 0.3:
            overrides = {runs_afresh.name: {VARIABLE: str(random.randrange(10))}}
        intent = Intent(
            source_id=life.run.id,
            namespace=namespace,
            starts=starts,
            from_beginning=from_beginning,
            input_edits=input_edits,
            step_edits=step_edits,
            overrides=overrides,
        )
        request = ReplayRequest(
            start_steps=starts,
            from_beginning=from_beginning,
            patches={step: as_patch(edits) for step, edits in step_edits.items()},
            input_patch=as_patch(input_edits),
            overrides=overrides,
            code=random.choice(("latest", "latest", "same")),
            reason="simulated",
        )
        return intent, request


def place_in(step: StepDefinition, random: Random) -> tuple[str, ...]:
    """A value in the step's input document that is always there."""
    argument = random.choice(step.arguments)
    if argument.origin.startswith("input:"):
        return (argument.name,)
    if argument.origin == "input":
        return (argument.name, "mark")
    return (argument.name, "in")


def as_patch(edits: Edits) -> tuple[PatchOp, ...]:
    return tuple(PatchOp(op="replace", path="/" + "/".join(path), value=json.dumps(value)) for path, value in edits)


# ── The liar ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(slots=True)
class LiarNode:
    """A worker that reports attempts which are not its own: of old leases, of other numbers, of nothing at all."""

    name: str
    namespace: str
    loop: SimulatedLoop
    network: Network
    auditor: Auditor
    choose: Callable[[], EngineNode]
    every_s: float
    seed: str

    def boot(self) -> Process:
        process = Process(self.name, self.loop)
        process.spawn(self._live(process, Random(f"{self.seed}/{self.name}")))
        return process

    async def _live(self, process: Process, random: Random) -> None:
        link = SimulatedLink(self.network, process, self.namespace, self.choose)
        hello = Hello(
            protocol=PROTOCOL, worker_id=self.name, name=self.name, host="simulated", pid=1, sdk="lies", slots=1,
            labels={}, definitions=[], running=[],
        )  # fmt: skip
        while True:
            try:
                await link.connect()
                await link.send([hello])
                while True:
                    await asyncio.sleep(random.expovariate(1 / self.every_s))
                    await link.send(self._lie(random))
            except LinkClosed:
                await asyncio.sleep(random.uniform(1, 10))

    def _lie(self, random: Random) -> list[FromSdk]:
        known = self.auditor.ledger.recent
        if not known:
            return []
        live = [each for each in known if self._is_live(*each)]
        run_id, step, attempt, token = random.choice(live if live and random.random() < 0.6 else known)
        wrong = random.choice(("token", "attempt", "run", "step"))
        if self._is_live(run_id, step, attempt, token) or random.random() < 0.3:
            # of a lease that lives (or might come back) something has to be wrong; an old one is a lie by itself
            token = "0" * 16 if wrong == "token" else token
            attempt += 1 if wrong == "attempt" else 0
            run_id = "0" * 26 if wrong == "run" else run_id
            step = "nothing" if wrong == "step" else step
        lease = Lease(run_id, step, attempt, token)
        lie = json.dumps({"run": run_id, "step": step, "attempt": attempt, "by": "a liar", "in": "", "vars": {}})
        return [Report(lease=lease, outcome="succeeded", output=lie.encode())] * random.randint(1, 2)

    def _is_live(self, run_id: str, step: str, attempt: int, token: str) -> bool:
        life = self.auditor.shadow.lives.get(run_id)
        row = None if life is None else life.open.get(step)
        return row is not None and row.token == token
