"""The scenes whose every commit is tried: each acts, and says what must have come of it whatever went wrong."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from mulligan.core.records import Argument, Outcome, PatchOp, Retry, RunStatus, StepDefinition
from mulligan.core.replay import ReplayRequest
from mulligan.testing.simulation.audit.shadow import Intent, Violation
from mulligan.testing.simulation.catalogue import (
    CHAIN,
    DIAMOND,
    FLAKY,
    GUARDED,
    SINGLE,
    newer,
    sleep,
    step,
    workflow,
)
from mulligan.testing.simulation.scene import Scenario, Scene

NAP = workflow(
    "nap",
    step("before", doc=True),
    sleep("rest", "before", 2),
    StepDefinition(name="after", arguments=(Argument("from_before", "step:before"),), parents=("before", "rest")),
)
LIMITED = workflow(
    "limited",
    step("slow", doc=True, start_to_close=timedelta(seconds=1), retry=Retry(retries=1, jitter=0)),
)
QUEUED = workflow("queued", step("first", doc=True, schedule_to_start=timedelta(seconds=2)))
PAID = workflow("paid", step("pay", doc=True, at_most_once=True), step("mail", "pay"))
MANY = workflow("many", *(step(f"part{n}", doc=True) for n in range(4)), step("sum", *(f"part{n}" for n in range(4))))


async def one_task(scene: Scene) -> None:
    scene.worker()
    life = await scene.end(await scene.start("single"))
    scene.check(life, RunStatus.SUCCEEDED, single=1)


async def a_retry(scene: Scene) -> None:
    scene.worker()
    life = await scene.end(await scene.start("flaky"))
    scene.check(life, RunStatus.SUCCEEDED, **{"try": 2, "done": 1})


async def fan_in(scene: Scene) -> None:
    scene.worker()
    life = await scene.end(await scene.start("diamond"))
    scene.check(life, RunStatus.SUCCEEDED, split=1, left=1, middle=1, right=1, join=1)


async def fan_out(scene: Scene) -> None:
    """More steps than slots."""
    scene.worker()
    life = await scene.end(await scene.start("many"))
    scene.check(life, RunStatus.SUCCEEDED, part0=1, part3=1, sum=1)


async def cancel_in_flight(scene: Scene) -> None:
    scene.worker()
    run_id = await scene.start("chain")
    await scene.until_leased(run_id, "a")
    answer = await scene.cancel(run_id)
    life = await scene.end(run_id)
    if life.run.status is not RunStatus.CANCELLED and answer.changed:
        raise Violation("S16", f"{run_id} was cancelled and has {life.run.status}")


async def replay_with_edit(scene: Scene) -> None:
    scene.worker()
    run_id = await scene.start("chain")
    source = await scene.end(run_id)
    scene.check(source, RunStatus.SUCCEEDED)
    patch = (PatchOp(op="replace", path="/from_a/in", value='"edited"'),)
    request = ReplayRequest(start_steps=("b",), patches={"b": patch}, reason="try again")
    intent = Intent(run_id, "alpha", ("b",), step_edits={"b": [(("from_a", "in"), "edited")]})
    life = await scene.end(await scene.replay(run_id, request, intent))
    scene.check(life, RunStatus.SUCCEEDED, b=1, c=1)


async def a_sleep(scene: Scene) -> None:
    scene.worker()
    life = await scene.end(await scene.start("nap"))
    scene.check(life, RunStatus.SUCCEEDED, before=1, rest=1, after=1)


async def a_lease_runs_out(scene: Scene) -> None:
    """The worker dies without a word while it works; another one takes over."""
    first = scene.worker("first")
    run_id = await scene.start("single")
    await scene.until_leased(run_id, "single")
    scene.rest(first)
    if first.process is not None:
        for connection in scene.network.between(first.name, "engine"):
            connection.silence()
        first.process.kill()
    scene.worker("second")
    life = await scene.end(run_id)
    scene.check(life, RunStatus.SUCCEEDED)


async def a_drain(scene: Scene) -> None:
    """A worker leaves with steps that run; a new one takes what is left."""
    first = scene.worker("first")
    run_id = await scene.start("many")
    await scene.until_leased(run_id, "part0")
    scene.rest(first)
    first.drain(5)
    scene.worker("second")
    life = await scene.end(run_id)
    scene.check(life, RunStatus.SUCCEEDED)


async def a_new_version(scene: Scene) -> None:
    """A worker with newer code comes while runs of the old one are under way."""
    scene.worker("old")
    run_id = await scene.start("chain")
    await scene.until_leased(run_id, "a")
    scene.worker("new", definitions=[newer(CHAIN)])
    scene.check(await scene.end(run_id), RunStatus.SUCCEEDED, a=1, b=1, c=1)
    versions = scene.auditor.shadow.versions["alpha", "chain"]
    await scene.until(lambda: len(versions) > 1)  # where engines died, the new worker may come after the run's end
    numbers = [version.number for version in versions]
    if numbers != [1, 2]:
        raise Violation("S19", f"the versions are {numbers}")


async def on_failure(scene: Scene) -> None:
    scene.worker()
    life = await scene.end(await scene.start("guarded"))
    scene.check(life, RunStatus.FAILED, risk=1, alert=1)


async def a_delayed_start(scene: Scene) -> None:
    scene.worker()
    life = await scene.end(await scene.start("single", delay_s=3))
    scene.check(life, RunStatus.SUCCEEDED, single=1)


async def an_idempotent_start(scene: Scene) -> None:
    """Two start the same thing at the same time."""
    scene.worker()
    first, second = await asyncio.gather(scene.start("single", key="order 7"), scene.start("single", key="order 7"))
    if first != second or len(scene.auditor.shadow.lives) != 1:
        raise Violation("S2", f"one key made {sorted(scene.auditor.shadow.lives)}")
    scene.check(await scene.end(first), RunStatus.SUCCEEDED, single=1)


async def a_timeout(scene: Scene) -> None:
    """The function never returns; its worker ends it, or else the engine does."""
    scene.worker()
    life = await scene.end(await scene.start("limited"))
    scene.check(life, RunStatus.FAILED, slow=2)
    outcomes = [attempt.outcome for attempt in life.tries["slow"]]
    if outcomes != [Outcome.TIMED_OUT, Outcome.TIMED_OUT]:
        raise Violation("S15", f"the attempts ended as {outcomes}")


async def a_queue_timeout(scene: Scene) -> None:
    """The only worker that could take it leaves before."""
    worker = scene.worker()
    await scene.until(lambda: bool(scene.auditor.shadow.workers))
    scene.rest(worker)
    worker.drain(0)
    await scene.until(lambda: not worker.is_up)
    life = await scene.end(await scene.start("queued"))
    scene.check(life, RunStatus.FAILED, first=1)


async def at_most_once(scene: Scene) -> None:
    """A worker that pays dies: nobody may pay again."""
    first = scene.worker("first")
    run_id = await scene.start("paid")
    await scene.until_leased(run_id, "pay")
    await asyncio.sleep(0.1)
    scene.rest(first)
    if first.process is not None:
        first.process.kill()
    scene.worker("second")
    await scene.end(run_id)
    calls = [key for key in scene.auditor.ledger.begun if key[:2] == (run_id, "pay")]
    if len(calls) > 1:
        raise Violation("S8", f"an at-most-once step was called {len(calls)} times")


SCENARIOS = (
    Scenario("one task", (SINGLE,), one_task),
    Scenario("a retry", (FLAKY,), a_retry, fails={"try": 1}),
    Scenario("fan-in", (DIAMOND,), fan_in),
    Scenario("fan-out", (MANY,), fan_out, slots=2),
    Scenario("cancel in flight", (CHAIN,), cancel_in_flight),
    Scenario("replay with edit", (CHAIN,), replay_with_edit),
    Scenario("a sleep", (NAP,), a_sleep),
    Scenario("a lease runs out", (SINGLE,), a_lease_runs_out),
    Scenario("a drain", (MANY,), a_drain, slots=2),
    Scenario("a new version", (CHAIN,), a_new_version),
    Scenario("on failure", (GUARDED,), on_failure, fails={"risk": 1}),
    Scenario("a delayed start", (SINGLE,), a_delayed_start),
    Scenario("an idempotent start", (SINGLE,), an_idempotent_start),
    Scenario("a timeout", (LIMITED,), a_timeout, hangs=frozenset({"slow"})),
    Scenario("a queue timeout", (QUEUED,), a_queue_timeout),
    Scenario("at most once", (PAID,), at_most_once),
)
