"""Fires what is due: retries, ends of sleeps, queue and execution timeouts."""

from __future__ import annotations

from datetime import datetime

from mulligan.core.commands import Command, FireTimer
from mulligan.engine.inbox import Submit
from mulligan.ports.store import Store

MOST_AT_ONCE = 500


class Timers:
    def __init__(self, store: Store, submit: Submit) -> None:
        self._store = store
        self._submit = submit

    async def tick(self, now: datetime) -> datetime | None:
        """Fire all that is due, and say when the next timer is."""
        while due := await self._store.due_steps(now, MOST_AT_ONCE):
            commands: list[Command] = [FireTimer(run_id=step.run_id, step=step.step) for step in due]
            await self._submit(commands)
            if len(due) < MOST_AT_ONCE:
                break
        return await self._store.next_due_at()
