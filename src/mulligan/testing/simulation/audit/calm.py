"""What must not happen when nothing fails: workers given up without a cause (L2), timers that come late (L8)."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from mulligan.core.records import Attempt, OpenStep
from mulligan.testing.simulation.audit.shadow import Key, Shadow, Violation
from mulligan.testing.simulation.disk import Commit

LATEST_S = 3.0
"""So long after its time a timer has fired, if nothing fails: replicas look once a second, and commits take no time."""


@dataclass(slots=True)
class Patience:
    """Workers are given up for cause only: not by an engine that has just come and could not have heard of them, and
    not when nothing fails at all (L2 the other way round)."""

    ttl: timedelta
    started: dict[str, datetime] = field(default_factory=dict)
    calm_from: float | None = None

    def check(self, shadow: Shadow, commit: Commit, attempt: Attempt, *, given_up: bool) -> None:
        where = f"{attempt.run_id}/{attempt.step} attempt {attempt.number}"
        if self.calm_from is not None and commit.at > self.calm_from:
            raise Violation("L2", f"{where} was lost by {attempt.worker_id} though nothing failed any more")
        worker = shadow.workers.get(attempt.worker_id or "")
        said_goodbye = worker is not None and worker.lease_until_at <= worker.seen_at
        started_at = self.started.get(commit.by)
        if started_at is not None and commit.now - started_at < self.ttl and not (said_goodbye or given_up):
            age = commit.now - started_at
            raise Violation("S4", f"{where} was taken from {attempt.worker_id} by an engine that is up for {age}")


@dataclass(slots=True)
class Punctuality:
    """When nothing fails, what is due is done then (L8): a timer that is forgotten is found by the next sweep that
    somebody makes for another reason, so nothing else would ever notice that it was."""

    calm_from: float | None = None
    _until: dict[Key, float] = field(default_factory=dict)
    """When each timer that was set in the calm must have fired, in seconds of the world."""

    def check(self, commit: Commit) -> None:
        changes = commit.changes
        leased = {(step.run_id, step.step): step for step in commit.leased}
        for key in sorted({*changes.closed, *changes.changed, *changes.opened, *leased}):
            until = self._until.pop(key, None)
            if until is not None and commit.at > until:
                raise Violation("L8", f"the timer of {'/'.join(key)} should have fired {commit.at - until:.1f} s ago")
            self._expect(commit, key, leased.get(key) or changes.changed.get(key) or changes.opened.get(key))

    def _expect(self, commit: Commit, key: Key, new: OpenStep | None) -> None:
        if self.calm_from is not None and commit.at > self.calm_from and new is not None and new.due_at is not None:
            self._until[key] = commit.at + (new.due_at - commit.now).total_seconds() + LATEST_S
