"""What a step gets as its input: the JSON document of its call's arguments, put together from earlier payloads.

The document is spliced from the stored texts, never parsed and written again, so that a value arrives as it was
written. Only a replay's edits (JSON Patches) touch it, and then only at the edited paths.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from mulligan.core.document import apply_patch, assemble
from mulligan.core.facts import RunFacts
from mulligan.core.limits import MESSAGE
from mulligan.core.naming import did_you_mean
from mulligan.core.records import (
    EVERY_STEP,
    Outcome,
    OutputRef,
    Overrides,
    Patch,
    StepDefinition,
    WorkflowDefinition,
)
from mulligan.errors import InvalidInput, Problem, TooLarge

FAILURE = "failure"
INPUT_TOO_LARGE = "input_too_large"

_encode = msgspec.msgpack.Encoder().encode


def parent_of(origin: str) -> str | None:
    """The step whose output an argument is, or None when it comes from elsewhere."""
    return origin[5:] if origin.startswith("step:") else None


def output_ref(run: RunFacts, step: str) -> OutputRef | None:
    """Where the result of ``step`` is stored: its own attempt's output, or the kept one of an earlier run."""
    ended = run.ended.get(step)
    if ended is not None and ended.outcome is Outcome.SUCCEEDED:
        return (run.run.id, step, ended.number)
    return None if run.replay is None else run.replay.kept.get(step)


def outputs_needed(run: RunFacts, step: StepDefinition) -> dict[str, OutputRef | None]:
    """Parent name -> where its output is (None while it has no result), for every argument that is an output."""
    return {parent: output_ref(run, parent) for parent in step.outputs_read}


def edits_for(run: RunFacts, step: str) -> Patch:
    """The edits in force for this step's input."""
    return () if run.replay is None else run.replay.step_edits.get(step, ())


def build_input(
    step: StepDefinition,
    run_input: bytes,
    outputs: Mapping[str, bytes],
    edits: Patch,
    failure: bytes = b"null",
) -> bytes:
    """The input document of ``step``. ``outputs`` maps each parent that is read to its output.

    Raises ``errors.InvalidInput`` when an edit does not fit the document (a parent that ran afresh may have given
    something of another shape than the edit was written for), and ``errors.TooLarge`` when it adds too much.
    """
    if step.takes_run_input:
        return apply_patch(run_input, edits) if edits else run_input
    parts: list[tuple[str, bytes]] = []
    for argument in step.arguments:
        parent = parent_of(argument.origin)
        if parent is not None:
            parts.append((argument.name, outputs[parent]))
        else:
            parts.append((argument.name, failure if argument.origin == FAILURE else run_input))
    document = assemble(parts)
    return apply_patch(document, edits) if edits else document


def check_size(step: StepDefinition, document: bytes, outputs: Mapping[str, bytes], *beside: Mapping[str, str]) -> None:
    """Raise ``errors.TooLarge`` (``input_too_large``) if ``step`` would be called with more than may be sent at once:
    its input ``document``, and ``beside`` it overrides and metadata. ``outputs``: what the document is made of."""
    size = len(document) + (len(_encode(beside)) if any(beside) else 0)
    if size <= MESSAGE:
        return
    largest = sorted(outputs, key=lambda parent: -len(outputs[parent]))[:3]
    made_of = "".join(f" The result of {parent!r} has {len(outputs[parent]):,}." for parent in largest)
    raise TooLarge(
        f"Step {step.name!r} would be called with {size:,} bytes (arguments, overrides and metadata together); the "
        f"limit is {MESSAGE:,}.{made_of} Store large data elsewhere, and let steps hand on where it is.",
        code=INPUT_TOO_LARGE,
    )


def overrides_for(run: RunFacts, step: str) -> dict[str, str]:
    """Variable name -> JSON text for this step: what is given for every step, then what is given for this one."""
    overrides = run.run.overrides
    return {**overrides.get(EVERY_STEP, {}), **overrides.get(step, {})} if overrides else {}


def check_steps(overrides: Overrides, definition: WorkflowDefinition) -> None:
    """Raise InvalidInput (``unknown_step``) for values that are given for a step that the workflow does not have."""
    for step in overrides:
        if step != EVERY_STEP and step not in definition.by_name:
            raise unknown_step(step, definition.by_name)


def unknown_step(name: str, known: Iterable[str]) -> InvalidInput:
    return InvalidInput(
        f"The workflow has no step {name!r} in the version that will run.{did_you_mean(name, known)}",
        code="unknown_step",
        problems=(Problem("", f"unknown step {name!r}", f"step {name}"),),
    )
