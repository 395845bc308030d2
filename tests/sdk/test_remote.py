"""Over the network: a real server, the WebSocket session, REST, and workers in threads and processes of their own."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import threading
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from mulligan import Context, Mulligan, RunFailed, after
from mulligan.app.server_process import Served, serving
from mulligan.app.settings import load_settings
from mulligan.errors import Forbidden, InvalidInput, NotFound, Refused, Unauthorized, Unavailable
from mulligan.sdk.transports.replicas import Replicas
from mulligan.sdk.worker.threads import WorkerThread


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[Served]:
    settings = load_settings({"data": tmp_path / "data", "port": 0}).settings
    async with serving(settings, "dev") as served:
        yield served


class Program:
    """A program as a user writes it, connected to the server."""

    def __init__(self, served: Served) -> None:
        self.m = m = Mulligan(served.url, token=served.token)

        @m.task
        async def hello(name: str) -> str:
            return f"hello {name}"

        @m.task
        def blocking(n: int) -> int:
            return 2 * n

        @m.task
        async def fail() -> None:
            raise ValueError("on purpose")

        @m.task
        async def parent(names: list[str]) -> list[str]:
            return await hello.map(names)

        @m.task
        def sync_parent(n: int) -> int:
            return m.sync(blocking(n))

        self.hello, self.blocking, self.fail, self.parent, self.sync_parent = hello, blocking, fail, parent, sync_parent


@pytest.fixture
async def program(served: Served) -> AsyncIterator[Program]:
    """With its worker beside it."""
    program = Program(served)
    worker = await asyncio.to_thread(WorkerThread, program.m, slots=4, name="beside")
    ready = worker.ready()
    assert ready is not None
    await asyncio.wrap_future(ready)
    yield program
    await program.m.client.close_session()
    await asyncio.to_thread(worker.stop, timedelta(seconds=5))
    await asyncio.to_thread(program.m.close)


async def test_a_task_runs_on_a_worker_far_away(program: Program) -> None:
    assert await program.hello("ada") == "hello ada"
    assert await program.blocking(21) == 42
    assert await program.parent([str(n) for n in range(50)]) == [f"hello {n}" for n in range(50)]
    assert await asyncio.gather(*(program.blocking(n) for n in range(50))) == [2 * n for n in range(50)]


async def test_a_failure_comes_back_with_the_step_the_reason_and_a_link(program: Program, served: Served) -> None:
    with pytest.raises(RunFailed, match=r"failed in step 'fail': ValueError: on purpose") as caught:
        await program.fail()
    failed = caught.value
    assert (failed.step, failed.run_status) == ("fail", "failed")
    assert failed.error is not None
    assert failed.error.frames[-1].function == "fail"
    assert failed.link == f"{served.url}/runs/{failed.run_id}"
    assert failed.link in str(failed)


async def test_runs_are_found_looked_at_and_replayed(program: Program) -> None:
    m = program.m
    run = await program.hello.options(metadata={"team": "web"}, priority=2, idempotency_key="k").start("ada")
    assert (await run.wait(timeout="10s")).output == "hello ada"
    same = await program.hello.options(idempotency_key="k").start("ada")
    assert same.id == run.id
    found = await m.runs.get(run.id)
    assert (found.status, found.output, found.summary.metadata) == ("succeeded", "hello ada", {"team": "web"})
    again = await found.replay(from_beginning=True, run_input={"name": "eve"}, reason="try", idempotency_key="once")
    assert (await again.wait()).output == "hello eve"
    assert (again.replay_of, again.summary.generation) == (run.id, 1)
    assert (
        await found.replay(from_beginning=True, run_input={"name": "eve"}, reason="try", idempotency_key="once")
    ).id == (again.id)
    listed = [one.id async for one in m.runs.query("workflow:hello")]
    assert listed == [again.id, run.id]
    assert [one.id async for one in m.runs.query("workflow:hello", limit=1)] == [again.id]


async def test_many_pages_of_runs_are_one_sequence(program: Program) -> None:
    runs = await program.hello.start_many([str(n) for n in range(230)])
    found = [run.id async for run in program.m.runs.query("workflow:hello")]
    assert found == [run.id for run in sorted(runs, key=lambda run: run.id, reverse=True)]
    assert len([run async for run in program.m.runs.query("", limit=120)]) == 120


async def test_of_several_replicas_those_that_answer_are_used(served: Served, program: Program) -> None:
    m = Mulligan(f"http://127.0.0.1:1, {served.url}/,http://127.0.0.1:2", token=served.token)
    found = await m.runs.get((await program.hello.start("ada")).id)
    assert found.link == f"{served.url}/runs/{found.id}"
    hello = m.task(program.hello.fn)
    assert await hello("eve") == "hello eve"
    await m.client.close_session()
    m.close()


async def test_when_no_replica_answers_the_last_ones_reason_is_told() -> None:
    m = Mulligan("http://127.0.0.1:1,http://127.0.0.1:2")
    with pytest.raises(Unavailable, match=r"No answer from the server at http://127\.0\.0\.1:2 \(ConnectError"):
        await m.runs.get("0" * 26)
    link = m.transport.link()
    with pytest.raises(Unavailable, match="cannot be reached"):
        await link.connect()
    m.close()


@pytest.mark.parametrize("urls", ["127.0.0.1:8420", "http://127.0.0.1:1,ftp://there", "http://", ","])
def test_what_is_no_address_is_refused(urls: str) -> None:
    with pytest.raises(Refused, match="MULLIGAN_URL"):
        _ = Mulligan(urls).transport


async def test_different_things_are_started_together(program: Program) -> None:
    runs = await program.m.runs.start_many([program.hello.call("ada"), program.blocking.call(2)])
    assert [(await run.wait()).output for run in runs] == ["hello ada", 4]


async def test_scripts_wait_without_awaiting(program: Program) -> None:
    def script() -> list[Any]:
        m = program.m
        run = m.sync(program.hello.start("ada"))
        ended = m.sync(run.wait())
        with pytest.raises(RunFailed):
            m.sync(program.fail())
        return [ended.output, m.sync(program.hello("eve")), len(list(m.sync.iterate(m.runs.query("workflow:hello"))))]

    assert await asyncio.to_thread(script) == ["hello ada", "hello eve", 2]
    assert await program.sync_parent(4) == 8


async def test_refusals_arrive_as_the_errors_that_they_are(program: Program, served: Served) -> None:
    with pytest.raises(NotFound):
        await program.m.runs.get("06h000000000000000000000g0")
    with pytest.raises(InvalidInput):
        _ = [run async for run in program.m.runs.query("status:unheard-of")]

    other = Mulligan(served.url, token=served.token)

    @other.task
    async def nobody_has_this() -> None: ...

    with pytest.raises(NotFound, match="No worker has registered a workflow named 'nobody_has_this'"):
        await nobody_has_this()
    await other.client.close_session()
    await asyncio.to_thread(other.close)


async def test_a_bad_token_is_told_at_once(served: Served) -> None:
    m = Mulligan(served.url, token="mlg_no_such")

    @m.task
    async def hello() -> None: ...

    with pytest.raises(Unauthorized, match="MULLIGAN_TOKEN"):
        await hello()
    with pytest.raises((Unauthorized, Forbidden)):
        await m.runs.get("06h000000000000000000000g0")
    with pytest.raises(Unauthorized):
        await asyncio.to_thread(m.run_worker)
    await asyncio.to_thread(m.close)


async def test_a_server_that_is_not_there_is_named(unused_tcp_port: int) -> None:
    m = Mulligan(f"http://127.0.0.1:{unused_tcp_port}")
    with pytest.raises(
        Unavailable, match=rf"No answer from the server at http://127.0.0.1:{unused_tcp_port}.*MULLIGAN_URL"
    ):
        await m.runs.get("06h000000000000000000000g0")
    await asyncio.to_thread(m.close)


@pytest.mark.parametrize("url", ["localhost:8420", "ftp://x", "http://"])
def test_a_url_of_no_use_is_refused(url: str) -> None:
    with pytest.raises(Refused, match=r"Write it like http://127\.0\.0\.1:8420"):
        _ = Mulligan(url).transport


async def test_what_is_declared_after_the_worker_came_is_run_too(program: Program) -> None:
    m = program.m
    assert await program.hello("ada")
    worker = await asyncio.to_thread(WorkerThread, m, slots=4)
    wf = m.workflow("later")

    @wf.step
    async def one(ctx: Context) -> str:
        return ctx.step

    @wf.step
    async def two(name: str = after(one)) -> str:
        return name * 2

    ready = worker.ready()
    assert ready is not None
    await asyncio.wrap_future(ready)
    assert worker.ready() is None
    assert (await wf.run())[two].output == "oneone"
    await asyncio.to_thread(worker.stop, timedelta(seconds=5))


# ── Processes ────────────────────────────────────────────────────────────────────────────────────────────────────────

WORKER = """
import asyncio, sys, time
from pathlib import Path
from mulligan import Mulligan
m = Mulligan()
folder = Path(sys.argv[1])

@m.task(timeout="1m")
async def slow(seconds: float) -> str:
    (folder / "begun").touch()
    while not (folder / "go").exists():
        await asyncio.sleep(0.01)
    return "finished"

@m.task
async def stubborn() -> None:
    (folder / "begun").touch()
    while not (folder / "go").exists():
        time.sleep(0.01)

if __name__ == "__main__":
    m.run_worker(slots=2, grace="20s")
    print("left in peace", flush=True)
"""


class WorkerProcess:
    def __init__(self, served: Served, folder: Path) -> None:
        (folder / "worker.py").write_text(WORKER)
        self.folder = folder
        environment = {**os.environ, "MULLIGAN_URL": served.url, "MULLIGAN_TOKEN": served.token}
        self.process = subprocess.Popen(
            [sys.executable, str(folder / "worker.py"), str(folder)],
            env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip

    def has_begun(self) -> None:
        while not (self.folder / "begun").exists():
            assert self.process.poll() is None, self.process.communicate()
            threading.Event().wait(0.01)

    def ended(self) -> tuple[int, str, str]:
        output, errors = self.process.communicate(timeout=30)
        return self.process.returncode, output, errors


@pytest.fixture
async def worker(served: Served, tmp_path: Path) -> AsyncIterator[WorkerProcess]:
    worker = WorkerProcess(served, tmp_path)
    yield worker
    if worker.process.poll() is None:
        worker.process.kill()
    await asyncio.to_thread(worker.process.communicate)


@pytest.fixture
async def caller(served: Served) -> AsyncIterator[Mulligan]:
    """A program that declares the worker's tasks and runs none of them."""
    m = Mulligan(served.url, token=served.token)

    @m.task
    async def slow(seconds: float) -> str:
        raise AssertionError("it runs elsewhere")

    @m.task
    async def stubborn() -> None:
        raise AssertionError("it runs elsewhere")

    module = ModuleType("declared")
    module.slow, module.stubborn = slow, stubborn  # type: ignore[attr-defined] # to hand both over
    m.declared = module  # type: ignore[attr-defined]
    yield m
    await m.client.close_session()
    await asyncio.to_thread(m.close)


async def started(task: Any, *arguments: Any) -> Any:
    """The run, once some worker has registered the task."""
    async with asyncio.timeout(30):
        while True:
            try:
                return await task.start(*arguments)
            except NotFound:
                await asyncio.to_thread(threading.Event().wait, 0.05)


async def test_a_worker_that_is_asked_to_leave_finishes_what_it_runs(
    caller: Mulligan, worker: WorkerProcess, served: Served
) -> None:
    run = await started(caller.declared.slow, 1.0)  # type: ignore[attr-defined]
    await asyncio.to_thread(worker.has_begun)
    worker.process.send_signal(signal.SIGTERM)
    late = await caller.declared.slow.start(2.0)  # type: ignore[attr-defined]
    (worker.folder / "go").touch()
    assert (await run.wait(timeout="20s")).output == "finished"
    code, output, errors = await asyncio.to_thread(worker.ended)
    assert (code, output.strip()) == (0, "left in peace"), errors
    assert "is connected, with slow version 1, stubborn version 1." in errors
    assert "drains: " in errors  # how many still ran then depends on how quick the signal was
    assert (await run.refresh()).steps[0].attempts == 1
    second = WorkerProcess(served, worker.folder)
    assert (await late.wait(timeout="20s")).output == "finished"
    second.process.send_signal(signal.SIGINT)
    assert (await asyncio.to_thread(second.ended))[0] == 0


async def test_the_second_signal_leaves_at_once_even_when_a_step_blocks_everything(
    caller: Mulligan, worker: WorkerProcess
) -> None:
    await started(caller.declared.stubborn)  # type: ignore[attr-defined]
    await asyncio.to_thread(worker.has_begun)
    worker.process.send_signal(signal.SIGINT)
    await asyncio.to_thread(threading.Event().wait, 0.3)
    assert worker.process.poll() is None
    worker.process.send_signal(signal.SIGINT)
    code, _, errors = await asyncio.to_thread(worker.ended)
    assert code == 130
    assert "leaving at once" in errors


def test_the_namespace_comes_from_the_argument_or_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MULLIGAN_NAMESPACE", raising=False)
    assert Mulligan().namespace == "default"
    monkeypatch.setenv("MULLIGAN_NAMESPACE", "team")
    assert Mulligan().namespace == "team"
    assert Mulligan(namespace="mine").namespace == "mine"


@pytest.mark.parametrize("url", ["http://here:8420/api/v1", "http://here:8420/api/v1/", " http://here:8420/ "])
def test_an_address_may_end_with_the_path_of_the_api(url: str) -> None:
    assert Replicas(url).addresses == ("http://here:8420",)
    assert Replicas(f"{url},https://there/mulligan/api/v1").addresses[1] == "https://there/mulligan"
