"""Step runs: the drawer, their payloads, their logs."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Annotated

from msgspec import Meta

from mulligan.core.inputs import build_input, check_size, edits_for, output_ref, outputs_needed
from mulligan.core.records import Outcome, OutputRef, StepDefinition
from mulligan.engine.api import failure_document
from mulligan.errors import InvalidInput, NotFound, TooLarge
from mulligan.server.reading.scene import Scene, load_scene
from mulligan.server.reading.steps import StepPayloads, step_detail
from mulligan.server.site import Call
from mulligan.wire.rest.codec import JsonText, Question
from mulligan.wire.rest.steps import LogEntry, LogPage, StepDetail

AttemptNumber = Annotated[int, Meta(ge=1, le=1_000_000)]


class AttemptQuery(Question, frozen=True, kw_only=True):
    """``attempt``: its number; by default the last one."""

    attempt: AttemptNumber | None = None


class LogQuery(Question, frozen=True, kw_only=True):
    """``after``: the position of the last line that is known already."""

    step: Annotated[str, Meta(max_length=200)] | None = None
    attempt: AttemptNumber | None = None
    after: Annotated[int, Meta(ge=0, le=2**62)] = 0
    limit: Annotated[int, Meta(ge=1, le=2_000)] = 500


async def show_step(call: Call, run_id: str, step: str, query: AttemptQuery) -> StepDetail:
    """A step run in full: input, schema, attempts, variables, edits, and the output of the chosen attempt."""
    scene = await load_scene(call, run_id)
    definition = _step_of(scene, step)
    chosen = _chosen_attempt(scene, step, query.attempt)
    variables = await call.engine.store.variables(call.namespace, scene.document.run.workflow)
    return step_detail(scene, definition, chosen, await _payloads(call, scene, definition, chosen), variables)


async def show_step_input(call: Call, run_id: str, step: str) -> JsonText:
    """The step's input as its exact text: the document of its arguments, edits applied."""
    scene = await load_scene(call, run_id)
    payloads = await _payloads(call, scene, _step_of(scene, step), None)
    if payloads.input is None:
        raise NotFound(f"The input of step {step!r} is not known: {payloads.input_problem}", code="input_unknown")
    return JsonText(payloads.input)


async def show_step_output(call: Call, run_id: str, step: str, query: AttemptQuery) -> JsonText:
    """What the step returned, as its exact text."""
    scene = await load_scene(call, run_id)
    chosen = _chosen_attempt(scene, _step_of(scene, step).name, query.attempt)
    ref = _output_ref(scene, step, chosen)
    produced = await call.engine.payloads.fetch([], [] if ref is None else [ref])
    if ref is None or ref not in produced.outputs:
        which = f"Attempt {chosen} of step" if chosen is not None else "Step"
        raise NotFound(f"{which} {step!r} has no output: it did not succeed (yet).", code="no_output")
    return JsonText(produced.outputs[ref])


async def list_logs(call: Call, run_id: str, query: LogQuery) -> LogPage:
    """What step code logged, in order."""
    scene = await load_scene(call, run_id)
    if query.step is not None:
        _step_of(scene, query.step)
    lines = await call.engine.store.logs(
        call.namespace, scene.document.run.id, query.step, query.attempt, query.after, query.limit
    )
    items = [
        LogEntry(
            position=position,
            at=line.at,
            step=line.step,
            attempt=line.attempt,
            level=logging.getLevelName(line.level),
            logger=line.logger,
            message=line.message,
        )
        for position, line in lines
    ]
    return LogPage(items=items, last=items[-1].position if items else query.after)


def _step_of(scene: Scene, name: str) -> StepDefinition:
    definition = scene.document.version.definition
    step = definition.by_name.get(name)
    if step is None:
        names = ", ".join(step.name for step in definition.steps)
        raise NotFound(f"Run {scene.document.run.id} has no step {name!r}. It has: {names}.", code="unknown_step")
    return step


def _chosen_attempt(scene: Scene, step: str, wanted: int | None) -> int | None:
    """The attempt to show: the wanted one, else the last one that has ended."""
    numbers = [attempt.number for attempt in scene.attempts.get(step, [])]
    if wanted is None:
        return numbers[-1] if numbers else None
    waiting = scene.open_step(step)
    if wanted not in numbers and (waiting is None or waiting.attempt != wanted):
        raise NotFound(f"Step {step!r} of run {scene.document.run.id} has no attempt {wanted}.", code="unknown_attempt")
    return wanted


def _output_ref(scene: Scene, step: str, chosen: int | None) -> OutputRef | None:
    if chosen is None:
        return output_ref(scene.facts, step)
    succeeded = any(
        attempt.number == chosen and attempt.outcome is Outcome.SUCCEEDED for attempt in scene.attempts.get(step, [])
    )
    return (scene.document.run.id, step, chosen) if succeeded else None


async def _payloads(call: Call, scene: Scene, step: StepDefinition, chosen: int | None) -> StepPayloads:
    run_id = scene.document.run.id
    needed = outputs_needed(scene.facts, step)
    own = _output_ref(scene, step.name, chosen)
    wanted = {ref for ref in (*needed.values(), own) if ref is not None}
    produced = await call.engine.payloads.fetch([run_id], wanted)
    output = None if own is None else produced.outputs.get(own)
    outputs = {
        parent: produced.outputs[ref] for parent, ref in needed.items() if ref is not None and ref in produced.outputs
    }
    unknown = [parent for parent in needed if parent not in outputs]
    if unknown:
        return StepPayloads(None, f"{', '.join(unknown)} has no result yet.", output)
    return step_input(scene, step, produced.inputs[run_id], outputs, output)


def step_input(
    scene: Scene, step: StepDefinition, run_input: bytes, outputs: dict[str, bytes], output: bytes | None
) -> StepPayloads:
    """The input of a step whose parents' ``outputs`` are all known."""
    failure = b"null"
    if step.reads_failure:
        if scene.document.run.failed_step is None:
            return StepPayloads(None, "it is made of the failure, and the run has not failed.", output)
        failure = failure_document(scene.document)
    try:
        document = build_input(step, run_input, outputs, edits_for(scene.facts, step.name), failure)
    except (InvalidInput, TooLarge):
        # An edit that does not fit has failed the step: a replay leaves it out, so this is what there is to edit.
        document = build_input(step, run_input, outputs, (), failure)
    try:
        check_size(step, document, outputs)
    except TooLarge as error:
        return StepPayloads(None, str(error), output)
    return StepPayloads(document, None, output)


async def all_payloads(
    call: Call, scene: Scene, steps: Iterable[StepDefinition]
) -> tuple[bytes, dict[str, bytes], dict[str, bytes]]:
    """The run's input, and the known inputs and outputs of ``steps`` by name, in one read."""
    run_id = scene.document.run.id
    refs = {step.name: output_ref(scene.facts, step.name) for step in scene.document.version.definition.steps}
    produced = await call.engine.payloads.fetch([run_id], {ref for ref in refs.values() if ref is not None})
    outputs = {name: produced.outputs[ref] for name, ref in refs.items() if ref is not None and ref in produced.outputs}
    inputs: dict[str, bytes] = {}
    for step in steps:
        needed = outputs_needed(scene.facts, step)
        if needed.keys() <= outputs.keys():
            found = step_input(scene, step, produced.inputs[run_id], outputs, None)
            if found.input is not None:
                inputs[step.name] = found.input
    return produced.inputs[run_id], inputs, outputs
