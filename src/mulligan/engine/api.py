"""The one door: everything that anybody wants of the engine goes through ``Engine``."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec

from mulligan.core.commands import (
    Cancelled,
    CancelRun,
    Command,
    ConnectWorker,
    DisconnectWorker,
    ForgetWorker,
    RegisterWorkflows,
)
from mulligan.core.decide.policy import Policy
from mulligan.core.facts import Committed
from mulligan.core.lifecycle import is_terminal
from mulligan.core.records import Version, Worker, WorkflowDefinition
from mulligan.core.replay import Plan, ReplayRequest
from mulligan.core.routes import routes_served
from mulligan.engine.agents.bulk_replayer import BulkReplayer
from mulligan.engine.agents.neighbour import Neighbour
from mulligan.engine.agents.pruner import Pruner
from mulligan.engine.agents.rescuer import Rescuer
from mulligan.engine.agents.timers import Timers
from mulligan.engine.bulks import Brakes, Bulks
from mulligan.engine.currency import Currency
from mulligan.engine.cycle import Cycle
from mulligan.engine.dispatcher import Assignment, Dispatcher, Seat
from mulligan.engine.feed import Feed, RunEnd, Waiter
from mulligan.engine.inbox import Request
from mulligan.engine.loop import IDLE, POLL, Alarm, keep_awake, keep_time
from mulligan.engine.payloads import Payloads
from mulligan.engine.playground import check_values, schemas_seen
from mulligan.engine.publish import UNWANTED, Publisher, facts_of, failure_document
from mulligan.engine.replays import Replayed, Replays
from mulligan.engine.validation import problems_in, require_valid
from mulligan.errors import NotFound, Unavailable
from mulligan.ports.clock import Chance, Clock
from mulligan.ports.store import RunDocument, RunRow, Store

log = logging.getLogger("mulligan.engine")


def no_run(run_id: str) -> str:
    """What to say of an id that no run has."""
    return f"There is no run {run_id!r}. It may have been removed by retention."


class Engine:
    """A replica. Use it on one asyncio loop: ``start`` it, talk to it, ``stop`` it.

    ``retention``: how long finished runs are kept (None: for ever).
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        chance: Chance,
        policy: Policy | None = None,
        retention: timedelta | None = None,
    ) -> None:
        self.store = store
        self.clock = clock
        self.chance = chance
        self.policy = policy or Policy()
        self.payloads = Payloads(store)
        self.dispatcher = Dispatcher()
        self.feed = Feed()
        self.retention = retention
        self._alarm = Alarm()
        self._bulk_alarm = Alarm()
        self._publisher = Publisher(
            store, clock, self.payloads, self.dispatcher, self.feed, self._alarm, self.submit_all
        )
        self.cycle = Cycle(store, clock, chance, self.policy, self.dispatcher, self._publisher)
        self._replays = Replays(self)
        self.bulks = Bulks(self)
        self._neighbour = Neighbour(
            store, self.dispatcher, self.feed, self._publisher, self.cycle.wake, self.wake_agents
        )
        store.listen(self._neighbour.hear)
        self._currency = Currency(store)
        self._currency_alarm = Alarm()
        self._arriving: dict[str, Seat] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self.started_at: datetime | None = None

    # ── Life ─────────────────────────────────────────────────────────────────────────────────────────────────────────

    async def start(self) -> None:
        """Open the store and begin to work. Raises StoreUnavailable with what to do."""
        await self.store.open()
        self.started_at = self.clock.now()
        self._tasks = [
            asyncio.create_task(self.cycle.run(), name="mulligan-cycle"),
            *(asyncio.create_task(agent, name=f"mulligan-{name}") for name, agent in self._agents().items()),
        ]

    async def stop(self) -> None:
        """Commit what is in the inbox, stop the agents and close the store. Leases stay with their workers."""
        if self._tasks:
            cycle, *agents = self._tasks
            for agent in agents:
                agent.cancel()
            await asyncio.gather(*agents, return_exceptions=True)
            self.cycle.close()
            await cycle
            self._tasks = []
            self.cycle.turn_away()
            await self._publisher.finish()
        await self.store.close()

    @property
    def running(self) -> bool:
        return bool(self._tasks) and not any(task.done() for task in self._tasks)

    def _agents(self) -> dict[str, Coroutine[Any, Any, None]]:
        """By name, what brings time. What may take long goes by itself: neither a worker's rescue nor a retry waits
        for the fifty replays that a bulk replay makes at a time, or for old runs to be deleted."""
        longest = IDLE if self.store.capabilities.exclusive else POLL
        timers = Timers(self.store, self.submit_all)
        rescuer = Rescuer(
            self.store, self.submit_all, self.policy, self.clock.now(), longest, lambda: self.cycle.outage_at
        )
        bulks = BulkReplayer(self.store, self.submit_all, self.bulks.replay_one)
        duties = [timers.tick, rescuer.tick]
        if not self.store.capabilities.exclusive:
            duties.append(self._neighbour.tick)
        agents = {
            "watch": keep_awake(self.clock, self.policy.beat, rescuer.awake),
            "agents": keep_time(self.clock, self._alarm, longest, duties),
            "bulks": keep_time(self.clock, self._bulk_alarm, longest, [bulks.tick]),
            "currency": keep_time(self.clock, self._currency_alarm, IDLE, [self._currency.tick]),
        }
        if self.retention is not None:
            agents["pruner"] = keep_time(self.clock, Alarm(), IDLE, [Pruner(self.store, self.retention).tick])
        return agents

    def wake_agents(self) -> None:
        """Something came up that no timer knows of."""
        for alarm in (self._alarm, self._bulk_alarm):
            alarm.bring_forward(self.clock.now())

    # ── Commands ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def submit_later(self, commands: Sequence[Command]) -> asyncio.Future[list[Any]]:
        """Put commands in the inbox. The answers come after the commit; a refusal is an exception among them."""
        answers: asyncio.Future[list[Any]] = asyncio.get_running_loop().create_future()
        if not self._tasks:
            answers.set_result([Unavailable("The engine is not running.")] * len(commands))
            return answers
        self.cycle.put(Request(self._currency.applied(commands), answers))
        return answers

    async def submit_all(self, commands: Sequence[Command]) -> list[Any]:
        answers = await self.submit_later(commands)
        if any(isinstance(command, DisconnectWorker | ForgetWorker) for command in commands):
            self._currency_alarm.bring_forward(self.clock.now())
        return answers

    async def submit(self, command: Command) -> Any:
        """Carry out one command and return its answer, committed and on disk. Raises what it is refused with."""
        (answer,) = await self.submit_later((command,))
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def version_of(self, namespace: str, workflow: str, wanted: str | None = None) -> Version:
        """The latest version of a workflow, or the one with this digest or number."""
        instead = None if wanted is not None else self._currency.instead_of_newest(namespace, workflow)
        version = await self.store.version(namespace, workflow, wanted or instead)
        if version is not None:
            return version
        if wanted is not None:
            raise NotFound(f"Workflow {workflow!r} has no version {wanted!r}.", code="unknown_version")
        raise NotFound(
            f"No worker has registered a workflow named {workflow!r} yet. Start a worker that declares it "
            "(`mulligan worker app.py:m`), or check the spelling.",
            code="unknown_workflow",
        )

    async def cancel(self, command: CancelRun) -> Cancelled:
        """Cancel a run. Raises NotFound; a run that has finished is answered with ``changed=False``."""
        cancelled: Cancelled = await self.submit(command)
        return cancelled

    async def plan_replay(self, namespace: str, run_id: str, request: ReplayRequest) -> Plan:
        """What a replay would do. Creates nothing. Raises NotFound, Conflict (not_finished), InvalidInput."""
        return (await self._replays.prepare(namespace, run_id, request)).plan

    async def replay(
        self,
        namespace: str,
        run_id: str,
        request: ReplayRequest,
        *,
        author: str,
        token: str | None = None,
        idempotency_key: str | None = None,
        priority: int | None = None,
        bulk_id: str | None = None,
    ) -> Replayed:
        """Make the new run. With a plan's ``token`` it is refused (plan_outdated) if anything has changed since."""
        return await self._replays.replay(
            namespace,
            run_id,
            request,
            author=author,
            token=token,
            idempotency_key=idempotency_key,
            priority=priority,
            bulk_id=bulk_id,
        )

    # ── Waiting ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def watch_new(self, run_id: str, waiter: Waiter) -> None:
        """Call ``waiter`` when a run ends that is being started in the same breath."""
        self.feed.wait_for(run_id, waiter)

    async def watch(self, namespace: str, run_ids: Sequence[str], waiter: Waiter) -> list[str]:
        """Call ``waiter`` once for each of these runs, when it has ended (now, if it has).

        Returns those that do not exist. Raises StoreUnavailable; then it is not known whether they have ended.
        """
        for run_id in run_ids:
            self.feed.wait_for(run_id, waiter)
        # Whoever waits for thousands has just started them here: for these nothing has to be read.
        unsure = [run_id for run_id in run_ids if not self.cycle.has_live(namespace, run_id)]
        found = await self.store.facts(unsure) if unsure else {}
        own = {run_id: facts for run_id, facts in found.items() if facts.run.namespace == namespace}
        await self._publisher.tell_ends([facts for facts in own.values() if is_terminal(facts.run.status)])
        missing = [run_id for run_id in unsure if run_id not in own]
        for run_id in missing:
            self.feed.forget(run_id, waiter)
        return missing

    async def wait(self, namespace: str, run_id: str) -> RunEnd:
        """Return when the run has ended. Cancellable. Raises NotFound."""
        ended: asyncio.Future[RunEnd] = asyncio.get_running_loop().create_future()

        def waiter(end: RunEnd) -> None:
            if not ended.done():
                ended.set_result(end)

        try:
            if await self.watch(namespace, [run_id], waiter):
                raise NotFound(no_run(run_id))
            return await ended
        finally:
            self.feed.forget(run_id, waiter)

    # ── Workers ──────────────────────────────────────────────────────────────────────────────────────────────────────

    async def register(self, namespace: str, definitions: Sequence[WorkflowDefinition]) -> list[Version]:
        """Make workflows known. Answers with the version of each."""
        command = RegisterWorkflows(namespace=namespace, definitions=tuple(definitions))
        versions: list[Version] = await self.submit(command)
        return versions

    async def routes_served(self, namespace: str, definitions: Sequence[WorkflowDefinition]) -> frozenset[str]:
        """The routes of a worker that has these definitions, once they are registered."""
        versions = [
            version for definition in definitions for version in await self.store.versions(namespace, definition.name)
        ]
        return routes_served(definitions, versions)

    async def connect_worker(self, hello: ConnectWorker, seat: Seat) -> Worker:
        """Seat a worker whose definitions have been registered. Work flows as soon as it has credits.

        Raises Unavailable when a newer connection of the same worker has come meanwhile: an old one can be slow to die.
        """
        newest = self._arriving.get(hello.worker_id) or self.dispatcher.seats.get(hello.worker_id)
        if newest is not None and hello.connection < newest.connection:
            raise Unavailable("A newer connection of this worker has taken its seat.")
        self.dispatcher.seats.pop(hello.worker_id, None)
        self._arriving[hello.worker_id] = seat
        seat.session, seat.connection = self.chance.new_token(), hello.connection
        try:
            worker: Worker = await self.submit(msgspec.structs.replace(hello, session=seat.session))
            ready = await self.store.ready_routes()
            if self._arriving.get(hello.worker_id) is not seat:
                raise Unavailable("A newer connection of this worker has taken its seat.")
        finally:
            if self._arriving.get(hello.worker_id) is seat:
                del self._arriving[hello.worker_id]
        self.dispatcher.seats[hello.worker_id] = seat
        self.dispatcher.hint_routes(ready)
        self._currency.watch(hello.namespace)
        self._currency_alarm.bring_forward(self.clock.now())
        return worker

    def add_credits(self, seat: Seat, slots: int) -> None:
        """The worker can take ``slots`` more assignments."""
        seat.credits += slots
        if self.dispatcher.can_claim():
            self.cycle.wake()

    def unseat(self, seat: Seat) -> None:
        """Send nothing more to this connection. A newer connection of the same worker keeps its seat."""
        if self.dispatcher.seats.get(seat.worker_id) is seat:
            del self.dispatcher.seats[seat.worker_id]


# The door's whole vocabulary: whoever serves the engine to others imports from here and nowhere deeper.
__all__ = [
    "UNWANTED",
    "Assignment",
    "Brakes",
    "Committed",
    "Engine",
    "Replayed",
    "RunDocument",
    "RunEnd",
    "RunRow",
    "Seat",
    "Waiter",
    "check_values",
    "facts_of",
    "failure_document",
    "no_run",
    "problems_in",
    "require_valid",
    "routes_served",
    "schemas_seen",
]
