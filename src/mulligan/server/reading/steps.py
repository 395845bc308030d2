"""Step runs as shapes: a line of the run's page, and the drawer of one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from msgspec import UNSET

from mulligan.core.decide.advance import is_kept
from mulligan.core.inputs import edits_for, overrides_for
from mulligan.core.records import (
    Attempt,
    OpenState,
    OpenStep,
    Outcome,
    Reading,
    Retry,
    StepDefinition,
    Variable,
)
from mulligan.server.reading.errors import error_details
from mulligan.server.reading.payloads import shown, shown_or_absent, shown_patch
from mulligan.server.reading.scene import Scene
from mulligan.server.reading.spans import ms_between, seconds
from mulligan.server.reading.waiting import why_step_waits
from mulligan.wire.rest.codec import StepState
from mulligan.wire.rest.steps import (
    ArgumentOrigin,
    AttemptDetail,
    KeptFrom,
    RetryPolicy,
    Span,
    StepDetail,
    StepSummary,
    StepVariable,
    VariableReading,
)

_OPEN: dict[OpenState, StepState] = {
    OpenState.READY: "queued",
    OpenState.LEASED: "running",
    OpenState.RETRYING: "retrying",
    OpenState.SLEEPING: "sleeping",
}
_ENDED: dict[Outcome, StepState] = {
    Outcome.SUCCEEDED: "succeeded",
    Outcome.FAILED: "failed",
    Outcome.TIMED_OUT: "failed",
    Outcome.LOST: "failed",
    Outcome.CANCELLED: "cancelled",
}


def step_status(scene: Scene, name: str) -> StepState:
    waiting = scene.open_step(name)
    if waiting is not None:
        return _OPEN[waiting.state]
    ended = scene.facts.ended.get(name)
    if ended is not None:
        return _ENDED[ended.outcome]
    if is_kept(scene.facts, name):
        return "kept"
    return "not_reached" if scene.is_over else "pending"


def step_summary(scene: Scene, step: StepDefinition) -> StepSummary:
    return StepSummary(**_summary_fields(scene, step))


def _summary_fields(scene: Scene, step: StepDefinition) -> dict[str, Any]:
    attempts = scene.attempts.get(step.name, [])
    waiting = scene.open_step(step.name)
    spans = _spans(scene, attempts, waiting)
    last = attempts[-1] if attempts else None
    error = None if last is None else last.error
    started_at = next((span.started_at for span in spans if span.started_at is not None), None)
    finished_at = None if waiting is not None or last is None else last.finished_at
    kept = scene.document.replay.kept.get(step.name) if scene.document.replay is not None else None
    status = step_status(scene, step.name)
    return {
        "name": step.name,
        "kind": step.kind.value,
        "status": status,
        "attempts": len(spans),
        "attempt": spans[-1].attempt if spans else 0,
        "queued_at": spans[0].queued_at if spans else None if waiting is None else waiting.queued_at,
        "started_at": started_at,
        "finished_at": finished_at,
        "duration_ms": ms_between(started_at, finished_at),
        "due_at": None if waiting is None else waiting.due_at,
        "kept_from": KeptFrom(run_id=kept[0], attempt=kept[2]) if kept is not None and status == "kept" else None,
        "error_type": None if error is None else error.type,
        "error_message": None if error is None else error.message,
        "worker": spans[-1].worker if spans else None,
        "effect": step.effect,
        "waiting": why_step_waits(scene, step),
        "edited": bool(edits_for(scene.facts, step.name)),
        "spans": spans,
    }


def _spans(scene: Scene, attempts: list[Attempt], waiting: OpenStep | None) -> list[Span]:
    spans = [
        Span(
            attempt=attempt.number,
            outcome=attempt.outcome.value,
            queued_at=attempt.queued_at,
            started_at=attempt.started_at,
            finished_at=attempt.finished_at,
            worker=scene.worker_name(attempt.worker_id),
            error_type=None if attempt.error is None else attempt.error.type,
        )
        for attempt in attempts
    ]
    if waiting is not None and waiting.state is OpenState.LEASED:
        running = Span(
            attempt=waiting.attempt,
            outcome=None,
            queued_at=waiting.queued_at,
            started_at=waiting.since_at,
            finished_at=None,
            worker=scene.worker_name(waiting.worker_id),
            error_type=None,
        )
        spans.append(running)
    return spans


# ── One step in full ─────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class StepPayloads:
    """``input`` or else ``input_problem``; ``output`` of the chosen attempt (or the kept one)."""

    input: bytes | None
    input_problem: str | None
    output: bytes | None


def step_detail(
    scene: Scene, step: StepDefinition, chosen: int | None, payloads: StepPayloads, variables: list[Variable]
) -> StepDetail:
    """``chosen``: the attempt whose output and readings are shown. ``variables``: all seen in this workflow."""
    run = scene.document.run
    tries = [_attempt_detail(scene, attempt) for attempt in scene.attempts.get(step.name, [])]
    waiting = scene.open_step(step.name)
    if waiting is not None and waiting.state is OpenState.LEASED:
        tries.append(_running_attempt(scene, waiting))
    return StepDetail(
        **_summary_fields(scene, step),
        run_id=run.id,
        workflow=run.workflow,
        file=step.file,
        line=step.line,
        doc=step.doc,
        arguments=argument_origins(step),
        input_schema=shown(step.input_schema),
        output_schema=shown(step.output_schema),
        retry=retry_policy(step.retry),
        timeout_s=seconds(step.start_to_close),
        queue_timeout_s=seconds(step.schedule_to_start),
        chosen_attempt=chosen,
        input=shown_or_absent(payloads.input),
        input_problem=payloads.input_problem,
        output=shown_or_absent(payloads.output),
        tries=tries,
        variables=_step_variables(scene, step.name, chosen, variables),
        edits=shown_patch(edits_for(scene.facts, step.name)),
    )


def argument_origins(step: StepDefinition) -> list[ArgumentOrigin]:
    return [ArgumentOrigin(name=argument.name, origin=argument.origin) for argument in step.arguments]


def retry_policy(retry: Retry) -> RetryPolicy:
    return RetryPolicy(
        retries=retry.retries,
        first_s=retry.first.total_seconds(),
        factor=retry.factor,
        cap_s=retry.cap.total_seconds(),
    )


def _attempt_detail(scene: Scene, attempt: Attempt) -> AttemptDetail:
    return AttemptDetail(
        number=attempt.number,
        outcome=attempt.outcome.value,
        queued_at=attempt.queued_at,
        started_at=attempt.started_at,
        finished_at=attempt.finished_at,
        duration_ms=ms_between(attempt.started_at, attempt.finished_at),
        worker=scene.worker_name(attempt.worker_id),
        worker_id=attempt.worker_id,
        version=scene.version_number(attempt.version),
        error=error_details(attempt.error),
        fingerprint=attempt.fingerprint,
        has_output=attempt.outcome is Outcome.SUCCEEDED,
        readings=[_reading(reading) for reading in attempt.readings],
    )


def _running_attempt(scene: Scene, waiting: OpenStep) -> AttemptDetail:
    return AttemptDetail(
        number=waiting.attempt,
        outcome=None,
        queued_at=waiting.queued_at,
        started_at=waiting.since_at,
        finished_at=None,
        duration_ms=None,
        worker=scene.worker_name(waiting.worker_id),
        worker_id=waiting.worker_id,
        version=None,
        error=None,
        fingerprint=None,
        has_output=False,
        readings=[],
    )


def _reading(reading: Reading) -> VariableReading:
    return VariableReading(
        name=reading.name,
        default=shown(reading.default),
        value=shown(reading.value),
        override=shown_or_absent(reading.override),
        schema=shown(reading.schema),
        file=reading.file,
        line=reading.line,
    )


def _step_variables(scene: Scene, step: str, chosen: int | None, seen: list[Variable]) -> list[StepVariable]:
    """What the chosen attempt read, then what other attempts and other runs were seen to read."""
    in_force = overrides_for(scene.facts, step)
    found: dict[str, StepVariable] = {}
    attempts = sorted(scene.attempts.get(step, []), key=lambda attempt: (attempt.number == chosen, attempt.number))
    for attempt in reversed(attempts):
        for reading in attempt.readings:
            if reading.name not in found:
                found[reading.name] = StepVariable(
                    name=reading.name,
                    schema=shown(reading.schema),
                    default=shown(reading.default),
                    override=shown_or_absent(in_force.get(reading.name)),
                    value=shown(reading.value),
                    file=reading.file,
                    line=reading.line,
                    read=attempt.number == chosen,
                )
    for variable in seen:
        if variable.step == step and variable.name not in found:
            found[variable.name] = StepVariable(
                name=variable.name,
                schema=shown(variable.schema),
                default=shown(variable.default),
                override=shown_or_absent(in_force.get(variable.name)),
                value=UNSET,
                file=variable.file,
                line=variable.line,
                read=False,
            )
    return list(found.values())
