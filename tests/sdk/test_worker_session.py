"""A worker keeps its connection, its leases and its promises: torn links, dead networks, lost leases, draining."""

from __future__ import annotations

import asyncio
import threading
from datetime import timedelta

import pytest

from mulligan import Context, Mulligan
from mulligan.errors import Unauthorized
from mulligan.sdk.loops import LoopThread
from mulligan.sdk.transports import LinkClosed
from mulligan.sdk.worker.session import WorkerSession
from mulligan.sdk.worker.worker import Worker
from mulligan.testing.clock import VirtualClock, settle
from mulligan.wire.messages import Beat, Credit, Drain, Goodbye, Hello, Refused, Release, Report, Stop
from tests.sdk.fake_server import Bench, FakeServer


@pytest.fixture
def m() -> Mulligan:
    m = Mulligan()

    @m.task
    async def quick(n: int = 0) -> int:
        return n

    @m.task
    async def wait() -> None:
        await asyncio.Event().wait()

    return m


# ── Torn connections ─────────────────────────────────────────────────────────────────────────────────────────────────


async def test_after_a_torn_connection_it_comes_back_as_the_same_worker_with_its_leases(m: Mulligan) -> None:
    async with Bench(m) as bench:
        lease = bench.server.assign(m, "wait")
        await settle()
        bench.server.cut()
        await bench.advance(1)
        first, second = bench.server.all(Hello)
        assert first.worker_id == second.worker_id
        assert second.running == [lease]
        assert bench.server.credit == 3
        assert bench.worker.ledger.running == 1


async def test_it_tries_for_as_long_as_it_takes_ever_more_slowly(m: Mulligan, caplog: pytest.LogCaptureFixture) -> None:
    async with Bench(m) as bench:
        bench.server.refuses = [LinkClosed(f"The server cannot be reached ({n}).") for n in range(40)]
        bench.server.cut()
        await bench.advance(1)
        early = bench.server.connects
        assert early >= 3
        await bench.advance(60)
        assert bench.server.connects - early <= 25
        await bench.advance(600)
        assert len(bench.server.all(Hello)) == 2
    warnings = [record for record in caplog.records if "Trying again" in record.message]
    assert 2 <= len(warnings) <= 6


async def test_a_report_is_sent_again_until_it_is_acknowledged(m: Mulligan) -> None:
    async with Bench(m) as bench:
        bench.server.acknowledges = False
        lease = bench.server.assign(m, "quick")
        await settle()
        assert len(bench.server.reports(lease)) == 1
        bench.server.cut()
        await bench.advance(1)
        assert bench.server.all(Hello)[1].running == [lease]
        assert len(bench.server.reports(lease)) == 2
        bench.server.acknowledges = True
        bench.server.cut()
        await bench.advance(1)
        assert len(bench.server.reports(lease)) == 3
        bench.server.cut()
        await bench.advance(1)
        assert bench.server.all(Hello)[3].running == []
        assert len(bench.server.reports(lease)) == 3


async def test_a_report_whose_commit_is_unknown_is_said_again_on_the_same_connection(m: Mulligan) -> None:
    async with Bench(m) as bench:
        bench.server.acknowledges = False
        lease = bench.server.assign(m, "quick")
        await bench.advance(7)
        assert len(bench.server.reports(lease)) == 2
        bench.server.acknowledges = True
        await bench.advance(30)
        assert len(bench.server.reports(lease)) == 3
        assert bench.server.connects == 1


async def test_what_ends_while_there_is_no_connection_is_reported_later(m: Mulligan) -> None:
    gate = asyncio.Event()

    @m.task
    async def gated() -> str:
        await gate.wait()
        return "done"

    async with Bench(m) as bench:
        lease = bench.server.assign(m, "gated")
        await settle()
        bench.server.refuses = [LinkClosed("down")] * 3
        bench.server.cut()
        await settle()
        gate.set()
        await bench.advance(5)
        assert bench.server.report(lease).output == b'"done"'


# ── Leases ───────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_it_stops_what_it_runs_before_its_leases_can_be_given_away(m: Mulligan) -> None:
    """L-10: no overlap with a successor. TTL 15 s less two beats of 3 s is 9 s after the last beat that arrived."""
    async with Bench(m) as bench:
        lease = bench.server.assign(m, "wait")
        await bench.advance(3.5)
        bench.server.deaf = True
        await bench.advance(8.3)
        assert bench.worker.ledger.running == 1
        await bench.advance(0.5)
        assert bench.worker.ledger.running == 0
        bench.server.deaf = False
        await bench.advance(15)
        assert bench.server.all(Hello)[-1].running == []
        assert bench.server.reports(lease) == []


async def test_finished_work_survives_an_outage_that_stops_what_runs(m: Mulligan) -> None:
    async with Bench(m) as bench:
        bench.server.acknowledges = False
        done, running = bench.server.assign(m, "quick"), bench.server.assign(m, "wait")
        await settle()
        bench.server.refuses = [LinkClosed("down")] * 8
        bench.server.cut()
        await bench.advance(60)
        assert bench.server.all(Hello)[-1].running == [done]
        assert {report.lease for report in bench.server.all(Report)} == {done}
        assert len(bench.server.reports(done)) >= 2
        assert running not in bench.server.all(Hello)[-1].running


async def test_a_worker_that_was_given_up_stops_its_steps_and_starts_afresh(m: Mulligan) -> None:
    async with Bench(m) as bench:
        bench.server.assign(m, "wait")
        await settle()
        bench.server.say(Refused(code="worker_gone", message="Your beats did not arrive.", fatal=True))
        await bench.advance(1)
        assert bench.worker.ledger.running == 0
        assert bench.server.all(Hello)[-1].running == []
        assert bench.server.credit == 4


async def test_beats_go_on_while_a_step_blocks_its_loop(m: Mulligan) -> None:
    """With real threads: the steps' loop stands still, the session's does not."""
    released, blocked = threading.Event(), threading.Event()

    @m.task
    async def block() -> None:
        blocked.set()
        released.wait(10)

    steps = LoopThread("steps")
    try:
        server, clock = FakeServer(), VirtualClock()
        worker = Worker(m, steps.loop, clock)
        session = asyncio.create_task(WorkerSession(worker, server, clock).run())
        await settle()
        server.assign(m, "block")
        await settle()
        assert await asyncio.to_thread(blocked.wait, 10)
        await clock.advance(timedelta(seconds=13))
        beats = server.all(Beat)
        assert len(beats) == 4
        assert beats[-1].running == 1
        session.cancel()
        await asyncio.gather(session, return_exceptions=True)
    finally:
        released.set()
        steps.stop()


# ── Coming and going ─────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_refusal_that_will_not_change_ends_the_worker(m: Mulligan) -> None:
    async with Bench(m) as bench:
        bench.server.say(Refused(code="unauthorized", message="The token has expired.", fatal=True))
        await settle()
        with pytest.raises(Unauthorized, match="has expired"):
            await bench.ended


async def test_a_refused_hello_ends_the_worker(m: Mulligan) -> None:
    bench = Bench(m)
    bench.server.welcomes = False
    async with bench:
        bench.server.say(Refused(code="protocol", message="Upgrade the older of the two.", fatal=True))
        await settle()
        with pytest.raises(Exception, match="Upgrade the older"):
            await bench.ended


async def test_a_drained_worker_finishes_what_runs_hands_back_the_rest_and_says_goodbye(m: Mulligan) -> None:
    gate, begun = threading.Event(), threading.Event()

    @m.task
    def one_by_one() -> None:
        begun.set()
        gate.wait(10)

    async with Bench(m, slots=1) as bench:
        running = bench.server.assign(m, "one_by_one")
        assert await asyncio.to_thread(begun.wait, 10)
        waiting = bench.server.assign(m, "one_by_one")
        await settle()
        leaving = asyncio.create_task(bench.session.drain(timedelta(seconds=30)))
        await bench.advance(1)
        late = bench.server.assign(m, "one_by_one")
        await settle()
        assert bench.server.all(Drain) == [Drain()]
        assert [lease for release in bench.server.all(Release) for lease in release.leases] == [waiting, late]
        assert bench.server.reports(running) == []
        gate.set()
        await bench.until(lambda: not bench.worker.ledger.running)
        await bench.advance(1)
        await leaving
        assert bench.server.report(running).outcome == "succeeded"
        assert isinstance(bench.server.heard[-1], Goodbye)
        assert sum(message.slots for message in bench.server.all(Credit)) == 1
        await bench.ended


async def test_what_does_not_end_within_the_grace_is_cancelled_and_not_reported(m: Mulligan) -> None:
    async with Bench(m) as bench:
        lease = bench.server.assign(m, "wait")
        await settle()
        leaving = asyncio.create_task(bench.session.drain(timedelta(seconds=30)))
        await bench.advance(29)
        assert not leaving.done()
        await bench.advance(2)
        await leaving
        assert bench.server.reports(lease) == []
        assert isinstance(bench.server.heard[-1], Goodbye)


async def test_a_drain_without_a_connection_waits_for_the_results_to_be_taken(m: Mulligan) -> None:
    async with Bench(m) as bench:
        bench.server.acknowledges = False
        lease = bench.server.assign(m, "quick")
        await settle()
        bench.server.refuses = [LinkClosed("down")] * 4
        bench.server.cut()
        leaving = asyncio.create_task(bench.session.drain(timedelta(seconds=30)))
        await bench.advance(0.1)
        bench.server.acknowledges = True
        await bench.advance(10)
        await leaving
        assert len(bench.server.reports(lease)) == 2
        assert isinstance(bench.server.heard[-1], Goodbye)


async def test_what_is_declared_later_is_told_in_a_new_hello(m: Mulligan) -> None:
    async with Bench(m) as bench:
        running = bench.server.assign(m, "wait")
        await settle()

        @m.task
        async def later() -> str:
            return "new"

        await bench.session.reconnect()
        await bench.advance(0)
        assert [definition.name for definition in bench.server.all(Hello)[1].definitions] == ["quick", "wait", "later"]
        assert bench.server.all(Hello)[1].running == [running]
        assert (await bench.run("later")).output == b'"new"'


async def test_a_stop_for_something_unknown_is_no_trouble(m: Mulligan) -> None:
    async with Bench(m) as bench:
        lease = bench.server.assign(m, "quick")
        await settle()
        bench.server.say(Stop(leases=[lease], reason="too late"))
        assert (await bench.run("quick", input=b'{"n":4}')).output == b"4"


async def test_a_stopped_step_may_still_clean_up(m: Mulligan) -> None:
    cleaned: list[str] = []

    @m.task
    async def careful(ctx: Context) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            cleaned.append(ctx.run_id)

    async with Bench(m) as bench:
        lease = bench.server.assign(m, "careful")
        await settle()
        bench.server.say(Stop(leases=[lease], reason="cancelled"))
        await settle()
        assert cleaned == [lease.run_id]
