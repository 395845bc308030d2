"""A replay makes a new run from a finished one: kept results, edits, overrides, versions, and an untouched source."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import msgspec
import pytest

from mulligan.core.commands import CancelRun
from mulligan.core.records import (
    Argument,
    Outcome,
    PatchOp,
    Reading,
    RunStatus,
    StepDefinition,
    StepKind,
    Variable,
    Version,
    WorkflowDefinition,
)
from mulligan.core.replay import Plan, ReplayRequest
from mulligan.engine import payloads
from mulligan.errors import Conflict, InvalidInput, NotFound
from mulligan.testing.clock import settle

if TYPE_CHECKING:
    from tests.engine.conftest import Desk, FakeWorker

DOC_SCHEMA = '{"type":"object","properties":{"lang":{"enum":["en","fr"]},"id":{"type":"integer"}}}'
SUMMARY_SCHEMA = '{"type":"object","properties":{"doc":' + DOC_SCHEMA + ',"pieces":{"type":"array"}}}'
INPUT = b'{"lang": "en", "id": 1152921504606846977, "z": 1.10, "a": 0}'
STEPS = (
    StepDefinition(name="fetch", arguments=(Argument("doc", "input"),)),
    StepDefinition(name="chunk", arguments=(Argument("text", "step:fetch"),), parents=("fetch",)),
    StepDefinition(
        name="summary",
        arguments=(Argument("doc", "input"), Argument("pieces", "step:chunk")),
        parents=("chunk",),
        input_schema=SUMMARY_SCHEMA,
    ),
    StepDefinition(
        name="vectors", arguments=(Argument("pieces", "step:chunk"),), parents=("chunk",), effect="idempotent"
    ),
    StepDefinition(
        name="publish", arguments=(Argument("text", "step:summary"),), parents=("summary",), effect="irreversible"
    ),
    StepDefinition(name="alert", kind=StepKind.ON_FAILURE),
)
FLOW = WorkflowDefinition(name="flow", steps=STEPS, input_schema=DOC_SCHEMA)
FIXED = WorkflowDefinition(name="flow", steps=STEPS, input_schema=DOC_SCHEMA, code="fixed")
WITHOUT_SUMMARY = WorkflowDefinition(name="flow", steps=STEPS[:2], input_schema=DOC_SCHEMA)
HEAT = Reading(name="heat", default="0.2", value="0.2", schema='{"type":"number","maximum":2}', file="app.py", line=7)


def broken(_: bytes) -> bytes:
    raise ConnectionError("429")


def functions() -> dict[str, object]:
    return {
        "fetch": lambda _: b'"text"',
        "chunk": lambda _: b'["a","b"]',
        "summary": broken,
        "vectors": lambda _: b"[1.50]",
        "publish": lambda _: b"true",
        "alert": lambda _: b"null",
    }


async def failed_run(desk: Desk) -> tuple[str, FakeWorker]:
    worker = await desk.worker(FLOW, functions())  # type: ignore[arg-type]  # lambdas of bytes to bytes
    worker.readings["summary"] = (HEAT,)
    run_id = await desk.start("flow", INPUT, metadata={"customer": "7"})
    assert (await desk.end(run_id)).run.status is RunStatus.FAILED
    worker.functions["summary"] = lambda document: document
    worker.got.clear()
    return run_id, worker


async def busy_worker(desk: Desk, definition: WorkflowDefinition) -> None:
    """One that is there, and has no slot free."""
    await desk.worker(definition, {}, name="busy", slots=0)


async def replay(desk: Desk, run_id: str, **request: object) -> str:
    asked = ReplayRequest(**request)  # type: ignore[arg-type]  # the fields of ReplayRequest, as each test needs them
    return (await desk.engine.replay("default", run_id, asked, author="ada")).run_id


async def plan(desk: Desk, run_id: str, **request: object) -> Plan:
    asked = ReplayRequest(**request)  # type: ignore[arg-type]  # as above
    return await desk.engine.plan_replay("default", run_id, asked)


async def test_by_default_only_what_failed_and_what_follows_runs_again(desk: Desk) -> None:
    run_id, worker = await failed_run(desk)
    again = await replay(desk, run_id, reason="they are back")
    end = await desk.end(again)
    assert end.run.status is RunStatus.SUCCEEDED
    assert sorted(worker.steps_seen) == ["publish", "summary"]
    assert end.outputs["fetch"] == b'"text"'
    assert (end.run.source_id, end.run.family_id, end.run.generation) == (run_id, run_id, 1)
    assert end.run.metadata == {"customer": "7"}
    document = await desk.document(again)
    assert document.replay is not None
    assert (document.replay.author, document.replay.reason) == ("ada", "they are back")
    assert document.replay.kept == {name: (run_id, name, 1) for name in ("fetch", "chunk", "vectors")}


async def test_the_source_is_the_same_to_the_bit_after_a_replay(desk: Desk) -> None:
    run_id, _ = await failed_run(desk)
    before = (await desk.document(run_id), await desk.store.payloads([run_id], [(run_id, "fetch", 1)]))
    await desk.end(await replay(desk, run_id, inputs={"summary": b'{"doc":{"lang":"fr"},"pieces":[]}'}))
    assert (await desk.document(run_id), await desk.store.payloads([run_id], [(run_id, "fetch", 1)])) == before


async def test_without_an_edit_the_step_gets_the_same_bytes(desk: Desk) -> None:
    run_id, worker = await failed_run(desk)
    await desk.end(await replay(desk, run_id))
    assert worker.got[0].input == b'{"doc":' + INPUT + b',"pieces":["a","b"]}'


async def test_the_plan_shows_what_each_operation_finds_after_those_before_it(desk: Desk) -> None:
    run_id, _ = await failed_run(desk)
    patch = (
        PatchOp(op="add", path="/pieces/-", value='"c"'),
        PatchOp(op="replace", path="/pieces/2", value='"d"'),
        PatchOp(op="remove", path="/pieces/0"),
        PatchOp(op="replace", path="/pieces/0", value='"e"'),
    )
    made = await plan(desk, run_id, patches={"summary": patch})
    assert [(edit.before, edit.after) for edit in made.edits] == [
        (None, '"c"'),
        ('"c"', '"d"'),
        ('"a"', None),
        ('"b"', '"e"'),
    ]


async def test_an_edit_changes_the_edited_path_and_nothing_else(desk: Desk) -> None:
    run_id, worker = await failed_run(desk)
    edited = b'{"doc":{"lang":"fr","id":1152921504606846977,"z":1.10,"a":0},"pieces":["a","b"]}'
    made = await plan(desk, run_id, inputs={"summary": edited})
    (edit,) = made.edits
    assert (edit.target, edit.op, edit.path, edit.before, edit.after) == (
        "summary",
        "replace",
        "/doc/lang",
        '"en"',
        '"fr"',
    )
    again = await replay(desk, run_id, inputs={"summary": edited})
    await desk.end(again)
    assert b"1152921504606846977" in worker.got[0].input
    assert b'"fr"' in worker.got[0].input
    assert b"1.10" in worker.got[0].input
    document = await desk.document(again)
    assert document.replay is not None
    assert document.replay.new_edits == {"summary": (PatchOp(op="replace", path="/doc/lang", value='"fr"'),)}


async def test_an_invalid_edit_names_path_and_rule_and_creates_nothing(desk: Desk) -> None:
    run_id, _ = await failed_run(desk)
    with pytest.raises(InvalidInput) as caught:
        await replay(desk, run_id, inputs={"summary": b'{"doc":{"lang":"xx"},"pieces":[]}'})
    (problem,) = caught.value.problems
    assert (problem.path, problem.where) == ("/doc/lang", "input of step summary")
    assert "en" in problem.rule
    assert len(await desk.store.family("default", run_id)) == 1


async def test_an_edited_run_input_tells_which_kept_results_are_stale(desk: Desk) -> None:
    run_id, worker = await failed_run(desk)
    edited = INPUT.replace(b'"en"', b'"fr"')
    made = await plan(desk, run_id, input=edited)
    assert {step.name: step.why for step in made.steps if step.stale} == {
        "fetch": "it was computed from the run input as it was before the edit",
        "chunk": "it was computed from fetch, whose result is stale",
        "vectors": "it was computed from chunk, whose result is stale",
    }
    assert "Kept but stale, because the run input is edited: fetch, chunk, vectors." in made.warnings
    assert made.suggested_start_steps == ("fetch",)
    again = await replay(desk, run_id, input=edited, start_steps=made.suggested_start_steps)
    await desk.end(again)
    assert worker.got[0].input == b'{"doc":' + edited + b"}"
    assert not any(step.stale for step in (await plan(desk, run_id, input=edited, start_steps=("fetch",))).steps)


async def test_a_replay_takes_over_the_metadata_that_its_workflow_lets_it(desk: Desk) -> None:
    await desk.worker(FLOW, functions())  # type: ignore[arg-type]  # lambdas of bytes to bytes
    run_id = await desk.start("flow", INPUT, metadata={"team": "web", "batch": "7"})
    await desk.end(run_id)
    again = await desk.document(await replay(desk, run_id))
    assert again.run.metadata == {"team": "web", "batch": "7"}
    choosy = WorkflowDefinition(name="flow", steps=STEPS, input_schema=DOC_SCHEMA, replay_metadata=("team", "none"))
    await desk.worker(choosy, functions())  # type: ignore[arg-type]  # lambdas of bytes to bytes
    again = await desk.document(await replay(desk, run_id))
    assert again.run.metadata == {"team": "web"}


async def test_what_is_idempotent_is_warned_of_only_with_a_fresh_key(desk: Desk) -> None:
    run_id, _ = await failed_run(desk)
    irreversible = "publish is declared irreversible: it did not run before and will run now."
    assert (await plan(desk, run_id, from_beginning=True)).warnings == (irreversible,)
    assert (await plan(desk, run_id, from_beginning=True, fresh_key=True)).warnings == (
        "vectors is declared idempotent: it ran before and will run again.",
        irreversible,
    )


async def test_overrides_reach_the_step_and_are_typed(desk: Desk) -> None:
    run_id, worker = await failed_run(desk)
    again = await replay(desk, run_id, overrides={"summary": {"heat": "1"}})
    await desk.end(again)
    assert worker.got[0].overrides == {"heat": "1"}
    assert worker.got[1].overrides == {}
    with pytest.raises(InvalidInput, match="at /: 3"):
        await replay(desk, run_id, overrides={"summary": {"heat": "3"}})
    with pytest.raises(InvalidInput) as caught:
        await replay(desk, run_id, overrides={"summary": {"heath": "1"}})
    assert caught.value.code == "unknown_variable"
    made = await plan(desk, run_id, overrides={"publish": {"foo": "1"}})
    assert "publish was never seen to read a playground variable: foo will probably do nothing." in made.warnings
    made = await plan(desk, run_id, overrides={"*": {"heat": "2"}})
    assert [(one.step, one.name, one.before, one.after) for one in made.overrides] == [("*", "heat", "0.2", "2")]


async def test_edits_and_overrides_stay_in_force_over_generations_until_they_are_reset(desk: Desk) -> None:
    run_id, worker = await failed_run(desk)
    worker.functions["publish"] = broken
    edit = PatchOp(op="replace", path="/doc/lang", value='"fr"')
    second = await replay(desk, run_id, patches={"summary": (edit,)}, overrides={"summary": {"heat": "1"}})
    assert (await desk.end(second)).run.failed_step == "publish"
    worker.functions["publish"] = lambda _: b"true"
    third = await replay(desk, second, start_steps=("summary",))
    await desk.end(third)
    summaries = [one for one in worker.got if one.step.step == "summary"]
    assert [b'"fr"' in one.input for one in summaries] == [True, True]
    assert [one.overrides for one in summaries] == [{"heat": "1"}] * 2
    document = await desk.document(third)
    assert document.replay is not None
    assert document.replay.kept["fetch"] == (run_id, "fetch", 1)
    stays = "An earlier edit of the input of summary stays in force (/doc/lang)."
    assert stays in (await plan(desk, third, from_beginning=True)).warnings
    assert stays not in (await plan(desk, third, from_beginning=True, reset_edits=("summary",))).warnings
    fourth = await replay(
        desk,
        third,
        start_steps=("summary",),
        reset_edits=("summary",),
        reset_overrides={"summary": ("heat",)},
    )
    await desk.end(fourth)
    last = [one for one in worker.got if one.step.step == "summary"][-1]
    assert (b'"en"' in last.input, last.overrides) == (True, {})
    assert (await desk.document(fourth)).run.generation == 3


async def test_a_variable_that_was_given_for_every_step_can_be_reset_at_one(desk: Desk) -> None:
    worker = await desk.worker(FLOW, functions())  # type: ignore[arg-type]  # as above
    worker.functions["summary"] = lambda _: b"1"
    worker.readings["summary"] = (msgspec.structs.replace(HEAT, override="0.9", value="0.9"),)
    run_id = await desk.start("flow", INPUT, overrides={"*": {"heat": "0.9", "lang": '"en"'}})
    await desk.end(run_id)
    reset = {"summary": ("heat",)}
    made = await plan(desk, run_id, from_beginning=True, reset_overrides=reset)
    assert [(one.step, one.name, one.before, one.after) for one in made.overrides] == [
        ("summary", "heat", "0.9", "0.2")
    ]
    again = await replay(desk, run_id, from_beginning=True, reset_overrides=reset)
    await desk.end(again)
    seen = {one.step.step: one.overrides for one in worker.got[-5:]}
    assert seen["summary"] == {"lang": '"en"'}
    assert seen["fetch"] == {"heat": "0.9", "lang": '"en"'}


async def test_what_cannot_be_reset_is_said_or_refused(desk: Desk) -> None:
    run_id, _ = await failed_run(desk)
    idle = await plan(desk, run_id, reset_overrides={"summary": ("haet",)}, reset_edits=("publish",))
    assert "Nothing to reset: variable haet of summary was not overridden." in idle.warnings
    assert "Nothing to reset: the input of publish was not edited." in idle.warnings
    with pytest.raises(InvalidInput, match="no step 'sumary'"):
        await plan(desk, run_id, reset_edits=("sumary",))


async def test_a_succeeded_run_can_be_replayed_from_any_step_or_the_beginning(desk: Desk) -> None:
    run_id, worker = await failed_run(desk)
    good = await replay(desk, run_id)
    await desk.end(good)
    with pytest.raises(InvalidInput) as caught:
        await plan(desk, good)
    assert caught.value.code == "nothing_to_run"
    worker.got.clear()
    await desk.end(await replay(desk, good, start_steps=("publish",)))
    assert worker.steps_seen == ["publish"]
    worker.got.clear()
    await desk.end(await replay(desk, good, from_beginning=True))
    assert sorted(worker.steps_seen) == ["chunk", "fetch", "publish", "summary", "vectors"]


async def test_a_cancelled_run_goes_on_from_where_it_was(desk: Desk) -> None:
    worker = await desk.worker(FLOW, functions())  # type: ignore[arg-type]  # lambdas of bytes to bytes
    worker.holding = True
    run_id = await desk.start("flow", INPUT)
    await settle()
    worker.answer(worker.got[0])
    await settle()
    await desk.engine.cancel(CancelRun(run_id=run_id, namespace="default", actor="me"))
    worker.holding = False
    worker.got.clear()
    worker.functions["summary"] = lambda _: b'"s"'
    again = await replay(desk, run_id)
    assert (await desk.end(again)).run.status is RunStatus.SUCCEEDED
    assert "fetch" not in worker.steps_seen


async def test_a_running_run_cannot_be_replayed(desk: Desk) -> None:
    worker = await desk.worker(FLOW, functions())  # type: ignore[arg-type]  # lambdas of bytes to bytes
    worker.holding = True
    run_id = await desk.start("flow", INPUT)
    await settle()
    with pytest.raises(Conflict) as caught:
        await plan(desk, run_id)
    assert caught.value.code == "not_finished"


async def test_latest_runs_the_fixed_code_and_same_waits_for_the_old(desk: Desk) -> None:
    run_id, worker = await failed_run(desk)
    await worker.disconnect(clean=True)
    fixed = await desk.worker(FIXED, worker.functions, name="worker-2")
    made = await plan(desk, run_id)
    assert (made.source_number, made.number) == (1, 2)
    assert any("version 1" in warning for warning in made.warnings)
    assert (await desk.end(await replay(desk, run_id))).run.version == FIXED.digest
    same = await replay(desk, run_id, code="same")
    await desk.advance(60)
    assert (await desk.document(same)).run.status is RunStatus.RUNNING
    assert fixed.steps_seen == ["summary", "publish"]
    await worker.connect()
    assert (await desk.end(same)).run.version == FLOW.digest
    with pytest.raises(NotFound) as caught:
        await plan(desk, run_id, code="17")
    assert caught.value.code == "unknown_version"


async def test_a_plan_is_refused_once_anything_in_it_has_changed(desk: Desk) -> None:
    run_id, _ = await failed_run(desk)
    made = await plan(desk, run_id)
    await desk.engine.register("default", [FIXED])
    with pytest.raises(Conflict) as caught:
        await desk.engine.replay("default", run_id, ReplayRequest(), author="ada", token=made.token)
    assert caught.value.code == "plan_outdated"
    fresh = await plan(desk, run_id)
    made_again = await desk.engine.replay("default", run_id, ReplayRequest(), author="ada", token=fresh.token)
    assert not made_again.existing


async def test_code_that_comes_while_a_replay_is_made_without_a_plan_is_taken(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id, worker = await failed_run(desk)
    read_variables = desk.engine.store.variables

    async def slowly(namespace: str, workflow: str) -> list[Variable]:
        await desk.worker(FIXED, worker.functions, name="worker-2")
        return await read_variables(namespace, workflow)

    monkeypatch.setattr(desk.engine.store, "variables", slowly)
    made = await desk.engine.replay("default", run_id, ReplayRequest(), author="ada")
    assert made.plan.digest == FIXED.digest


async def test_a_run_that_retention_removes_while_it_is_read_is_not_there(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(payloads, "MOST_BYTES", 0)
    run_id, _ = await failed_run(desk)
    read_versions = desk.engine.store.versions

    async def slowly(namespace: str, workflow: str) -> list[Version]:
        assert await desk.engine.store.prune(desk.clock.now() + timedelta(days=1), 100) == 1
        return await read_versions(namespace, workflow)

    monkeypatch.setattr(desk.engine.store, "versions", slowly)
    with pytest.raises(NotFound, match="retention"):
        await plan(desk, run_id)


async def test_a_double_click_makes_one_run(desk: Desk) -> None:
    run_id, _ = await failed_run(desk)
    first = await desk.engine.replay("default", run_id, ReplayRequest(), author="ada", idempotency_key="click")
    second = await desk.engine.replay("default", run_id, ReplayRequest(), author="ada", idempotency_key="click")
    assert (second.run_id, second.existing) == (first.run_id, True)
    assert len(await desk.store.family("default", run_id)) == 2


@pytest.mark.parametrize("deployed", [FIXED, WITHOUT_SUMMARY], ids=["fixed", "without the step"])
@pytest.mark.parametrize("looked_at", [True, False], ids=["a plan", "no plan"])
async def test_a_replay_whose_answer_was_lost_is_found_whatever_was_deployed_meanwhile(
    desk: Desk, deployed: WorkflowDefinition, *, looked_at: bool
) -> None:
    run_id, _ = await failed_run(desk)
    request = ReplayRequest(start_steps=("summary",))
    token = (await desk.engine.plan_replay("default", run_id, request)).token if looked_at else None
    first = await desk.engine.replay("default", run_id, request, author="ada", token=token, idempotency_key="click")
    await desk.engine.register("default", [deployed])
    again = await desk.engine.replay("default", run_id, request, author="ada", token=token, idempotency_key="click")
    assert (again.run_id, again.existing) == (first.run_id, True)
    other = ReplayRequest(start_steps=("summary",), fresh_key=True)
    with pytest.raises(Conflict) as caught:
        await desk.engine.replay("default", run_id, other, author="ada", idempotency_key="click")
    assert caught.value.code == "idempotency_conflict"


async def test_the_plan_says_what_runs_what_is_kept_and_what_an_effect_means(desk: Desk) -> None:
    run_id, _ = await failed_run(desk)
    made = await plan(desk, run_id)
    assert {step.name: step.action for step in made.steps} == {
        "fetch": "keep",
        "chunk": "keep",
        "vectors": "keep",
        "summary": "run",
        "publish": "run",
        "alert": "not_reached",
    }
    assert made.summary == "Keeps fetch, chunk, vectors. Runs summary, publish."
    assert made.warnings == ("publish is declared irreversible: it did not run before and will run now.",)


async def test_a_change_to_a_kept_step_is_refused(desk: Desk) -> None:
    run_id, _ = await failed_run(desk)
    with pytest.raises(InvalidInput) as caught:
        await plan(desk, run_id, inputs={"fetch": b"{}"})
    assert caught.value.code == "step_is_kept"
    with pytest.raises(InvalidInput) as unknown:
        await plan(desk, run_id, start_steps=("nothing",))
    assert unknown.value.code == "unknown_step"


async def test_an_edit_that_no_longer_fits_fails_its_step_in_words(desk: Desk) -> None:
    run_id, worker = await failed_run(desk)
    worker.functions["chunk"] = lambda _: b"[]"
    edit = PatchOp(op="replace", path="/pieces/1", value='"x"')
    again = await replay(desk, run_id, start_steps=("chunk", "summary"), patches={"summary": (edit,)})
    end = await desk.end(again)
    assert (end.run.failed_step, end.run.error_type) == ("summary", "mulligan.EditDoesNotFit")
    assert [one.outcome for one in (await desk.document(again)).ended if one.step == "summary"] == [Outcome.FAILED]


async def test_an_earlier_edit_that_does_not_fit_any_more_is_left_out_and_said(desk: Desk) -> None:
    """Else a run that it has made fail could not be replayed in any way."""
    run_id, worker = await failed_run(desk)
    worker.functions["chunk"] = lambda _: b"[]"
    edit = PatchOp(op="replace", path="/pieces/1", value='"x"')
    stuck = await replay(desk, run_id, start_steps=("chunk", "summary"), patches={"summary": (edit,)})
    assert (await desk.end(stuck)).run.error_type == "mulligan.EditDoesNotFit"
    left_out = "An earlier edit of the input of summary does not fit any more, and is left out (/pieces/1)."
    fitting = {"summary": b'{"doc":{"lang":"en"},"pieces":["y"]}'}
    assert left_out in (await plan(desk, stuck)).warnings
    assert left_out in (await plan(desk, stuck, from_beginning=True)).warnings
    assert left_out in (await plan(desk, stuck, inputs=fitting)).warnings
    mended = await replay(desk, stuck, inputs=fitting)
    assert (await desk.end(mended)).run.status is RunStatus.SUCCEEDED
    assert worker.got[-2].input.endswith(b'"pieces":["y"]}')


async def test_idempotency_keys_are_one_per_family_unless_a_fresh_one_is_asked_for(desk: Desk) -> None:
    run_id, worker = await failed_run(desk)
    await desk.end(await replay(desk, run_id))
    await desk.end(await replay(desk, run_id, fresh_key=True))
    scopes = [one.run.key_scope for one in worker.got if one.step.step == "summary"]
    assert scopes[0] == run_id
    assert scopes[1] not in (run_id, scopes[0])


async def test_a_replay_survives_everything_that_a_run_does(desk: Desk) -> None:
    run_id, worker = await failed_run(desk)
    worker.holding = True
    again = await replay(desk, run_id)
    await settle()
    await worker.disconnect()
    await desk.advance(timedelta(seconds=30).total_seconds())
    worker.holding = False
    await worker.connect()
    assert (await desk.end(again)).run.status is RunStatus.SUCCEEDED


async def test_an_old_worker_never_takes_a_replay_that_was_planned_for_newer_code(desk: Desk) -> None:
    run_id, old = await failed_run(desk)
    await busy_worker(desk, FIXED)
    again = await replay(desk, run_id)
    await desk.advance(60, beating=old)
    assert old.got == []
    fixed = await desk.worker(FIXED, old.functions, name="worker-2")
    assert (await desk.end(again)).run.status is RunStatus.SUCCEEDED
    assert sorted(fixed.steps_seen) == ["publish", "summary"]


async def test_a_newer_worker_takes_a_replay_that_waits_for_its_version(desk: Desk) -> None:
    run_id, old = await failed_run(desk)
    await busy_worker(desk, FIXED)
    again = await replay(desk, run_id)
    newer = WorkflowDefinition(name="flow", steps=STEPS, input_schema=DOC_SCHEMA, code="newer still")
    worker = await desk.worker(newer, old.functions, name="worker-3")
    assert (await desk.end(again)).run.status is RunStatus.SUCCEEDED
    assert worker.steps_seen
