"""After a deploy was undone, what is begun must not wait for code that nobody has any more."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mulligan.core.records import RunStatus, StepDefinition, WorkflowDefinition
from mulligan.core.replay import ReplayRequest
from mulligan.testing.clock import settle

if TYPE_CHECKING:
    from tests.engine.conftest import Desk, FakeWorker

OLD = WorkflowDefinition(name="flow", steps=(StepDefinition(name="a"),))
NEW = WorkflowDefinition(name="flow", steps=(StepDefinition(name="a"), StepDefinition(name="b", parents=("a",))))
SAME_SHAPE = WorkflowDefinition(name="flow", steps=(StepDefinition(name="a"),), code="changed")
FUNCTIONS = {"a": lambda _: b"1", "b": lambda _: b"2"}


async def swap(desk: Desk, before: FakeWorker, definition: WorkflowDefinition, name: str) -> FakeWorker:
    """One worker leaves and another comes."""
    await before.disconnect(clean=True)
    after = await desk.worker(definition, FUNCTIONS, name=name)
    await settle()
    return after


async def first_worker(desk: Desk, definition: WorkflowDefinition) -> FakeWorker:
    return await desk.worker(definition, FUNCTIONS)


async def ran(desk: Desk, run_id: str) -> tuple[RunStatus, str]:
    end = await desk.end(run_id)
    return end.run.status, end.run.version


async def test_new_runs_go_back_with_the_code_and_forward_with_it(desk: Desk) -> None:
    worker = await first_worker(desk, OLD)
    for number, code in enumerate((NEW, OLD, NEW)):
        worker = await swap(desk, worker, code, f"next-{number}")
        assert await ran(desk, await desk.start("flow")) == (RunStatus.SUCCEEDED, code.digest)


async def test_a_replay_on_latest_runs_on_the_newest_code_that_somebody_has(desk: Desk) -> None:
    worker = await first_worker(desk, OLD)
    run_id = await desk.start("flow")
    await desk.end(run_id)
    worker = await swap(desk, await swap(desk, worker, SAME_SHAPE, "new"), OLD, "old-again")
    request = ReplayRequest(from_beginning=True)
    plan = await desk.engine.plan_replay("default", run_id, request)
    assert (plan.number, plan.warnings) == (1, ("Version 2 is newer, and no worker that is there has it.",))
    made = await desk.engine.replay("default", run_id, request, author="ada", token=plan.token)
    assert await ran(desk, made.run_id) == (RunStatus.SUCCEEDED, OLD.digest)


async def test_while_both_are_there_the_newest_is_meant(desk: Desk) -> None:
    """A deploy is under way: workers with the old code may be connected for a while."""
    await first_worker(desk, OLD)
    await desk.worker(NEW, FUNCTIONS, name="new")
    await settle()
    assert await ran(desk, await desk.start("flow")) == (RunStatus.SUCCEEDED, NEW.digest)


async def test_while_nobody_is_there_the_newest_is_meant(desk: Desk) -> None:
    worker = await swap(desk, await first_worker(desk, OLD), NEW, "new")
    await worker.disconnect(clean=True)
    await settle()
    waiting = await desk.start("flow")
    assert (await desk.document(waiting)).run.version == NEW.digest


async def test_a_worker_that_is_lost_without_a_word_is_noticed(desk: Desk) -> None:
    worker = await first_worker(desk, OLD)
    await desk.worker(NEW, FUNCTIONS, name="new")
    await settle()
    await desk.advance(40, beating=worker)
    assert await ran(desk, await desk.start("flow")) == (RunStatus.SUCCEEDED, OLD.digest)


async def test_code_that_came_and_went_unseen_is_not_waited_for(desk: Desk) -> None:
    """As another engine's worker can, between two looks: who is there is the same as before."""
    await first_worker(desk, OLD)
    await settle()
    await desk.engine.register("default", [NEW])
    await desk.worker(OLD, FUNCTIONS, name="another")
    await settle()
    assert await ran(desk, await desk.start("flow")) == (RunStatus.SUCCEEDED, OLD.digest)
