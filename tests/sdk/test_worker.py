"""A worker takes assignments, calls functions and reports; on one loop with a server that a test speaks for."""

from __future__ import annotations

import asyncio
import gc
import logging
import threading
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from pydantic import BaseModel

from mulligan import Cancelled, Context, Mulligan, NonRetryable, Retry, after, current_context, depends
from mulligan.sdk.clock import stopwatch
from mulligan.sdk.worker.ledger import Ledger
from mulligan.testing.clock import EPOCH, settle
from mulligan.wire.frames import encode_frames
from mulligan.wire.messages import Beat, Credit, Hello, Lease, LogEntry, Logs, Report, Stop
from tests.sdk.fake_server import Bench, assignment


class Doc(BaseModel):
    id: int
    lang: str = "en"


@pytest.fixture
def m() -> Mulligan:
    return Mulligan()


# ── Calling functions ────────────────────────────────────────────────────────────────────────────────────────────────


async def test_it_says_hello_with_its_definitions_and_offers_its_slots(m: Mulligan) -> None:
    @m.task
    async def hello(name: str) -> str:
        return name

    async with Bench(m, slots=7) as bench:
        (hello_message,) = bench.server.all(Hello)
        assert [definition.name for definition in hello_message.definitions] == ["hello"]
        assert (hello_message.slots, hello_message.name, hello_message.running) == (7, "w", [])
        assert len(hello_message.worker_id) == 26
        assert bench.server.all(Credit) == [Credit(slots=7)]


@pytest.mark.parametrize("kind", ["async", "sync"])
async def test_arguments_are_parsed_and_the_result_is_written(m: Mulligan, kind: str) -> None:
    wf = m.workflow("w", input=Doc)
    where: list[int] = []

    @wf.step(name="async")
    async def one(ctx: Context, doc: Doc, style: str = "short") -> dict[str, Doc]:
        where.append(threading.get_ident())
        return {f"{style} {ctx.attempt}": doc}

    @wf.step(name="sync")
    def two(ctx: Context, doc: Doc, style: str = "short") -> dict[str, Doc]:
        where.append(threading.get_ident())
        return {f"{style} {ctx.attempt}": doc}

    async with Bench(m) as bench:
        report = await bench.run("w", kind, input=b'{"doc":{"id":9007199254740993}}', attempt=2)
        assert (report.outcome, report.error) == ("succeeded", None)
        assert report.output == b'{"short 2":{"id":9007199254740993,"lang":"en"}}'
        assert report.ran_ms > 0
        assert (where == [threading.get_ident()]) is (kind == "async")
        await bench.until(lambda: bench.server.credit == 5)


async def test_a_failure_is_reported_as_data_and_its_retries_are_decided_by_its_type(m: Mulligan) -> None:
    @m.task(retries=Retry(3, on=(TimeoutError,)))
    def call(kind: str) -> None:
        raise {"timeout": TimeoutError("slow"), "bug": KeyError("x"), "never": NonRetryable("bad card")}[kind]

    async with Bench(m) as bench:
        slow = await bench.run("call", input=b'{"kind":"timeout"}')
        bug = await bench.run("call", input=b'{"kind":"bug"}')
        never = await bench.run("call", input=b'{"kind":"never"}')
    assert [report.outcome for report in (slow, bug, never)] == ["failed"] * 3
    assert slow.error is not None
    assert bug.error is not None
    assert never.error is not None
    assert (slow.error.type, slow.error.message, slow.error.retryable) == ("TimeoutError", "slow", True)
    assert (bug.error.retryable, never.error.retryable) == (False, False)
    assert [frame.function for frame in slow.error.frames] == ["call"]


async def test_an_input_that_does_not_fit_is_told_with_its_path_and_never_retried(m: Mulligan) -> None:
    @m.task(retries=5)
    async def hello(doc: Doc) -> None: ...

    async with Bench(m) as bench:
        report = await bench.run("hello", input=b'{"doc":{"id":"seven"}}')
    assert report.error is not None
    assert report.error.message.startswith("The input of step 'hello' does not fit its type: /doc/id: ")
    assert (report.error.retryable, report.error.frames) == (False, ())


async def test_a_result_that_does_not_fit_is_told_with_its_place_and_its_type_but_not_its_value(m: Mulligan) -> None:
    @m.task
    def secret() -> str:
        return 7_654_321  # type: ignore[return-value] # the mistake

    async with Bench(m) as bench:
        report = await bench.run("secret")
    assert report.error is not None
    line = secret.fn.__code__.co_firstlineno
    assert report.error.message == (
        f"tests/sdk/test_worker.py:{line}: the output of step 'secret' does not fit its type: the value: "
        "Input should be a valid string; got int."
    )


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("annotation", [str, Any, None])
async def test_a_forgotten_await_is_named_and_nothing_is_said_of_a_coroutine_never_awaited(
    m: Mulligan, annotation: Any
) -> None:
    async def inner() -> str:
        return ""

    def outer() -> Any:
        return inner()

    outer.__annotations__["return"] = annotation
    m.task(outer)
    async with Bench(m) as bench:
        report = await bench.run("outer")
        gc.collect()
    assert report.error is not None
    assert report.error.message.endswith("got a coroutine: is an `await` missing?")


async def test_a_forgotten_return_fails_the_step_and_not_the_next(m: Mulligan) -> None:
    @m.task
    def forgetful() -> str:
        return None  # type: ignore[return-value] # the mistake, as if there were no return

    @m.task
    def nothing() -> str | None:
        pass

    async with Bench(m) as bench:
        refused, fine = await bench.run("forgetful"), await bench.run("nothing")
    assert refused.error is not None
    assert refused.error.message.endswith("got None: is a `return` missing?")
    assert fine.output == b"null"


@pytest.mark.parametrize("annotation", [list[int], list, tuple[int, ...], set[int], Any])
async def test_what_can_be_read_only_once_is_a_result_as_well(m: Mulligan, annotation: Any) -> None:
    def count() -> Any:
        return (number for number in (1, 2, 3))

    count.__annotations__["return"] = annotation
    m.task(count)
    async with Bench(m) as bench:
        report = await bench.run("count")
    assert (report.error, report.output) == (None, b"[1,2,3]")


async def test_a_result_that_is_no_json_fails_the_step_and_never_retries(m: Mulligan) -> None:
    @m.task(retries=5)
    def measure() -> float:
        return float("nan")

    async with Bench(m) as bench:
        report = await bench.run("measure")
    assert report.error is not None
    assert "The output of step 'measure'" in report.error.message
    assert not report.error.retryable


async def test_exits_and_stray_cancellations_are_failures_of_the_step(m: Mulligan) -> None:
    @m.task
    async def leave() -> None:
        raise SystemExit(3)

    @m.task
    def leave_from_a_thread() -> None:
        raise KeyboardInterrupt

    @m.task
    async def cancelled() -> None:
        raise asyncio.CancelledError

    async with Bench(m) as bench:
        for name, kind in (
            ("leave", "SystemExit"),
            ("leave_from_a_thread", "KeyboardInterrupt"),
            ("cancelled", "asyncio.exceptions.CancelledError"),
        ):
            report = await bench.run(name)
            assert (report.outcome, report.error and report.error.type) == ("failed", kind)


async def test_what_was_read_in_the_playground_travels_with_the_report_also_of_a_failure(m: Mulligan) -> None:
    @m.task
    async def ask(ctx: Context) -> str:
        model = ctx.playground("model", "small")
        if model == "broken":
            raise ValueError(model)
        return model

    async with Bench(m) as bench:
        good = await bench.run("ask", overrides={"model": '"large"'})
        bad = await bench.run("ask", overrides={"model": '"broken"'})
    assert good.output == b'"large"'
    assert [(reading.name, reading.value) for reading in (*good.readings, *bad.readings)] == [
        ("model", '"large"'),
        ("model", '"broken"'),
    ]


async def test_a_step_that_this_code_does_not_declare_is_refused_in_words(m: Mulligan) -> None:
    @m.task
    async def known() -> None: ...

    async with Bench(m) as bench:
        report = await bench.run("unknown")
        assert report.outcome == "failed"
        assert report.error is not None
        assert "given step 'unknown' of workflow 'unknown', which its code does not declare" in report.error.message
        await bench.until(lambda: bench.server.credit == 5)


async def test_the_same_assignment_twice_runs_once(m: Mulligan) -> None:
    calls: list[int] = []

    @m.task
    async def count() -> int:
        calls.append(1)
        return len(calls)

    async with Bench(m) as bench:
        lease = Lease("run", "count", 1, "token")
        bench.server.say(assignment(lease, "count"), assignment(lease, "count"))
        await settle()
        assert calls == [1]
        assert len(bench.server.reports(lease)) == 1


async def test_slots_bound_what_runs_and_come_back_when_functions_end(m: Mulligan) -> None:
    gate = asyncio.Event()

    @m.task
    async def wait() -> None:
        await gate.wait()

    async with Bench(m, slots=2) as bench:
        for _ in range(2):
            bench.server.assign(m, "wait")
        await settle()
        assert bench.worker.ledger.running == 2
        assert bench.server.credit == 2
        gate.set()
        await settle()
        assert bench.server.credit == 4


# ── Dependencies ─────────────────────────────────────────────────────────────────────────────────────────────────────


class Traced:
    """Providers of every kind that write down when they are made and cleaned up."""

    def __init__(self) -> None:
        self.log: list[str] = []

    async def connection(self) -> AsyncIterator[str]:
        self.log.append("open")
        try:
            yield "conn"
        except ValueError:
            self.log.append("rollback")
            raise
        finally:
            self.log.append("close")

    def settings(self) -> Iterator[str]:
        self.log.append("read")
        yield "dsn"
        self.log.append("forget")

    async def pool(self) -> AsyncIterator[str]:
        self.log.append("pool up")
        yield "pool"
        self.log.append("pool down")


@pytest.mark.parametrize("kind", ["async", "sync"])
async def test_dependencies_are_made_once_and_cleaned_up_in_reverse(m: Mulligan, kind: str) -> None:
    traced = Traced()

    async def user(ctx: Context, dsn: str = depends(traced.settings), conn: str = depends(traced.connection)) -> str:
        return f"{ctx.run_id} {dsn} {conn}"

    wf = m.workflow("w")

    @wf.step(name="async")
    async def one(user: str = depends(user), dsn: str = depends(traced.settings)) -> str:
        traced.log.append("run")
        return f"{user} {dsn}"

    @wf.step(name="sync")
    def two(user: str = depends(user), dsn: str = depends(traced.settings)) -> str:
        traced.log.append("run")
        return f"{user} {dsn}"

    async with Bench(m) as bench:
        report = await bench.run("w", kind)
        assert report.output == b'"run-1 dsn conn dsn"'
        assert traced.log == ["read", "open", "run", "close", "forget"]


async def test_synchronous_dependencies_of_a_synchronous_step_live_in_its_thread(m: Mulligan) -> None:
    threads: list[int] = []

    def inner() -> int:
        threads.append(threading.get_ident())
        return 1

    def outer(ctx: Context, one: int = depends(inner)) -> Iterator[int]:
        threads.append(threading.get_ident())
        yield one + ctx.attempt
        threads.append(threading.get_ident())

    @m.task
    def work(two: int = depends(outer), one: int = depends(inner)) -> int:
        threads.append(threading.get_ident())
        return two * 10 + one

    async with Bench(m) as bench:
        assert (await bench.run("work")).output == b"21"
    assert len(threads) == 4
    assert len(set(threads)) == 1
    assert threads[0] != threading.get_ident()


async def test_a_dependency_sees_the_exception_of_its_step(m: Mulligan) -> None:
    traced = Traced()

    @m.task
    async def work(conn: str = depends(traced.connection)) -> None:
        raise ValueError(conn)

    async with Bench(m) as bench:
        report = await bench.run("work")
        assert report.error is not None
        assert report.error.type == "ValueError"
        assert traced.log == ["open", "rollback", "close"]


async def test_a_dependency_that_swallows_the_exception_is_told_so(m: Mulligan) -> None:
    def forgiving() -> Iterator[int]:
        try:
            yield 1
        except ValueError:
            return

    @m.task
    def work(n: int = depends(forgiving)) -> int:
        raise ValueError(n)

    async with Bench(m) as bench:
        report = await bench.run("work")
        assert report.error is not None
        assert "swallowed it after its `yield`" in report.error.message


async def test_what_lives_as_long_as_the_worker_is_made_once(m: Mulligan) -> None:
    traced = Traced()

    @m.task
    async def one(pool: str = depends(traced.pool, scope="worker")) -> str:
        return pool

    @m.task
    def two(pool: str = depends(traced.pool, scope="worker")) -> str:
        return pool

    async with Bench(m) as bench:
        leases = [bench.server.assign(m, name) for name in ("one", "two", "one")]
        await bench.until(lambda: all(bench.server.reports(lease) for lease in leases))
        assert {bench.server.report(lease).output for lease in leases} == {b'"pool"'}
        assert traced.log == ["pool up"]
    assert traced.log == ["pool up", "pool down"]


async def test_a_dependency_that_cannot_be_made_fails_the_step(m: Mulligan) -> None:
    traced = Traced()

    async def broken() -> AsyncIterator[int]:
        if not traced.log:
            raise ConnectionError("no database")
        yield 1

    @m.task
    async def work(n: int = depends(broken)) -> int:
        return n

    async with Bench(m) as bench:
        report = await bench.run("work")
        assert report.error is not None
        assert (report.error.type, report.error.retryable) == ("ConnectionError", True)


# ── Logs ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_lines_of_any_logger_are_sent_before_the_report(m: Mulligan) -> None:
    library = logging.getLogger("some.library")

    def helper() -> None:
        library.error("from a %s", "helper")

    @m.task
    async def talk(ctx: Context) -> None:
        ctx.log.info("one")
        helper()
        await asyncio.to_thread(helper)
        ctx.progress(1, 2, "half")
        try:
            raise ValueError("inner")
        except ValueError:
            ctx.log.exception("with a trace")

    @m.task
    def talk_in_a_thread() -> None:
        logging.getLogger("mine").warning("two of run %s", current_context().run_id)

    from mulligan.sdk.worker.logs import start_capturing, stop_capturing

    level = logging.getLogger().level
    steps = logging.getLogger("mulligan.step")
    assert steps.level == logging.NOTSET
    start_capturing()
    try:
        async with Bench(m) as bench:
            library.error("outside of any step")
            report = await bench.run("talk")
            threaded = await bench.run("talk_in_a_thread")
            heard = [message for message in bench.server.heard if isinstance(message, Logs | Report)]
    finally:
        stop_capturing()
    assert steps.level == logging.NOTSET
    lines = [(line.logger, line.message) for message in heard if isinstance(message, Logs) for line in message.lines]
    assert lines[:4] == [
        ("mulligan.step.talk.talk", "one"),
        ("some.library", "from a helper"),
        ("some.library", "from a helper"),
        ("mulligan.progress", "50% (1 of 2): half"),
    ]
    assert lines[4][1].startswith("with a trace\nTraceback (most recent call last)")
    assert lines[5] == ("mine", f"two of run {threaded.lease.run_id}")
    of_talk = [message for message in heard if message.lease == report.lease]
    assert of_talk.index(report) == len(of_talk) - 1
    assert logging.getLogger().level == level


async def test_logs_are_bounded_and_say_what_was_dropped(m: Mulligan) -> None:
    @m.task
    async def chatter(ctx: Context) -> None:
        for n in range(10_050):
            ctx.progress(n)
        ctx.write_line(20, "x", "y" * 100)

    async with Bench(m) as bench:
        report = await bench.run("chatter")
        (logs,) = bench.server.all(Logs)
        assert report.outcome == "succeeded"
        assert len(logs.lines) == 10_001
        assert "51 earlier lines of this worker were dropped" in logs.lines[0].message


def test_a_flood_of_long_lines_fits_into_a_frame() -> None:
    ledger = Ledger(slots=1)
    lease = Lease("run", "flood", 1, "token")
    for n in range(100):
        ledger.log(lease, LogEntry(at=EPOCH, level=20, logger="x", message=f"{n}" + "\N{PILE OF POO}" * 65_000))
    messages = ledger.collect()
    assert len(encode_frames(messages)) == 1
    (logs,) = messages
    assert isinstance(logs, Logs)
    assert len(logs.lines) == 33
    assert "68 earlier lines" in logs.lines[0].message
    assert logs.lines[-1].message.startswith("99")


async def test_variables_are_not_for_large_data(m: Mulligan) -> None:
    @m.task
    async def large(ctx: Context) -> None:
        for n in range(3):
            ctx.playground(f"v{n}", "x" * 300_000)

    async with Bench(m) as bench:
        report = await bench.run("large")
        assert report.error is not None
        assert "playground variables of this step have 1,200,008 characters" in report.error.message
        assert not report.error.retryable


# ── Time ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_an_async_step_that_takes_too_long_is_cancelled_and_says_where_it_hung(m: Mulligan) -> None:
    cleaned: list[str] = []

    @m.task(timeout="30s")
    async def hang() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            cleaned.append("up")

    async with Bench(m) as bench:
        lease = bench.server.assign(m, "hang", remaining_ms=30_000)
        await bench.advance(29.9)
        assert not bench.server.reports(lease)
        await bench.advance(0.2)
        report = bench.server.report(lease)
        assert report.outcome == "timed_out"
        assert report.error is not None
        assert report.error.message.startswith("The step ran longer than its timeout of 30s.")
        assert [frame.function for frame in report.error.frames if frame.in_app] == ["hang"]
        assert cleaned == ["up"]
        assert bench.server.credit == 5


async def test_a_sync_step_that_takes_too_long_is_reported_and_keeps_its_slot_until_it_ends(m: Mulligan) -> None:
    begun, gate = threading.Event(), threading.Event()

    @m.task(timeout="30s")
    def hang(ctx: Context) -> str:
        begun.set()
        gate.wait(10)
        ctx.raise_if_cancelled()
        return "too late"

    async with Bench(m) as bench:
        lease = bench.server.assign(m, "hang", remaining_ms=30_000)
        await settle()
        assert await asyncio.to_thread(begun.wait, 10)
        await bench.advance(31)
        report = bench.server.report(lease)
        assert report.outcome == "timed_out"
        assert report.error is not None
        assert [frame.function for frame in report.error.frames if frame.in_app] == ["hang"]
        assert bench.server.credit == 4
        gate.set()
        await bench.until(lambda: bench.server.credit == 5)
        assert len(bench.server.reports(lease)) == 1


async def test_a_step_that_is_no_longer_wanted_is_cancelled_and_reports_nothing(m: Mulligan) -> None:
    seen: list[str] = []
    begun, gate = threading.Event(), threading.Event()

    @m.task
    async def wait(ctx: Context) -> str:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            seen.append(f"cancelled={ctx.cancelled}")
            return "I do not obey"
        return "never"

    @m.task
    def wait_in_a_thread(ctx: Context) -> None:
        begun.set()
        gate.wait(10)
        try:
            ctx.raise_if_cancelled()
        except Cancelled:
            seen.append("Cancelled")
            raise

    async with Bench(m) as bench:
        leases = [bench.server.assign(m, "wait"), bench.server.assign(m, "wait_in_a_thread")]
        await settle()
        assert await asyncio.to_thread(begun.wait, 10)
        bench.server.say(Stop(leases=leases, reason="the run was cancelled"))
        await settle()
        gate.set()
        await bench.until(lambda: bench.server.credit == 6)
        assert sorted(seen) == ["Cancelled", "cancelled=True"]
        assert bench.server.all(Report) == []


async def test_what_nobody_wants_before_its_function_was_called_gives_its_slot_back(m: Mulligan) -> None:
    called: list[str] = []

    @m.task
    async def note(name: str) -> None:
        called.append(name)

    async with Bench(m, slots=2) as bench:
        leases = [Lease(run, "note", 1, "t") for run in ("unwanted", "late")]
        unwanted, late = bench.worker.assign([assignment(lease, "note", input=b'{"name":""}') for lease in leases])
        bench.worker.stop([unwanted.lease], "the run was cancelled")
        bench.worker.expire(late)
        await settle()
        assert not called
        assert bench.worker.ledger.running == 0
        assert bench.server.credit == 4
        assert [(report.lease.run_id, report.outcome) for report in bench.server.all(Report)] == [("late", "timed_out")]


async def test_beats_tell_how_late_the_loop_is_and_how_much_runs(m: Mulligan) -> None:
    @m.task
    async def wait() -> None:
        await asyncio.Event().wait()

    async with Bench(m) as bench:
        bench.server.assign(m, "wait")
        await bench.advance(9.5)
        beats = bench.server.all(Beat)
        assert [beat.running for beat in beats] == [1, 1, 1]
        assert all(beat.lag_ms < 1000 for beat in beats)


async def test_a_step_that_blocks_the_loop_is_named_once(m: Mulligan, caplog: pytest.LogCaptureFixture) -> None:
    @m.task
    async def block() -> None:
        until = stopwatch() + 0.12
        while stopwatch() < until:
            pass

    async with Bench(m) as bench:
        await bench.run("block")
        assert not [record for record in caplog.records if "blocked the event loop" in record.message]
        for _ in range(2):
            await bench.run("block")
    (warning,) = [record for record in caplog.records if "blocked the event loop" in record.message]
    assert "test_worker.py" in warning.message
    assert "step 'block'" in warning.message
    assert "plain `def`" in warning.message


async def test_a_lab_can_put_something_in_the_place_of_a_function(m: Mulligan) -> None:
    wf = m.workflow("w", input=Doc)

    @wf.step
    def fetch(doc: Doc) -> str:
        raise AssertionError("not to be called")

    @wf.step
    async def count(text: str = after(fetch)) -> int:
        return len(text)

    def substitute(assign: Any) -> Any:
        return (lambda doc: f"stub {doc.id}") if assign.lease.step == "fetch" else None

    async with Bench(m, substitute=substitute) as bench:
        assert (await bench.run("w", "fetch", input=b'{"doc":{"id":3}}')).output == b'"stub 3"'
        assert (await bench.run("w", "count", input=b'{"text":"four"}')).output == b"4"


async def test_a_step_that_waits_for_other_runs_lends_its_slot(m: Mulligan) -> None:
    gate = asyncio.Event()
    inner = asyncio.Event()

    @m.task
    async def wait() -> None:
        with current_context().waiting(), current_context().waiting():
            await gate.wait()
        await inner.wait()

    async with Bench(m, slots=2) as bench:
        for _ in range(2):
            bench.server.assign(m, "wait")
        await settle()
        assert bench.server.credit == 4
        assert (bench.worker.ledger.running, bench.worker.ledger.busy_slots) == (2, 0)
        for _ in range(2):
            bench.server.assign(m, "wait")
        await settle()
        assert bench.server.credit == 6
        gate.set()
        await settle()
        assert bench.worker.ledger.busy_slots == 4
        bench.server.cut()
        await bench.advance(1)
        assert bench.server.credit == 0
        inner.set()
        await settle()
        assert bench.server.credit == 2
