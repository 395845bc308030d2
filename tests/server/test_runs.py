"""Starting, listing, looking at and cancelling runs over REST."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import msgspec
import pytest

from mulligan.core.commands import StartRun
from mulligan.core.records import Reading, StepDefinition, StepKind, WorkflowDefinition
from mulligan.server.handlers import runs
from mulligan.testing.clock import settle
from tests.server.conftest import DEFINITIONS, HELLO, Desk, StepFailed
from tests.wire.corpus import ACCEPTED, REFUSED

HEAT = Reading(name="heat", default="0.2", value="0.2", schema='{"type":"number"}')
BIG = b'{"name": "ada",  "big": 1152921504606846977, "exact": 1.10, "name2": "\\u0041"}'


async def test_a_started_run_is_queued_until_somebody_can_take_it(desk: Desk) -> None:
    await desk.register()
    started = await desk.start()
    assert started["status"] == "queued"
    assert started["workflow"] == "hello"
    assert started["version"] == 1
    detail = await desk.get(f"/runs/{started['id']}")
    assert detail["waiting"] == "hello: No worker is connected. Start one that declares hello. (for 0.0 s)"
    await desk.worker()
    detail = await desk.get(f"/runs/{started['id']}")
    assert (detail["status"], detail["output"], detail["waiting"]) == ("succeeded", "hello", None)


async def test_a_run_counts_the_runs_that_its_steps_have_started_and_finds_them(desk: Desk) -> None:
    await desk.register()
    parent = (await desk.start())["id"]
    assert (await desk.get(f"/runs/{parent}"))["children"] == {}
    for name in ("ada", "bob"):
        child = StartRun(
            run_id=desk.engine.chance.new_id(),
            namespace="default",
            workflow="hello",
            input=b'{"name": "%s"}' % name.encode(),
            parent_id=parent,
            parent_step="hello",
        )
        await desk.engine.submit(child)
    assert (await desk.get(f"/runs/{parent}"))["children"] == {"queued": 2}
    await desk.worker()
    assert (await desk.get(f"/runs/{parent}"))["children"] == {"succeeded": 2}
    found = (await desk.get("/runs", q=f"parent:{parent}"))["items"]
    assert [(run["parent_id"], run["parent_step"]) for run in found] == [(parent, "hello")] * 2


async def test_the_input_comes_back_to_the_letter(desk: Desk) -> None:
    await desk.register()
    body = b'{"workflow": "hello", "input": ' + BIG + b" }"
    response = await desk.http.post("/runs", content=body, headers={"Content-Type": "application/json"})
    run_id = response.json()["id"]
    raw = await desk.http.get(f"/runs/{run_id}/input")
    assert raw.content == BIG
    detail = await desk.http.get(f"/runs/{run_id}")
    assert b'"input":' + BIG in detail.content
    step = await desk.http.get(f"/runs/{run_id}/steps/hello/input")
    assert step.content == BIG


async def test_waiting_for_the_end_answers_with_the_detail(desk: Desk) -> None:
    await desk.worker()
    ended = await desk.post("/runs?wait_s=30", {"workflow": "hello", "input": {"name": "ada"}}, 201)
    assert ended["status"] == "succeeded"
    assert ended["steps"][0]["status"] == "succeeded"


async def test_waiting_has_an_end(desk: Desk) -> None:
    await desk.register()
    asked = desk.post("/runs?wait_s=30", {"workflow": "hello", "input": {"name": "ada"}}, 201)
    answer = asyncio.create_task(asked)
    await desk.clock.advance(timedelta(seconds=31))
    assert (await answer)["status"] == "queued"


async def test_a_delayed_run_says_when_it_begins(desk: Desk) -> None:
    await desk.worker()
    run = await desk.run(delay_s=90)
    assert run["waiting"].startswith("hello: The run was started with a delay; it begins in 1 min 30 s, at 2026-01-01 ")
    await desk.clock.advance(timedelta(seconds=91))
    assert (await desk.get(f"/runs/{run['id']}"))["status"] == "succeeded"


async def test_the_same_key_gets_the_same_run(desk: Desk) -> None:
    await desk.register()
    body = {"workflow": "hello", "input": {"name": "ada"}}
    first = await desk.post("/runs", body, 201, headers={"Idempotency-Key": "k1"})
    again = await desk.post("/runs", body, 200, headers={"Idempotency-Key": "k1"})
    assert first["id"] == again["id"]
    assert again["idempotency_key"] == "k1"
    other = {"workflow": "hello", "input": {"name": "bob"}}
    problem = await desk.post("/runs", other, 409, headers={"Idempotency-Key": "k1"})
    assert problem["code"] == "idempotency_conflict"
    assert first["id"] in problem["detail"]


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"workflow": "nope"}, 404, "unknown_workflow"),
        ({"workflow": "hello", "version": "9"}, 404, "unknown_version"),
        ({"workflow": "hello"}, 422, "invalid_input"),
        ({"workflow": "hello", "input": {"name": 7}}, 422, "invalid_input"),
        ({"workflow": "hello", "input": {"name": "a"}, "metdata": {}}, 422, "invalid_input"),
        ({"workflow": "hello", "input": {"name": "a"}, "delay_s": -1}, 422, "invalid_input"),
        ({}, 422, "invalid_input"),
        ([], 422, "invalid_input"),
    ],
)
async def test_a_start_that_cannot_be_is_a_problem(desk: Desk, body: object, status: int, code: str) -> None:
    await desk.register()
    problem = await desk.post("/runs", body, status)
    assert problem["code"] == code
    assert problem["type"] == f"/errors/{code}"
    assert problem["status"] == status
    assert problem["instance"] == "/api/v1/runs"
    assert (await desk.get("/runs/count"))["total"] == 0


async def test_a_repeated_start_is_answered_though_it_would_be_refused_by_now(desk: Desk) -> None:
    """Whoever did not hear the answer asks again; code may have come, and steps have run, in between."""
    worker = await desk.worker()
    worker.readings["hello"] = [HEAT]
    asked = {"workflow": "hello", "input": {"name": "ada"}, "playground": {"*": {"haet": 0.1}}}
    key = {"Idempotency-Key": "k1"}
    first = await desk.post("/runs", asked, 201, headers=key)
    await settle()
    assert (await desk.post("/runs", asked, 422, headers={"Idempotency-Key": "k2"}))["code"] == "unknown_variable"
    assert (await desk.post("/runs", asked, 200, headers=key))["id"] == first["id"]
    stricter = '{"type":"object","required":["name","lang"]}'
    await desk.engine.register("default", [msgspec.structs.replace(HELLO, input_schema=stricter)])
    assert (await desk.post("/runs", asked, 200, headers=key))["id"] == first["id"]
    many = [{**asked, "idempotency_key": each} for each in ("k1", "k3")]
    again, refused = (await desk.post("/runs/bulk", {"runs": many}))["items"]
    assert again == {"id": first["id"], "existing": True}
    assert refused["problem"]["code"] == "invalid_input"
    other = {**asked, "input": {"name": "bob"}}
    assert (await desk.post("/runs", other, 409, headers=key))["code"] == "idempotency_conflict"


@pytest.mark.parametrize(
    ("playground", "code", "says"),
    [
        ({"hello": {"haet": 0.5}}, "unknown_variable", "Known here: heat. Did you mean 'heat'?"),
        ({"*": {"haet": 0.5}}, "unknown_variable", "Known here: heat."),
        ({"hello": {"heat": "hot"}}, "invalid_input", "playground variable heat of step hello"),
        ({"helo": {"heat": 0.5}}, "unknown_step", "no step 'helo' in the version that will run. Did you mean 'hello'?"),
    ],
)
async def test_a_start_with_playground_values_that_a_replay_would_refuse_is_a_problem(
    desk: Desk, playground: dict[str, object], code: str, says: str
) -> None:
    worker = await desk.worker()
    worker.readings["hello"] = [HEAT]
    await desk.run()
    asked = {"workflow": "hello", "input": {"name": "ada"}, "playground": playground}
    alone = await desk.post("/runs", asked, 422)
    (among_many,) = (await desk.post("/runs/bulk", {"runs": [asked]}))["items"]
    assert [problem["code"] for problem in (alone, among_many["problem"])] == [code, code]
    assert says in alone["detail"]
    assert (await desk.get("/runs/count"))["total"] == 1


@pytest.mark.parametrize(
    ("schema", "taken"), [('{"type":"null"}', b"null"), ("{}", b"{}"), ('{"type":"object"}', b"{}")]
)
async def test_an_input_that_is_not_given_is_empty(desk: Desk, schema: str, taken: bytes) -> None:
    await desk.register(WorkflowDefinition(name="any", input_schema=schema, steps=(StepDefinition(name="only"),)))
    run = await desk.post("/runs", {"workflow": "any"}, 201)
    assert (await desk.http.get(f"/runs/{run['id']}/input")).content == taken


async def test_a_broken_input_names_path_and_rule(desk: Desk) -> None:
    await desk.register()
    problem = await desk.post("/runs", {"workflow": "summarise", "input": {"id": 1, "lang": "de"}}, 422)
    (broken,) = problem["problems"]
    assert broken["where"] == "input of summarise"
    assert broken["path"] == "/lang"
    assert '"en"' in broken["rule"]


@pytest.mark.parametrize("name", REFUSED)
async def test_payloads_of_the_corpus_are_refused_or_come_back_equal(desk: Desk, name: str) -> None:
    await desk.register(WorkflowDefinition(name="any", steps=(StepDefinition(name="only"),)))
    body = b'{"workflow":"any","input":' + REFUSED[name][0] + b"}"
    response = await desk.http.post("/runs", content=body, headers={"Content-Type": "application/json"})
    assert response.status_code in (413, 422)
    assert response.json()["code"] in ("invalid_json", "too_large", "too_deep")


async def test_accepted_payloads_of_the_corpus_come_back_equal(desk: Desk) -> None:
    await desk.register(WorkflowDefinition(name="any", steps=(StepDefinition(name="only"),)))
    for payload in ACCEPTED.values():
        body = b'{"workflow":"any","input":' + payload + b"}"
        response = await desk.http.post("/runs", content=body, headers={"Content-Type": "application/json"})
        assert response.status_code == 201, response.text
        run_id = response.json()["id"]
        assert (await desk.http.get(f"/runs/{run_id}/input")).content == payload.strip()
        assert (await desk.http.get(f"/runs/{run_id}")).status_code == 200


async def test_many_runs_start_together_and_fail_apart(desk: Desk) -> None:
    await desk.register()
    runs = [
        {"workflow": "hello", "input": {"name": "a"}, "idempotency_key": "one"},
        {"workflow": "nope"},
        {"workflow": "hello", "input": {"name": 1}},
        {"workflow": "hello", "input": {"name": "a"}, "idempotency_key": "one"},
    ]
    first, unknown, invalid, repeated = (await desk.post("/runs/bulk", {"runs": runs}))["items"]
    assert unknown["problem"]["code"] == "unknown_workflow"
    assert invalid["problem"]["code"] == "invalid_input"
    assert first == {"id": repeated["id"], "existing": False}
    assert repeated["existing"]
    assert (await desk.get("/runs/count"))["total"] == 1
    problem = await desk.post("/runs/bulk", {"runs": [runs[0]] * 1001}, 422)
    assert problem["problems"][0]["path"] == "/runs"


# ── Lists ────────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_the_list_goes_page_by_page_newest_first(desk: Desk) -> None:
    await desk.register()
    ids = [(await desk.start(run_input={"name": str(number)}))["id"] for number in range(5)]
    first = await desk.get("/runs", limit=2)
    assert [run["id"] for run in first["items"]] == [ids[4], ids[3]]
    second = await desk.get("/runs", limit=2, cursor=first["next_cursor"])
    third = await desk.get("/runs", limit=2, cursor=second["next_cursor"])
    assert [run["id"] for run in second["items"] + third["items"]] == [ids[2], ids[1], ids[0]]
    assert third["next_cursor"] is None
    assert first["items"][0]["input_head"] == '{"name":"4"}'


async def test_a_query_narrows_list_count_and_histogram(desk: Desk) -> None:
    await desk.worker()
    await desk.failed_run()
    await desk.run()
    found = await desk.get("/runs", q="status:failed error:~429")
    assert [run["workflow"] for run in found["items"]] == ["summarise"]
    assert found["items"][0]["failed_step"] == "summary"
    assert found["items"][0]["error_type"] == "app.StepFailed"
    counts = await desk.get("/runs/count")
    assert counts == {"total": 2, "by_status": {"failed": 1, "succeeded": 1}, "searched_to": None}
    bars = await desk.get("/runs/histogram", since="1h", buckets=6)
    assert bars["width_s"] == 600
    assert len(bars["buckets"]) == 6
    assert sum(sum(bar["counts"].values()) for bar in bars["buckets"]) == 2


async def test_a_search_in_inputs_looks_at_so_many_runs_and_says_how_far_it_came(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runs, "MOST_INPUTS", 2)
    await desk.register()
    names = ("ada", "bob", "bob", "bob", "ada", "ada")
    made = []
    for name in names:
        made.append(await desk.start(run_input={"name": name}))
        await desk.clock.advance(timedelta(hours=1))
    pages = [await desk.get("/runs", q="input.name:ada", limit=1)]
    while pages[-1]["next_cursor"] is not None:
        pages.append(await desk.get("/runs", q="input.name:ada", limit=1, cursor=pages[-1]["next_cursor"]))
    # A full page tells nothing; the second one saw no more of the two runs than it has, the third found nothing.
    told = [([made.index(run) for run in page["items"]], page["searched_to"]) for page in pages]
    assert told == [
        ([5], None),
        ([4], made[3]["created_at"]),
        ([], made[1]["created_at"]),
        ([0], None),
    ]

    counted = await desk.get("/runs/count", q="input.name:ada")
    assert (counted["total"], counted["searched_to"]) == (2, made[4]["created_at"])
    bars = await desk.get("/runs/histogram", q="input.name:ada", since="24h")
    assert sum(sum(bar["counts"].values()) for bar in bars["buckets"]) == 2
    assert bars["searched_to"] == made[4]["created_at"]


async def test_a_search_in_inputs_that_sees_all_that_is_asked_for_says_nothing_of_how_far_it_came(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runs, "MOST_INPUTS", 2)
    await desk.register()
    for name in ("ada", "ada", "bob"):
        await desk.start(run_input={"name": name})
        await desk.clock.advance(timedelta(hours=1))
    for query in ("input.name:bob since:90m", "input.name:ada workflow:nobodys", "status:queued"):
        for path in ("/runs", "/runs/count", "/runs/histogram"):
            assert (await desk.get(path, q=query))["searched_to"] is None, (path, query)
    bars = await desk.get("/runs/histogram", q="input.name:bob", since="90m")
    assert bars["searched_to"] is None


@pytest.mark.parametrize(
    ("path", "query", "code"),
    [
        ("/runs", {"q": "status:nope"}, "bad_query"),
        ("/runs/count", {"q": "nope:1"}, "bad_query"),
        ("/runs/histogram", {"since": "soon"}, "bad_query"),
        ("/runs/histogram", {"since": '"'}, "bad_query"),
        ("/runs/histogram", {"buckets": "0"}, "invalid_input"),
        ("/runs", {"limit": "many"}, "invalid_input"),
        ("/runs", {"limit": "501"}, "invalid_input"),
        ("/runs", {"cursor": "'; DROP TABLE runs"}, "invalid_input"),
        ("/runs", {"colour": "blue"}, "invalid_input"),
    ],
)
async def test_a_bad_query_string_is_a_problem(desk: Desk, path: str, query: dict[str, str], code: str) -> None:
    assert (await desk.get(path, 422, **query))["code"] == code


# ── One run ──────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_failed_run_tells_everything(desk: Desk) -> None:
    await desk.worker()
    run = await desk.failed_run()
    assert run["status"] == "failed"
    assert run["failed_step"] == "summary"
    assert run["failure"]["message"] == "429 Too Many Requests"
    assert {step["name"]: step["status"] for step in run["steps"]} == {
        "fetch": "succeeded",
        "chunk": "succeeded",
        "summary": "failed",
        "publish": "not_reached",
    }
    assert run["graph"]["edges"][0] == {"source": "fetch", "target": "chunk", "data": True}
    summary = run["steps"][2]
    assert summary["attempts"] == 2
    assert [span["outcome"] for span in summary["spans"]] == ["failed", "failed"]
    assert summary["spans"][0]["worker"] == "eu-1"
    assert "output" not in run
    assert run["replay"] is None


async def test_events_are_told_in_words_and_in_order(desk: Desk) -> None:
    await desk.worker()
    run = await desk.failed_run()
    events = (await desk.get(f"/runs/{run['id']}/events"))["items"]
    texts = [event["text"] for event in events]
    assert texts[0] == "Started summarise, version 1."
    assert "fetch: attempt 1 started on eu-1." in texts
    assert "summary: attempt 2 failed after 0.0 s: app.StepFailed: 429 Too Many Requests" in texts
    assert texts[-1].startswith("The run failed at summary after ")
    assert [event["at"] for event in events] == sorted(event["at"] for event in events)


async def test_cancelling_says_what_became_of_it(desk: Desk) -> None:
    await desk.register()
    queued = await desk.start()
    answer = await desk.post(f"/runs/{queued['id']}/cancel", {"reason": "no longer needed"})
    assert answer == {"id": queued["id"], "changed": True, "was": "running", "stopping": 0, "answer": "cancelled"}
    again = await desk.post(f"/runs/{queued['id']}/cancel")
    assert (again["answer"], again["changed"], again["was"]) == ("already_finished", False, "cancelled")
    texts = [event["text"] for event in (await desk.get(f"/runs/{queued['id']}/events"))["items"]]
    assert texts[-1] == "admin cancelled the run: no longer needed"
    worker = await desk.worker(holding=True)
    running = await desk.start()
    await settle()
    assert len(worker.assigns) == 1
    answer = await desk.post(f"/runs/{running['id']}/cancel", {})
    assert (answer["answer"], answer["stopping"]) == ("cancel_requested", 1)


@pytest.mark.parametrize("run_id", ["nope", "0" * 26, "a" * 27, "%00", "..%2F..", "'; --"])
async def test_what_is_no_run_is_not_found(desk: Desk, run_id: str) -> None:
    for path in ("", "/input", "/events", "/lineage", "/logs", "/steps/x", "/steps/x/output"):
        problem = await desk.get(f"/runs/{run_id}{path}", 404)
        assert problem["code"] == "not_found"


# ── Why it waits ─────────────────────────────────────────────────────────────────────────────────────────────────────


async def waiting_of(desk: Desk, run_id: str) -> dict[str, str | None]:
    run = await desk.get(f"/runs/{run_id}")
    return {step["name"]: step["waiting"] for step in run["steps"]}


async def test_each_step_that_does_not_run_says_why(desk: Desk) -> None:
    worker = await desk.worker(holding=True)
    run = await desk.start("summarise", {"id": 1})
    await settle()
    waiting = await waiting_of(desk, run["id"])
    assert waiting == {
        "fetch": None,
        "chunk": "Waits for fetch.",
        "summary": "Waits for chunk.",
        "publish": "Waits for summary.",
    }
    worker.holding = False
    await worker.answer(worker.assigns)
    await settle()
    waiting = await waiting_of(desk, run["id"])
    assert waiting["summary"] is not None
    assert waiting["summary"].startswith("Tries again in ")
    assert waiting["summary"].endswith("attempt 2 of at most 2.")


async def test_a_queued_step_says_who_could_run_it(desk: Desk) -> None:
    await desk.register()
    run = await desk.start()
    await desk.clock.advance(timedelta(seconds=75))
    other = WorkflowDefinition(name="other", steps=(StepDefinition(name="x"),))
    await desk.worker([other])
    waits = (await waiting_of(desk, run["id"]))["hello"]
    assert waits == "None of the 1 connected workers declares hello. Start one that does. (for 1 min 15 s)"
    changed = WorkflowDefinition(name="hello", is_task=True, steps=(StepDefinition(name="hello"),))
    await desk.worker([changed], id="worker-2")
    waits = (await waiting_of(desk, run["id"]))["hello"] or ""
    assert "its arguments differ" in waits
    pinned = await desk.start(version="1")
    waits = (await waiting_of(desk, pinned["id"]))["hello"] or ""
    assert waits.startswith("The run is pinned to version 1 of hello, and no connected worker has exactly that code.")
    assert "arguments" not in waits
    await desk.post(f"/runs/{pinned['id']}/cancel", {})
    busy = await desk.worker([HELLO], id="worker-3", holding=True)
    await settle()
    assert len(busy.assigns) == 1
    assert (await waiting_of(desk, run["id"]))["hello"] is None


async def test_a_sleeping_step_says_until_when(desk: Desk) -> None:
    nap = StepDefinition(name="nap", kind=StepKind.SLEEP, sleep=timedelta(hours=2))
    await desk.register(WorkflowDefinition(name="sleeper", steps=(nap,)))
    run = await desk.run("sleeper")
    assert run["steps"][0]["status"] == "sleeping"
    assert run["waiting"].startswith("nap: Sleeps; goes on in 2 h, at ")
    await desk.clock.advance(timedelta(hours=3))
    assert (await desk.get(f"/runs/{run['id']}"))["status"] == "succeeded"


async def test_ordinary_runs_are_unaffected_by_bad_ones(desk: Desk) -> None:
    def refuse(_: bytes) -> bytes:
        raise StepFailed("no")

    await desk.worker(DEFINITIONS)
    desk.functions["hello"] = refuse
    assert (await desk.run())["status"] == "failed"
    desk.functions["hello"] = lambda document: b"1"
    assert (await desk.run())["output"] == 1
