"""What the auditor remembers: every run as it was last written, and everything that ever happened to it."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import msgspec

from mulligan.core.bulk import Bulk
from mulligan.core.records import (
    Attempt,
    OpenState,
    OpenStep,
    Outcome,
    OutputRef,
    Overrides,
    Replay,
    Run,
    RunStatus,
    StepDefinition,
    StepKind,
    Version,
    Worker,
    WorkflowDefinition,
)

FAILING = frozenset({Outcome.FAILED, Outcome.TIMED_OUT, Outcome.LOST})

Key = tuple[str, str]
"""(run id, step)"""

Place = tuple[int, datetime, str, str]
"""Where a ready step stands in its queue: the smaller the sooner."""

Edits = list[tuple[tuple[str, ...], Any]]
"""Values that were put at places of a document."""


class Violation(AssertionError):
    """A promise was broken. ``rule`` is its number (S5), or ``L1`` … for liveness."""

    def __init__(self, rule: str, message: str) -> None:
        super().__init__(f"{rule}: {message}")
        self.rule = rule


@dataclass(slots=True)
class Intent:
    """What an operator asked of a replay, in the auditor's own words."""

    source_id: str
    namespace: str
    starts: tuple[str, ...] = ()
    from_beginning: bool = False
    input_edits: Edits = field(default_factory=list)
    step_edits: dict[str, Edits] = field(default_factory=dict)
    overrides: Overrides = field(default_factory=dict)


@dataclass(slots=True)
class Life:
    """One run. ``tries`` holds the finished attempts of each step, ``outputs`` what its successful attempt gave.

    ``tokens``: every lease that was ever given, by step and attempt number. ``begun``: steps that were ever open.
    """

    run: Run
    input: bytes
    definition: WorkflowDefinition
    replay: Replay | None
    edits: dict[str, Edits] = field(default_factory=dict)
    overrides: Overrides = field(default_factory=dict)
    open: dict[str, OpenStep] = field(default_factory=dict)
    tries: dict[str, list[Attempt]] = field(default_factory=dict)
    outputs: dict[str, bytes] = field(default_factory=dict)
    tokens: dict[tuple[str, int], list[str]] = field(default_factory=dict)
    begun: set[str] = field(default_factory=set)

    @property
    def ended(self) -> bool:
        return self.run.status is not RunStatus.RUNNING

    @property
    def kept(self) -> dict[str, OutputRef]:
        return {} if self.replay is None else self.replay.kept

    def has(self, step: str) -> bool:
        return step in self.outputs or step in self.kept

    def result_ref(self, step: str) -> OutputRef | None:
        if step in self.outputs:
            return (self.run.id, step, self.tries[step][-1].number)
        return self.kept.get(step)

    def failed_for_good(self, step: str) -> bool:
        tries = self.tries.get(step)
        return bool(tries) and step not in self.open and tries is not None and tries[-1].outcome in FAILING

    @property
    def ordinary(self) -> list[StepDefinition]:
        return [step for step in self.definition.steps if step.kind is not StepKind.ON_FAILURE]

    @property
    def handler(self) -> StepDefinition | None:
        return next((step for step in self.definition.steps if step.kind is StepKind.ON_FAILURE), None)

    def step(self, name: str) -> StepDefinition:
        return next(step for step in self.definition.steps if step.name == name)


@dataclass(slots=True)
class Shadow:
    """Everything that was ever committed, rebuilt from the commits alone."""

    lives: dict[str, Life] = field(default_factory=dict)
    keys: dict[tuple[str, str, str], str] = field(default_factory=dict)
    """(namespace, workflow, idempotency key) -> run id"""
    versions: dict[tuple[str, str], list[Version]] = field(default_factory=dict)
    workers: dict[str, Worker] = field(default_factory=dict)
    leases: dict[str, set[Key]] = field(default_factory=dict)
    ready: dict[tuple[str, str], dict[Key, Place]] = field(default_factory=dict)
    intents: dict[tuple[str, str], Intent] = field(default_factory=dict)
    bulk_intents: dict[str, Intent] = field(default_factory=dict)
    bulks: dict[str, Bulk] = field(default_factory=dict)
    bulk_sources: dict[tuple[str, int], str] = field(default_factory=dict)
    """By bulk replay and position."""
    pruned: set[str] = field(default_factory=set)
    recent: deque[str] = field(default_factory=lambda: deque(maxlen=60))

    def version(self, namespace: str, workflow: str, digest: str) -> Version | None:
        known = self.versions.get((namespace, workflow), ())
        return next((version for version in known if version.digest == digest), None)

    def intent_of(self, run: Run) -> Intent | None:
        """What was asked for when this replay was made. Of a bulk replay each source is its own."""
        key = run.idempotency_key or ""
        if run.bulk_id is not None and key.startswith("bulk:"):
            asked = self.bulk_intents.get(run.bulk_id)
            return None if asked is None else replace(asked, source_id=key.rpartition(":")[2])
        return self.intents.get((run.namespace, key))

    def put_open(self, key: Key, step: OpenStep | None) -> None:
        """What stands in the hot table under ``key`` now."""
        life = self.lives[key[0]]
        old = life.open.pop(key[1], None)
        if old is not None:
            if old.state is OpenState.READY:
                del self.ready[old.namespace, old.route][key]
            elif old.state is OpenState.LEASED:
                self.leases[old.worker_id or ""].discard(key)
        if step is None:
            return
        life.open[key[1]] = step
        life.begun.add(key[1])
        if step.state is OpenState.READY:
            place = (-step.priority, step.queued_at, step.run_id, step.step)
            self.ready.setdefault((step.namespace, step.route), {})[key] = place
        elif step.state is OpenState.LEASED:
            self.leases.setdefault(step.worker_id or "", set()).add(key)

    # ── What a step has to be given ──────────────────────────────────────────────────────────────────────────────────

    def output(self, ref: OutputRef) -> bytes | None:
        life = self.lives.get(ref[0])
        if life is None or ref[1] not in life.outputs or life.tries[ref[1]][-1].number != ref[2]:
            return None
        return life.outputs[ref[1]]

    def expected_input(self, life: Life, step: StepDefinition) -> Any:
        """The JSON value that the step's function must see. Raises KeyError if a parent has no result."""
        run_input = msgspec.json.decode(life.input)
        if all(argument.origin.startswith("input:") for argument in step.arguments) and step.arguments:
            document = run_input
        else:
            document = {}
            for argument in step.arguments:
                kind, _, name = argument.origin.partition(":")
                if kind == "step":
                    payload = self.output(life.result_ref(name) or ("", "", 0))
                    if payload is None:
                        raise KeyError(name)
                    document[argument.name] = msgspec.json.decode(payload)
                else:
                    document[argument.name] = self._failure(life) if kind == "failure" else run_input
        return edited(document, life.edits.get(step.name, []))

    def _failure(self, life: Life) -> Any:
        run = life.run
        tries = life.tries[run.failed_step or ""]
        last = tries[-1].error
        return {
            "run_id": run.id,
            "step": run.failed_step,
            "type": run.error_type,
            "error": last.message if last is not None else run.error_message,
            "attempts": len(tries),
        }

    def expected_variables(self, life: Life, step: str) -> dict[str, str]:
        return {**life.overrides.get("*", {}), **life.overrides.get(step, {})}


def edited(document: Any, edits: Edits) -> Any:
    """``document`` with each value put in its place. The documents of the catalogue are objects all the way."""
    for path, value in edits:
        document = _put(document, path, value)
    return document


def _put(document: Any, path: tuple[str, ...], value: Any) -> Any:
    if not path:
        return value
    return {**document, path[0]: _put(document[path[0]], path[1:], value)}
