"""``Lab``: an engine, a worker and a clock for a test, all on the test's own event loop. No server, no sleeping."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from datetime import datetime, timedelta
from typing import Any, Self, TypeVar, Unpack, overload

from mulligan.app.local import LocalEngine, LocalTransport
from mulligan.core.commands import DisconnectWorker
from mulligan.core.decide.policy import Policy
from mulligan.core.naming import did_you_mean
from mulligan.core.records import OpenState
from mulligan.engine.api import Committed, Engine
from mulligan.errors import MulliganError
from mulligan.sdk.app import Mulligan
from mulligan.sdk.client.calls import Call, StartOptions
from mulligan.sdk.client.client import Client
from mulligan.sdk.client.runs import Run
from mulligan.sdk.context import running_context
from mulligan.sdk.declare.declaration import WorkflowDeclaration
from mulligan.sdk.durations import parse_duration
from mulligan.sdk.task import Task
from mulligan.sdk.worker.logs import start_capturing, stop_capturing
from mulligan.sdk.worker.session import WorkerSession
from mulligan.sdk.worker.worker import Worker
from mulligan.sdk.workflow import Step, Workflow
from mulligan.server.site import ServerSettings, Site
from mulligan.server.tokens import TokenBook
from mulligan.stores.memory import MemoryStore
from mulligan.testing.clock import EPOCH, SeededChance, VirtualClock, settle
from mulligan.wire.messages import Accepted, Assign, RunEnded
from mulligan.wire.rest.runs import RunDetail

R = TypeVar("R")
I = TypeVar("I")  # noqa: E741 - the workflow's input

Stubs = Mapping[Any, Any]
"""Step or task, or the name of a step of the workflow -> what it gives: a value, an exception to raise, or a function
of its arguments."""

_POLICY = Policy(worker_ttl=timedelta(days=3650), beat=timedelta(days=365))
"""Nobody gets lost here but on purpose, so beats would only make days of virtual time long."""

_PATIENCE_S = 0.05
"""Real time that steps get to go on by themselves (they may await real things) before time is moved for others."""

_THREADS_S = 2.0
"""Real time that a step in a thread gets before it counts as waiting for the test."""


_GLANCE_S = 0.01
"""How long a look at threads may take: some of them come to wait for a run, which only a second look sees."""


class Lab:
    """``async with Lab() as lab``, or pytest's fixture ``lab``.

    The programs under test need not know: whatever ``Mulligan`` a workflow belongs to talks to the lab's engine until
    the lab is closed. Time stands still but for ``advance``, and for ``run.wait()``, which moves it to the next thing
    that is due when nothing else can happen.
    """

    def __init__(self, start: datetime = EPOCH, seed: int = 0) -> None:
        self.clock = VirtualClock(start, self.settle)
        self.engine = Engine(MemoryStore(), self.clock, SeededChance(seed), _POLICY)
        settings = ServerSettings(version="lab", cookie_key=b"a lab has no cookies, and no door  ")
        self._site = Site(self.engine, settings, TokenBook(self.engine))
        self._local: LocalEngine | None = None
        self._benches: dict[Mulligan, _Bench] = {}
        self._stubs: dict[str, dict[tuple[str, str], Any]] = {}
        self._open = ExitStack()
        self._commits = 0
        self.passing_time = asyncio.Lock()

    async def __aenter__(self) -> Self:
        await self.engine.start()
        self._local = LocalEngine(self._site, "default")
        start_capturing()
        self._open.callback(stop_capturing)
        self._open.callback(self.engine.feed.listen(self._count_commit))
        return self

    async def __aexit__(self, *error: object) -> None:
        for bench in self._benches.values():
            await bench.close()
        self._open.close()
        if self._local is not None:
            await self._local.close()
        await self.engine.stop()

    # ── Running ──────────────────────────────────────────────────────────────────────────────────────────────────────

    @overload
    async def run(
        self,
        target: Workflow[I],
        input: I = ...,
        /,
        *,
        stub: Stubs | None = ...,
        **options: Unpack[StartOptions],
    ) -> Run[Any]: ...
    @overload
    async def run(
        self, target: Task[..., R], /, *arguments: Any, stub: Stubs | None = ..., **options: Unpack[StartOptions]
    ) -> Run[R]: ...
    async def run(self, target: Any, /, *arguments: Any, stub: Stubs | None = None, **options: Any) -> Run[Any]:
        """Start a run and let it go as far as it can without time moving on.

        ``stub`` replaces steps, and tasks that steps call, in this run and in its replays: a value is what they give,
        an exception is raised, a function is called with their arguments. ``playground`` and the other options are
        those of ``start``. Raises what ``start`` raises, and TypeError for a stub of something else.
        """
        await self.use(target.declaration.workflow.app if isinstance(target, Task) else target.app)
        call: Call = (target.options(**options) if isinstance(target, Task) else target).call(
            *arguments, **({} if isinstance(target, Task) else options)
        )
        if stub:
            self._stubs[call.spec.run_id] = {_stubbed(key, call.workflow): value for key, value in stub.items()}
        (run,) = await call.workflow.app.client.start_many([call])
        await self.settle()
        return await run.refresh()

    async def advance(self, span: str | timedelta) -> None:
        """Move time on, letting everything that falls due happen at its own moment."""
        await self.clock.advance(parse_duration(span))

    async def settle(self) -> None:
        """Let everything happen that needs no time, in threads as well."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + _THREADS_S
        await settle()
        while (busy := self._busy_in_threads()) and loop.time() < deadline:
            await asyncio.to_thread(busy[0].worker.pool.wait_for_an_end, _GLANCE_S)
            await settle()

    def _busy_in_threads(self) -> list[_Bench]:
        return [bench for bench in self._benches.values() if bench.threads_busy]

    async def crash_worker(self, app: Mulligan | None = None) -> None:
        """The worker (of ``app``, or of all) dies without a word, and another one takes its place.

        What it ran is lost as after a kill, and is tried again at once: the lab does not wait for leases to run out.
        """
        for bench in [self._benches[app]] if app is not None else list(self._benches.values()):
            await bench.crash()
        await self.settle()

    async def use(self, app: Mulligan) -> None:
        """Put the lab under a program, with a worker for its steps. ``run`` does it for the program it is given."""
        if self._local is None:
            raise MulliganError("The lab is not open: write `async with Lab() as lab`, or use the fixture.")
        bench = self._benches.get(app)
        if bench is None:
            bench = _Bench(self, app, self._local)
            self._open.enter_context(app.use(bench.client, bench.transport, self.clock))
            self._benches[app] = bench
        await bench.tell()

    # ── For the client and the workers of the lab ────────────────────────────────────────────────────────────────────

    async def pass_time(self, until: Callable[[], bool], run_id: str) -> None:
        """Let things happen, and time pass where it must, until something is so. Raises MulliganError when it never
        will be."""
        while not until():
            before = self._commits
            await self.settle()
            if until():
                return
            if self._is_anything_running and await self._goes_on_by_itself(until, before):
                continue
            due_at = await self._next_due_at()
            if due_at is not None:
                await self.clock.advance(max(due_at - self.clock.now(), timedelta()))
            elif not self._is_anything_running:
                raise MulliganError(await self._why_stuck(run_id))

    async def _goes_on_by_itself(self, until: Callable[[], bool], before: int) -> bool:
        """Steps may be waiting for something real: a file, a local server, a thread. Does anything come of it?"""
        deadline = asyncio.get_running_loop().time() + _PATIENCE_S
        while asyncio.get_running_loop().time() < deadline:
            await asyncio.to_thread(lambda: None)
            await settle()
            if until() or self._commits != before:
                return True
        return False

    def _count_commit(self, committed: Committed) -> None:
        self._commits += 1

    @property
    def _is_anything_running(self) -> bool:
        return any(bench.worker.ledger.running for bench in self._benches.values())

    async def _next_due_at(self) -> datetime | None:
        """When a retry, a sleep or a queue timeout is due. An execution timeout is no reason to move time: what runs is
        to get the real time that it needs."""
        due = await self.engine.store.due_steps(datetime.max.replace(tzinfo=EPOCH.tzinfo), 10_000)
        facts = await self.engine.store.facts(list({step.run_id for step in due}))
        waiting = [step.due_at for step in due if facts[step.run_id].open[step.step].state is not OpenState.LEASED]
        return min(waiting, default=None)

    async def _why_stuck(self, run_id: str) -> str:
        client = next(iter(self._benches.values())).client
        detail = await client.ask(RunDetail, "GET", f"/runs/{run_id}")
        return (
            f"Run {run_id} will never end: nothing runs and nothing is due. It is {detail.status}"
            f"{f': {detail.waiting}' if detail.waiting else ''}."
        )

    def inherit_stubs(self, run_id: str, source_id: str) -> None:
        """A child, or a replay, has the stubs of the run that it came from."""
        if source_id in self._stubs:
            self._stubs.setdefault(run_id, self._stubs[source_id])

    def substitute(self, assign: Assign) -> Callable[..., Any] | None:
        """What is called in place of the step's function, if the test has stubbed it."""
        run_id = assign.lease.run_id
        if assign.source_id is not None:
            self.inherit_stubs(run_id, assign.source_id)
        stubs = self._stubs.get(run_id, {})
        step = (assign.workflow, assign.lease.step)
        return _stub(stubs[step]) if step in stubs else None


def _stubbed(key: object, workflow: WorkflowDeclaration) -> tuple[str, str]:
    """The names of the workflow and the step that a key of ``stub=`` means. Raises TypeError."""
    if isinstance(key, Step | Task):
        return key.declaration.workflow.name, key.name
    if isinstance(key, str) and key in workflow.steps:
        return workflow.name, key
    near = did_you_mean(key, workflow.steps) if isinstance(key, str) else ""
    raise TypeError(
        f"stub= takes steps and tasks, or names of steps of {workflow.name!r}, and not {key!r}.{near} "
        f"There are {', '.join(workflow.steps)}."
    )


def _stub(value: Any) -> Callable[..., Any]:
    def give(**arguments: Any) -> Any:
        if isinstance(value, BaseException):
            raise value
        return value(**arguments) if inspect.isroutine(value) else value

    return give


class _LabClient(Client):
    """A client that lets time pass while it waits, and passes stubs on to children."""

    def __init__(self, lab: Lab, app: Mulligan) -> None:
        super().__init__(app)
        self._lab = lab

    async def watch(self, run_id: str, timeout: timedelta | None = None) -> RunEnded:  # noqa: ASYNC109 - as its parent
        if running_context.get() is not None:
            # a step waits for its child: it is the test's waiting that lets time pass
            return await super().watch(run_id, timeout)
        watching = asyncio.ensure_future(super().watch(run_id, timeout))
        try:
            async with self._lab.passing_time:
                # one at a time: two who wait for everybody else to be still would wait for each other
                await self._lab.pass_time(watching.done, run_id)
            return await watching
        finally:
            watching.cancel()

    async def watch_all(self, run_ids: Sequence[str]) -> list[RunEnded]:
        return [await self.watch(run_id) for run_id in run_ids]

    async def _start(self, calls: Sequence[Call], *, watched: bool = False) -> list[Accepted]:
        for call in calls:
            if call.spec.parent_id is not None:
                self._lab.inherit_stubs(call.spec.run_id, call.spec.parent_id)
        return await super()._start(calls, watched=watched)


class _Bench:
    """One program in a lab: its client and its worker."""

    def __init__(self, lab: Lab, app: Mulligan, local: LocalEngine) -> None:
        self.app = app
        self.transport = LocalTransport(local, "the lab", slots_here=0, on_close=lambda: None)
        self.client = _LabClient(lab, app)
        self._lab = lab
        self.worker, self._session, self._running = self._hire()

    def _hire(self) -> tuple[Worker, WorkerSession, asyncio.Task[None]]:
        worker = Worker(
            self.app, asyncio.get_running_loop(), self._lab.clock, name="lab", substitute=self._lab.substitute
        )
        session = WorkerSession(worker, self.transport.link(), self._lab.clock)
        return worker, session, asyncio.create_task(session.run(), name="mulligan-lab-worker")

    @property
    def threads_busy(self) -> bool:
        """Does a step run in a thread that does not itself wait for a run?"""
        return self.worker.pool.busy > self.app.sync.waiting

    async def tell(self) -> None:
        """Make sure that the engine knows everything that the program declares by now."""
        self.app.definitions()
        if self.worker.told not in (-1, self.app.revision):
            await self._session.reconnect()
        await self._lab.settle()
        if self._running.done():
            await self._running

    async def crash(self) -> None:
        await self._stop()
        gone = DisconnectWorker(worker_id=self.worker.id, clean=True)
        self.worker, self._session, self._running = self._hire()
        await self._lab.engine.submit(gone)

    async def _stop(self) -> None:
        self.worker.stop_all("the lab ended this worker")
        self._running.cancel()
        await asyncio.gather(self._running, return_exceptions=True)
        await settle()

    async def close(self) -> None:
        await self._stop()
        await self.worker.close()
        await self.client.close_session()
        self.app.close()
