"""Three servers on one PostgreSQL, each taken away under load: nobody notices, but for a moment's delay."""

from __future__ import annotations

import asyncio
import shutil
import signal
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager
from pathlib import Path

import asyncpg
import pytest

from mulligan import Mulligan
from mulligan.errors import Unavailable
from mulligan.sdk.workflow import Workflow
from tests.end_to_end.books import ATTEMPTS, RUNS, Books, World
from tests.end_to_end.programs import Program, mulligan
from tests.end_to_end.test_killed import STORY

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

REPLICAS = 3


class Cluster:
    """Three equal servers and two workers, which know all three and begin with different ones."""

    def __init__(self, world: World, database: str, stack: ExitStack) -> None:
        self._world = world
        # Nobody loses its leases for being slow on a busy machine: all workers live.
        self._environment = {**world.environment, "MULLIGAN_TTL": "15s"}
        self._database = database
        self._stack = stack
        free = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(REPLICAS)]
        self.ports = [each.getsockname()[1] for each in free]
        for each in free:
            each.close()
        self.servers = [self._start_server(0)]
        self.token = (self._data(0) / "token").read_text().strip()
        for number in range(1, REPLICAS):
            # whoever owns one owns all
            self._data(number).mkdir(parents=True, mode=0o700)
            shutil.copy(self._data(0) / "token", self._data(number) / "token")
            self.servers.append(self._start_server(number))
        self.workers = [self._start_worker(number) for number in range(2)]
        for number, worker in enumerate(self.workers):
            worker.wait_for(f"Worker w{number} is connected")

    def urls(self, first: int) -> str:
        """All replicas, in the order in which somebody shall try them."""
        return ",".join(f"http://127.0.0.1:{port}" for port in self.ports[first:] + self.ports[:first])

    def take_away(self, number: int, how: signal.Signals) -> None:
        server = self.servers[number]
        server.send(how)
        assert server.end() == (-signal.SIGKILL if how == signal.SIGKILL else 0), server.output

    def bring_back(self, number: int) -> None:
        self.servers[number] = self._start_server(number)

    def dismiss(self) -> None:
        for program in (*self.workers, *self.servers):
            program.send(signal.SIGTERM)
            assert program.end() == 0, program.output
            assert "Traceback" not in program.output, program.output

    def last_words(self) -> str:
        return "\n".join(program.output[-4000:] for program in (*self.workers, *self.servers))

    def _data(self, number: int) -> Path:
        return self._world.folder / f"replica-{number}"

    def _start_server(self, number: int) -> Program:
        where = ("--data", str(self._data(number)), "--port", str(self.ports[number]), "--database", self._database)
        server = Program(mulligan("server", *where), self._world.folder, self._environment)
        self._stack.enter_context(server).wait_for("serving postgresql")
        return server

    def _start_worker(self, number: int) -> Program:
        where = {"MULLIGAN_URL": self.urls(number), "MULLIGAN_TOKEN": self.token}
        command = mulligan("worker", f"{STORY}:m", "--slots", "8", "--name", f"w{number}")
        worker = Program(command, self._world.folder, {**self._environment, **where})
        return self._stack.enter_context(worker)


class Callers:
    """Ten who call the workflow again and again and wait for the result. What is not answered they ask again, under
    the same key; ``accepted`` is what was answered."""

    def __init__(self, m: Mulligan) -> None:
        self._story: Workflow = m.workflow("story", input=int)
        self._next = 0
        self._closing = False
        self.accepted: list[str] = []
        self.outputs: dict[str, object] = {}

    async def be_busy(self) -> None:
        while not self._closing:
            self._next += 1
            await self._call(self._next)

    def close(self) -> None:
        self._closing = True

    async def _call(self, number: int) -> None:
        run = None
        while run is None:
            try:
                run = await self._story.start(number, idempotency_key=f"story/{number}")
            except Unavailable:
                continue
        self.accepted.append(run.id)
        while run.id not in self.outputs:
            try:
                self.outputs[run.id] = (await run.wait())["end"].output
            except Unavailable:
                continue


@asynccontextmanager
async def load_on(cluster: Cluster) -> AsyncIterator[Callers]:
    """Until the end of the block; then every call has to be answered."""
    m = Mulligan(cluster.urls(2), token=cluster.token)
    callers = Callers(m)
    async with AsyncExitStack() as stack:
        stack.callback(m.close)
        stack.push_async_callback(m.client.close_session)
        async with asyncio.TaskGroup() as group:
            for _ in range(10):
                group.create_task(callers.be_busy())
            try:
                yield callers
            finally:
                callers.close()


async def books_of(database: str, world: World) -> Books:
    connection = await asyncpg.connect(database)
    try:
        assert await connection.fetchval("SELECT count(*) FROM open_steps") == 0, "something never ended"
        runs = [dict(row) for row in await connection.fetch(RUNS)]
        attempts = [tuple(row) for row in await connection.fetch(ATTEMPTS)]
    finally:
        await connection.close()
    return Books(runs, attempts, world.effects())


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM], ids=["killed", "asked to leave"])
async def test_each_replica_in_turn_is_taken_away_under_load(
    tmp_path: Path, postgres_url: str, how: signal.Signals
) -> None:
    world = World(tmp_path)
    with ExitStack() as stack:
        cluster = await asyncio.to_thread(Cluster, world, postgres_url, stack)
        try:
            async with load_on(cluster) as callers:
                for number in range(REPLICAS):
                    await asyncio.to_thread(world.wait_for, 30)
                    await asyncio.to_thread(cluster.take_away, number, how)
                    # the others take over
                    await asyncio.to_thread(world.wait_for, 30)
                    await asyncio.to_thread(cluster.bring_back, number)
                await asyncio.to_thread(world.wait_for, 30)
            await asyncio.to_thread(cluster.dismiss)
        except BaseException as error:
            error.add_note(cluster.last_words())
            raise

    books = await books_of(postgres_url, world)
    books.check()
    stories = {run for run, workflow in books.workflow.items() if workflow == "story"}
    assert stories == set(callers.accepted), "an acknowledged run is lost, or a start counted twice"
    assert len(books.keys) == len(set(books.keys)) == len(callers.accepted)
    assert {run: books.results[run, "end"] for run in stories} == callers.outputs, "somebody was told another result"
    lost = [attempt for attempt in books.attempts if attempt[3] == "lost"]
    assert lost == [], "the workers were there all the time: no step had to run twice"
