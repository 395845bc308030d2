"""Two runs side by side, step by step, with what led from one to the other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from mulligan.core.document import diff, parse
from mulligan.core.inputs import edits_for, overrides_for
from mulligan.core.records import EVERY_STEP, Patch, StepDefinition
from mulligan.core.replay import PlannedEdit, PlannedOverride, edits_of
from mulligan.errors import InvalidInput
from mulligan.server.reading.errors import error_details
from mulligan.server.reading.payloads import shown_or_absent
from mulligan.server.reading.replays import shown_edit, shown_override
from mulligan.server.reading.runs import scene_summary
from mulligan.server.reading.scene import Scene
from mulligan.server.reading.steps import step_summary
from mulligan.wire.rest.replays import CodeRef, ComparedCode, ComparedSide, ComparedStep, Comparison

LARGEST_SHOWN = 256 * 1024
"""Bytes. A larger output is left out of the comparison (many of them would not fit one answer); it has a page."""

Why = Literal["edit", "variable", "code", "upstream", "kept", "none"]


@dataclass(frozen=True, slots=True)
class Side:
    """One run with its payloads. ``inputs`` and ``outputs`` by step, of those that have one."""

    scene: Scene
    run_input: bytes
    inputs: Mapping[str, bytes]
    outputs: Mapping[str, bytes]

    def definition(self, step: str) -> StepDefinition | None:
        return self.scene.document.version.definition.by_name.get(step)

    def edits(self, step: str) -> Patch:
        return edits_for(self.scene.facts, step)

    def overrides(self, step: str) -> dict[str, str]:
        return overrides_for(self.scene.facts, step)

    def given(self, step: str) -> dict[str, str]:
        """What was given for this very step, or for ``*``."""
        return self.scene.document.run.overrides.get(step, {})

    def read(self, step: str) -> dict[str, str]:
        """Variable name -> value, as the last attempt that read anything read it."""
        attempts = self.scene.attempts.get(step, [])
        readings = next((attempt.readings for attempt in reversed(attempts) if attempt.readings), ())
        return {reading.name: reading.value for reading in readings}


def compare(a: Side, b: Side) -> Comparison:
    names = [step.name for step in b.scene.document.version.definition.steps]
    names += [step.name for step in a.scene.document.version.definition.steps if step.name not in names]
    different: dict[str, bool] = {}
    steps = [_compared_step(name, a, b, different) for name in names]
    return Comparison(
        a=scene_summary(a.scene, a.run_input),
        b=scene_summary(b.scene, b.run_input),
        code=ComparedCode(a=_code(a), b=_code(b)),
        edits=[shown_edit(edit) for edit in _edits(a, b, names)],
        overrides=[shown_override(override) for override in _overrides(a, b, names)],
        steps=steps,
    )


def _code(side: Side) -> CodeRef:
    version = side.scene.document.version
    return CodeRef(number=version.number, digest=version.digest, label=version.definition.label)


def _edits(a: Side, b: Side, names: list[str]) -> list[PlannedEdit]:
    """What differs in the run inputs, and the edits of steps that ``b`` has and ``a`` has not."""
    changed = diff(a.run_input, b.run_input) if a.run_input != b.run_input else ()
    edits = _edits_of("input", changed, a.run_input)
    for name in names:
        old, new = a.edits(name), b.edits(name)
        added = new[len(old) :] if new[: len(old)] == old else new
        edits += _edits_of(name, added, a.inputs.get(name))
    return edits


def _edits_of(target: str, patch: Patch, document: bytes | None) -> list[PlannedEdit]:
    """A patch that was made for another document than ``a``'s may not fit it: then nobody knows what stood there."""
    try:
        return edits_of(target, patch, document)
    except InvalidInput:
        return edits_of(target, patch, None)


def _overrides(a: Side, b: Side, names: list[str]) -> list[PlannedOverride]:
    """Variables whose override differs; ``before`` and ``after`` are what was read, else what was given.

    What was given for every step stands where it was read, or once for all of them if nobody has read it.
    """
    found: list[PlannedOverride] = []
    everywhere = {**a.given(EVERY_STEP), **b.given(EVERY_STEP)}
    for step in names:
        old, new = a.overrides(step), b.overrides(step)
        was, now = a.read(step), b.read(step)
        own = {*was, *now, *a.given(step), *b.given(step)}
        for name in sorted({*old, *new} & own):
            if old.get(name) != new.get(name):
                before, after = was.get(name, old.get(name)), now.get(name, new.get(name))
                found.append(PlannedOverride(step=step, name=name, before=before, after=after))
    unread = everywhere.keys() - {override.name for override in found}
    for name in sorted(unread):
        before, after = a.given(EVERY_STEP).get(name), b.given(EVERY_STEP).get(name)
        if before != after:
            found.append(PlannedOverride(step=EVERY_STEP, name=name, before=before, after=after))
    return found


def _compared_step(name: str, a: Side, b: Side, different: dict[str, bool]) -> ComparedStep:
    """``different`` collects which steps came out differently, for the steps below them."""
    left, right = _side(a, name), _side(b, name)
    same = None
    if name in a.outputs and name in b.outputs:
        same = _same(a.outputs[name], b.outputs[name])
    kept = right is not None and right.status == "kept"
    differs = left is None or right is None or same is False or (left.status != right.status and not kept)
    different[name] = differs
    why: Why | None = "kept" if kept else None
    if differs and left is not None and right is not None:
        why = _why(name, a, b, different)
    return ComparedStep(name=name, a=left, b=right, same_output=same, why=why)


def _same(left: bytes, right: bytes) -> bool:
    """Equal as JSON values; large ones only to the letter, so that nobody waits for them to be parsed."""
    if left == right or max(len(left), len(right)) > LARGEST_SHOWN:
        return left == right
    return parse(left) == parse(right)


def _side(side: Side, name: str) -> ComparedSide | None:
    step = side.definition(name)
    if step is None:
        return None
    summary = step_summary(side.scene, step)
    attempts = side.scene.attempts.get(name, [])
    output = side.outputs.get(name)
    return ComparedSide(
        status=summary.status,
        attempts=summary.attempts,
        duration_ms=summary.duration_ms,
        output=shown_or_absent(output if output is not None and len(output) <= LARGEST_SHOWN else None),
        error=error_details(attempts[-1].error) if attempts else None,
    )


def _why(name: str, a: Side, b: Side, different: Mapping[str, bool]) -> Why:
    """The nearest cause first: what was done to this step, then what it was given, then its code."""
    left, right = a.definition(name), b.definition(name)
    assert left is not None
    assert right is not None
    if a.edits(name) != b.edits(name) or (right.reads_run_input and a.run_input != b.run_input):
        return "edit"
    if a.overrides(name) != b.overrides(name):
        return "variable"
    if any(different.get(parent, False) for parent in right.parents):
        return "upstream"
    if a.scene.document.version.digest != b.scene.document.version.digest:
        return "code"
    return "none"
