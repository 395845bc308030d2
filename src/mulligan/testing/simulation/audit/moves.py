"""What may happen to one step of one run within a transaction: its attempts (S3 to S6, S8), its times (S8, S15)."""

from __future__ import annotations

from datetime import timedelta

import msgspec

from mulligan.core.records import Attempt, OpenState, OpenStep, Outcome, RecordedError, RunStatus, StepKind
from mulligan.testing.simulation.audit.shadow import FAILING, Life, Shadow, Violation
from mulligan.testing.simulation.catalogue import digest
from mulligan.testing.simulation.disk import Commit

MOST_LOSSES = 3
TICK = timedelta(microseconds=10)
"""Datetimes are rounded to a microsecond."""


def check_attempt(
    shadow: Shadow,
    commit: Commit,
    life: Life,
    attempt: Attempt,
    output: bytes | None,
    old: OpenStep | None,
    *,
    given_up: bool,
) -> None:
    """A finished attempt is written. ``old``: the step's open row before this transaction. ``given_up``: its worker has
    ended it by itself."""
    where = f"{life.run.id}/{attempt.step} attempt {attempt.number}"
    before = life.tries.get(attempt.step, [])
    if life.ended:
        raise Violation("S7", f"{where} was added to a run that had {life.run.status}")
    if attempt.step in life.kept:
        raise Violation("S17", f"{where}: the step's earlier result was kept, so it must not run")
    if before and before[-1].outcome is Outcome.SUCCEEDED:
        raise Violation("S6", f"{where} was added after the step had succeeded")
    if attempt.number != len(before) + 1:
        raise Violation("S3", f"{where} was added, but {len(before)} attempts had finished")
    if attempt.namespace != life.run.namespace:
        raise Violation("S18", f"{where} has namespace {attempt.namespace!r}, its run {life.run.namespace!r}")
    if attempt.started_at is None:
        check_queue_timeout(commit, life, attempt, old, where)
    elif life.step(attempt.step).kind is StepKind.SLEEP and attempt.outcome is Outcome.SUCCEEDED:
        check_waking(commit, attempt, old, where)
    else:
        check_leased_attempt(shadow, commit, life, attempt, output, old, where, given_up=given_up)


def check_queue_timeout(commit: Commit, life: Life, attempt: Attempt, old: OpenStep | None, where: str) -> None:
    if attempt.outcome is not Outcome.TIMED_OUT or old is None or old.state is OpenState.LEASED:
        raise Violation("S5", f"{where} never started, yet ended as {attempt.outcome}")
    if old.state is OpenState.READY and (old.due_at is None or old.due_at > commit.now):
        raise Violation("S15", f"{where}: its queue timeout struck at {commit.now}, it was due at {old.due_at}")
    if life.step(attempt.step).schedule_to_start is None:
        raise Violation("S15", f"{where}: a queue timeout struck a step that has none")


def check_waking(commit: Commit, attempt: Attempt, old: OpenStep | None, where: str) -> None:
    if old is None or old.state is not OpenState.SLEEPING:
        raise Violation("S15", f"{where} woke, but was not asleep")
    if old.due_at is None or old.due_at > commit.now:
        raise Violation("S15", f"{where} woke at {commit.now}, but was to sleep until {old.due_at}")


def check_leased_attempt(
    shadow: Shadow,
    commit: Commit,
    life: Life,
    attempt: Attempt,
    output: bytes | None,
    old: OpenStep | None,
    where: str,
    *,
    given_up: bool,
) -> None:
    if old is None or old.state is not OpenState.LEASED or old.attempt != attempt.number:
        state = "absent" if old is None else f"{old.state} at attempt {old.attempt}"
        raise Violation("S5", f"{where} ended as {attempt.outcome}, but its step was {state}")
    if (attempt.worker_id, attempt.started_at) != (old.worker_id, old.since_at):
        raise Violation("S5", f"{where} is told of worker {attempt.worker_id}, the lease was {old.worker_id}'s")
    if attempt.outcome is Outcome.SUCCEEDED:
        check_output(shadow, life, attempt, output, old, where)
    elif attempt.outcome is Outcome.LOST:
        if not given_up:
            check_loss(shadow, commit, old, where)
    elif attempt.outcome is Outcome.CANCELLED:
        changed = commit.changes.runs_changed.get(life.run.id)
        if changed is None or changed.status is not RunStatus.CANCELLED:
            raise Violation("S16", f"{where} was cancelled, but its run was not")
    elif attempt.error is not None and attempt.error.type.startswith("mulligan."):
        if attempt.error.type == "mulligan.StepTimeout" and (old.due_at is None or old.due_at > commit.now):
            raise Violation("S15", f"{where} was timed out at {commit.now}, it was due at {old.due_at}")
    else:
        check_error(attempt, old, where)


def check_output(shadow: Shadow, life: Life, attempt: Attempt, output: bytes | None, old: OpenStep, where: str) -> None:
    """The result was made under this very lease (S5), from the recorded outputs of the parents (S9, S17)."""
    if output is None:
        raise Violation("S6", f"{where} succeeded without an output")
    told = msgspec.json.decode(output)
    if (told["run"], told["step"], told["attempt"], told["by"]) != (
        life.run.id, attempt.step, attempt.number, old.token,
    ):  # fmt: skip
        raise Violation("S5", f"{where} under lease {old.token} was given a result that says {told}")
    expected = shadow.expected_input(life, life.step(attempt.step))
    if told["in"] != digest(expected):
        rule = "S9" if life.replay is None else "S17"
        raise Violation(rule, f"{where} saw an input with digest {told['in']}, expected was {expected}")
    if told["vars"] != (variables := shadow.expected_variables(life, attempt.step)):
        raise Violation("S17", f"{where} ran with variables {told['vars']}, expected were {variables}")


def check_error(attempt: Attempt, old: OpenStep, where: str) -> None:
    if attempt.error is None or not attempt.error.message.endswith(f" {old.token}"):
        raise Violation("S5", f"{where} under lease {old.token} was given the error {attempt.error!r}")


def check_loss(shadow: Shadow, commit: Commit, old: OpenStep, where: str) -> None:
    """Only a worker whose own lease has run out loses its steps."""
    known = shadow.workers.get(old.worker_id or "")
    saved = commit.changes.workers_saved.get(old.worker_id or "")
    if not any(worker is not None and worker.lease_until_at <= commit.now for worker in (known, saved)):
        until_at = None if known is None else known.lease_until_at
        raise Violation("S4", f"{where} was taken at {commit.now} from a worker whose lease lasts until {until_at}")


# ── What follows an attempt ──────────────────────────────────────────────────────────────────────────────────────────


def check_open(commit: Commit, life: Life, old: OpenStep | None, new: OpenStep) -> None:
    """The step's open row after this transaction, before new leases. ``life.tries`` holds this one's attempts."""
    where = f"{life.run.id}/{new.step}"
    tries = life.tries.get(new.step, [])
    failures = sum(1 for each in tries if each.outcome in (Outcome.FAILED, Outcome.TIMED_OUT))
    losses = sum(1 for each in tries if each.outcome is Outcome.LOST)
    if (new.failures, new.losses) != (failures, losses):
        raise Violation(
            "S8", f"{where} counts {new.failures} failures, {new.losses} losses; there were {failures} and {losses}"
        )
    expected = len(tries) + (new.state is OpenState.LEASED)
    if new.attempt != expected:
        raise Violation("S3", f"{where} is {new.state} at attempt {new.attempt}, but {len(tries)} have finished")
    if new.state is not OpenState.LEASED and (new.token, new.worker_id) != (None, None):
        raise Violation("S4", f"{where} is {new.state}, but still has a worker and a token")
    limit = life.step(new.step).schedule_to_start
    waits_until = None if limit is None else new.queued_at + limit
    if new.state is OpenState.READY and new.due_at != waits_until:
        raise Violation("S15", f"{where} may wait for a worker until {waits_until}, its timer is at {new.due_at}")
    if old is None:
        check_opening(commit, life, new, where)
        return
    finished = commit_attempts(commit, life, new.step)
    if finished:
        check_retry(life, finished[-1], new, where)
    else:
        check_waiting_over(commit, old, new, where)


def commit_attempts(commit: Commit, life: Life, step: str) -> list[Attempt]:
    return [a for a, _ in commit.changes.attempts_added if a.run_id == life.run.id and a.step == step]


def check_opening(commit: Commit, life: Life, new: OpenStep, where: str) -> None:
    """S10: a step begins once, and only after everything that it waits for (S9)."""
    if new.step in life.begun:
        raise Violation("S10", f"{where} was opened a second time")
    if new.step in life.kept:
        raise Violation("S17", f"{where} was opened, but its earlier result is kept")
    definition = life.step(new.step)
    has_failed = any(life.failed_for_good(step.name) for step in life.ordinary)
    if definition.kind is StepKind.ON_FAILURE and not has_failed:
        raise Violation("S9", f"{where} runs only after a failure, and there was none")
    for parent in definition.parents:
        if not life.has(parent):
            raise Violation("S9", f"{where} was opened before {parent} had a result")
    start_at = max(commit.now, life.run.available_at or commit.now)
    if definition.kind is StepKind.SLEEP:
        start_at += definition.sleep or timedelta()
    if start_at > commit.now and (new.state is not OpenState.SLEEPING or new.due_at != start_at):
        raise Violation("S15", f"{where} is {new.state} until {new.due_at}, but should not begin before {start_at}")


def check_retry(life: Life, last: Attempt, new: OpenStep, where: str) -> None:
    """S8: the budget, and never earlier than the backoff."""
    definition = life.step(new.step)
    error = last.error or RecordedError(type="", message="")
    if last.outcome is Outcome.LOST:
        if new.losses > MOST_LOSSES or definition.at_most_once:
            raise Violation("S8", f"{where} is tried again after losing its worker {new.losses} times")
        return
    policy = definition.retry
    if new.failures > policy.retries or not error.retryable or last.outcome not in FAILING:
        raise Violation("S8", f"{where} is tried again after failure {new.failures} of {policy.retries + 1}")
    backoff = min(policy.cap, policy.first * policy.factor ** (new.failures - 1))
    if new.state is OpenState.RETRYING:
        wait = (new.due_at or last.finished_at) - last.finished_at
        if not backoff - TICK <= wait <= backoff * (1 + policy.jitter) + TICK:
            raise Violation("S8", f"{where} waits {wait} after failure {new.failures}; the backoff is {backoff}")
    elif backoff > timedelta():
        raise Violation("S8", f"{where} is {new.state} at once, the backoff is {backoff}")


def check_waiting_over(commit: Commit, old: OpenStep, new: OpenStep, where: str) -> None:
    """No attempt ended: the wait is over (S15), or a lease was handed back."""
    if old.state is new.state:
        return
    waits = (OpenState.RETRYING, OpenState.SLEEPING)
    if old.state in waits and (old.due_at is None or old.due_at > commit.now):
        raise Violation("S15", f"{where} left {old.state} at {commit.now}, before {old.due_at}")
    if new.state in waits or new.state is OpenState.LEASED:
        raise Violation("S3", f"{where} went from {old.state} to {new.state} without an attempt")


def check_closed(commit: Commit, life: Life, old: OpenStep) -> None:
    """The step has left the hot table: with a result, for good, or with its run."""
    where = f"{life.run.id}/{old.step}"
    changed = commit.changes.runs_changed.get(life.run.id)
    if changed is not None and changed.status is RunStatus.CANCELLED:
        return
    finished = commit_attempts(commit, life, old.step)
    if not finished:
        raise Violation("S19", f"{where} was {old.state} and is gone without a trace")
    last = finished[-1]
    if last.outcome is Outcome.SUCCEEDED or (last.error is not None and not last.error.retryable):
        return
    definition = life.step(old.step)
    failures = sum(1 for each in life.tries[old.step] if each.outcome in (Outcome.FAILED, Outcome.TIMED_OUT))
    losses = sum(1 for each in life.tries[old.step] if each.outcome is Outcome.LOST)
    if last.outcome is Outcome.LOST and not definition.at_most_once and losses <= MOST_LOSSES:
        raise Violation("S8", f"{where} was given up after losing {losses} workers")
    if last.outcome is not Outcome.LOST and failures <= definition.retry.retries:
        raise Violation("S8", f"{where} was given up after failure {failures} of {definition.retry.retries + 1}")
