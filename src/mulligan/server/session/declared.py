"""Is what a worker speaks of sound: workflows, leases? What is registered is trusted by everybody afterwards."""

from __future__ import annotations

import graphlib
from collections.abc import Iterable
from datetime import timedelta

from mulligan.core.inputs import parent_of
from mulligan.core.limits import LARGEST_FACTOR, LARGEST_JITTER, LARGEST_PRIORITY, LONGEST_SPAN, MOST_RETRIES
from mulligan.core.records import StepDefinition, WorkflowDefinition
from mulligan.engine.api import problems_in
from mulligan.errors import InvalidInput, TooLarge
from mulligan.server.reading.scene import RUN_ID
from mulligan.wire.json_text import check
from mulligan.wire.messages import Lease

MOST_WORKFLOWS = 1_000
MOST_STEPS = 1_000
LONGEST_NAME = 200


def check_definitions(definitions: list[WorkflowDefinition]) -> None:
    """Raises InvalidInput naming the workflow, the step and what is wrong."""
    if len(definitions) > MOST_WORKFLOWS:
        raise InvalidInput(f"A worker declares at most {MOST_WORKFLOWS:,} workflows, not {len(definitions):,}.")
    for definition in definitions:
        _check_definition(definition)


def is_name(text: str) -> bool:
    return 0 < len(text) <= LONGEST_NAME and text.isprintable()


def check_leases(leases: Iterable[Lease]) -> None:
    """They have the form of leases: what does not may be nothing that a database can even look for.

    Raises InvalidInput, which ends the session: no worker of ours says such a thing.
    """
    for lease in leases:
        if RUN_ID.fullmatch(lease.run_id) is None or not is_name(lease.step) or not is_name(lease.token):
            raise InvalidInput(f"The worker speaks of {lease!r}, which is no lease.", code="protocol")


def _check_definition(definition: WorkflowDefinition) -> None:
    where = f"workflow {definition.name!r}"
    # idempotency keys are kept as workflow/key: of workflows a and a/b one could be taken for the other's
    if not is_name(definition.name) or "/" in definition.name:
        raise _unsound(where, f"a name has 1 to {LONGEST_NAME} printable characters without '/'")
    if abs(definition.priority) > LARGEST_PRIORITY:
        raise _unsound(where, f"its priority is -{LARGEST_PRIORITY:,} to {LARGEST_PRIORITY:,}")
    names = {step.name for step in definition.steps}
    if not 0 < len(definition.steps) <= MOST_STEPS or len(names) != len(definition.steps):
        raise _unsound(where, f"it needs 1 to {MOST_STEPS:,} steps with names of their own")
    _check_schema(definition.input_schema, f"input schema of {where}")
    for step in definition.steps:
        _check_step(step, names, f"step {step.name!r} of {where}")
    try:
        graphlib.TopologicalSorter({step.name: step.parents for step in definition.steps}).prepare()
    except graphlib.CycleError as error:
        raise _unsound(where, f"its steps wait for each other in a circle: {' → '.join(error.args[1])}") from None


def _check_step(step: StepDefinition, names: set[str], where: str) -> None:
    if not is_name(step.name) or step.name in ("*", "input"):
        raise _unsound(where, f"a name has 1 to {LONGEST_NAME} printable characters and is neither * nor input")
    unknown = [parent for parent in step.parents if parent not in names]
    if unknown:
        raise _unsound(where, f"it waits for {unknown[0]!r}, which is no step of the workflow")
    for argument in step.arguments:
        parent = parent_of(argument.origin)
        known = argument.origin in ("input", "failure") or argument.origin.startswith("input:")
        if (parent is None and not known) or (parent is not None and parent not in step.parents):
            raise _unsound(where, f"argument {argument.name!r} comes from {argument.origin!r}, which is not there")
    _check_numbers(step, where)
    _check_schema(step.input_schema, f"input schema of {where}")
    _check_schema(step.output_schema, f"output schema of {where}")


def _check_numbers(step: StepDefinition, where: str) -> None:
    """Whatever is computed with them has a result: an overflow would be found only in a turn of the cycle."""
    retry = step.retry
    spans = {
        "timeout": step.start_to_close,
        "queue timeout": step.schedule_to_start,
        "sleep": step.sleep,
        "first delay of a retry": retry.first,
        "longest delay of a retry": retry.cap,
    }
    for what, span in spans.items():
        if span is not None and not timedelta() <= span <= LONGEST_SPAN:
            raise _unsound(where, f"its {what} is 0 s to 10 years")
    # said so that NaN, of which nothing is true, is refused as well
    if not (0 <= retry.retries <= MOST_RETRIES and 1 <= retry.factor <= LARGEST_FACTOR):
        raise _unsound(where, f"it has 0 to {MOST_RETRIES:,} retries, by a factor of 1 to {LARGEST_FACTOR:,}")
    if not 0 <= retry.jitter <= LARGEST_JITTER:
        raise _unsound(where, f"the jitter of its retries is 0 to {LARGEST_JITTER}")


def _check_schema(schema: str, where: str) -> None:
    """It compiles. (That it refers to nothing outside of itself, the engine sees to: it fetches nothing.)"""
    try:
        check(schema.encode(), "its JSON text")
        problems_in(b"null", schema, where)
    except (InvalidInput, TooLarge) as error:
        raise _unsound(where, str(error)) from None


def _unsound(where: str, rule: str) -> InvalidInput:
    return InvalidInput(
        f"The {where} cannot be registered: {rule.rstrip('.')}. Is the worker's SDK of a version that fits?"
    )
