"""Any order of commands: no promise is broken, what is refused changes nothing, and in the end every run ends.

hypothesis draws the commands; the rules decide them on the memory store's facts; the simulation's auditor, which knows
none of the rules, looks at every transaction.
"""

from __future__ import annotations

import json
from collections.abc import Coroutine
from datetime import datetime, timedelta
from typing import Any, TypeVar

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, rule

from mulligan.core.commands import (
    BeatWorker,
    CancelRun,
    Command,
    ConnectWorker,
    DisconnectWorker,
    DrainWorker,
    FinishAttempt,
    FireTimer,
    ForgetWorker,
    LoseAttempt,
    RegisterWorkflows,
    ReleaseAttempt,
    StartRun,
)
from mulligan.core.decide import decide, wanted_by
from mulligan.core.decide.attempts import ref_of
from mulligan.core.decide.policy import Policy
from mulligan.core.facts import Claim, Wanted
from mulligan.core.records import OpenState, OpenStep, Outcome, RecordedError, WorkerState
from mulligan.core.routes import routes_served
from mulligan.errors import MulliganError
from mulligan.stores.memory import MemoryStore
from mulligan.testing.simulation.audit import Auditor, Violation
from mulligan.testing.simulation.catalogue import WORKFLOWS, output, run_input
from mulligan.testing.simulation.disk import Commit

T = TypeVar("T")
EPOCH = datetime.fromisoformat("2026-03-01T00:00:00+00:00")
POLICY = Policy()
DEFINITIONS = list(WORKFLOWS)


def at_once(work: Coroutine[Any, Any, T]) -> T:
    """The memory store never waits."""
    try:
        work.send(None)
    except StopIteration as stop:
        return stop.value
    raise AssertionError("the memory store waited")


class Deciding(RuleBasedStateMachine):
    workers = Bundle("workers")
    runs = Bundle("runs")

    def __init__(self) -> None:
        super().__init__()
        self.store = MemoryStore()
        self.auditor = Auditor(self.broken, EPOCH, POLICY.worker_ttl)
        self.now = EPOCH
        self.count = 0
        self.past: list[OpenStep] = []

    def broken(self, violation: Violation) -> None:
        raise violation

    # ── The cycle, without an engine ─────────────────────────────────────────────────────────────────────────────────

    def carry_out(self, command: Command, *claims: Claim) -> Any:
        wanted = Wanted()
        wanted_by(command, wanted)
        return at_once(self._carry_out(command, wanted, claims))

    async def _carry_out(self, command: Command, wanted: Wanted, claims: tuple[Claim, ...]) -> Any:
        self.count += 1
        token = f"token-{self.count}"
        async with self.store.transaction() as transaction:
            facts = await transaction.load(wanted)
            try:
                answer = decide(command, facts, self.now, POLICY)
            except MulliganError as refusal:
                assert not facts.changes, f"{command!r} was refused, but changed something"
                return refusal
            leased = await transaction.commit(facts.changes, claims, self.now, token)
        self.past.extend(leased)
        self.auditor.committed(Commit(self.count, "rules", 0.0, facts.changes, claims, self.now, token, leased))
        return answer

    @property
    def open_steps(self) -> list[OpenStep]:
        return [step for steps in self.store.tables.open.values() for step in steps.values()]

    @property
    def leased(self) -> list[OpenStep]:
        return [step for step in self.open_steps if step.state is OpenState.LEASED]

    # ── Commands ─────────────────────────────────────────────────────────────────────────────────────────────────────

    @initialize()
    def register(self) -> None:
        self.carry_out(RegisterWorkflows(namespace="alpha", definitions=tuple(DEFINITIONS)))

    @rule(
        target=runs, workflow=st.sampled_from(DEFINITIONS), key=st.sampled_from([None, None, "k"]), delay=st.booleans()
    )
    def start(self, workflow: Any, key: str | None, delay: bool) -> str:
        run_id = f"run-{self.count:06d}"
        command = StartRun(
            run_id=run_id, namespace="alpha", workflow=workflow.name, input=run_input(1, workflow.name),
            idempotency_key=key, delay=timedelta(seconds=40 if delay else 0),
        )  # fmt: skip
        self.auditor.ledger.acknowledge(self.carry_out(command).run_id, "alpha", None)
        return self.carry_out(command).run_id if key else run_id

    @rule(target=workers, name=st.sampled_from(["ada", "bob"]), knows=st.booleans())
    def connect(self, name: str, knows: bool) -> str:
        """A worker says hello (again), and knows of its leases or has lost them all on the way."""
        running = tuple(ref_of(step) for step in self.leased if step.worker_id == name and knows)
        digests = {definition.name: definition.digest for definition in DEFINITIONS}
        self.carry_out(
            ConnectWorker(
                worker_id=name, namespace="alpha", name=name, host="here", pid=1, sdk="test", slots=8, running=running,
                workflows=digests,
            )
        )  # fmt: skip
        return name

    @rule(worker=workers, slots=st.integers(1, 3))
    def claim(self, worker: str, slots: int) -> None:
        known = self.store.tables.workers[worker]
        claims = []
        if known.state is WorkerState.ACTIVE:
            routes = routes_served(DEFINITIONS, at_once(self.store.versions("alpha", None)))
            claims = [Claim(worker, "alpha", routes, slots)]
        self.carry_out(BeatWorker(worker_id=worker), *claims)

    @rule(data=st.data(), good=st.booleans(), retryable=st.booleans())
    def finish(self, data: st.DataObject, good: bool, retryable: bool) -> None:
        """Of a lease that is or that was: only the one that is may change anything."""
        if not self.past:
            return
        step = data.draw(st.sampled_from(self.past[-12:]))
        is_current = self.store.tables.open_step((step.run_id, step.step)) == step
        verdict = self.carry_out(self.report(step, good=good, retryable=retryable))
        assert verdict.applied == is_current

    def report(self, step: OpenStep, *, good: bool, retryable: bool = True) -> FinishAttempt:
        token = step.token or ""
        error = RecordedError(type="Broken", message=f"broken under {token}", retryable=retryable)
        made = None
        life = self.auditor.shadow.lives[step.run_id]
        if good:
            document = json.dumps(self.auditor.shadow.expected_input(life, life.step(step.step))).encode()
            made = output(step.run_id, step.step, step.attempt, token, document, {})
        return FinishAttempt(
            ref=ref_of(step), namespace="alpha", worker_id=step.worker_id or "", output=made,
            outcome=Outcome.SUCCEEDED if good else Outcome.FAILED, error=None if good else error,
        )  # fmt: skip

    @rule(data=st.data())
    def hand_back(self, data: st.DataObject) -> None:
        if self.past:
            step = data.draw(st.sampled_from(self.past[-6:]))
            self.carry_out(ReleaseAttempt(ref=ref_of(step), namespace="alpha"))

    @rule(seconds=st.sampled_from([1, 20, 100]))
    def wait(self, seconds: int) -> None:
        self.now += timedelta(seconds=seconds)

    @rule(data=st.data())
    def fire(self, data: st.DataObject) -> None:
        """A timer of any step, due or not."""
        if self.open_steps:
            step = data.draw(st.sampled_from(self.open_steps))
            self.carry_out(FireTimer(run_id=step.run_id, step=step.step))

    @rule(worker=workers)
    def give_up(self, worker: str) -> None:
        """The rescuer's commands, whether or not the worker's lease has run out."""
        for step in [step for step in self.leased if step.worker_id == worker]:
            self.carry_out(LoseAttempt(run_id=step.run_id, step=step.step, token=step.token or "", worker_id=worker))
        self.carry_out(ForgetWorker(worker_id=worker))

    @rule(worker=workers, clean=st.booleans())
    def disconnect(self, worker: str, clean: bool) -> None:
        self.carry_out(DisconnectWorker(worker_id=worker, clean=clean))

    @rule(worker=workers)
    def drain(self, worker: str) -> None:
        self.carry_out(DrainWorker(worker_id=worker))

    @rule(run=runs, namespace=st.sampled_from(["alpha", "alpha", "beta"]))
    def cancel(self, run: str, namespace: str) -> None:
        answer = self.carry_out(CancelRun(run_id=run, namespace=namespace, actor="test"))
        assert isinstance(answer, MulliganError) == (namespace == "beta")

    @invariant()
    def everything_reads_back(self) -> None:
        at_once(self.auditor.compare(self.store, self.now))

    def teardown(self) -> None:
        """All is well from now on: every run comes to its end."""
        self.connect("eve", knows=False)
        for _ in range(400):
            self.now += timedelta(seconds=100)
            for worker in list(self.store.tables.workers):
                if worker != "eve":
                    self.give_up(worker)
            for step in self.open_steps:
                self.carry_out(FireTimer(run_id=step.run_id, step=step.step))
            self.connect("eve", knows=True)
            self.claim("eve", 50)
            for step in self.leased:
                if step.worker_id == "eve":
                    self.carry_out(self.report(step, good=True))
            if not self.open_steps:
                break
        assert self.open_steps == []
        assert all(life.ended for life in self.auditor.shadow.lives.values())


TestDeciding = Deciding.TestCase
TestDeciding.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestDeciding = pytest.mark.slow(TestDeciding)
