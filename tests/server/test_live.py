"""Live updates: gathered, coalesced, resumable by reading anew, and never in the way of the engine."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from mulligan.errors import InvalidInput, StoreUnavailable, Unavailable
from mulligan.server.auth import caller_of
from mulligan.server.live import MOST_BATCHES_WAITING, Live, topics_of
from mulligan.testing.clock import settle
from tests.server.conftest import HELLO, Desk


class Reader:
    """Somebody who listens to a stream, and remembers what was told."""

    def __init__(self, stream: AsyncIterator[bytes]) -> None:
        self._stream = stream
        self.events: list[tuple[str, Any]] = []
        self._task = asyncio.create_task(self._read())

    async def _read(self) -> None:
        async for batch in self._stream:
            for event in batch.decode().removesuffix("\n\n").split("\n\n"):
                fields = dict(line.split(": ", 1) for line in event.splitlines())
                self.events.append((fields["event"], json.loads(fields["data"])))

    def has_ended(self) -> bool:
        return self._task.done()

    def take(self, name: str) -> list[Any]:
        found = [data for event, data in self.events if event == name]
        self.events = [one for one in self.events if one[0] != name]
        return found

    async def close(self) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)


async def listen(desk: Desk, topics: str, namespace: str = "default") -> Reader:
    reader = Reader(desk.app.live.stream(desk.call(namespace=namespace).caller, topics_of(topics)))
    await settle()
    assert reader.take("hello") == [{}]
    return reader


async def told(desk: Desk) -> None:
    """Long enough for what has been committed to be told."""
    await settle()
    await desk.clock.advance(timedelta(milliseconds=300))


async def test_a_run_is_told_of_once_per_quarter_second_in_its_latest_state(desk: Desk) -> None:
    reader = await listen(desk, "runs")
    await desk.worker()
    run = await desk.start()
    await told(desk)
    (event,) = reader.take("run")
    assert (event["id"], event["status"]) == (run["id"], "succeeded")
    assert event == (await desk.get("/runs"))["items"][0]
    await told(desk)
    assert reader.take("run") == []
    await reader.close()


async def test_whoever_asks_for_one_run_hears_of_no_other(desk: Desk) -> None:
    await desk.register()
    mine, other = await desk.start(), await desk.start()
    reader = await listen(desk, f"run:{mine['id']}")
    for run in (mine, other):
        await desk.post(f"/runs/{run['id']}/cancel")
    await told(desk)
    assert [(event["id"], event["status"]) for event in reader.take("run")] == [(mine["id"], "cancelled")]
    await reader.close()


async def test_workers_are_news_only_to_those_who_ask(desk: Desk) -> None:
    asking, other = await listen(desk, "workers"), await listen(desk, "runs")
    await desk.worker()
    await told(desk)
    assert asking.take("workers") == [{}]
    assert other.take("workers") == []
    for reader in (asking, other):
        await reader.close()


async def test_failures_and_bulk_replays_are_hinted_at(desk: Desk) -> None:
    inbox, replays = await listen(desk, "inbox"), await listen(desk, "replays")
    await desk.worker()
    run = await desk.failed_run()
    await told(desk)
    assert inbox.take("inbox") == [{}]
    await desk.post(f"/inbox/{run['fingerprint']}", {"status": "resolved"})
    await told(desk)
    assert inbox.take("inbox") == [{}]
    assert replays.events == []
    made = await desk.post("/replays", {"q": "status:failed", "request": {"reason": "again"}}, 201)
    await told(desk)
    assert replays.take("replays") == [{}]
    await desk.clock.advance(timedelta(seconds=5))
    assert len(replays.take("replays")) >= 1
    await desk.post(f"/replays/{made['id']}/abort", {}, 409)
    for reader in (inbox, replays):
        await reader.close()


async def test_another_namespace_hears_nothing(desk: Desk) -> None:
    stranger = await listen(desk, "runs,workers", namespace="elsewhere")
    await desk.worker()
    await desk.start()
    await told(desk)
    assert stranger.events == []
    await stranger.close()


async def test_silence_is_broken_by_a_heartbeat(desk: Desk) -> None:
    reader = await listen(desk, "runs")
    await desk.clock.advance(timedelta(seconds=46))
    assert len(reader.take("ping")) == 3
    await reader.close()


async def test_a_crowd_of_runs_is_told_in_portions_and_none_is_forgotten(desk: Desk) -> None:
    await desk.register()
    reader = await listen(desk, "runs")
    runs = [{"workflow": "hello", "input": {"name": "a"}} for _ in range(450)]
    started = await desk.post("/runs/bulk", {"runs": runs})
    await told(desk)
    assert len(reader.take("run")) == 200
    await told(desk)
    await told(desk)
    assert len(reader.take("run")) == 250
    assert len(started["items"]) == 450
    await reader.close()


async def test_a_reader_that_is_too_slow_is_dropped_with_a_reason(desk: Desk) -> None:
    await desk.register()
    run = await desk.start()
    slow = desk.app.live.stream(desk.call().caller, topics_of("runs"))
    assert b"hello" in await anext(slow)
    waiting = asyncio.ensure_future(anext(slow))
    await settle()
    for _ in range(MOST_BATCHES_WAITING + 5):
        await desk.post(f"/runs/{run['id']}/replay", {}, 409)
        await desk.start()
        await told(desk)
    assert b"event: run" in await waiting
    events = [event async for event in slow]
    assert b"event: dropped" in events[-1]
    assert b"too slow" in events[-1]
    assert len(events) <= MOST_BATCHES_WAITING + 1
    assert desk.app.live.open_streams == 0


async def test_streams_end_when_the_server_stops(desk: Desk) -> None:
    reader = await listen(desk, "runs")
    await desk.app.close()
    await settle()
    assert reader.has_ended()
    assert reader.take("dropped") == [{"reason": "the server is stopping"}]
    with pytest.raises(Unavailable):
        desk.app.live.stream(desk.call().caller, topics_of("runs"))
    assert (await desk.http.get("/stream")).status_code == 503


async def test_a_stream_ends_with_its_token(desk: Desk) -> None:
    created = await desk.post("/tokens", {"name": "brief", "scopes": ["read"]}, 201)
    token = await desk.app.site.tokens.by_id(created["id"])
    assert token is not None
    reader = Reader(desk.app.live.stream(caller_of(token), topics_of("runs")))
    await desk.clock.advance(timedelta(seconds=20))
    assert not reader.has_ended()
    await desk.http.delete(f"/tokens/{created['id']}")
    await desk.clock.advance(timedelta(seconds=20))
    assert reader.take("dropped") == [{"reason": "the token is no longer good"}]
    assert reader.has_ended()


async def test_a_stream_outlives_an_outage_of_the_store_but_not_its_token(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def gone(_: str | None) -> None:
        raise StoreUnavailable("the database is away")

    created = await desk.post("/tokens", {"name": "brief", "scopes": ["read"]}, 201)
    token = await desk.app.site.tokens.by_id(created["id"])
    assert token is not None
    reader = Reader(desk.app.live.stream(caller_of(token), topics_of("runs")))
    with monkeypatch.context() as patch:
        patch.setattr(desk.engine.store, "tokens", gone)
        await desk.clock.advance(timedelta(seconds=60))
    assert not reader.has_ended()
    await desk.http.delete(f"/tokens/{created['id']}")
    await desk.clock.advance(timedelta(seconds=20))
    assert reader.take("dropped") == [{"reason": "the token is no longer good"}]
    assert reader.has_ended()


async def test_a_store_in_trouble_delays_the_news_and_does_not_end_it(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    await desk.worker()
    failed = await desk.failed_run()
    reader = await listen(desk, "runs,inbox")

    async def broken(*_: object) -> None:
        raise Unavailable("disk full")

    with monkeypatch.context() as patch:
        patch.setattr(desk.engine.store, "find_runs", broken)
        started = await desk.post("/runs/bulk", {"runs": [{"workflow": "hello", "input": {"name": "a"}}]})
        await desk.post(f"/inbox/{failed['fingerprint']}", {"status": "resolved"})
        await told(desk)
        assert "live updates could not be read" in caplog.text
        assert reader.events == []
    later = await desk.start()
    await told(desk)
    assert {event["id"] for event in reader.take("run")} == {started["items"][0]["id"], later["id"]}
    assert reader.take("inbox") == [{}]
    await reader.close()


async def test_news_of_another_namespace_may_come_while_those_of_one_are_read(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    await desk.register()
    await desk.engine.register("elsewhere", [HELLO])
    reader, stranger = await listen(desk, "runs"), await listen(desk, "runs", namespace="elsewhere")
    find_runs = desk.engine.store.find_runs
    started: list[str] = []

    async def slow(*given: Any) -> Any:
        monkeypatch.undo()
        headers = {"Authorization": f"Bearer {desk.tokens['elsewhere']}"}
        run = {"workflow": "hello", "input": {"name": "b"}}
        started.append((await desk.post("/runs", run, 201, headers=headers))["id"])
        return await find_runs(*given)

    run = await desk.start()
    monkeypatch.setattr(desk.engine.store, "find_runs", slow)
    await told(desk)
    assert [event["id"] for event in reader.take("run")] == [run["id"]]
    await told(desk)
    assert [event["id"] for event in stranger.take("run")] == started
    for each in (reader, stranger):
        await each.close()


@pytest.mark.parametrize("text", ["", ",", "everything", "run:", "run:nope", ",".join(["runs"] * 51)])
def test_topics_that_are_not_understood_are_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="topics"):
        topics_of(text)


async def test_nobody_listens_to_the_engine_while_nobody_listens_here(desk: Desk) -> None:
    await desk.register()
    live = Live(desk.app.site)
    readers: list[Reader] = []

    async def listening(come: int) -> bool:
        """Whether the engine is listened to while so many listen here."""
        while len(readers) < come:
            readers.append(Reader(live.stream(desk.call().caller, topics_of("runs"))))
        while len(readers) > come:
            await readers.pop().close()
        await settle()
        return desk.engine.feed.has_listeners

    assert [await listening(count) for count in (0, 1, 2, 1, 0, 1)] == [False, True, True, True, False, True]
    run = await desk.start()
    await told(desk)
    assert [event["id"] for event in readers[0].take("run")] == [run["id"]]
    assert not await listening(0)
    await live.close()


async def test_the_stream_needs_a_token_that_may_look(desk: Desk) -> None:
    for token, status in (("", 401), (desk.tokens["trigger"], 403)):
        response = await desk.http.get("/stream", headers={"Authorization": f"Bearer {token}"})
        assert response.status_code == status
    assert (await desk.http.get("/stream", params={"topics": "nope"})).status_code == 422
