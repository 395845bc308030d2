"""Why a step does not run right now, in words that say what would help."""

from __future__ import annotations

from datetime import timedelta

from mulligan.core.decide.advance import has_result, is_kept
from mulligan.core.records import OpenState, OpenStep, StepDefinition, StepKind
from mulligan.server.reading.scene import Scene
from mulligan.server.reading.spans import in_words, moment


def why_step_waits(scene: Scene, step: StepDefinition) -> str | None:
    """None when it runs, has ended, or will not come."""
    waiting = scene.open_step(step.name)
    if waiting is None:
        return _why_not_open(scene, step)
    match waiting.state:
        case OpenState.LEASED:
            return None
        case OpenState.READY:
            return _why_ready(scene, waiting)
        case OpenState.RETRYING:
            return _why_retrying(scene, step, waiting)
        case OpenState.SLEEPING:
            return _why_asleep(scene, step, waiting)


def why_run_waits(scene: Scene) -> str | None:
    """Why no step of this run runs at the moment, or None if one does (or the run is over)."""
    if scene.is_over or any(step.state is OpenState.LEASED for step in scene.document.open):
        return None
    reasons = [
        f"{step.name}: {reason}"
        for step in scene.document.version.definition.steps
        if step.name in scene.facts.open and (reason := why_step_waits(scene, step)) is not None
    ]
    return " ".join(reasons) or None


def _why_not_open(scene: Scene, step: StepDefinition) -> str | None:
    if scene.is_over or step.kind is StepKind.ON_FAILURE:
        return None
    if scene.facts.ended.get(step.name) is not None or is_kept(scene.facts, step.name):
        return None
    missing = [parent for parent in step.parents if not has_result(scene.facts, parent)]
    if not missing:
        return None
    failed = [parent for parent in missing if parent in scene.facts.ended and scene.open_step(parent) is None]
    if failed:
        return f"Will not run, because {_listed(failed)} failed."
    return f"Waits for {_listed(missing)}."


def _why_ready(scene: Scene, waiting: OpenStep) -> str:
    needs, number = waiting.workflow, scene.document.version.number
    if scene.document.run.pinned:
        needs = f"version {number} of {needs}"
    elif scene.document.replay is not None:
        needs = f"version {number} of {needs} or a newer one"
    return scene.crew.why_ready_waits(waiting.workflow, waiting.route, needs, scene.now - waiting.queued_at)


def _why_retrying(scene: Scene, step: StepDefinition, waiting: OpenStep) -> str:
    number = waiting.attempt + 1
    allowed = step.retry.retries + 1 + waiting.losses
    return f"Tries again {_when(scene, waiting)}: attempt {number} of at most {allowed}."


def _why_asleep(scene: Scene, step: StepDefinition, waiting: OpenStep) -> str:
    if step.kind is StepKind.SLEEP:
        return f"Sleeps; goes on {_when(scene, waiting)}."
    return f"The run was started with a delay; it begins {_when(scene, waiting)}."


def _when(scene: Scene, waiting: OpenStep) -> str:
    if waiting.due_at is None:
        return "soon"
    left = waiting.due_at - scene.now
    return "now" if left <= timedelta() else f"in {in_words(left)}, at {moment(waiting.due_at)}"


def _listed(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
