"""An outage of the engine is no failure of the step that asks it for something, as long as the step is wanted."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from datetime import timedelta

import pytest

from mulligan import Cancelled, Context, Mulligan, Task
from mulligan.errors import Conflict, Unavailable
from mulligan.sdk.client.client import Client
from mulligan.sdk.client.patience import LONGEST
from mulligan.sdk.context import running_context
from mulligan.sdk.transports import LinkClosed
from mulligan.testing import make_context
from mulligan.testing.clock import VirtualClock, settle
from mulligan.wire.messages import Accepted, Refused, RunEnded, Start, Unwatch
from tests.sdk.fake_server import FakeServer

NOT_NOW = ("disk_full", "The disk is full.")


class Transport:
    """To a fake server; its REST answers are what a test puts into ``answers``."""

    address = "http://nowhere"
    worker_loop: asyncio.AbstractEventLoop | None = None
    slots_here = 0

    def __init__(self, server: FakeServer) -> None:
        self._server = server
        self.answers: list[tuple[int, bytes] | Unavailable] = []

    def link(self) -> FakeServer:
        return self._server

    async def request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: bytes | None = None,
        idempotency_key: str | None = None,
    ) -> tuple[int, bytes]:
        answer = self.answers.pop(0)
        if isinstance(answer, Unavailable):
            raise answer
        return answer

    def close(self) -> None: ...


class Program:
    """One task, its client, and the step that calls it."""

    def __init__(self) -> None:
        self.app = Mulligan(url="http://nowhere")
        self.server = FakeServer()
        self.transport = Transport(self.server)
        self.clock = VirtualClock()
        self.context: Context = make_context()

        @self.app.task
        def greet(name: str) -> str:
            return name

        self.greet: Task[[str], str] = greet

    async def calling(self, *, in_step: bool = True) -> asyncio.Task[str]:
        """A call that is under way."""

        async def call() -> str:
            if in_step:
                running_context.set(self.context)
            return await self.greet("ada")

        task = asyncio.create_task(call())
        await settle()
        return task

    def ends(self) -> None:
        """The child that was asked for last is over."""
        (spec,) = self.server.all(Start)[-1].runs
        self.server.say(RunEnded(run_id=spec.run_id, status="succeeded", outputs={"greet": b'"ada"'}))

    async def advance(self, seconds: float) -> None:
        await self.clock.advance(timedelta(seconds=seconds))


@pytest.fixture
async def program() -> AsyncIterator[Program]:
    program = Program()
    client = Client(program.app)
    with program.app.use(client, program.transport, program.clock):
        yield program
        await client.close_session()


async def test_a_child_is_asked_for_again_until_the_engine_can_start_it(program: Program) -> None:
    program.server.accepts = lambda spec: NOT_NOW
    call = await program.calling()
    await program.advance(30)
    asked = [start.runs[0] for start in program.server.all(Start)]
    assert len(asked) > 3
    assert len({spec.idempotency_key for spec in asked}) == 1
    assert not call.done()
    program.server.accepts = lambda spec: Accepted(spec.run_id)
    await program.advance(10)
    program.ends()
    assert await call == "ada"


async def test_late_news_of_a_start_that_was_not_made_do_not_concern_the_next_one(program: Program) -> None:
    """The server looks for a run that it could not make, and the database is away: it may answer much later."""
    program.server.accepts = lambda spec: NOT_NOW
    call = await program.calling()
    program.server.accepts = lambda spec: Accepted(spec.run_id)
    await program.advance(1)
    first, second = [start.runs[0] for start in program.server.all(Start)]
    program.server.say(Refused(code="not_found", message="There is no such run.", run_id=first.run_id))
    await settle()
    assert not call.done()
    assert second.idempotency_key == first.idempotency_key
    program.ends()
    assert await call == "ada"


async def test_a_start_that_was_made_although_it_was_refused_is_found_by_its_key(program: Program) -> None:
    program.server.accepts = lambda spec: NOT_NOW
    call = await program.calling()
    (made,) = program.server.all(Start)[0].runs
    program.server.accepts = lambda spec: Accepted(made.run_id, existing=True)
    await program.advance(1)
    program.server.say(RunEnded(run_id=made.run_id, status="succeeded", outputs={"greet": b'"ada"'}))
    assert await call == "ada"


async def test_an_outage_longer_than_callers_wait_is_waited_through_in_a_step(program: Program) -> None:
    program.server.refuses = [LinkClosed("Nobody is there.") for _ in range(12)]
    call = await program.calling()
    await program.advance(90)
    program.ends()
    assert await call == "ada"


async def test_the_end_of_a_child_is_waited_for_when_the_session_is_closed(program: Program) -> None:
    call = await program.calling()
    await program.app.client.close_session()
    await program.advance(1)
    program.ends()
    assert await call == "ada"


async def test_a_step_that_is_not_wanted_any_more_stops_asking(program: Program) -> None:
    program.server.accepts = lambda spec: NOT_NOW
    call = await program.calling()
    program.context.cancel()
    await program.advance(10)
    with pytest.raises(Cancelled):
        await call


async def test_an_engine_that_never_can_is_a_failure_in_the_end(program: Program) -> None:
    program.server.accepts = lambda spec: NOT_NOW
    call = await program.calling()
    for _ in range(int(LONGEST.total_seconds()) // 5 + 4):
        await program.advance(5)
    with pytest.raises(Unavailable, match="The disk is full"):
        await call


async def test_what_is_refused_for_good_is_told_at_once(program: Program) -> None:
    program.server.accepts = lambda spec: ("idempotency_conflict", "The key is taken.")
    call = await program.calling()
    with pytest.raises(Conflict):
        await call


async def test_outside_of_steps_the_caller_is_told_at_once(program: Program) -> None:
    program.server.accepts = lambda spec: NOT_NOW
    call = await program.calling(in_step=False)
    with pytest.raises(Unavailable):
        await call
    assert len(program.server.all(Start)) == 1


@pytest.mark.parametrize(
    ("method", "key", "in_step", "again"),
    [
        ("GET", None, True, True),
        ("POST", "key", True, True),
        ("POST", None, True, False),
        ("GET", None, False, False),
    ],
)
async def test_requests_that_may_be_repeated_are(
    program: Program, method: str, key: str | None, in_step: bool, again: bool
) -> None:
    program.transport.answers = [Unavailable("Nobody is there."), (503, b"no explanation"), (200, b"{}")]

    async def ask() -> bytes:
        if in_step:
            running_context.set(program.context)
        return await program.app.client.ask_text(method, "/runs", idempotency_key=key)

    asking = asyncio.create_task(ask())
    await program.advance(5)
    if again:
        assert await asking == b"{}"
    else:
        with pytest.raises(Unavailable, match="Nobody is there"):
            await asking


async def test_calls_that_are_given_up_before_they_have_started_leave_nothing_behind(program: Program) -> None:
    """As in a web handler whose client went away."""
    program.server.accepts = lambda spec: None
    calls = [await program.calling(in_step=False) for _ in range(20)]
    for call in calls:
        call.cancel()
    await asyncio.gather(*calls, return_exceptions=True)
    await settle()
    started = [spec.run_id for start in program.server.all(Start) for spec in start.runs]
    assert len(started) == 20
    assert {run_id for told in program.server.all(Unwatch) for run_id in told.run_ids} == set(started)
    program.server.accepts = lambda spec: Accepted(spec.run_id)
    program.server.cut()  # one that is wanted for nothing is asked once more for the answers, and not again
    await program.advance(60)
    program.server.say(*(RunEnded(each, "succeeded", {}) for each in started))
    await settle()
    program.server.cut()
    await program.advance(60)
    assert program.server.connects == 2


async def test_a_step_that_is_stopped_while_it_asks_again_leaves_nothing_behind(program: Program) -> None:
    program.server.accepts = lambda spec: NOT_NOW if b"bob" in spec.input else Accepted(spec.run_id)

    async def both() -> list[str]:
        running_context.set(program.context)
        return await program.greet.map(["ada", "bob"])

    stopped = asyncio.create_task(both())
    await settle()
    await program.advance(30)
    stopped.cancel()
    await asyncio.gather(stopped, return_exceptions=True)
    await settle()
    ada, _ = program.server.all(Start)[0].runs
    assert ada.run_id in {run_id for told in program.server.all(Unwatch) for run_id in told.run_ids}
    program.server.say(RunEnded(ada.run_id, "succeeded", {"greet": b'"ada"'}))
    await settle()
    program.server.cut()
    connects = program.server.connects
    await program.advance(60)
    assert program.server.connects == connects
