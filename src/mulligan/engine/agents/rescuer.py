"""Takes back what lost workers held."""

from __future__ import annotations

from datetime import datetime, timedelta

from mulligan.core.commands import Command, ForgetWorker, LoseAttempt
from mulligan.core.decide.policy import Policy
from mulligan.engine.inbox import Submit
from mulligan.ports.store import Store

LARGEST_GAP = timedelta(seconds=60)
"""A longer time between two ticks was no ordinary one: the machine slept, or the process was stopped."""


class Rescuer:
    """After a start, and after a gap between two ticks, workers get one TTL to be heard of before any is given up:
    while this engine was away, nobody could have taken their heartbeats."""

    def __init__(self, store: Store, submit: Submit, policy: Policy, started_at: datetime) -> None:
        self._store = store
        self._submit = submit
        self._policy = policy
        self._last_tick_at = started_at
        self._patient_until_at = started_at + policy.worker_ttl

    async def tick(self, now: datetime) -> None:
        if now - self._last_tick_at > LARGEST_GAP:
            self._patient_until_at = now + self._policy.worker_ttl
        self._last_tick_at = now
        for worker in await self._store.expired_workers(now):
            said_goodbye = worker.lease_until_at <= worker.seen_at
            if now < self._patient_until_at and not said_goodbye:
                continue
            commands: list[Command] = [
                LoseAttempt(run_id=step.run_id, step=step.step, token=step.token or "", worker_id=worker.id)
                for step in await self._store.leases_of(worker.id)
            ]
            await self._submit([*commands, ForgetWorker(worker_id=worker.id)])
