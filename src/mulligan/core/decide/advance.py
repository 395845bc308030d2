"""The rule that moves a run on: open the steps that can act, and end the run when none can."""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec

from mulligan.core.decide.policy import Policy
from mulligan.core.facts import Facts, RunFacts
from mulligan.core.fingerprint import fingerprint
from mulligan.core.lifecycle import OUTCOMES_THAT_FAIL
from mulligan.core.limits import bounded
from mulligan.core.records import (
    Attempt,
    OpenState,
    OpenStep,
    Outcome,
    RecordedError,
    RunStatus,
    StepDefinition,
    StepKind,
    WorkflowDefinition,
)
from mulligan.core.routes import route_of

LONGEST_MESSAGE = 500
"""Characters of an error's message in the row of its run, for lists and search. The attempt has all of it."""


def is_kept(run: RunFacts, step: str) -> bool:
    return run.replay is not None and step in run.replay.kept


def has_result(run: RunFacts, step: str) -> bool:
    ended = run.ended.get(step)
    return (ended is not None and ended.outcome is Outcome.SUCCEEDED) or is_kept(run, step)


def can_open(run: RunFacts, step: StepDefinition) -> bool:
    """True when every parent has a result and the step itself has neither begun nor been kept."""
    if step.kind is StepKind.ON_FAILURE or step.name in run.open or step.name in run.ended or is_kept(run, step.name):
        return False
    return all(has_result(run, parent) for parent in step.parents)


def open_step(facts: Facts, run: RunFacts, step: StepDefinition, now: datetime, policy: Policy) -> None:
    """Put a step into the hot table: ready for a worker, or asleep."""
    state, due_at = OpenState.READY, None
    available_at = run.run.available_at
    if step.kind is StepKind.SLEEP:
        state, due_at = OpenState.SLEEPING, max(now, available_at or now) + bounded(step.sleep or timedelta())
    elif available_at is not None and available_at > now:
        state, due_at = OpenState.SLEEPING, available_at
    else:
        due_at = waits_until(step, now)
    facts.open_step(
        OpenStep(
            run_id=run.run.id,
            step=step.name,
            namespace=run.run.namespace,
            workflow=run.run.workflow,
            route=route_of(run, step.name),
            state=state,
            queued_at=now,
            since_at=now,
            priority=run.run.priority,
            due_at=due_at,
            start_to_close=None if step.start_to_close is None else bounded(step.start_to_close) + policy.timeout_grace,
        )
    )


def waits_until(step: StepDefinition, now: datetime) -> datetime | None:
    """When a step that is ready from ``now`` on has waited too long for a worker."""
    return None if step.schedule_to_start is None else now + bounded(step.schedule_to_start)


def open_all(facts: Facts, run: RunFacts, now: datetime, policy: Policy) -> None:
    """Open every step of a new run that can act, and end the run should there be none."""
    definition = run.version.definition
    openable = definition.roots
    if run.replay is not None:
        openable = tuple(step for step in definition.steps if can_open(run, step))
    for step in openable:
        open_step(facts, run, step, now, policy)
    if not run.open:
        end_if_idle(facts, run, now, policy)


def step_ended(facts: Facts, run: RunFacts, step: str, now: datetime, policy: Policy) -> None:
    """``step`` has just left the hot table: open what waited for it, and end the run if nothing is left to act."""
    if has_result(run, step):
        for child in run.version.definition.children[step]:
            if can_open(run, child):
                open_step(facts, run, child, now, policy)
    if not run.open:
        end_if_idle(facts, run, now, policy)


def end_if_idle(facts: Facts, run: RunFacts, now: datetime, policy: Policy) -> None:
    """No step is open. A failed run gets its on-failure step first; then the run is terminal, for ever."""
    definition = run.version.definition
    failed = has_failed(run)
    handler = definition.on_failure
    if failed and handler is not None and handler.name not in run.ended:
        open_step(facts, run, handler, now, policy)
        return
    status = RunStatus.FAILED if failed else RunStatus.SUCCEEDED
    facts.change_run(msgspec.structs.replace(run.run, status=status, finished_at=now))


def has_failed(run: RunFacts) -> bool:
    """True when the last attempt of any step, but for the on-failure step, was none that succeeded."""
    definition = run.version.definition
    for name, ended in run.ended.items():
        if ended.outcome in OUTCOMES_THAT_FAIL and name in definition.by_name and not is_handler(definition, name):
            return True
    return False


def is_handler(definition: WorkflowDefinition, step: str) -> bool:
    return definition.on_failure is not None and definition.on_failure.name == step


def fail_attempt(
    facts: Facts,
    run: RunFacts,
    attempt: Attempt,
    error: RecordedError,
) -> str:
    """Record a failed attempt with its fingerprint, which is returned."""
    mark = fingerprint(attempt.step, run.run.workflow, error)
    facts.add_attempt(msgspec.structs.replace(attempt, error=error, fingerprint=mark))
    return mark


def fail_step(
    facts: Facts, run: RunFacts, step: OpenStep, attempt: Attempt, error: RecordedError, now: datetime, policy: Policy
) -> None:
    """The step has failed for good. The first such step of a run is the one that the run's row names."""
    mark = fail_attempt(facts, run, attempt, error)
    facts.close_step(step)
    if run.run.failed_step is None and not is_handler(run.version.definition, step.step):
        facts.change_run(
            msgspec.structs.replace(
                run.run,
                failed_step=step.step,
                error_type=error.type,
                error_message=error.message[:LONGEST_MESSAGE],
                fingerprint=mark,
            )
        )
    step_ended(facts, run, step.step, now, policy)
