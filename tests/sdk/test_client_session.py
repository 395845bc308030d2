"""The client's side of the session protocol: batches, answers, outages; with a server that a test speaks for."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import msgspec
import pytest

from mulligan.errors import Conflict, NotFound, Unauthorized, Unavailable
from mulligan.sdk.client.calls import new_id
from mulligan.sdk.client.session import ClientSession
from mulligan.sdk.transports import LinkClosed
from mulligan.testing.clock import VirtualClock, settle
from mulligan.wire.messages import Accepted, Refused, RunEnded, Start, StartSpec, Unwatch, Watch
from tests.sdk.fake_server import FakeServer


class Talk:
    """A session with its server, its clock, and whether it has ended."""

    def __init__(self) -> None:
        self.server = FakeServer()
        self.clock = VirtualClock()
        self.ended = 0
        self.session = ClientSession(self.server, self.clock, self._end)

    def _end(self, session: ClientSession) -> None:
        self.ended += 1

    async def advance(self, seconds: float) -> None:
        await self.clock.advance(timedelta(seconds=seconds))


@pytest.fixture
async def talk() -> AsyncIterator[Talk]:
    talk = Talk()
    yield talk
    await talk.session.close()


def spec(workflow: str = "hello", run_input: bytes = b"{}") -> StartSpec:
    return StartSpec(run_id=new_id(), workflow=workflow, input=run_input)


def ended(run_id: str, status: str = "succeeded") -> RunEnded:
    return RunEnded(run_id=run_id, status=status, outputs={"hello": b"1"})


async def test_everything_of_one_turn_goes_out_in_one_frame(talk: Talk) -> None:
    specs = [spec() for _ in range(5)]
    answers = await asyncio.gather(*(talk.session.start([one], watched=True) for one in specs))
    assert answers == [[Accepted(one.run_id)] for one in specs]
    (frame,) = talk.server.frames
    assert frame == [Start(seq=1, runs=specs), Watch(run_ids=[one.run_id for one in specs])]


async def test_a_large_batch_is_cut_and_answered_in_order(talk: Talk) -> None:
    specs = [spec() for _ in range(2_500)]
    answers = await talk.session.start(specs)
    assert answers == [Accepted(one.run_id) for one in specs]
    assert [len(start.runs) for start in talk.server.all(Start)] == [1000, 1000, 500]
    large = [spec(run_input=b'"' + b"x" * 3_000_000 + b'"') for _ in range(3)]
    await talk.session.start(large)
    assert [len(start.runs) for start in talk.server.all(Start)[3:]] == [1, 1, 1]
    assert await talk.session.start([]) == []


async def test_an_end_that_comes_in_parts_is_one_end(talk: Talk) -> None:
    one = spec()
    waiting = asyncio.create_task(talk.session.watch(one.run_id))
    await settle()
    talk.server.say(RunEnded(one.run_id, "succeeded", {"lost": b"0"}, more=True))
    await settle()
    talk.server.cut()  # the rest is lost with the connection, and all of it is told again
    await talk.advance(5)
    for output in ({"a": b"1"}, {"b": b"2"}):
        talk.server.say(RunEnded(one.run_id, "succeeded", output, more=True))
        await settle()
        assert not waiting.done()
    talk.server.say(RunEnded(one.run_id, "succeeded", {"c": b"3"}))
    assert await waiting == RunEnded(one.run_id, "succeeded", {"a": b"1", "b": b"2", "c": b"3"})


async def test_each_start_is_refused_by_itself_with_the_error_that_it_was(talk: Talk) -> None:
    problems = {
        "nobody": ("unknown_workflow", "No worker has registered a workflow named 'nobody' yet."),
        "again": ("idempotency_conflict", "The key has been used for another request."),
    }
    talk.server.accepts = lambda one: problems.get(one.workflow) or Accepted(one.run_id, existing=True)
    good, unknown, conflict = await talk.session.start([spec(), spec("nobody"), spec("again")])
    assert isinstance(good, Accepted)
    assert good.existing
    assert isinstance(unknown, NotFound)
    assert isinstance(conflict, Conflict)
    assert (unknown.code, str(unknown)) == problems["nobody"]


async def test_the_end_of_a_run_reaches_everybody_who_waits_for_it(talk: Talk) -> None:
    waiting = [asyncio.create_task(talk.session.watch("r1")) for _ in range(3)]
    await settle()
    assert talk.server.all(Watch) == [Watch(run_ids=["r1"])]
    talk.server.say(ended("r1"), ended("unasked"))
    assert await asyncio.gather(*waiting) == [ended("r1")] * 3
    again = asyncio.create_task(talk.session.watch("r1"))
    await settle()
    assert len(talk.server.all(Watch)) == 2
    talk.server.say(ended("r1"))
    assert await again == ended("r1")


async def test_who_stops_waiting_is_taken_off_the_list_and_only_the_last_tells_the_server(talk: Talk) -> None:
    first, second = (asyncio.create_task(talk.session.watch("r1")) for _ in range(2))
    await settle()
    first.cancel()
    await settle()
    assert talk.server.all(Unwatch) == []
    second.cancel()
    await settle()
    assert talk.server.all(Unwatch) == [Unwatch(run_ids=["r1"])]


async def test_a_run_that_does_not_exist_cannot_be_waited_for(talk: Talk) -> None:
    waiting = asyncio.create_task(talk.session.watch("r1"))
    await settle()
    talk.server.say(Refused(code="not_found", message="There is no run 'r1'.", run_id="r1"))
    with pytest.raises(NotFound, match="There is no run 'r1'"):
        await waiting


async def test_a_refused_start_is_not_watched_any_more(talk: Talk) -> None:
    talk.server.accepts = lambda one: ("unknown_workflow", "No such workflow.")
    one = spec()
    (refused,) = await talk.session.start([one], watched=True)
    assert isinstance(refused, NotFound)
    talk.server.say(Refused(code="not_found", message="No such run.", run_id=one.run_id))
    await settle()
    talk.session.unwatch(one.run_id)
    await settle()


async def test_an_end_that_is_told_before_anybody_waits_is_kept_for_who_will(talk: Talk) -> None:
    first, second = spec(), spec()
    await talk.session.start([first, second], watched=True)
    talk.server.say(ended(first.run_id))
    talk.server.say(Refused(code="not_found", message="It has been removed.", run_id=second.run_id))
    await settle()
    assert await talk.session.watch(first.run_id) == ended(first.run_id)
    with pytest.raises(NotFound, match="removed"):
        await talk.session.watch(second.run_id)
    assert len(talk.server.all(Watch)) == 1


async def test_many_are_waited_for_together_and_the_first_that_nobody_knows_ends_the_waiting(talk: Talk) -> None:
    all_three = asyncio.create_task(talk.session.watch_all(["r1", "r2", "r1", "r3"]))
    two = asyncio.create_task(talk.session.watch_all(["r1", "r2"]))
    assert await talk.session.watch_all([]) == []
    await settle()
    assert sorted(talk.server.all(Watch)[0].run_ids) == ["r1", "r2", "r3"]
    talk.server.say(ended("r2"), ended("r1"))
    await settle()
    assert await two == [ended("r1"), ended("r2")]
    assert not all_three.done()
    talk.server.say(ended("r3"))
    assert await all_three == [ended("r1"), ended("r2"), ended("r1"), ended("r3")]
    lost = asyncio.create_task(talk.session.watch_all(["r4", "r5"]))
    await settle()
    talk.server.say(Refused(code="not_found", message="There is no run 'r4'.", run_id="r4"))
    with pytest.raises(NotFound, match="r4"):
        await lost
    await settle()
    assert talk.server.all(Unwatch) == [Unwatch(run_ids=["r5"])]


async def test_what_was_not_answered_is_asked_again_after_a_torn_connection(talk: Talk) -> None:
    talk.server.accepts = lambda one: None
    one = spec()
    starting = talk.session.start([one], watched=True)
    waiting = asyncio.create_task(talk.session.watch("other"))
    await settle()
    assert talk.server.all(Start) == [Start(seq=1, runs=[one])]
    talk.server.accepts = lambda one: Accepted(one.run_id, existing=one.repeated)
    talk.server.cut()
    await talk.advance(1)
    assert talk.server.all(Start)[1].runs == [msgspec.structs.replace(one, repeated=True)]
    assert await starting == [Accepted(one.run_id, existing=True)]
    assert set(talk.server.all(Watch)[-1].run_ids) == {"other", one.run_id}
    talk.server.say(ended("other"))
    assert await waiting == ended("other")


async def test_starts_give_up_after_a_while_and_say_what_is_known(talk: Talk) -> None:
    talk.server.refuses = [LinkClosed("The server at http://x cannot be reached (refused).")] * 100
    starting = talk.session.start([spec()])
    await talk.advance(9)
    assert not starting.done()
    await talk.advance(10)
    (answer,) = await starting
    assert isinstance(answer, Unavailable)
    assert "http://x cannot be reached" in str(answer)
    assert "nothing was accepted" in str(answer)
    assert talk.ended == 1


async def test_a_start_that_was_sent_has_an_unknown_outcome(talk: Talk) -> None:
    talk.server.accepts = lambda one: None
    starting = talk.session.start([spec()])
    await settle()
    talk.server.refuses = [LinkClosed("down")] * 100
    talk.server.cut()
    await talk.advance(25)
    (answer,) = await starting
    assert isinstance(answer, Unavailable)
    assert "the outcome is unknown" in str(answer)


async def test_who_waits_for_a_run_waits_through_any_outage(talk: Talk) -> None:
    waiting = asyncio.create_task(talk.session.watch("r1"))
    await settle()
    talk.server.refuses = [LinkClosed("down")] * 50
    talk.server.cut()
    await talk.advance(3600)
    assert not waiting.done()
    talk.server.say(ended("r1"))
    assert await waiting == ended("r1")


async def test_a_session_that_nobody_needs_is_not_connected_again(talk: Talk) -> None:
    await talk.session.start([spec()])
    talk.server.cut()
    await talk.advance(60)
    assert (talk.server.connects, talk.ended) == (1, 1)


async def test_a_refused_session_ends_for_all_who_wait(talk: Talk) -> None:
    talk.server.refuses = [Unauthorized("The server does not accept the token.")] * 2
    starting, waiting = talk.session.start([spec()]), asyncio.create_task(talk.session.watch("r1"))
    (answer,) = await starting
    assert isinstance(answer, Unauthorized)
    with pytest.raises(Unauthorized):
        await waiting


async def test_closing_leaves_nobody_waiting(talk: Talk) -> None:
    talk.server.accepts = lambda one: None
    starting, waiting = talk.session.start([spec()]), asyncio.create_task(talk.session.watch("r1"))
    await settle()
    await talk.session.close()
    (answer,) = await starting
    assert isinstance(answer, Unavailable)
    with pytest.raises(Unavailable, match="was closed before there was an answer"):
        await waiting
