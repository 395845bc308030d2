"""Takes back what lost workers held."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from mulligan.core.commands import Command, ForgetWorker, LoseAttempt
from mulligan.core.decide.policy import Policy
from mulligan.core.records import Worker
from mulligan.engine.inbox import Submit
from mulligan.engine.loop import POLL
from mulligan.errors import StoreUnavailable
from mulligan.ports.store import Store

LastOutage = Callable[[], datetime | None]
"""Until when the store could not be written for longer than a beat; None: never."""


class Rescuer:
    """After a start, and after a time in which beats could not be heard or not be written, workers get one TTL to be
    heard of before any is given up: their silence says nothing about them.

    Beats go unheard while the process is stopped or the machine sleeps, which shows as a gap in the calls of ``awake``;
    they go unwritten while the store cannot be used. Giving up in the moment in which the store is back would
    take the steps from workers that are all well. ``every``: so much later the next tick comes, if not sooner.
    """

    def __init__(
        self,
        store: Store,
        submit: Submit,
        policy: Policy,
        started_at: datetime,
        every: timedelta,
        last_outage_at: LastOutage,
    ) -> None:
        self._store = store
        self._submit = submit
        self._policy = policy
        self._every = every
        self._last_outage_at = last_outage_at
        self._patient_until_at = started_at + policy.worker_ttl
        self._awake_at = started_at

    def awake(self, now: datetime) -> None:
        """To be called once a beat, by nothing that ever has to wait for anything else."""
        self._notice_gap(now)
        self._awake_at = now

    def _notice_gap(self, now: datetime) -> None:
        """Load makes the calls late, too, but hardly by the time between two beats."""
        if now - self._awake_at > 2 * self._policy.beat:
            self._be_patient(now)

    def _be_patient(self, since: datetime) -> None:
        self._patient_until_at = max(self._patient_until_at, since + self._policy.worker_ttl)

    async def tick(self, now: datetime) -> datetime | None:
        """Give up the workers whose lease has run out, and say when the next one's will."""
        self._notice_gap(now)  # of which ``awake`` may be told a moment later
        next_at: datetime | None = None
        try:
            workers = await self._store.expired_workers(now + self._every)
        except StoreUnavailable:
            self._be_patient(now)
            raise
        outage_at = self._last_outage_at()
        if outage_at is not None:
            self._be_patient(outage_at)
        for worker in workers:
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
