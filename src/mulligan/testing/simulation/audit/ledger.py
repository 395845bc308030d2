"""What the world outside was told and did, kept apart from the engine: acknowledged runs, ends, calls of functions."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from mulligan.core.commands import Cancelled
from mulligan.core.records import RunStatus
from mulligan.testing.simulation.audit.shadow import Shadow, Violation

Call = tuple[str, str, str]
"""(run id, step, token): one lease."""


@dataclass(slots=True)
class Ledger:
    """``acked``: run id -> namespace. ``maybe``: ids of runs whose start was never answered. ``begun``: functions
    called, by lease. ``released``: leases that were handed back. ``given_up``: calls that their worker ended because it
    heard nothing from any engine."""

    shadow: Shadow
    acked: dict[str, str] = field(default_factory=dict)
    asked: dict[str, tuple[str, str]] = field(default_factory=dict)
    answered_keys: dict[tuple[str, str, str], str] = field(default_factory=dict)
    begun: set[Call] = field(default_factory=set)
    numbers: dict[tuple[str, str, int], str] = field(default_factory=dict)
    released: set[Call] = field(default_factory=set)
    given_up: set[Call] = field(default_factory=set)
    recent: deque[tuple[str, str, int, str]] = field(default_factory=lambda: deque(maxlen=200))
    ended: int = 0

    def ask(self, run_id: str, namespace: str, workflow: str) -> None:
        """A client is about to send a start."""
        self.asked[run_id] = (namespace, workflow)

    def acknowledge(self, run_id: str, namespace: str, key: str | None) -> None:
        """A client was told that this run is on disk (S1), for its key (S2)."""
        life = self.shadow.lives.get(run_id)
        if life is None:
            if run_id not in self.shadow.pruned:
                raise Violation("S1", f"run {run_id} was acknowledged, but is not on disk")
            return  # the answer took longer than the run was kept
        if life.run.namespace != namespace:
            raise Violation("S18", f"a client of {namespace!r} was told of run {run_id} of {life.run.namespace!r}")
        self.acked[run_id] = namespace
        if key is not None:
            known = self.answered_keys.setdefault((namespace, life.run.workflow, key), run_id)
            if known != run_id:
                raise Violation("S2", f"key {key!r} was answered with run {known}, and then with {run_id}")

    def end(self, run_id: str, status: str, outputs: dict[str, bytes]) -> None:
        """A client was told how its run ended."""
        self.ended += 1
        life = self.shadow.lives.get(run_id)
        if life is None:
            if run_id not in self.shadow.pruned:
                raise Violation("S1", f"the end of run {run_id} was told, but it is not on disk")
            return
        if not life.ended or status != life.run.status.value:
            raise Violation("S20", f"run {run_id} was told to have {status}, but has {life.run.status}")
        expected = {
            step.name: payload
            for step in life.definition.steps
            if (ref := life.result_ref(step.name)) is not None and (payload := self.shadow.output(ref)) is not None
        }
        if outputs != expected:
            raise Violation("S6", f"run {run_id} ended with {sorted(expected)}; told was {outputs}")

    def cancelled(self, answer: Cancelled, namespace: str) -> None:
        """An operator was told what became of a cancel (S16)."""
        life = self.shadow.lives.get(answer.run_id)
        if life is None:
            return
        if life.run.namespace != namespace:
            raise Violation("S18", f"an operator of {namespace!r} cancelled run {answer.run_id}")
        if answer.changed and life.run.status is not RunStatus.CANCELLED:
            raise Violation("S16", f"run {answer.run_id} was cancelled, yet has {life.run.status}")
        if not answer.changed and (not life.ended or life.run.status != answer.was):
            raise Violation(
                "S16", f"cancel was answered with {answer.was}, but run {answer.run_id} has {life.run.status}"
            )

    def begin(self, run_id: str, step: str, attempt: int, token: str) -> None:
        """A worker calls a function. The same attempt is never called twice: its number says so."""
        call = (run_id, step, token)
        if call in self.begun:
            raise Violation("S4", f"{run_id}/{step} attempt {attempt} was called twice under one lease")
        self.begun.add(call)
        self.recent.append((run_id, step, attempt, token))
        if call in self.released:
            raise Violation("S3", f"{run_id}/{step} attempt {attempt} began after its lease was handed back")
        known = self.numbers.setdefault((run_id, step, attempt), token)
        if known != token:
            raise Violation("S3", f"{run_id}/{step} attempt {attempt} was called under the leases {known} and {token}")

    def has_slot(self, worker: str, busy: int, slots: int) -> None:
        """S12, seen from the worker: it never runs more functions than it offered slots."""
        if busy > slots:
            raise Violation("S12", f"worker {worker} runs {busy} functions on {slots} slots")
