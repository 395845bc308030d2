"""Two engines on one database: what neither could do wrong alone."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import asyncpg
import pytest

from mulligan.app.system import SystemChance, SystemClock
from mulligan.core.commands import (
    AttemptRef,
    CancelRun,
    ConnectWorker,
    FinishAttempt,
    RegisterWorkflows,
    Started,
    StartRun,
    Verdict,
)
from mulligan.core.decide.attempts import ref_of
from mulligan.core.query import RunFilter
from mulligan.core.records import Argument, OpenState, Outcome, RunStatus, StepDefinition, Version, WorkflowDefinition
from mulligan.core.replay import ReplayRequest
from mulligan.engine.agents import neighbour
from mulligan.engine.api import Assignment, Brakes, Committed, Engine, RunEnd, Seat
from mulligan.errors import Conflict, Unavailable
from mulligan.stores.postgres import PostgresStore, wakeups

GREET = WorkflowDefinition(
    "greet", (StepDefinition("greet", arguments=(Argument("name", "input:name"),)),), is_task=True
)
JOIN = WorkflowDefinition(
    "join",
    (
        StepDefinition("a"),
        StepDefinition("b"),
        StepDefinition("c", parents=("a", "b"), arguments=(Argument("x", "step:a"), Argument("y", "step:b"))),
    ),
)


@dataclass
class HeldWorker:
    """A worker that keeps what it is given until it is told to report it, to whichever engine."""

    id: str = "worker"
    slots: int = 100
    got: asyncio.Queue[Assignment] = field(default_factory=asyncio.Queue)
    stopped: asyncio.Queue[AttemptRef] = field(default_factory=asyncio.Queue)
    held: list[AttemptRef] = field(default_factory=list)

    async def connect(self, engine: Engine, *definitions: WorkflowDefinition) -> Seat:
        await engine.register("default", definitions)
        routes = await engine.routes_served("default", definitions)
        seat = Seat(self.id, "default", routes, self._deliver, self._stop, lambda: list(self.held))
        hello = ConnectWorker(
            worker_id=self.id, namespace="default", name=self.id, host="here", pid=1, sdk="test", slots=self.slots
        )
        await engine.connect_worker(hello, seat)
        engine.add_credits(seat, self.slots)
        return seat

    async def take(self, count: int = 1) -> list[Assignment]:
        return [await self.got.get() for _ in range(count)]

    def _deliver(self, assignments: list[Assignment]) -> None:
        for assignment in assignments:
            self.held.append(ref_of(assignment.step))
            self.got.put_nowait(assignment)

    def _stop(self, attempts: object, reason: str) -> None:
        for attempt in attempts:  # type: ignore[attr-defined]  # a sequence of AttemptRef
            self.held.remove(attempt)
            self.stopped.put_nowait(attempt)


class Late:
    """A connection that breaks at COMMIT, for the engine; what was sent arrives at the server later."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner
        self._is_broken = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def is_closed(self) -> bool:
        return self._is_broken

    async def execute(self, sql: str, *args: Any) -> str:
        if sql == "COMMIT":
            self._is_broken = True
            raise asyncpg.ConnectionDoesNotExistError("connection was closed in the middle of operation")
        status: str = await self._inner.execute(sql, *args)
        return status

    async def arrive(self) -> None:
        await self._inner.execute("COMMIT")
        await self._inner.close()


@asynccontextmanager
async def engine_on(url: str) -> AsyncIterator[Engine]:
    clock = SystemClock()
    engine = Engine(PostgresStore(url, clock), clock, SystemChance())
    await engine.start()
    try:
        yield engine
    finally:
        await engine.stop()


@pytest.fixture(params=["", "&pgbouncer=true"], ids=["with news", "without news"])
async def engines(request: pytest.FixtureRequest, postgres_url: str) -> AsyncIterator[tuple[Engine, Engine]]:
    """Two engines; without news each finds out by its sweeps alone."""
    async with AsyncExitStack() as stack:
        one, other = [await stack.enter_async_context(engine_on(postgres_url + request.param)) for _ in range(2)]
        yield one, other


async def start(engine: Engine, workflow: str, **given: object) -> str:
    command = StartRun(
        run_id=engine.chance.new_id(),
        namespace="default",
        workflow=workflow,
        input=b'{"name":"ada"}',
        **given,  # type: ignore[arg-type]  # the fields of StartRun, as each test needs them
    )
    started: Started = await engine.submit(command)
    return started.run_id


def report(assignment: Assignment, output: bytes = b'"done"') -> FinishAttempt:
    step = assignment.step
    return FinishAttempt(ref_of(step), "default", step.worker_id or "", Outcome.SUCCEEDED, output)


async def test_a_step_made_ready_by_one_engine_is_taken_by_a_worker_of_the_other(
    engines: tuple[Engine, Engine],
) -> None:
    one, other = engines
    worker = HeldWorker()
    await worker.connect(other, GREET)
    run_id = await start(one, "greet")
    [assignment] = await worker.take()
    assert (assignment.run.id, assignment.input) == (run_id, b'{"name":"ada"}')


async def test_a_run_that_ends_on_one_engine_is_answered_by_the_other(engines: tuple[Engine, Engine]) -> None:
    one, other = engines
    worker = HeldWorker()
    await worker.connect(other, GREET)
    run_id = await start(one, "greet")
    waiting = asyncio.create_task(one.wait("default", run_id))
    [assignment] = await worker.take()
    assert await other.submit(report(assignment)) == Verdict(applied=True)
    end: RunEnd = await waiting
    assert (end.run.status, end.outputs) == (RunStatus.SUCCEEDED, {"greet": b'"done"'})


async def test_however_many_are_awaited_each_end_is_found_without_news(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not all at each sweep: a few, and then the next ones."""
    monkeypatch.setattr(neighbour, "FEW", 2)
    async with engine_on(f"{postgres_url}&pgbouncer=true") as one, engine_on(f"{postgres_url}&pgbouncer=true") as other:
        worker = HeldWorker()
        await worker.connect(other, GREET)
        runs = [await start(one, "greet") for _ in range(9)]
        waiting = [asyncio.create_task(one.wait("default", run_id)) for run_id in runs]
        for assignment in await worker.take(9):
            await other.submit(report(assignment))
        assert [(await each).run.status for each in waiting] == [RunStatus.SUCCEEDED] * 9


async def test_when_nobody_can_listen_any_more_sweeps_find_everything(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wakeups, "AGAIN", timedelta(hours=1))
    admin = await asyncpg.connect(postgres_url)
    began_at = await admin.fetchval("SELECT clock_timestamp()")
    # Not those of other tests beside this one, and of those before it that are still on their way out.
    cut = (
        "SELECT pid, pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE application_name = 'mulligan news' AND datname = current_database() AND backend_start > $1"
    )
    async with engine_on(postgres_url) as one, engine_on(postgres_url) as other:
        worker = HeldWorker()
        await worker.connect(other, GREET)
        ended: set[int] = set()
        while len(ended) < 2:  # one that is still on its way out is listed again
            ended |= {pid for pid, _ in await admin.fetch(cut, began_at)}
        run_id = await start(one, "greet")
        [assignment] = await worker.take()
        await other.submit(report(assignment))
        assert (await one.wait("default", run_id)).run.status is RunStatus.SUCCEEDED
        listening = {pid for pid, _ in await admin.fetch(cut, began_at)}
        await admin.close()
        assert listening <= ended, "nobody has listened again"


async def test_a_worker_is_told_to_stop_what_was_cancelled_on_the_other_engine(engines: tuple[Engine, Engine]) -> None:
    one, other = engines
    worker = HeldWorker()
    await worker.connect(other, GREET)
    run_id, going_on = await start(one, "greet"), await start(one, "greet")
    assignments = await worker.take(2)
    await one.submit(CancelRun(run_id, "default", actor="ada"))
    stopped = await worker.stopped.get()
    assert stopped.run_id == run_id
    assert [ref.run_id for ref in worker.held] == [going_on]
    [late] = [assignment for assignment in assignments if assignment.run.id == run_id]
    assert (await other.submit(report(late))).stale


async def test_listeners_hear_of_runs_that_the_other_engine_has_touched(postgres_url: str) -> None:
    async with engine_on(postgres_url) as one, engine_on(postgres_url) as other:
        await one.register("default", [GREET])
        heard: asyncio.Queue[Committed] = asyncio.Queue()
        other.feed.listen(heard.put_nowait)
        started: set[str] = set()

        async def keep_starting() -> None:
            """Until the other one listens, news are lost on it."""
            while True:
                started.add(await start(one, "greet"))

        starting = asyncio.create_task(keep_starting())
        while not started & {run_id for _, run_id in (await heard.get()).runs}:
            pass
        starting.cancel()


async def test_two_parents_that_end_at_once_on_two_engines_open_their_child_once(
    engines: tuple[Engine, Engine],
) -> None:
    one, other = engines
    worker = HeldWorker()
    await worker.connect(one, JOIN)
    runs = {await start(one, "join") for _ in range(20)}
    parents = await worker.take(40)
    first = [report(assignment) for assignment in parents if assignment.step.step == "a"]
    second = [report(assignment) for assignment in parents if assignment.step.step == "b"]
    # each pair of reports at the same time, in opposite orders
    verdicts = await asyncio.gather(
        *(engine.submit(command) for engine, commands in ((one, first), (other, second[::-1])) for command in commands)
    )
    assert all(verdict.applied for verdict in verdicts)
    children = await worker.take(20)
    assert {child.run.id for child in children} == runs
    assert {child.step.step for child in children} == {"c"}
    facts = await one.store.facts(sorted(runs))
    assert [(set(run.open), set(run.ended)) for run in facts.values()] == [({"c"}, {"a", "b"})] * 20


async def test_a_report_to_both_engines_is_applied_once(engines: tuple[Engine, Engine]) -> None:
    one, other = engines
    worker = HeldWorker()
    await worker.connect(one, GREET)
    runs = [await start(one, "greet") for _ in range(20)]
    commands = [report(assignment) for assignment in await worker.take(20)]
    verdicts = await asyncio.gather(*(engine.submit(command) for command in commands for engine in (one, other)))
    assert sum(verdict.applied for verdict in verdicts) == 20
    assert sorted(await one.store.ended(runs)) == sorted(runs)


async def test_what_a_commit_leased_that_came_after_its_connection_broke_is_given_out(postgres_url: str) -> None:
    async with engine_on(postgres_url) as engine:
        worker = HeldWorker()
        await worker.connect(engine, GREET)
        assert isinstance(engine.store, PostgresStore)
        connections = engine.store._connections
        late = connections._writer = Late(await connections.writer())
        with pytest.raises(Unavailable):
            await start(engine, "greet")
        second = asyncio.create_task(start(engine, "greet"))
        admin = await asyncpg.connect(postgres_url)
        # until the engine has looked, or waits to look, what became of the first
        while not second.done() and not await admin.fetchval("SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)"):
            pass
        await late.arrive()
        await admin.close()
        async with asyncio.timeout(10):
            assert len(await worker.take(2)) == 2
        await second


async def test_one_idempotency_key_makes_one_run_on_two_engines(engines: tuple[Engine, Engine]) -> None:
    await engines[0].register("default", [GREET])
    for number in range(10):
        starts = [start(engine, "greet", idempotency_key=f"order {number}") for engine in engines for _ in range(3)]
        assert len(set(await asyncio.gather(*starts))) == 1


async def test_a_run_id_that_another_engine_has_taken_is_refused(engines: tuple[Engine, Engine]) -> None:
    await engines[0].register("default", [GREET])
    run_id = await start(engines[0], "greet")
    again = StartRun(run_id=run_id, namespace="default", workflow="greet", input=b"{}")
    other = StartRun(run_id=engines[1].chance.new_id(), namespace="default", workflow="greet", input=b"{}")
    refused, started = await engines[1].submit_all([again, other])
    assert isinstance(refused, Conflict)
    assert refused.code == "already_exists"
    assert started == Started(other.run_id)


async def test_a_version_registered_with_two_engines_at_once_gets_one_number(engines: tuple[Engine, Engine]) -> None:
    for number in range(1, 6):
        definition = WorkflowDefinition("greet", (StepDefinition("greet", doc=str(number)),))
        command = RegisterWorkflows("default", (definition,))
        found: list[list[Version]] = await asyncio.gather(*(engine.submit(command) for engine in engines))
        assert {version.number for versions in found for version in versions} == {number}


async def test_a_worker_that_came_back_elsewhere_gets_nothing_through_its_old_connection(
    engines: tuple[Engine, Engine],
) -> None:
    """Its old connection is half open: the first engine sees no difference."""
    one, other = engines
    before, after = HeldWorker(), HeldWorker()
    await before.connect(one, GREET)
    lost = await start(one, "greet")
    await before.take()
    await after.connect(other, GREET)
    runs = {lost, *[await start(one, "greet") for _ in range(5)]}
    given = await after.take(6)
    assert {assignment.run.id for assignment in given} == runs
    assert before.got.empty()
    assert [assignment.step.attempt for assignment in given] == [1] * 6


async def test_engines_that_work_at_full_speed_on_one_queue_do_each_step_once(postgres_url: str) -> None:
    """No report is late and no claim is doubled, while both engines take from the same backlog."""
    async with engine_on(postgres_url) as one, engine_on(postgres_url) as other:
        engines = (one, other)
        workers = HeldWorker("ann", slots=7), HeldWorker("bob", slots=5)
        seats = [await worker.connect(engine, JOIN) for worker, engine in zip(workers, engines, strict=True)]
        done: list[tuple[str, str, int]] = []

        async def work(worker: HeldWorker, engine: Engine, seat: Seat) -> None:
            while True:
                [assignment] = await worker.take()
                assert (await engine.submit(report(assignment))).applied
                done.append((assignment.step.run_id, assignment.step.step, assignment.step.attempt))
                engine.add_credits(seat, 1)

        working = [
            asyncio.create_task(work(*each)) for each in zip(workers, engines, seats, strict=True) for _ in range(8)
        ]
        runs = await asyncio.gather(*(start(engine, "join") for _ in range(30) for engine in engines))
        ends = await asyncio.gather(*(one.wait("default", run_id) for run_id in runs))
        for task in working:
            task.cancel()
        assert {end.run.status for end in ends} == {RunStatus.SUCCEEDED}
        assert sorted(done) == sorted((run_id, step, 1) for run_id in runs for step in "abc")
        assert OpenState.LEASED not in {depth.state for depth in await one.store.queue_depths("default")}


async def test_two_engines_that_make_a_bulk_replay_with_one_key_make_one(engines: tuple[Engine, Engine]) -> None:
    one, other = engines
    await one.register("default", (GREET,))
    sources = {engine: [await start(engine, "greet") for _ in range(3)] for engine in engines}
    every = [*sources[one], *sources[other]]
    await one.submit_all([CancelRun(run_id=source, namespace="default", actor="me") for source in every])
    request = ReplayRequest(reason="again")
    for number in range(10):
        bulk_id = f"{number:026}"
        made = await asyncio.gather(
            *(
                engine.bulks.create(
                    "default", RunFilter(ids=tuple(ids)), "ids", request, Brakes(), author=str(ids), bulk_id=bulk_id
                )
                for engine, ids in sources.items()
            )
        )
        items = await one.store.bulk_items("default", bulk_id, None, -1, 10)
        assert {bulk.author for bulk in made} == {str([item.source_id for item, _ in items])}


async def test_once_one_engine_has_answered_an_abort_the_other_begins_no_replay(engines: tuple[Engine, Engine]) -> None:
    """Each of the two begins as many as it can, until one of them is told to stop."""
    one, other = engines
    await one.register("default", (GREET,))
    sources = [await start(one, "greet") for _ in range(60)]
    await one.submit_all([CancelRun(run_id=source, namespace="default", actor="me") for source in sources])
    request = ReplayRequest(reason="again")
    wanted = RunFilter(ids=tuple(sources))
    bulk = await one.bulks.create("default", wanted, "ids", request, Brakes(), author="me")
    other.wake_agents()
    made = RunFilter(bulk_ids=(bulk.id,))
    while not await one.store.count_runs("default", made):
        await start(one, "greet")
    await one.bulks.control("default", bulk.id, "abort", actor="me")
    begun = sum((await one.store.count_runs("default", made)).values())
    for _ in range(30):
        await start(other, "greet")
    assert sum((await one.store.count_runs("default", made)).values()) == begun < len(sources)
