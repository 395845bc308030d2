"""The cycle: gather what waits, load the facts, decide, claim, commit in one transaction, and only then tell anybody.

There is no second way to change a run. The next turn starts as soon as the last one has committed: a lone command is
committed at once, and under load hundreds share one fsync, with no batching timer anywhere.
"""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import Sequence, Set
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from mulligan.core.commands import StartRun
from mulligan.core.decide import decide, wanted_by
from mulligan.core.decide.policy import Policy
from mulligan.core.facts import Claim, Facts, RunFacts, Wanted
from mulligan.core.limits import FRAME
from mulligan.core.records import OpenStep
from mulligan.engine.dispatcher import Dispatcher
from mulligan.engine.inbox import Entry, Inbox, Request
from mulligan.engine.memory import Memory
from mulligan.errors import MulliganError, StoreConflict, StoreUnavailable, Unavailable
from mulligan.ports.clock import Chance, Clock
from mulligan.ports.store import Store

LARGEST_TURN = 512
"""Commands per transaction. Beyond this a larger turn gains nothing and only delays its first answer."""

LARGEST_WRITE = FRAME
"""Bytes of payloads per transaction, but for the request that goes beyond. A database that is given more than it takes
refuses it again and again."""

MOST_CONFLICTS = 5
"""How often a turn is decided anew because another engine was quicker, before its commands are looked at one by one."""

RECOVERY = timedelta(milliseconds=200)
"""How long to leave a store alone that has just refused a transaction."""

log = logging.getLogger("mulligan.engine")


@dataclass(frozen=True, slots=True)
class Turn:
    """What one transaction did: the facts it left behind, and the steps it leased.

    ``runs_leased`` holds the facts of those leased steps' runs that this replica happens to know.
    """

    facts: Facts
    leased: list[OpenStep]
    runs_leased: dict[str, RunFacts]
    now: datetime


@dataclass(frozen=True, slots=True)
class Unsure:
    """A transaction of which nobody knows whether it was committed. Its ``token`` is in no other."""

    token: str
    worker_ids: tuple[str, ...]


class Press(Protocol):
    """Tells the world what was committed."""

    def publish(self, turn: Turn) -> None:
        """Called after each commit, before the answers are given. Never raises: it is committed, and whatever goes
        wrong here must not be taken for a transaction that failed."""
        ...

    async def catch_up(self) -> None:
        """Tell what may have been committed without anybody hearing of it. Raises StoreUnavailable."""
        ...


class Cycle:
    """Runs turns, one at a time."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        chance: Chance,
        policy: Policy,
        dispatcher: Dispatcher,
        press: Press,
    ) -> None:
        self._store = store
        self._clock = clock
        self._chance = chance
        self._policy = policy
        self._dispatcher = dispatcher
        self._press = press
        self._unsure: list[Unsure] = []
        self._behind = False
        """Something may have been committed that nobody was told of."""
        self._memory = Memory(store.capabilities.exclusive)
        self._wake = asyncio.Event()
        self._closing = False
        dispatcher.wake = self.wake
        self.inbox = Inbox()
        self.committed_at: datetime | None = None
        self.outage_at: datetime | None = None
        """When the store last could not be written, of those times that outlasted the time between two beats."""
        self._failing_since: datetime | None = None
        self.write_failed_at: datetime | None = None
        """When the store last refused changes, if it has taken none since."""

    def wake(self) -> None:
        """There is something to do: a command, a credit, or a route with ready steps."""
        self._wake.set()

    def has_live(self, namespace: str, run_id: str) -> bool:
        """True if that run has not ended, as far as this replica knows by itself; it will be told of its end."""
        return self._memory.has_live(namespace, run_id)

    def put(self, request: Request) -> None:
        self.inbox.put(request)
        self._wake.set()

    def close(self) -> None:
        """Finish what is in the inbox, then let ``run`` return."""
        self._closing = True
        self._wake.set()

    def turn_away(self) -> None:
        """Answer those who came after ``run`` had returned."""
        for request in self.inbox.drain(sys.maxsize, sys.maxsize):
            if not request.answers.done():
                request.answers.set_result([Unavailable("The engine is not running.")] * len(request.commands))

    async def run(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._has_work():
                await self._turn(self.inbox.drain(LARGEST_TURN, LARGEST_WRITE))
            if self._closing:
                return

    def _has_work(self) -> bool:
        if self._closing:
            return bool(self.inbox.waiting)
        return bool(self.inbox.waiting or self._behind) or self._dispatcher.can_claim()

    async def _turn(self, requests: list[Request]) -> None:
        entries = [Entry(command) for request in requests for command in request.commands]
        await self._commit_apart(entries)
        position = 0
        for request in requests:
            answers = [entry.answer for entry in entries[position : position + len(request.commands)]]
            position += len(request.commands)
            if not request.answers.done():
                request.answers.set_result(answers)
        # A store in memory never suspends; whoever got an answer must have a chance to act on it.
        await asyncio.sleep(0)

    async def _commit_apart(self, entries: Sequence[Entry]) -> None:
        """Commit the entries together; if one of them cannot be written, find it by halving and refuse it alone."""
        try:
            await self._commit_anew(entries)
        except StoreUnavailable as error:
            await self._give_up(entries, error)
        except Exception as error:  # noqa: BLE001 (one poisonous command must never take the engine down)
            if len(entries) <= 1:
                await self._give_up(entries, error)
                return
            self._memory.clear()
            middle = len(entries) // 2
            await self._commit_apart(entries[:middle])
            await self._commit_apart(entries[middle:])

    async def _commit_anew(self, entries: Sequence[Entry]) -> None:
        """Commit; where several engines share the store, one may have been quicker: then decide on what it has left.

        Or somebody starts a run whose id is taken, which nobody asked for a start that does not say it is repeated.
        """
        starts = {entry.command.run_id for entry in entries if isinstance(entry.command, StartRun)}
        taken: set[str] = set()
        for _ in range(1 if self._store.capabilities.exclusive else MOST_CONFLICTS):
            try:
                return await self._commit(entries, taken)
            except StoreConflict:
                self._memory.clear()
                taken = starts
        return await self._commit(entries, taken)

    async def _give_up(self, entries: Sequence[Entry], error: Exception) -> None:
        """Nothing was written, as far as we know. What this replica remembers may be wrong now, and the store is left
        alone a moment."""
        self._memory.clear()
        if isinstance(error, StoreUnavailable):
            self._failing_since = self._failing_since or self._clock.now()
            self._note_outage(self._clock.now())
        if not isinstance(error, MulliganError):
            log.error("a transaction failed", exc_info=error)
            error = Unavailable(f"The engine could not carry this out: {error!r}. See the server's log.")
        for entry in entries:
            entry.answer = error.with_traceback(None)
        if not isinstance(error, StoreConflict):
            await self._clock.sleep(RECOVERY)

    def _note_outage(self, now: datetime) -> None:
        if self._failing_since is not None and now - self._failing_since > self._policy.beat:
            self.outage_at = now

    async def _commit(self, entries: Sequence[Entry], perhaps_taken: Set[str]) -> None:
        """``perhaps_taken``: ids of runs to be started that may be there already."""
        if self._behind:
            await self._make_sure()
        now = self._clock.now()
        wanted = Wanted(possible_run_ids=set(perhaps_taken))
        for entry in entries:
            wanted_by(entry.command, wanted)
        is_alone = self._store.capabilities.exclusive
        if not is_alone:
            # another replica may have given up a worker that is still connected here
            wanted.worker_ids.update(seat.worker_id for seat in self._dispatcher.seats.values() if seat.can_take)
        looked_for = set(wanted.worker_ids)
        async with self._store.transaction() as transaction:
            facts = await self._memory.load(transaction, wanted)
            self._dispatcher.clear_seats(looked_for, facts.workers)
            for entry in entries:
                try:
                    entry.answer = decide(entry.command, facts, now, self._policy)
                except MulliganError as refusal:
                    entry.answer = refusal.with_traceback(None)  # which would keep all that this turn has read
            self._dispatcher.hint(facts.changes.opened.values())
            self._dispatcher.hint(facts.changes.changed.values())
            # whoever has asked for work since then waits for the next turn
            claims = self._dispatcher.claims(facts.workers, None if is_alone else looked_for)
            if not facts.changes and not claims:
                return
            token = self._chance.new_token()
            try:
                leased = await transaction.commit(facts.changes, claims, now, token)
            except StoreUnavailable:
                self.write_failed_at = self._clock.now()
                self._unsure.append(Unsure(token, tuple(claim.worker_id for claim in claims)))
                self._behind = True
                raise
            await self._recall(facts, leased)
        self._settle(facts, claims, leased, now)

    async def _recall(self, facts: Facts, leased: Sequence[OpenStep]) -> None:
        """Load the runs of leased steps that were forgotten in a long queue, all together and while nobody can change
        them: else each would be read for its assignment, and again when it is reported."""
        forgotten = self._memory.forgotten({step.run_id for step in leased} - facts.runs.keys())
        if forgotten:
            try:
                facts.runs.update(await self._store.facts(forgotten))
            except Exception:
                # It is committed, and must not be taken for a transaction that failed.
                log.exception("runs of leased steps could not be read; they are read when they are needed")

    async def _make_sure(self) -> None:
        """A commit that was reported as failed may have been made all the same. Then its steps are leased to workers
        that never heard of them, its runs may have ended, its timers run, workers may have been given up in it: look,
        and make up for it."""
        while self._unsure:
            unsure = self._unsure[0]
            seated = set(self._dispatcher.seats)
            async with self._store.transaction() as transaction:
                # It may still be on its way to a slow database, though its connection is gone; until then it has
                # the workers locked that it leases to.
                facts = await transaction.load(Wanted(worker_ids=seated.union(unsure.worker_ids)))
            self._dispatcher.clear_seats(seated, facts.workers)
            leased = [
                step
                for worker_id in unsure.worker_ids
                for step in await self._store.leases_of(worker_id)
                if step.token == unsure.token
            ]
            del self._unsure[0]
            for step in leased:
                self._dispatcher.use_credit(step.worker_id or "")
            self._press.publish(Turn(Facts(), leased, {}, self._clock.now()))
        await self._press.catch_up()
        self._behind = False

    def _settle(self, facts: Facts, claims: list[Claim], leased: list[OpenStep], now: datetime) -> None:
        self.committed_at = now
        self._note_outage(now)
        self._failing_since = None
        self.write_failed_at = None
        self._dispatcher.settle(claims, leased)
        self._memory.keep(facts, leased)
        runs_leased = {
            step.run_id: run
            for step in leased
            if (run := facts.runs.get(step.run_id) or self._memory.run(step.run_id)) is not None
        }
        self._press.publish(Turn(facts, leased, runs_leased, now))
