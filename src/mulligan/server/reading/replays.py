"""Replays as shapes: what was asked for, what a plan would do, and how two runs compare."""

from __future__ import annotations

from mulligan.core.records import OutputRef
from mulligan.core.replay import Plan, PlannedEdit, PlannedOverride
from mulligan.core.replay import PlannedStep as CoreStep
from mulligan.core.replay import ReplayRequest as CoreRequest
from mulligan.server.reading.payloads import (
    given,
    given_overrides,
    given_patch,
    shown_or_absent,
    shown_overrides,
    shown_patch,
)
from mulligan.wire.rest.codec import Unset
from mulligan.wire.rest.replays import (
    EditShown,
    OverrideShown,
    PlannedCode,
    PlannedStep,
    ReplayPlan,
    ReplayRequest,
    StaleStep,
)
from mulligan.wire.rest.steps import KeptFrom


def asked(request: ReplayRequest) -> CoreRequest:
    """The request in the rules' own words. Raises InvalidInput for a payload that is not acceptable."""
    return CoreRequest(
        start_steps=tuple(request.start_steps),
        from_beginning=request.from_beginning,
        inputs={step: given(value, f"input of step {step}") for step, value in request.inputs.items()},
        patches={step: given_patch(patch, f"edit of step {step}") for step, patch in request.patches.items()},
        input=None if isinstance(request.input, Unset) else given(request.input, "run input"),
        input_patch=given_patch(request.input_patch, "edit of the run input"),
        overrides=given_overrides(request.playground),
        reset_overrides={step: tuple(names) for step, names in request.reset_playground.items()},
        reset_edits=tuple(request.reset_edits),
        code=str(request.code),
        reason=request.reason,
        fresh_key=request.fresh_key,
    )


def shown_request(request: CoreRequest) -> ReplayRequest:
    """A bulk replay's request as it was asked for: there, everything is a patch."""
    return ReplayRequest(
        start_steps=list(request.start_steps),
        from_beginning=request.from_beginning,
        patches={step: shown_patch(patch) for step, patch in request.patches.items()},
        input_patch=shown_patch(request.input_patch),
        playground=shown_overrides(request.overrides),
        reset_playground={step: list(names) for step, names in request.reset_overrides.items()},
        reset_edits=list(request.reset_edits),
        code=request.code,
        reason=request.reason,
        fresh_key=request.fresh_key,
    )


def kept_from(ref: OutputRef | None) -> KeptFrom | None:
    return None if ref is None else KeptFrom(run_id=ref[0], attempt=ref[2])


def replay_plan(plan: Plan) -> ReplayPlan:
    return ReplayPlan(
        source_id=plan.source_id,
        workflow=plan.workflow,
        code=PlannedCode(
            choice=plan.code,
            number=plan.number,
            digest=plan.digest,
            source_number=plan.source_number,
            source_digest=plan.source_digest,
            changed=plan.digest != plan.source_digest,
        ),
        start_steps=list(plan.start_steps),
        steps=[_planned_step(step) for step in plan.steps],
        stale=[StaleStep(step=step.name, why=step.why) for step in plan.steps if step.stale],
        suggested_start_steps=list(plan.suggested_start_steps),
        edits=[shown_edit(edit) for edit in plan.edits],
        overrides=[shown_override(override) for override in plan.overrides],
        warnings=list(plan.warnings),
        summary=plan.summary,
        token=plan.token,
    )


def _planned_step(step: CoreStep) -> PlannedStep:
    return PlannedStep(
        name=step.name,
        action=step.action,
        why=step.why,
        effect=step.effect,
        ran_before=step.ran_before,
        stale=step.stale,
        edited=step.edited,
        kept_from=kept_from(step.kept_from),
        overrides=list(step.overrides),
    )


def shown_edit(edit: PlannedEdit) -> EditShown:
    return EditShown(
        step=edit.target,
        op=edit.op,
        path=edit.path,
        before=shown_or_absent(edit.before),
        after=shown_or_absent(edit.after),
    )


def shown_override(override: PlannedOverride) -> OverrideShown:
    return OverrideShown(
        step=override.step,
        name=override.name,
        before=shown_or_absent(override.before),
        after=shown_or_absent(override.after),
    )
