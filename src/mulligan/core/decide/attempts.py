"""How an attempt ends: reported, handed back, lost with its worker, or overtaken by a timer."""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec

from mulligan.core.commands import AttemptRef, FinishAttempt, FireTimer, LoseAttempt, ReleaseAttempt, Verdict
from mulligan.core.decide.advance import fail_attempt, fail_step, step_ended, waits_until
from mulligan.core.decide.policy import Policy
from mulligan.core.durations import write_duration
from mulligan.core.facts import Facts, RunFacts
from mulligan.core.lifecycle import Move, step_after
from mulligan.core.records import (
    Attempt,
    OpenState,
    OpenStep,
    Outcome,
    Reading,
    RecordedError,
    RunEvent,
    StepKind,
)
from mulligan.core.retry import delay, may_retry

STALE = Verdict(applied=False, stale=True)
APPLIED = Verdict(applied=True)
REPORTED = frozenset({Outcome.SUCCEEDED, Outcome.FAILED, Outcome.TIMED_OUT})


def leased(facts: Facts, run_id: str, step: str, token: str) -> OpenStep | None:
    """The open step, if its current lease has this token."""
    run = facts.runs.get(run_id)
    found = None if run is None else run.open.get(step)
    if found is None or found.state is not OpenState.LEASED or found.token != token:
        return None
    return found


def held(facts: Facts, ref: AttemptRef, namespace: str) -> OpenStep | None:
    """The open step, if ``ref`` is its current lease: the fence that every worker's message must pass.

    The token alone does not do: all leases of one transaction have the same, whatever namespaces they are in.
    """
    step = leased(facts, ref.run_id, ref.step, ref.token)
    if step is None or step.attempt != ref.attempt or step.namespace != namespace:
        return None
    return step


def finish_attempt(command: FinishAttempt, facts: Facts, now: datetime, policy: Policy) -> Verdict:
    """Apply a worker's report, once. A report from an old lease, or a repeated one, changes nothing."""
    ref = command.ref
    step = held(facts, ref, command.namespace)
    if step is None:
        return STALE
    run = facts.runs[ref.run_id]
    # Only the engine loses and cancels. A worker that says so has not done the work: that is a failure like another.
    outcome = command.outcome if command.outcome in REPORTED else Outcome.FAILED
    attempt = attempt_of(step, outcome, now, version=command.version, readings=command.readings)
    if command.readings:
        facts.see_variables(command.namespace, run.run.workflow, command.ref.step, command.readings, now)
    if outcome is Outcome.SUCCEEDED:
        step_after(step.state, Move.SUCCEEDED)
        facts.add_attempt(attempt, command.output)
        facts.close_step(step)
        step_ended(facts, run, step.step, now, policy)
    else:
        error = command.error or RecordedError(type="UnknownError", message="The worker reported no error.")
        failed(facts, run, step, attempt, error, now, policy)
    return APPLIED


def attempt_of(
    step: OpenStep, outcome: Outcome, now: datetime, *, version: str = "", readings: tuple[Reading, ...] = ()
) -> Attempt:
    """The record of the attempt that ``step`` is in."""
    return Attempt(
        run_id=step.run_id,
        step=step.step,
        number=step.attempt,
        namespace=step.namespace,
        outcome=outcome,
        queued_at=step.queued_at,
        started_at=step.since_at,
        finished_at=now,
        version=version,
        worker_id=step.worker_id,
        readings=readings,
    )


def failed(
    facts: Facts, run: RunFacts, step: OpenStep, attempt: Attempt, error: RecordedError, now: datetime, policy: Policy
) -> None:
    """A failure of the user's code: try again if the step's policy allows it, else the step has failed."""
    definition = run.version.definition.by_name[step.step]
    failures = step.failures + 1
    if not may_retry(definition.retry, failures, error.retryable):
        step_after(step.state, Move.FAILED_FOR_GOOD)
        fail_step(facts, run, step, attempt, error, now, policy)
        return
    fail_attempt(facts, run, attempt, error)
    facts.change_step(
        msgspec.structs.replace(
            step,
            state=step_after(step.state, Move.WILL_RETRY),
            failures=failures,
            since_at=now,
            due_at=now + delay(definition.retry, failures, step.run_id, step.step),
            token=None,
            worker_id=None,
        )
    )


def back_to_ready(facts: Facts, step: OpenStep, move: Move, now: datetime) -> OpenStep:
    """The step waits for a worker anew, and its queue timeout with it."""
    definition = facts.runs[step.run_id].version.definition.by_name[step.step]
    return msgspec.structs.replace(
        step,
        state=step_after(step.state, move),
        queued_at=now,
        since_at=now,
        due_at=waits_until(definition, now),
        token=None,
        worker_id=None,
    )


def release_attempt(command: ReleaseAttempt, facts: Facts, now: datetime, policy: Policy) -> Verdict:
    """The function was never called: the step is ready again, and its attempt number is used again (new token)."""
    step = held(facts, command.ref, command.namespace)
    if step is None:
        return STALE
    release(facts, step, now)
    return APPLIED


def release(facts: Facts, step: OpenStep, now: datetime) -> None:
    ready = back_to_ready(facts, step, Move.RELEASED, now)
    facts.change_step(msgspec.structs.replace(ready, attempt=step.attempt - 1))


def lose_attempt(command: LoseAttempt, facts: Facts, now: datetime, policy: Policy) -> Verdict:
    """The worker is gone: try again elsewhere, unless the step must not run twice or keeps losing its workers."""
    step = leased(facts, command.run_id, command.step, command.token)
    worker = facts.workers.get(command.worker_id)
    if step is None or (worker is not None and worker.lease_until_at > now):
        return STALE
    lose(facts, step, now, policy)
    return APPLIED


def lose(facts: Facts, step: OpenStep, now: datetime, policy: Policy) -> None:
    """The attempt that ``step`` is in may or may not have done its work; nobody will ever say."""
    run = facts.runs[step.run_id]
    definition = run.version.definition.by_name[step.step]
    attempt = attempt_of(step, Outcome.LOST, now)
    losses = step.losses + 1
    facts.stops.append(step)
    if definition.at_most_once or losses > policy.max_losses:
        reason = (
            "and the step is declared at_most_once, so it was not repeated"
            if definition.at_most_once
            else f"for the {losses}th time; the step run is poisoned and was given up. Look at the worker's memory "
            "and exit code, then replay"
        )
        error = RecordedError(
            type="mulligan.WorkerLost",
            message=f"Worker {step.worker_id} was lost while it ran this step, {reason}.",
            retryable=False,
        )
        fail_step(facts, run, step, attempt, error, now, policy)
        return
    error = RecordedError(type="mulligan.WorkerLost", message=f"Worker {step.worker_id} was lost; trying again.")
    fail_attempt(facts, run, attempt, error)
    facts.change_step(msgspec.structs.replace(back_to_ready(facts, step, Move.LOST, now), losses=losses))
    facts.add_event(
        RunEvent(
            run_id=step.run_id,
            namespace=step.namespace,
            at=now,
            kind="worker_lost",
            step=step.step,
            attempt=step.attempt,
            actor=step.worker_id,
        )
    )


def fire_timer(command: FireTimer, facts: Facts, now: datetime, policy: Policy) -> Verdict:
    """``due_at`` has come (or not: somebody else may have been quicker, then nothing happens)."""
    run = facts.runs.get(command.run_id)
    step = None if run is None else run.open.get(command.step)
    if run is None or step is None or step.due_at is None or step.due_at > now:
        return STALE
    definition = run.version.definition.by_name[step.step]
    if step.state is OpenState.RETRYING or (step.state is OpenState.SLEEPING and definition.kind is not StepKind.SLEEP):
        facts.change_step(back_to_ready(facts, step, Move.DUE, now))
    elif step.state is OpenState.SLEEPING:
        step_after(step.state, Move.WOKE)
        slept = msgspec.structs.replace(step, attempt=1)
        facts.add_attempt(attempt_of(slept, Outcome.SUCCEEDED, now), b"null")
        facts.close_step(step)
        step_ended(facts, run, step.step, now, policy)
    elif step.state is OpenState.LEASED:
        time_out_execution(facts, run, step, now, policy)
    else:
        time_out_queue(facts, run, step, now, policy)
    return APPLIED


def time_out_execution(facts: Facts, run: RunFacts, step: OpenStep, now: datetime, policy: Policy) -> None:
    limit = run.version.definition.by_name[step.step].start_to_close
    error = RecordedError(
        type="mulligan.StepTimeout",
        message=f"The step ran longer than its timeout{_of(limit)} and its worker did not end it.",
    )
    facts.stops.append(step)
    failed(facts, run, step, attempt_of(step, Outcome.TIMED_OUT, now), error, now, policy)


def time_out_queue(facts: Facts, run: RunFacts, step: OpenStep, now: datetime, policy: Policy) -> None:
    limit = run.version.definition.by_name[step.step].schedule_to_start
    error = RecordedError(
        type="mulligan.QueueTimeout",
        message=f"No worker took the step within its queue timeout{_of(limit)}.",
        retryable=False,
    )
    step_after(step.state, Move.FAILED_FOR_GOOD)
    tried = msgspec.structs.replace(step, attempt=step.attempt + 1)
    attempt = msgspec.structs.replace(attempt_of(tried, Outcome.TIMED_OUT, now), started_at=None)
    fail_step(facts, run, step, attempt, error, now, policy)


def _of(limit: timedelta | None) -> str:
    return "" if limit is None else f" of {write_duration(limit)}"


def ref_of(step: OpenStep) -> AttemptRef:
    """The name of a leased step's attempt, as worker and engine exchange it."""
    return AttemptRef(step.run_id, step.step, step.attempt, step.token or "")
