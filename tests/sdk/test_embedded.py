"""``Mulligan()`` without a server: the same program, with the engine and a worker in its own process."""

from __future__ import annotations

import asyncio
import itertools
import linecache
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mulligan import Context, DeclarationError, Mulligan, RunFailed, after
from mulligan.errors import MulliganError, TooLarge


@pytest.fixture
def m(tmp_path: Path) -> Iterator[Mulligan]:
    m = Mulligan(database=str(tmp_path / "runs.db"))
    yield m
    m.close()


def test_a_script_needs_nothing_but_the_package(m: Mulligan) -> None:
    @m.task
    async def hello(name: str) -> str:
        return f"hello {name}"

    @m.task
    def shout(name: str) -> str:
        return m.sync(hello(name)).upper()

    assert m.sync(shout("ada")) == "HELLO ADA"


def test_every_event_loop_of_a_program_can_use_it(m: Mulligan) -> None:
    @m.task
    async def hello(name: str) -> str:
        return f"hello {name}"

    async def main() -> list[str]:
        return await asyncio.gather(*(hello(str(n)) for n in range(20)))

    for _ in range(3):
        assert asyncio.run(main()) == [f"hello {n}" for n in range(20)]
    results: list[Any] = []
    threads = [threading.Thread(target=lambda: results.append(asyncio.run(main()))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [[f"hello {n}" for n in range(20)]] * 3


def test_what_is_declared_after_the_first_start_is_run_as_well(m: Mulligan) -> None:
    @m.task
    async def one() -> int:
        return 1

    assert m.sync(one()) == 1
    wf = m.workflow("later", input=int)

    @wf.step
    def two(n: int) -> int:
        return n + 1

    run = m.sync(wf.run(1))
    assert run[two].output == 2

    m.workflow("empty")
    with pytest.raises(DeclarationError, match="workflow 'empty' has no steps"):
        m.sync(one())
    del m.declarations["empty"]
    assert m.sync(one()) == 1


def test_a_failed_run_is_replayed_by_a_program_that_has_the_fix(tmp_path: Path) -> None:
    """The story of the fixed bug, in two lives of one program: the second never starts a run, it only replays."""
    database = str(tmp_path / "runs.db")
    broken = Mulligan(database=database)

    @broken.task(name="parse")
    def parse_badly(text: str) -> int:
        return int(text)

    with pytest.raises(RunFailed) as caught:
        broken.sync(parse_badly("1,000"))
    broken.close()

    fixed = Mulligan(database=database)

    @fixed.task(name="parse", version_label="fixed")
    def parse(text: str) -> int:
        return int(text.replace(",", ""))

    try:
        run = fixed.sync(fixed.runs.get(caught.value.run_id))
        assert run.error is not None
        assert run.error.type == "ValueError"
        again = fixed.sync(run.replay(reason="fixed"))
        assert fixed.sync(again.wait(timeout="20s")).output == 1000
    finally:
        fixed.close()


def test_what_is_said_beside_the_input_has_a_limit(m: Mulligan) -> None:
    @m.task
    def hello() -> None: ...

    with pytest.raises(TooLarge, match="Put data into the input"):
        m.sync(hello.options(playground={"prompt": "x" * 2_000_000}).start())


def test_closing_is_not_the_end(m: Mulligan) -> None:
    count = itertools.count(1)

    @m.task
    def tick() -> int:
        return next(count)

    assert [m.sync(tick()) for _ in range(2)] == [1, 2]
    m.close()
    m.close()
    assert m.sync(tick()) == 3


def test_in_a_notebook_a_cell_may_be_run_again(m: Mulligan) -> None:
    def cell(number: int, source: str) -> dict[str, Any]:
        file = f"/tmp/ipykernel_1/{number}.py"
        linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)
        names: dict[str, Any] = {"m": m, "__name__": "__main__"}
        exec(compile(source, file, "exec"), names)
        return names

    source = "@m.task\nasync def hello(name: str) -> str:\n    return f'hello {name}'\n"
    first = cell(1, source)["hello"]
    assert m.sync(first("ada")) == "hello ada"
    second = cell(2, source.replace("hello {name}", "good morning {name}"))["hello"]
    assert m.sync(second("ada")) == "good morning ada"
    assert len(m.definitions()) == 1


def test_a_synchronous_call_from_its_own_loop_is_told_apart(m: Mulligan) -> None:
    async def inner() -> None:
        m.sync(asyncio.sleep(0))

    with pytest.raises(Exception, match=r"from what m\.sync itself is running"):
        m.sync(inner())


SCRIPT = """
import asyncio, logging, sys
from mulligan import Mulligan
m = Mulligan(database=sys.argv[1])

@m.task
async def slow(name: str) -> str:
    await asyncio.sleep(0.2)
    print("done", name, flush=True)
    logging.getLogger("lib").warning("from a step")
    logging.getLogger("lib").info("not shown, since nobody asked for it")
    return name

async def main():
    await slow.start("left running")
    logging.getLogger("lib").warning("from the program")
    await asyncio.sleep(0.1)

asyncio.run(main())
print("main is over", flush=True)
"""


def test_a_program_that_ends_lets_its_steps_finish(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    done = subprocess.run(
        [sys.executable, "-X", "dev", "-W", "error", str(script), str(tmp_path / "runs.db")],
        capture_output=True, text=True, timeout=50,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["main is over", "done left running"]
    # python's own way with warnings when nobody has configured logging, although the worker listens too
    assert [line for line in done.stderr.splitlines() if not line.startswith("Executing")] == [
        "from the program",
        "from a step",
    ]
    m = Mulligan(database=str(tmp_path / "runs.db"))
    try:
        assert [run.status for run in m.sync.iterate(m.runs.query("workflow:slow"))] == ["succeeded"]
    finally:
        m.close()


def test_a_worker_of_its_own_is_told_what_a_step_may_do(m: Mulligan) -> None:
    @m.task
    def where(ctx: Context) -> list[str]:
        return [ctx.workflow, ctx.step, threading.current_thread().name.partition("-")[0]]

    assert m.sync(where()) == ["where", "where", "mulligan"]


def test_parents_that_wait_for_children_do_not_fill_the_slots_that_these_need(m: Mulligan) -> None:
    @m.task
    async def leaf(n: int) -> int:
        return n

    @m.task
    def sync_leaf(n: int) -> int:
        return n

    @m.task
    async def parent(n: int) -> list[int]:
        return [*await leaf.map([n, n + 1]), await sync_leaf(n)]

    @m.task
    def grandparent(n: int) -> list[int]:
        return [*m.sync(parent(n)), m.sync(sync_leaf(n))]

    async def main() -> list[list[int]]:
        return await grandparent.map(range(100))

    assert asyncio.run(main()) == [[n, n + 1, n, n] for n in range(100)]
    ledger = m.worker_in_this_process().worker.ledger
    assert (ledger.running, ledger.busy_slots) == (0, 0)


def test_the_environment_says_how_many_steps_run_at_the_same_time(m: Mulligan, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MULLIGAN_SLOTS", "3")

    @m.task
    async def hello(name: str) -> str:
        return f"hello {name}"

    assert m.sync(hello("ada")) == "hello ada"
    assert m.worker_in_this_process().worker.ledger.slots == 3


def test_who_waits_for_many_may_leave_out_the_question_for_their_steps(m: Mulligan) -> None:
    @m.task
    async def double(n: int) -> int:
        return 2 * n

    async def main() -> list[int]:
        runs = await double.start_many(range(30))
        ended = await asyncio.gather(*(run.wait(steps=False) for run in runs))
        with pytest.raises(MulliganError, match="not known yet"):
            _ = ended[0].steps
        assert (await ended[0].refresh())[double].status == "succeeded"
        return [run.output for run in ended]

    assert asyncio.run(main()) == [2 * n for n in range(30)]


def test_results_of_any_size_are_told_and_a_step_that_would_get_too_many_fails_in_words(m: Mulligan) -> None:
    """As on a server, where each message has to fit a frame."""
    wf = m.workflow("wide", input=int)

    def part(n: int) -> str:
        return "x" * n

    a, b, c, d = (wf.step(name=name)(part) for name in "abcd")

    @wf.step
    def join(a: str = after(a), b: str = after(b), c: str = after(c), d: str = after(d)) -> int:
        return len(a + b + c + d)

    small, large = m.sync(wf.start_many([3, 4_000_000]))
    assert m.sync(small.wait())[join].output == 12
    m.sync(large.wait(timeout="20s"))
    assert [len(large[part].output) for part in (a, b, c, d)] == [4_000_000] * 4
    with pytest.raises(RunFailed, match=r"InputTooLarge: Step 'join' would be called with 16,000,0.. bytes"):
        large.check()


async def test_what_is_too_large_is_recorded_as_the_page_of_limits_says(m: Mulligan) -> None:
    page = (Path(__file__).parents[2] / "docs/reference/limits.md").read_text(encoding="utf-8")

    @m.task(retries=3)
    async def result() -> str:
        return "x" * (4 * 1024 * 1024)

    @m.task(retries=3)
    async def variable(ctx: Context) -> int:
        return len(ctx.playground("text", "x" * 600_000))  # its default and its value count

    for task, row in ((result, "a step's result"), (variable, "the playground variables")):
        run = await (await task.start()).wait()
        assert run.error is not None
        (told,) = [line for line in page.splitlines() if row in line]
        assert f"the step fails with `{run.error.type}`, without a retry" in told
        assert run[task.name].attempts == 1
