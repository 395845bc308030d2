"""How a run is cancelled: at once, for good. Attempts that still execute are told to stop; their results are stale."""

from __future__ import annotations

from datetime import datetime

import msgspec

from mulligan.core.commands import Cancelled, CancelRun
from mulligan.core.decide.attempts import attempt_of
from mulligan.core.decide.policy import Policy
from mulligan.core.facts import Facts
from mulligan.core.lifecycle import Move, is_terminal, step_after
from mulligan.core.records import OpenState, Outcome, RunEvent, RunStatus
from mulligan.errors import NotFound


def cancel_run(command: CancelRun, facts: Facts, now: datetime, policy: Policy) -> Cancelled:
    found = facts.runs.get(command.run_id)
    if found is None or found.run.namespace != command.namespace:
        raise NotFound(f"There is no run {command.run_id!r}. It may have been removed by retention.")
    run = found.run
    if is_terminal(run.status):
        return Cancelled(run_id=run.id, changed=False, was=run.status)
    stopping = 0
    for step in list(found.open.values()):
        step_after(step.state, Move.CANCELLED)
        if step.state is OpenState.LEASED:
            stopping += 1
            facts.stops.append(step)
            facts.add_attempt(attempt_of(step, Outcome.CANCELLED, now))
        facts.close_step(step)
    facts.change_run(msgspec.structs.replace(run, status=RunStatus.CANCELLED, finished_at=now))
    facts.add_event(
        RunEvent(
            run_id=run.id,
            namespace=run.namespace,
            at=now,
            kind="cancelled",
            actor=command.actor,
            detail=msgspec.json.encode({"reason": command.reason}).decode(),
        )
    )
    return Cancelled(run_id=run.id, changed=True, was=run.status, stopping=stopping)
