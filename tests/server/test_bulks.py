"""Bulk replays over REST: previewed, made once, staged, stopped, resumed."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from tests.server.conftest import Desk, StepFailed

FAILED = {"q": "status:failed workflow:hello"}


@pytest.fixture
async def five_failed(desk: Desk) -> list[str]:
    await desk.worker()

    def fail(document: bytes) -> bytes:
        raise StepFailed("down")

    works, desk.functions["hello"] = desk.functions["hello"], fail
    ids = [(await desk.run(run_input={"name": str(number)}))["id"] for number in range(5)]
    desk.functions["hello"] = works
    return ids


async def until_still(desk: Desk, bulk_id: str) -> Any:
    bulk = await desk.get(f"/replays/{bulk_id}")
    for _ in range(20):
        if bulk["state"] == "running":
            await desk.clock.advance(timedelta(seconds=1))
            bulk = await desk.get(f"/replays/{bulk_id}")
    return bulk


async def test_a_preview_counts_and_creates_nothing(desk: Desk, five_failed: list[str]) -> None:
    preview = await desk.post("/replays/preview", {**FAILED, "request": {}})
    assert preview == {"matched": 5, "eligible": 5, "previewed": 5, "will_run": 5, "problems": []}
    chosen = await desk.post("/replays/preview", {"ids": five_failed[:2], "request": {"start_steps": ["nope"]}})
    assert (chosen["matched"], chosen["will_run"], len(chosen["problems"])) == (2, 0, 2)
    assert "no step 'nope'" in chosen["problems"][0]["problem"]
    assert (await desk.get("/replays"))["items"] == []


async def test_a_bulk_replay_replays_all_and_finishes(desk: Desk, five_failed: list[str]) -> None:
    asked = {**FAILED, "request": {"reason": "the outage is over"}, "canary": [1, 0.5]}
    made = await desk.post("/replays", asked, 201)
    assert (made["total"], made["stages"], made["state"]) == (5, [1, 2, 5], "running")
    assert (made["author"], made["request"]["reason"]) == ("admin", "the outage is over")
    done = await until_still(desk, made["id"])
    assert (done["state"], done["progress"]["succeeded"], done["progress"]["failed"]) == ("finished", 5, 0)
    first = await desk.get(f"/replays/{made['id']}/items", limit=2)
    rest = await desk.get(f"/replays/{made['id']}/items", limit=10, cursor=first["next_cursor"])
    items = first["items"] + rest["items"]
    assert [item["source_id"] for item in items] == five_failed
    assert {(item["state"], item["status"]) for item in items} == {("started", "succeeded")}
    assert rest["next_cursor"] is None
    replay = await desk.get(f"/runs/{items[0]['run_id']}")
    assert (replay["source_id"], replay["output"]) == (five_failed[0], "hello")
    assert [bulk["id"] for bulk in (await desk.get("/replays"))["items"]] == [made["id"]]


async def test_it_stops_by_itself_and_goes_on_when_told_to(desk: Desk, five_failed: list[str]) -> None:
    works = desk.functions["hello"]

    def still_down(document: bytes) -> bytes:
        raise StepFailed("down")

    desk.functions["hello"] = still_down
    asked = {**FAILED, "request": {"reason": "try"}, "canary": [1], "stop_after": 1}
    made = await desk.post("/replays", asked, 201)
    stopped = await until_still(desk, made["id"])
    assert (stopped["state"], stopped["progress"]["failed"], stopped["progress"]["waiting"]) == ("stopped", 1, 4)
    assert "it was to stop after 1" in stopped["state_reason"]
    first, second, *_ = (await desk.get(f"/replays/{made['id']}/items"))["items"]
    assert (first["status"], first["error_type"], first["error_message"]) == ("failed", "app.StepFailed", "down")
    assert (second["state"], second["error_type"]) == ("waiting", None)
    desk.functions["hello"] = works
    resumed = await desk.post(f"/replays/{made['id']}/resume", {"reason": "up again"})
    assert (resumed["state"], resumed["state_by"], resumed["state_reason"]) == ("running", "admin", "up again")
    done = await until_still(desk, made["id"])
    assert (done["state"], done["progress"]["succeeded"]) == ("finished", 4)
    assert (await desk.post(f"/replays/{made['id']}/pause", {}, 409))["code"] == "wrong_state"


async def test_a_paused_one_begins_no_more_and_an_aborted_one_never_will(desk: Desk, five_failed: list[str]) -> None:
    asked = {**FAILED, "request": {"reason": "slowly"}, "rate": 0.1}
    made = await desk.post("/replays", asked, 201)
    assert (await desk.post(f"/replays/{made['id']}/pause"))["state"] == "paused"
    begun = (await desk.get(f"/replays/{made['id']}"))["progress"]["started"]
    await desk.clock.advance(timedelta(minutes=5))
    assert (await desk.get(f"/replays/{made['id']}"))["progress"]["started"] == begun
    assert (await desk.post(f"/replays/{made['id']}/abort"))["state"] == "aborted"
    for control, done in (("pause", "paused"), ("resume", "resumed"), ("abort", "aborted")):
        problem = await desk.post(f"/replays/{made['id']}/{control}", {}, 409)
        assert problem["code"] == "wrong_state"
        assert problem["detail"] == f"A bulk replay that is aborted cannot be {done}."


async def test_the_same_key_makes_one_bulk_replay(desk: Desk, five_failed: list[str]) -> None:
    asked = {**FAILED, "request": {"reason": "once"}}
    headers = {"Idempotency-Key": "fix-monday"}
    first = await desk.post("/replays", asked, 201, headers=headers)
    again = await desk.post("/replays", asked, 200, headers=headers)
    assert again["id"] == first["id"]
    other = {**FAILED, "request": {"reason": "another"}}
    assert (await desk.post("/replays", other, 409, headers=headers))["code"] == "idempotency_conflict"


async def test_of_two_at_once_with_one_key_the_second_is_told_that_it_asked_for_another(
    desk: Desk, five_failed: list[str]
) -> None:
    bodies = [{**FAILED, "request": {"reason": reason}} for reason in ("one", "two", "one")]
    headers = {"Idempotency-Key": "at-once"}
    answers = await asyncio.gather(*(desk.http.post("/replays", json=body, headers=headers) for body in bodies))
    assert sorted(answer.status_code for answer in answers) == [201, 201, 409]
    made = {answer.json()["id"] for answer in answers if answer.status_code == 201}
    (bulk,) = (await desk.get("/replays"))["items"]
    assert made == {bulk["id"]}
    (refused,) = [answer.json() for answer in answers if answer.status_code == 409]
    assert refused["code"] == "idempotency_conflict"


async def test_other_runs_or_other_brakes_are_another_bulk_replay(desk: Desk, five_failed: list[str]) -> None:
    asked = {"q": "", "ids": five_failed[:2], "request": {"reason": "r"}, "canary": [1]}
    headers = {"Idempotency-Key": "two-of-them"}
    first = await desk.post("/replays", asked, 201, headers=headers)
    assert (await desk.post("/replays", asked, 200, headers=headers))["id"] == first["id"]
    others: list[dict[str, object]] = [{"ids": five_failed[2:4]}, {"canary": []}, {"stop_after": 1}, {"rate": 5}]
    for other in others:
        problem = await desk.post("/replays", {**asked, **other}, 409, headers=headers)
        assert problem["code"] == "idempotency_conflict"


@pytest.mark.parametrize(
    ("changed", "path", "says"),
    [
        ({"request": {"inputs": {"hello": {"name": "x"}}, "reason": "r"}}, "/request/inputs", "copy one run's input"),
        ({"request": {"input": {"name": "x"}, "reason": "r"}}, "/request/input", "copy one run's input"),
        ({"request": {"reason": ""}}, None, "needs a reason"),
        ({"q": ""}, "/q", "say which runs"),
        ({"q": "status:nope"}, "", "there is no status"),
        ({"q": "workflow:none"}, None, "nothing to replay"),
        ({"ids": []}, "/ids", "at least one"),
        ({"ids": ["nope"]}, "/ids/0", "run ids"),
        ({"canary": [0]}, "/canary/0", "> 0"),
        ({"canary": [1, 2.5]}, None, "counts from 1, or fractions"),
        ({"rate": 0}, "/rate", ">= 0.0001"),
        ({"rate": 1e-300}, "/rate", ">= 0.0001"),
        ({"rate": 10_001}, "/rate", "<= 10000"),
        ({"stop_after": 0}, "/stop_after", ">= 1"),
    ],
)
async def test_what_cannot_be_meant_for_many_is_refused(
    desk: Desk, five_failed: list[str], changed: dict[str, object], path: str | None, says: str
) -> None:
    problem = await desk.post("/replays", {**FAILED, "request": {"reason": "r"}, **changed}, 422)
    assert says in problem["detail"]
    assert path is None or problem["problems"][0]["path"] == path
    assert (await desk.get("/replays"))["items"] == []


@pytest.mark.parametrize("bulk_id", ["nope", "0" * 26, "%00"])
async def test_what_is_no_bulk_replay_is_not_found(desk: Desk, bulk_id: str) -> None:
    for path in ("", "/items"):
        assert (await desk.get(f"/replays/{bulk_id}{path}", 404))["code"] == "not_found"
    for control in ("pause", "resume", "abort"):
        assert (await desk.post(f"/replays/{bulk_id}/{control}", {}, 404))["code"] == "not_found"
