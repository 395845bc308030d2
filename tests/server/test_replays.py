"""Planning, making and comparing replays over REST."""

from __future__ import annotations

from datetime import timedelta

import pytest

from mulligan.core.records import Reading
from mulligan.testing.clock import settle
from tests.server.conftest import DEFINITIONS, Desk

HEAT = Reading(name="heat", default="0.2", value="0.2", schema='{"type":"number"}')


@pytest.fixture
async def failed(desk: Desk) -> dict:
    worker = await desk.worker()
    worker.readings["summary"] = [HEAT]
    run: dict = await desk.failed_run()
    return run


async def test_a_plan_says_what_is_kept_and_creates_nothing(desk: Desk, failed: dict) -> None:
    plan = await desk.post(f"/runs/{failed['id']}/replay/plan", {})
    assert {step["name"]: step["action"] for step in plan["steps"]} == {
        "fetch": "keep",
        "chunk": "keep",
        "summary": "run",
        "publish": "run",
    }
    assert plan["steps"][0]["kept_from"] == {"run_id": failed["id"], "attempt": 1}
    assert plan["summary"] == "Keeps fetch, chunk. Runs summary, publish."
    assert plan["code"] == {
        "choice": "latest",
        "number": 1,
        "digest": failed["digest"],
        "source_number": 1,
        "source_digest": failed["digest"],
        "changed": False,
    }
    assert any("publish is declared irreversible" in warning for warning in plan["warnings"])
    assert (await desk.get("/runs/count"))["total"] == 1


async def test_a_comparison_tells_what_stood_there_when_an_edit_was_made(desk: Desk, failed: dict) -> None:
    operations = [{"op": "remove", "path": "/pieces/0"}, {"op": "replace", "path": "/pieces/0", "value": "zwei"}]
    asked = {"patches": {"summary": operations}, "reason": "in German"}
    plan = await desk.post(f"/runs/{failed['id']}/replay/plan", asked)
    made = await desk.post(f"/runs/{failed['id']}/replay", {**asked, "token": plan["token"]}, 201)
    await settle()
    comparison = await desk.get(f"/compare/{failed['id']}/{made['id']}")
    assert [edit["before"] for edit in comparison["edits"]] == ["one", "two"]
    assert comparison["edits"] == plan["edits"]


async def test_an_edited_replay_runs_and_can_be_compared(desk: Desk, failed: dict) -> None:
    desk.functions["summary"] = lambda document: b'"bonjour"'
    edited = {"doc": {"id": 1, "lang": "fr"}, "pieces": ["one", "two"]}
    asked = {
        "inputs": {"summary": edited},
        "playground": {"summary": {"heat": 0.0}},
        "reason": "customer asked for French",
    }
    plan = await desk.post(f"/runs/{failed['id']}/replay/plan", asked)
    assert plan["edits"] == [{"step": "summary", "op": "replace", "path": "/doc/lang", "before": "en", "after": "fr"}]
    assert plan["overrides"] == [{"step": "summary", "name": "heat", "before": 0.2, "after": 0.0}]
    made = await desk.post(f"/runs/{failed['id']}/replay", {**asked, "token": plan["token"]}, 201)
    assert made["source_id"] == failed["id"]
    await settle()
    replay = await desk.get(f"/runs/{made['id']}")
    assert replay["status"] == "succeeded"
    assert [step["status"] for step in replay["steps"]] == ["kept", "kept", "succeeded", "succeeded"]
    assert replay["steps"][0]["kept_from"] == {"run_id": failed["id"], "attempt": 1}
    assert replay["steps"][2]["edited"]
    assert replay["replay"]["author"] == "admin"
    assert replay["replay"]["edits"] == {"summary": [{"op": "replace", "path": "/doc/lang", "value": "fr"}]}
    assert replay["generation"] == 1
    step = await desk.get(f"/runs/{made['id']}/steps/summary")
    assert step["input"] == edited
    assert step["variables"][0]["override"] == 0.0
    kept = await desk.http.get(f"/runs/{made['id']}/steps/chunk/output")
    assert kept.content == b'["one", "two"]'
    source = await desk.get(f"/runs/{failed['id']}")
    assert source["replays"] == [
        {
            "id": made["id"],
            "status": "succeeded",
            "author": "admin",
            "reason": "customer asked for French",
            "created_at": replay["created_at"],
        }
    ]
    comparison = await desk.get(f"/compare/{failed['id']}/{made['id']}")
    assert comparison["edits"] == plan["edits"]
    assert comparison["overrides"][0]["name"] == "heat"
    assert {step["name"]: (step["why"], step["same_output"]) for step in comparison["steps"]} == {
        "fetch": ("kept", True),
        "chunk": ("kept", True),
        "summary": ("edit", None),
        "publish": ("upstream", None),
    }
    assert comparison["steps"][2]["b"]["output"] == "bonjour"
    assert comparison["steps"][2]["a"]["error"]["type"] == "app.StepFailed"


async def test_lineage_lists_the_family_oldest_first(desk: Desk, failed: dict) -> None:
    first = await desk.post(f"/runs/{failed['id']}/replay", {"reason": "again"}, 201)
    await settle()
    await desk.clock.advance(timedelta(seconds=5))
    second = await desk.post(f"/runs/{first['id']}/replay", {"from_beginning": True}, 201)
    family = await desk.get(f"/runs/{second['id']}/lineage")
    assert family["family_id"] == failed["id"]
    assert [run["id"] for run in family["runs"]] == [failed["id"], first["id"], second["id"]]
    assert family["runs"][0]["replay"] is None
    assert family["runs"][1]["replay"]["reason"] == "again"
    events = (await desk.get(f"/runs/{first['id']}/events"))["items"]
    assert events[0]["text"] == f"admin replayed run {failed['id']}: again"


@pytest.mark.parametrize(
    ("asked", "status", "code"),
    [
        ({"start_steps": ["nope"]}, 422, "unknown_step"),
        ({"inputs": {"fetch": {"doc": {"id": 1}}}}, 422, "step_is_kept"),
        ({"inputs": {"summary": {"doc": {"id": 1, "lang": "de"}, "pieces": []}}}, 422, "invalid_input"),
        ({"inputs": {"summary": {"pieces": []}}}, 422, "invalid_input"),
        ({"patches": {"summary": [{"op": "replace", "path": "/nope/x", "value": 1}]}}, 422, "invalid_input"),
        ({"patches": {"summary": [{"op": "explode", "path": "/doc"}]}}, 422, "invalid_input"),
        ({"playground": {"summary": {"heat": "hot"}}}, 422, "invalid_input"),
        ({"playground": {"summary": {"nope": 1}}}, 422, "unknown_variable"),
        ({"code": "99"}, 404, "unknown_version"),
        ({"code": 99}, 404, "unknown_version"),
        ({"input": {"id": "x"}, "from_beginning": True}, 422, "invalid_input"),
        ({"start": ["summary"]}, 422, "invalid_input"),
    ],
)
async def test_a_replay_that_cannot_be_is_refused_before_anything_is_created(
    desk: Desk, failed: dict, asked: dict, status: int, code: str
) -> None:
    for path in ("replay/plan", "replay"):
        problem = await desk.post(f"/runs/{failed['id']}/{path}", asked, status)
        assert problem["code"] == code
    assert (await desk.get("/runs/count"))["total"] == 1


async def test_a_bad_edit_names_step_path_and_rule(desk: Desk, failed: dict) -> None:
    asked = {"inputs": {"summary": {"doc": {"id": 1, "lang": "de"}, "pieces": []}}}
    problem = await desk.post(f"/runs/{failed['id']}/replay/plan", asked, 422)
    (broken,) = problem["problems"]
    assert (broken["where"], broken["path"]) == ("input of step summary", "/doc/lang")


async def test_an_outdated_plan_is_refused(desk: Desk, failed: dict) -> None:
    plan = await desk.post(f"/runs/{failed['id']}/replay/plan", {})
    changed = {"token": plan["token"], "from_beginning": True}
    assert (await desk.post(f"/runs/{failed['id']}/replay", changed, 409))["code"] == "plan_outdated"


async def test_a_run_that_still_runs_cannot_be_replayed(desk: Desk) -> None:
    await desk.register(*DEFINITIONS)
    run = await desk.start()
    assert (await desk.post(f"/runs/{run['id']}/replay", {}, 409))["code"] == "not_finished"


async def test_the_same_key_makes_one_replay(desk: Desk, failed: dict) -> None:
    headers = {"Idempotency-Key": "fix-1"}
    first = await desk.post(f"/runs/{failed['id']}/replay", {}, 201, headers=headers)
    again = await desk.post(f"/runs/{failed['id']}/replay", {}, 200, headers=headers)
    assert (again["id"], again["existing"]) == (first["id"], True)


async def test_an_edit_keeps_every_other_letter(desk: Desk) -> None:
    """2^60+1, 1.10 and the order of keys survive an edit elsewhere in the same document."""
    await desk.worker()
    text = b'{"id": 1152921504606846977, "lang": "en"}'
    body = b'{"workflow":"summarise","input":' + text + b"}"
    response = await desk.http.post("/runs", content=body, headers={"Content-Type": "application/json"})
    run_id = response.json()["id"]
    await settle()
    await desk.clock.advance(timedelta(seconds=5))
    patch = {"patches": {"summary": [{"op": "replace", "path": "/pieces/0", "value": "uno"}]}}
    made = await desk.post(f"/runs/{run_id}/replay", patch, 201)
    await settle()
    step_input = await desk.http.get(f"/runs/{made['id']}/steps/summary/input")
    assert b"1152921504606846977" in step_input.content
    assert (await desk.http.get(f"/runs/{made['id']}/input")).content == text


async def test_a_variable_given_for_every_step_is_compared_where_it_was_read(desk: Desk) -> None:
    worker = await desk.worker()
    worker.readings["hello"] = [Reading(name="heat", default="0.2", value="0.9", schema="{}", override="0.9")]
    first, second = await desk.run(), await desk.run(playground={"*": {"heat": 0.9}})
    compared = await desk.get(f"/compare/{first['id']}/{second['id']}")
    assert [(each["step"], each["name"]) for each in compared["overrides"]] == [("hello", "heat")]
    worker.readings["hello"] = []
    third = await desk.run(playground={"*": {"heat": 0.1}})
    unread = await desk.get(f"/compare/{first['id']}/{third['id']}")
    assert [(each["step"], each["after"]) for each in unread["overrides"]] == [("hello", 0.1)]
