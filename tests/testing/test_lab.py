"""A lab runs whole workflows on the test's own loop: no server, no sleeping."""

from __future__ import annotations

import asyncio
import itertools
import threading
from datetime import timedelta

import pytest
from pydantic import BaseModel

from mulligan import Context, Failure, Mulligan, MulliganError, Retry, RunFailed, after, depends
from mulligan.testing import Lab
from mulligan.testing.clock import EPOCH

m = Mulligan()


class Doc(BaseModel):
    id: int
    lang: str = "en"


wf = m.workflow("summarise", input=Doc)
alerts: list[str] = []


@wf.step
def fetch(doc: Doc) -> str:
    return f"text of {doc.id}"


@wf.step
async def chunk(text: str = after(fetch)) -> list[str]:
    return text.split()


@m.task(retries=3)
async def embed(piece: str) -> list[float]:
    return [float(len(piece))]


@wf.step
async def vectors(pieces: list[str] = after(chunk)) -> list[list[float]]:
    return await embed.map(pieces, limit=2)


@wf.step(retries=Retry(2, first="30s"))
async def summary(ctx: Context, doc: Doc, pieces: list[str] = after(chunk)) -> str:
    prompt = ctx.playground("prompt", "Summarise")
    heat = ctx.playground("temperature", 0.2)
    if doc.lang == "xx":
        raise ValueError("no such language")
    return f"{heat:.1f}/{doc.lang}: {prompt} {pieces}"


@wf.step(effect="irreversible", after=[wf.sleep("10m", after=[summary])])
async def publish(ctx: Context, text: str = after(summary), v: list[list[float]] = after(vectors)) -> bool:
    return bool(text and v and ctx.idempotency_key)


@wf.on_failure
async def alert(doc: Doc, failure: Failure) -> None:
    alerts.append(f"{doc.id} {failure.step} {failure.type}: {failure.error} ({failure.attempts})")


async def test_a_whole_workflow_with_stubs_and_overrides(lab: Lab) -> None:
    run = await lab.run(wf, Doc(id=1), stub={vectors: [[1.0]]}, playground={"prompt": "shout"})
    assert run[summary].output if run.ended else run[summary].status == "succeeded"
    assert run[publish].status == "pending"
    await lab.advance("9m59s")
    assert (await run.refresh())[publish].status == "pending"
    await lab.advance("1s")
    assert (await run.wait())[publish].output is True
    assert run[summary].output == "0.2/en: shout ['text', 'of', '1']"
    assert run[vectors].output == [[1.0]]
    again = await run.replay(from_step=summary, playground={"temperature": 1.0})
    assert again[fetch].status == again[vectors].status == "kept"
    assert "1.0" in (await again.wait())[summary].output
    assert again.replay_of == run.id


async def test_waiting_lets_time_pass_to_what_is_due_next(lab: Lab) -> None:
    run = await (await lab.run(wf, Doc(id=2))).wait()
    assert run.status == "succeeded"
    assert run[vectors].output == [[4.0], [2.0], [1.0]]
    assert lab.clock.now() - EPOCH == timedelta(minutes=10)


async def test_a_failed_run_is_replayed_with_an_edited_input(lab: Lab) -> None:
    alerts.clear()
    failed = await (await lab.run(wf, Doc(id=3, lang="xx"))).wait()
    assert (failed.status, failed[summary].status, failed[summary].attempts) == ("failed", "failed", 3)
    assert failed[summary].error == "ValueError: no such language"
    assert alerts == ["3 summary ValueError: no such language (3)"]
    with pytest.raises(RunFailed, match="failed in step 'summary': ValueError: no such language"):
        failed.check()
    plan = await failed.plan_replay(input={"doc": {"lang": "fr"}}, from_step=summary)
    assert [(step.name, step.action) for step in plan.steps if step.action == "keep"] == [
        ("fetch", "keep"),
        ("chunk", "keep"),
        ("vectors", "keep"),
    ]
    again = await failed.replay(from_step=summary, input={"doc": {"lang": "fr"}}, reason="typing mistake")
    assert (await again.wait())[summary].output == "0.2/fr: Summarise ['text', 'of', '3']"
    assert (await again[summary].load()).input == {"doc": {"id": 3, "lang": "fr"}, "pieces": ["text", "of", "3"]}
    assert (await failed.refresh()).status == "failed"


async def test_an_edit_that_breaks_a_rule_creates_nothing(lab: Lab) -> None:
    failed = await (await lab.run(wf, Doc(id=4, lang="xx"))).wait()
    with pytest.raises(MulliganError, match="/doc/id"):
        await failed.replay(from_step=summary, input={"doc": {"id": "four"}})
    assert [run.id async for run in m.runs.query("workflow:summarise")] == [failed.id]


async def test_a_stub_may_be_of_a_step_by_its_name_and_of_nothing_else(lab: Lab) -> None:
    run = await (await lab.run(wf, Doc(id=1), stub={"vectors": [[2.0]]})).wait()
    assert run["vectors"].output == [[2.0]]
    for key, told in (
        ("vektors", r"not 'vektors'\. Did you mean 'vectors'\? There are fetch, "),
        (wf, "not <workflow"),
    ):
        with pytest.raises(TypeError, match=f"stub= takes steps and tasks.* {told}"):
            await lab.run(wf, Doc(id=1), stub={key: []})
    with pytest.raises(KeyError, match=r"no step 'sumary'\. Did you mean 'summary'\? There are fetch, chunk, "):
        run["sumary"]


async def test_a_stub_may_fail_or_be_a_function_and_holds_for_children_and_replays(lab: Lab) -> None:
    run = await lab.run(
        wf, Doc(id=5), stub={embed: lambda piece: [0.5, float(len(piece))], summary: ConnectionError("down")}
    )
    failed = await run.wait()
    assert failed[vectors].output == [[0.5, 4.0], [0.5, 2.0], [0.5, 1.0]]
    assert failed[summary].error == "ConnectionError: down"
    again = await (await failed.replay()).wait()
    assert again[summary].error == "ConnectionError: down"


async def test_backoff_and_execution_timeouts_are_in_virtual_time(lab: Lab) -> None:
    app = Mulligan()
    tries = itertools.count(1)

    @app.task(retries=Retry(3, first="1h", factor=2, jitter=0), timeout="5m")
    async def flaky() -> int:
        if next(tries) < 3:
            await asyncio.Event().wait()
        return 7

    run = await lab.run(flaky)
    await lab.advance("4m59s")
    assert (await run.refresh()).status == "running"
    await lab.advance("2s")
    assert (await run.refresh())[flaky].error.startswith("mulligan.StepTimeout: The step ran longer")  # type: ignore[union-attr] # asserted by starting with
    await lab.advance("1h4m59s")
    assert (await run.refresh())[flaky].attempts == 2
    await lab.advance("1s")
    assert (await run.wait()).output == 7
    assert lab.clock.now() - EPOCH == timedelta(hours=2, minutes=10)


async def test_thirty_days_take_no_time(lab: Lab) -> None:
    app = Mulligan()
    slow = app.workflow("slow")

    @slow.step(after=[slow.sleep("30d")])
    async def late() -> str:
        return "done"

    run = await lab.run(slow)
    await lab.advance("29d")
    assert (await run.refresh()).status == "queued"
    await lab.advance("1d")
    assert (await run.wait())[late].output == "done"


async def test_a_crashed_workers_steps_are_tried_again_by_the_next(lab: Lab) -> None:
    app = Mulligan()
    seen: list[int] = []

    @app.task
    async def long(ctx: Context) -> int:
        seen.append(ctx.attempt)
        if ctx.attempt == 1:
            await asyncio.Event().wait()
        return ctx.attempt

    run = await lab.run(long)
    await lab.crash_worker()
    assert (await run.wait()).output == 2
    assert seen == [1, 2]
    await run[long].load()
    assert [attempt.outcome for attempt in run[long].detail.tries] == ["lost", "succeeded"]


async def test_a_step_that_must_not_run_twice_is_not_repeated_after_a_crash(lab: Lab) -> None:
    app = Mulligan()

    @app.task(at_most_once=True, retries=5)
    async def pay() -> None:
        await asyncio.Event().wait()

    run = await lab.run(pay)
    await lab.crash_worker(app)
    assert (await run.wait()).status == "failed"
    assert "at_most_once" in str(run[pay].error)


async def test_a_parent_that_is_tried_again_finds_its_children(lab: Lab) -> None:
    app = Mulligan()
    calls: list[str] = []

    @app.task
    async def child(name: str) -> str:
        calls.append(name)
        if name == "flaky" and calls.count("flaky") == 1:
            raise ConnectionError(name)
        return name.upper()

    @app.task(retries=2)
    async def parent(ctx: Context) -> list[str]:
        first = await child("first")
        rest = await child.map(["a", "flaky", "b"])
        return [first, *rest]

    run = await (await lab.run(parent)).wait()
    assert run.output == ["FIRST", "A", "FLAKY", "B"]
    assert run[parent].attempts == 2
    assert sorted(calls) == ["a", "b", "first", "flaky", "flaky"]
    children = [run async for run in app.runs.query("workflow:child")]
    assert {child.summary.parent_id for child in children} == {run.id}
    assert len(children) == 5


async def test_a_child_pays_under_the_same_key_however_often_its_parent_is_replayed(lab: Lab) -> None:
    app = Mulligan()
    keys: list[str] = []

    @app.task
    async def pay(ctx: Context, amount: int) -> None:
        keys.append(ctx.idempotency_key)
        if len(keys) == 1:
            raise ConnectionError("the line was cut")

    @app.task(retries=1)
    async def parent() -> None:
        await pay(5)

    run = await (await lab.run(parent)).wait()
    again = await run.replay(from_beginning=True)
    await again.wait()
    await (await run.replay(from_beginning=True, fresh_key=True)).wait()
    assert len(keys) == 4  # tried, tried anew, replayed, replayed as something else
    assert len(set(keys[:3])) == 1
    assert keys[3] != keys[0]


async def test_children_that_are_only_started_are_not_started_twice(lab: Lab) -> None:
    app = Mulligan()

    @app.task
    async def child(n: int) -> int:
        return n

    @app.task(retries=1)
    async def parent(ctx: Context) -> list[str]:
        runs = [await child.start(1), *(await child.start_many([1, 2]))]
        if ctx.attempt == 1:
            raise ConnectionError
        return [run.id for run in runs]

    run = await (await lab.run(parent)).wait()
    assert len(run.output) == 3
    assert {child.id async for child in app.runs.query("workflow:child")} == set(run.output)


async def test_a_synchronous_step_waits_for_children_from_its_thread(lab: Lab) -> None:
    app = Mulligan()

    @app.task(retries=Retry(1, first="1h"))
    def child(n: int) -> int:
        if len(seen) == 0:
            seen.append(n)
            raise ConnectionError
        return n * 2

    seen: list[int] = []

    @app.task
    def parent() -> int:
        assert threading.current_thread() is not threading.main_thread()
        return app.sync(child(4))

    assert (await (await lab.run(parent)).wait()).output == 8


async def test_tasks_are_simply_awaited_once_the_lab_is_under_the_program(lab: Lab) -> None:
    app = Mulligan()

    @app.task(retries=Retry(1, first="1d"))
    async def hello(name: str, greeting: str = depends(lambda: "hello")) -> str:
        if lab.clock.now() == EPOCH:
            raise ConnectionError
        return f"{greeting} {name}"

    await lab.use(app)
    assert await hello("ada") == "hello ada"
    assert await hello.map(["a", "b", "c"], limit=2) == ["hello a", "hello b", "hello c"]


async def test_a_run_that_can_never_end_says_why(lab: Lab) -> None:
    app = Mulligan()

    @app.task
    async def hello() -> None: ...

    await lab.use(app)
    run = await hello.options(version=app.definitions()[0].digest).start()
    assert (await run.wait()).status == "succeeded"
    del app.declarations["hello"]
    app.revision += 1
    await lab.crash_worker()
    orphan = await hello.start()
    with pytest.raises(MulliganError, match="will never end: nothing runs and nothing is due"):
        await orphan.wait()


async def test_steps_may_await_real_things(lab: Lab) -> None:
    app = Mulligan()

    @app.task(timeout="1s")
    async def real() -> str:
        return await asyncio.to_thread(lambda: "from a thread")

    assert (await (await lab.run(real)).wait()).output == "from a thread"


async def test_what_is_logged_is_kept_with_the_attempt(lab: Lab) -> None:
    app = Mulligan()

    @app.task
    async def talk(ctx: Context) -> None:
        ctx.log.info("good morning")
        ctx.progress(0.5)

    run = await (await lab.run(talk)).wait()
    text = await app.client.ask_text("GET", f"/runs/{run.id}/logs")
    assert b"good morning" in text
    assert b"mulligan.progress" in text


async def test_cancelling_a_run_stops_its_step(lab: Lab) -> None:
    app = Mulligan()
    stopped: list[bool] = []

    @app.task
    async def wait(ctx: Context) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            stopped.append(ctx.cancelled)

    run = await lab.run(wait)
    assert await run.cancel("enough") == "cancel_requested"
    await lab.settle()
    assert (await run.wait()).status == "cancelled"
    assert stopped == [True]
    with pytest.raises(RunFailed, match="was cancelled"):
        run.check()
    assert await run.cancel() == "already_finished"


async def test_after_a_lab_programs_are_their_old_selves() -> None:
    app = Mulligan("http://127.0.0.1:1")

    @app.task
    async def hello() -> int:
        return 1

    before = app.transport
    async with Lab() as lab:
        assert (await (await lab.run(hello)).wait()).output == 1
        assert app.transport is not before
    assert app.transport is before
    app.close()
