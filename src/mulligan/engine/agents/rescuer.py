"""Takes back what lost workers held."""

from __future__ import annotations

from datetime import datetime, timedelta

from mulligan.core.commands import Command, ForgetWorker, LoseAttempt
from mulligan.core.decide.policy import Policy
from mulligan.core.records import Worker
from mulligan.engine.inbox import Submit
from mulligan.engine.loop import POLL
from mulligan.ports.store import Store

MUCH_LATER = timedelta(seconds=60)
"""A tick that comes so much too late was held up by more than load: the machine slept, or the process was stopped."""


class Rescuer:
    """After a start, and after a tick that came much too late, workers get one TTL to be heard of before any is given
    up: while this engine was away, nobody could have taken their heartbeats."""

    def __init__(self, store: Store, submit: Submit, policy: Policy, started_at: datetime) -> None:
        self._store = store
        self._submit = submit
        self._policy = policy
        self._patient_until_at = started_at + policy.worker_ttl

    def was_away(self, late: timedelta, now: datetime) -> None:
        if late > MUCH_LATER:
            self._patient_until_at = now + self._policy.worker_ttl

    async def tick(self, now: datetime) -> datetime | None:
        """Give up the workers whose lease has run out, and say when the next one's will."""
        next_at: datetime | None = None
        for worker in await self._store.expired_workers(now + self._policy.worker_ttl):
            said_goodbye = worker.lease_until_at <= worker.seen_at
            give_up_at = worker.lease_until_at if said_goodbye else max(worker.lease_until_at, self._patient_until_at)
            if give_up_at <= now and not await self._give_up(worker):
                give_up_at = now + POLL
            if give_up_at > now and (next_at is None or give_up_at < next_at):
                next_at = give_up_at
        return next_at

    async def _give_up(self, worker: Worker) -> bool:
        """False if that could not be written, or the worker was heard of or given something in the meantime."""
        commands: list[Command] = [
            LoseAttempt(run_id=step.run_id, step=step.step, token=step.token or "", worker_id=worker.id)
            for step in await self._store.leases_of(worker.id)
        ]
        answers = await self._submit([*commands, ForgetWorker(worker_id=worker.id)])
        return answers[-1] is True
