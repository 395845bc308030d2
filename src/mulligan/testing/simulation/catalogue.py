"""The workflows that simulated clients start, and what a simulated worker answers: every shape that the engine has.

A step's output tells who made it, under which lease, from which input and with which variables, so that a result that
ended up in the wrong place can be told from the right one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import msgspec

from mulligan.core.records import Argument, Reading, Retry, StepDefinition, StepKind, WorkflowDefinition

VARIABLE = "heat"
VARIABLE_DEFAULT = "0.2"

TWICE = Retry(retries=2, first=timedelta(seconds=2))
STUBBORN = Retry(retries=4, first=timedelta(seconds=1), factor=3, cap=timedelta(seconds=40), jitter=0.3)


def step(name: str, *parents: str, doc: bool = False, **given: Any) -> StepDefinition:
    """A step that reads the outputs of ``parents``, and the run input with ``doc``."""
    arguments = [Argument(f"from_{parent}", f"step:{parent}") for parent in parents]
    if doc:
        arguments.insert(0, Argument("doc", "input"))
    return StepDefinition(name=name, arguments=tuple(arguments), parents=parents, **given)


def sleep(name: str, parent: str, seconds: float) -> StepDefinition:
    return StepDefinition(name=name, kind=StepKind.SLEEP, parents=(parent,), sleep=timedelta(seconds=seconds))


def handler(name: str = "alert") -> StepDefinition:
    return StepDefinition(name=name, kind=StepKind.ON_FAILURE, arguments=(Argument("failure", "failure"),), retry=TWICE)


def workflow(name: str, *steps: StepDefinition, **given: Any) -> WorkflowDefinition:
    return WorkflowDefinition(name=name, steps=steps, **given)


SINGLE = workflow(
    "single",
    StepDefinition(name="single", arguments=(Argument("n", "input:n"), Argument("mark", "input:mark")), retry=TWICE),
    is_task=True,
)
CHAIN = workflow("chain", step("a", doc=True), step("b", "a", retry=TWICE), step("c", "b", doc=True))
DIAMOND = workflow(
    "diamond",
    step("split", doc=True),
    step("left", "split", retry=TWICE),
    step("middle", "split", doc=True, retry=TWICE),
    step("right", "split", retry=TWICE),
    step("join", "left", "middle", "right", effect="idempotent"),
)
NAP = workflow(
    "nap",
    step("before", doc=True, retry=TWICE),
    sleep("rest", "before", 90),
    StepDefinition(name="after", arguments=(Argument("from_before", "step:before"),), parents=("before", "rest")),
)
FLAKY = workflow("flaky", step("try", doc=True, retry=STUBBORN), step("done", "try"))
TIMED = workflow(
    "timed",
    step("short", doc=True, retry=TWICE, start_to_close=timedelta(seconds=20)),
    step("soon", "short", schedule_to_start=timedelta(seconds=60), retry=TWICE),
)
ONCE = workflow("once", step("pay", doc=True, at_most_once=True, effect="irreversible"), step("mail", "pay"), handler())
GUARDED = workflow("guarded", step("risk", doc=True), step("use", "risk", retry=TWICE), handler())
WIDE = workflow(
    "wide",
    *(step(f"part{n}", doc=True, retry=TWICE) for n in range(8)),
    step("sum", *(f"part{n}" for n in range(8))),
    priority=-1,
)

WORKFLOWS = (SINGLE, CHAIN, DIAMOND, NAP, FLAKY, TIMED, ONCE, GUARDED, WIDE)


def newer(definition: WorkflowDefinition) -> WorkflowDefinition:
    """The same workflow from changed code: another version that can take the queued work of the first."""
    return msgspec.structs.replace(definition, code="fixed")


# ── What steps give ──────────────────────────────────────────────────────────────────────────────────────────────────


_write = msgspec.json.Encoder(order="deterministic").encode


def digest(value: Any) -> str:
    """A short name for a JSON value; equal for equal values, whatever the text looked like."""
    return hashlib.blake2b(_write(value), digest_size=8).hexdigest()


def run_input(number: int, mark: str) -> bytes:
    return _write({"n": number, "mark": mark})


def output(run_id: str, name: str, attempt: int, token: str, document: bytes, variables: Mapping[str, str]) -> bytes:
    """What the simulated function returns."""
    told = {
        "run": run_id,
        "step": name,
        "attempt": attempt,
        "by": token,
        "in": digest(msgspec.json.decode(document)),
        "vars": dict(variables),
    }
    return _write(told)


def reading(variables: Mapping[str, str]) -> Reading:
    """The playground variable that every simulated function reads."""
    override = variables.get(VARIABLE)
    return Reading(
        name=VARIABLE,
        default=VARIABLE_DEFAULT,
        value=VARIABLE_DEFAULT if override is None else override,
        schema='{"type":"number"}',
        override=override,
        file="flow.py",
        line=7,
    )
