"""What waits, and what people keep: queues with their reasons; views, presets, pins and drafts."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import httpx2
import pytest

from mulligan.core.records import Document, DocumentKind, Reading
from mulligan.server.handlers import queues
from mulligan.testing.clock import settle
from tests.server.conftest import HELLO, Desk
from tests.wire.corpus import ACCEPTED, REFUSED

HEAT = Reading(name="heat", default="0.2", value="0.2", schema='{"type":"number"}')


# ── Queues ───────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_queue_says_how_many_wait_since_when_and_why(desk: Desk) -> None:
    await desk.register()
    for _ in range(3):
        await desk.start()
    await desk.clock.advance(timedelta(minutes=2))
    (queue,) = (await desk.get("/queues"))["items"]
    assert (queue["workflow"], queue["step"], queue["ready"], queue["running"]) == ("hello", "hello", 3, 0)
    assert queue["oldest_at"] == "2026-01-01T00:00:00Z"
    assert queue["workers"] == []
    assert queue["waiting"].startswith("No worker is connected. Start one that declares hello")
    assert queue["waiting"].endswith("(for 2 min)")


async def test_a_queue_names_who_can_run_it(desk: Desk) -> None:
    worker = desk.new_worker([HELLO], holding=True)
    await worker.connect(slots=1)
    for _ in range(3):
        await desk.start()
    await settle()
    (queue,) = (await desk.get("/queues"))["items"]
    assert (queue["ready"], queue["running"], queue["workers"]) == (2, 1, ["eu-1"])


async def test_steps_that_retry_or_sleep_are_counted(desk: Desk) -> None:
    await desk.worker()
    await desk.start("summarise", {"id": 1})
    await settle()
    await desk.start(delay_s=60)
    queues = {queue["step"]: queue for queue in (await desk.get("/queues"))["items"]}
    assert (queues["summary"]["retrying"], queues["summary"]["waiting"]) == (1, None)
    assert queues["hello"]["sleeping"] == 1


async def test_no_queue_is_an_empty_list(desk: Desk) -> None:
    assert await desk.get("/queues") == {"items": []}


# ── Documents ────────────────────────────────────────────────────────────────────────────────────────────────────────


async def put(desk: Desk, path: str, value: Any, status: int = 200) -> Any:
    response = await desk.http.put(path, json={"value": value})
    assert response.status_code == status, response.text
    return response.json()


@pytest.mark.parametrize("kind", ["view", "preset", "draft"])
async def test_what_is_kept_is_listed_replaced_and_forgotten(desk: Desk, kind: str) -> None:
    kept = await put(desk, f"/documents/{kind}/failed%20today", {"q": "status:failed"})
    assert (kept["kind"], kept["key"], kept["by"]) == (kind, "failed today", "admin")
    await put(desk, f"/documents/{kind}/failed%20today", {"q": "status:failed since:24h"})
    (found,) = (await desk.get(f"/documents/{kind}"))["items"]
    assert found["value"] == {"q": "status:failed since:24h"}
    assert await desk.get(f"/documents/{kind}/failed%20today") == found
    assert (await desk.http.delete(f"/documents/{kind}/failed%20today")).status_code == 204
    assert (await desk.get(f"/documents/{kind}"))["items"] == []
    gone = await desk.http.delete(f"/documents/{kind}/failed%20today")
    assert (gone.status_code, gone.json()["code"]) == (404, "not_found")
    assert (await desk.get(f"/documents/{kind}/failed%20today", 404))["code"] == "not_found"


async def test_the_oldest_draft_gives_way_and_views_do_not(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queues, "MOST_DOCUMENTS", 2)
    for key in ("z", "b", "c"):
        await put(desk, f"/documents/draft/{key}", key)
        await desk.clock.advance(timedelta(seconds=1))
    await put(desk, "/documents/draft/b", "again")
    assert [document["key"] for document in (await desk.get("/documents/draft"))["items"]] == ["b", "c"]
    for key, status in (("z", 200), ("b", 200), ("c", 422), ("b", 200)):
        await put(desk, f"/documents/view/{key}", key, status)


async def test_the_oldest_drafts_give_way_to_a_large_one_and_views_do_not(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queues, "MOST_BYTES", dict.fromkeys(queues.MOST_BYTES, 10_000))
    for key in ("z", "b", "c"):
        await put(desk, f"/documents/draft/{key}", "x" * 3_000)
        await desk.clock.advance(timedelta(seconds=1))
    await put(desk, "/documents/draft/c", "x" * 5_000)
    await put(desk, "/documents/draft/d", "x" * 4_000)
    assert [document["key"] for document in (await desk.get("/documents/draft"))["items"]] == ["c", "d"]
    await put(desk, "/documents/draft/c", "x" * 9_000)
    assert [document["key"] for document in (await desk.get("/documents/draft"))["items"]] == ["c"]
    await put(desk, "/documents/draft/e", "x" * 11_000, 422)
    assert [document["key"] for document in (await desk.get("/documents/draft"))["items"]] == ["c"]
    for key, length, status in (("z", 6_000, 200), ("b", 6_000, 422), ("z", 9_000, 200), ("z", 11_000, 422)):
        await put(desk, f"/documents/view/{key}", "x" * length, status)


async def test_one_document_is_read_and_kept_without_a_look_at_the_others(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    await put(desk, "/documents/draft/one", 1)

    async def read_all(namespace: str, kind: DocumentKind) -> list[Document]:
        pytest.fail("all documents of a kind were read")

    monkeypatch.setattr(desk.engine.store, "documents", read_all)
    await put(desk, "/documents/draft/two", 2)
    assert (await desk.get("/documents/draft/one"))["value"] == 1


async def test_values_are_kept_to_the_letter_or_refused(desk: Desk) -> None:
    headers = {"Content-Type": "application/json"}
    for text in ACCEPTED.values():
        response = await desk.http.put("/documents/draft/one", content=b'{"value":' + text + b"}", headers=headers)
        assert response.status_code == 200
        listed = await desk.http.get("/documents/draft")
        assert b'"value":' + text.strip() + b',"at"' in listed.content
    for text, _ in REFUSED.values():
        response = await desk.http.put("/documents/draft/two", content=b'{"value":' + text + b"}", headers=headers)
        assert response.status_code in (413, 422)
    assert len((await desk.get("/documents/draft"))["items"]) == 1


async def test_a_pin_holds_for_every_new_run(desk: Desk) -> None:
    worker = await desk.worker()
    worker.readings["hello"] = [HEAT]
    await desk.run()
    pin = await put(desk, "/documents/pin/hello", {"hello": {"heat": 0.9}})
    assert pin["value"] == {"hello": {"heat": 0.9}}
    await desk.run()
    assert worker.assigns[-1].overrides == {"heat": "0.9"}
    await desk.run(playground={"hello": {"heat": 0.1}})
    assert worker.assigns[-1].overrides == {"heat": "0.1"}
    await desk.http.delete("/documents/pin/hello")
    await desk.run()
    assert worker.assigns[-1].overrides == {}


@pytest.mark.parametrize(
    ("workflow", "value", "status", "says"),
    [
        ("hello", {"hello": {"heat": "hot"}}, 422, "number"),
        ("hello", {"hello": {"cold": 1}}, 422, "named 'cold'. Known here: heat."),
        ("napper", {"before": {"heat": 1}}, 422, "before was never seen to read a playground variable"),
        ("hello", {"nope": {"heat": 1}}, 422, "no step 'nope'"),
        ("hello", {"hello": 3}, 422, "an object of variables"),
        ("hello", [], 422, "an object of steps"),
        ("nope", {}, 404, "No worker has registered"),
        ("%00", {}, 422, "key does not fit"),
    ],
)
async def test_a_pin_that_does_not_fit_the_code_is_refused(
    desk: Desk, workflow: str, value: object, status: int, says: str
) -> None:
    worker = await desk.worker()
    worker.readings["hello"] = [HEAT]
    await desk.run()
    assert says in (await put(desk, f"/documents/pin/{workflow}", value, status))["detail"]
    assert (await desk.get("/documents/pin"))["items"] == []


async def test_documents_belong_to_their_namespace(desk: Desk) -> None:
    await put(desk, "/documents/view/mine", 1)
    headers = {"Authorization": f"Bearer {desk.tokens['elsewhere']}"}
    transport = httpx2.ASGITransport(desk.app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://localhost/api/v1", headers=headers) as stranger:
        assert (await stranger.get("/documents/view")).json()["items"] == []
        assert (await stranger.delete("/documents/view/mine")).status_code == 404
        assert (await stranger.get("/queues")).json()["items"] == []
    assert len((await desk.get("/documents/view"))["items"]) == 1


@pytest.mark.parametrize("path", ["/documents/nope", "/documents/nope/key"])
async def test_other_kinds_are_not_there(desk: Desk, path: str) -> None:
    method = "GET" if path.count("/") == 2 else "DELETE"
    response = await desk.http.request(method, path)
    assert (response.status_code, response.json()["code"]) == (404, "not_found")


async def test_keeping_many_at_once_keeps_them_all(desk: Desk) -> None:
    await asyncio.gather(*(put(desk, f"/documents/view/v{number}", number) for number in range(20)))
    assert len((await desk.get("/documents/view"))["items"]) == 20
