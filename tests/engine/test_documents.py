"""What people keep: pins change what new runs do, and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest

from mulligan.core.commands import DropDocument, KeepDocument
from mulligan.core.query import RunFilter
from mulligan.core.records import (
    Argument,
    Document,
    DocumentKind,
    Overrides,
    RunStatus,
    StepDefinition,
    WorkflowDefinition,
)
from mulligan.core.replay import ReplayRequest

if TYPE_CHECKING:
    from tests.engine.conftest import Desk

SAY = StepDefinition(name="say", arguments=(Argument("n", "input"),))
FLOW = WorkflowDefinition(name="flow", steps=(SAY, StepDefinition(name="wave")))
OTHER = WorkflowDefinition(name="other", steps=(SAY,))


def failing(_: bytes) -> bytes:
    raise ConnectionError("down")


async def pin(desk: Desk, overrides: Overrides, *, workflow: str = "flow", namespace: str = "default") -> Document:
    value = msgspec.json.encode(overrides).decode()
    document = Document(namespace, DocumentKind.PIN, workflow, value, desk.clock.now(), "ada")
    kept: Document = await desk.engine.submit(KeepDocument(document=document))
    return kept


async def unpin(desk: Desk, *, workflow: str = "flow") -> bool:
    dropped: bool = await desk.engine.submit(DropDocument(namespace="default", kind=DocumentKind.PIN, key=workflow))
    return dropped


async def overrides_of(desk: Desk, run_id: str) -> Overrides:
    return (await desk.document(run_id)).run.overrides


async def test_a_pin_is_in_force_in_every_new_run_of_its_workflow(desk: Desk) -> None:
    await desk.engine.register("default", [FLOW, OTHER])
    before = await desk.start("flow")
    await pin(desk, {"say": {"model": '"small"'}, "*": {"heat": "0.5"}})
    assert await overrides_of(desk, await desk.start("flow")) == {"say": {"model": '"small"'}, "*": {"heat": "0.5"}}
    assert await overrides_of(desk, await desk.start("other")) == {}
    assert await overrides_of(desk, before) == {}


async def test_what_a_start_gives_stands_above_what_is_pinned(desk: Desk) -> None:
    await desk.engine.register("default", [FLOW])
    await pin(desk, {"say": {"model": '"small"', "heat": "0.5"}, "*": {"lang": '"en"'}})
    for given, expected in (
        ({"say": {"model": '"large"'}}, {"say": {"model": '"large"', "heat": "0.5"}, "*": {"lang": '"en"'}}),
        ({"*": {"model": '"large"'}}, {"say": {"heat": "0.5"}, "*": {"lang": '"en"', "model": '"large"'}}),
        ({"*": {"model": "1", "heat": "1", "lang": "1"}}, {"*": {"model": "1", "heat": "1", "lang": "1"}}),
        ({"wave": {"x": "1"}}, {"say": {"model": '"small"', "heat": "0.5"}, "*": {"lang": '"en"'}, "wave": {"x": "1"}}),
    ):
        assert await overrides_of(desk, await desk.start("flow", overrides=given)) == expected


async def test_a_pin_is_replaced_and_taken_away(desk: Desk) -> None:
    await desk.engine.register("default", [FLOW])
    await pin(desk, {"say": {"model": '"small"'}})
    first = await desk.start("flow")
    await desk.advance(60)
    second = await pin(desk, {"say": {"model": '"large"'}})
    assert second.at == desk.clock.now()
    assert await overrides_of(desk, await desk.start("flow")) == {"say": {"model": '"large"'}}
    assert await unpin(desk) is True
    assert await unpin(desk) is False
    assert await overrides_of(desk, await desk.start("flow")) == {}
    assert await overrides_of(desk, first) == {"say": {"model": '"small"'}}
    assert await desk.store.documents("default", DocumentKind.PIN) == []


async def test_a_pin_of_another_namespace_is_none_of_ours(desk: Desk) -> None:
    await desk.engine.register("default", [FLOW])
    await pin(desk, {"say": {"model": '"small"'}}, namespace="other")
    assert await overrides_of(desk, await desk.start("flow")) == {}


@pytest.mark.parametrize("given", [{}, {"say": {"model": '"large"'}}])
async def test_a_replay_goes_by_its_source_and_by_what_it_is_given(desk: Desk, given: Overrides) -> None:
    worker = await desk.worker(FLOW, {"say": failing})
    run_id = await desk.start("flow", overrides={"say": {"heat": "0.5"}})
    assert (await desk.end(run_id)).run.status is RunStatus.FAILED
    worker.functions["say"] = lambda document: document
    await pin(desk, {"say": {"model": '"pinned"', "heat": "1"}})
    request = ReplayRequest(overrides=given, reason="try")
    replayed = await desk.engine.replay("default", run_id, request, author="ada")
    assert await overrides_of(desk, replayed.run_id) == {"say": {"heat": "0.5", **given.get("say", {})}}
    rows = await desk.store.find_runs("default", RunFilter(replays_only=True), None, 10)
    assert [row.run.id for row in rows] == [replayed.run_id]


async def test_views_presets_and_drafts_are_kept_beside_each_other(desk: Desk) -> None:
    for kind in (DocumentKind.VIEW, DocumentKind.PRESET, DocumentKind.DRAFT):
        document = Document("default", kind, "mine", f'"{kind}"', desk.clock.now(), "ada")
        assert await desk.engine.submit(KeepDocument(document=document)) == document
        assert await desk.store.documents("default", kind) == [document]
