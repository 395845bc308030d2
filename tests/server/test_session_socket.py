"""The session protocol over a real WebSocket, and live updates over a real connection."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import httpx2
import msgspec
import pytest
import uvicorn
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from mulligan.core.limits import PAYLOAD
from mulligan.core.records import StepDefinition, WorkflowDefinition
from mulligan.errors import StoreUnavailable
from mulligan.testing.clock import settle
from mulligan.wire.frames import MAX_FRAME, decode_from_server, encode_frames
from mulligan.wire.messages import (
    PROTOCOL,
    Acknowledge,
    Assign,
    Credit,
    FromServer,
    Goodbye,
    Hello,
    Message,
    Refused,
    Report,
    RunEnded,
    Start,
    StartAnswer,
    StartSpec,
    Watch,
    Welcome,
)
from tests.server.conftest import DEFINITIONS, Desk

HELLO = Hello(PROTOCOL, "w1", "eu-1", "here", 7, "test/1", 8, {}, DEFINITIONS, [])


@pytest.fixture
async def address(desk: Desk) -> AsyncIterator[str]:
    """Where the desk's server listens."""
    listening = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(
        desk.app, lifespan="off", log_config=None, ws="websockets-sansio", ws_max_size=MAX_FRAME, access_log=False
    )
    server = uvicorn.Server(config)
    task = asyncio.create_task(server.serve([listening]))
    yield f"127.0.0.1:{listening.getsockname()[1]}"
    server.should_exit = True
    await desk.app.close()
    await task


def dial(desk: Desk, address: str, **headers: str) -> connect:
    given = {"Authorization": f"Bearer {desk.tokens['admin']}", **headers}
    return connect(
        f"ws://{address}/api/v1/connect", additional_headers=given, compression=None, max_size=None, proxy=None
    )


async def say(link: ClientConnection, *messages: Message) -> None:
    for frame in encode_frames(messages):
        await link.send(frame)


async def hear(link: ClientConnection) -> list[FromServer]:
    frame = await link.recv()
    assert isinstance(frame, bytes)
    return decode_from_server(frame)


async def test_a_worker_and_a_client_meet_over_sockets(desk: Desk, address: str) -> None:
    async with dial(desk, address) as worker, dial(desk, address) as client:
        await say(worker, HELLO, Credit(2))
        (welcome,) = await hear(worker)
        assert isinstance(welcome, Welcome)
        run_id = f"{1:026d}"
        spec = StartSpec(run_id=run_id, workflow="hello", input=b'{"name":"ada"}')
        await say(client, Start(seq=1, runs=[spec]), Watch([run_id]))
        (answer,) = await hear(client)
        assert isinstance(answer, StartAnswer)
        (assign,) = await hear(worker)
        assert isinstance(assign, Assign)
        await say(worker, Report(assign.lease, "succeeded", output=b'"hi"'))
        assert await hear(worker) == [Acknowledge([assign.lease], ["applied"])]
        assert await hear(client) == [RunEnded(run_id, "succeeded", {"hello": b'"hi"'})]
        assert desk.app.site.counts.open == 2
        await say(worker, Goodbye())
    await gone(desk)
    assert desk.app.site.counts.open == 0


async def test_results_too_large_to_go_together_come_one_after_the_other(desk: Desk, address: str) -> None:
    steps = tuple(StepDefinition(name=f"step-{number}") for number in range(5))
    large = b'"' + b"x" * (PAYLOAD - 2) + b'"'
    async with dial(desk, address) as worker, dial(desk, address) as client:
        definitions = [WorkflowDefinition(name="many", steps=steps)]
        await say(worker, msgspec.structs.replace(HELLO, definitions=definitions), Credit(5))
        await hear(worker)
        run_id = f"{1:026d}"
        await say(client, Start(seq=1, runs=[StartSpec(run_id=run_id, workflow="many", input=b"{}")]), Watch([run_id]))
        await hear(client)
        for assign in await hear(worker):
            assert isinstance(assign, Assign)
            await say(worker, Report(assign.lease, "succeeded", output=large))
        told: list[FromServer] = []
        while not told or told[-1] != RunEnded(run_id, "succeeded", {"step-3": large, "step-4": large}):
            told += await hear(client)
        assert told[:-1] == [
            RunEnded(run_id, "succeeded", dict.fromkeys(("step-0", "step-1", "step-2"), large), more=True)
        ]


async def test_a_message_that_fits_no_frame_keeps_no_other_back(desk: Desk, address: str) -> None:
    """A refusal says which run it is about, and whoever asks chooses how long that is."""
    async with dial(desk, address) as client:
        await say(client, Watch([f"{1:026d}"]))
        assert [type(message) for message in await hear(client)] == [Refused]
        await say(client, Watch(["x" * 9_000_000, f"{2:026d}"]))
        (refused,) = await hear(client)
        assert isinstance(refused, Refused)
        assert refused.run_id == f"{2:026d}"


async def gone(desk: Desk) -> None:
    """Until the server has noticed that nobody is connected any more."""
    async with asyncio.timeout(5):
        while desk.app.site.counts.open:
            await settle(1)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Authorization": ""}, 401),
        ({"Authorization": "Bearer nope"}, 401),
        ({"Origin": "https://evil.example"}, 403),
    ],
)
async def test_a_stranger_is_refused_before_the_connection_is_accepted(
    desk: Desk, address: str, headers: dict[str, str], status: int
) -> None:
    with pytest.raises(InvalidStatus) as refused:
        async with dial(desk, address, **headers):
            pytest.fail("the server let a stranger in")
    assert refused.value.response.status_code == status
    assert desk.app.site.counts.open == 0


async def test_a_session_for_another_host_is_misdirected(desk: Desk) -> None:
    sent: list[Any] = []
    scope = {"type": "websocket", "path": "/api/v1/connect", "headers": [(b"host", b"evil.example")]}

    async def receive() -> Any:
        return {"type": "websocket.connect"}

    async def send(message: Any) -> None:
        sent.append(message)

    await desk.app(scope, receive, send)
    assert (sent[0]["type"], sent[0]["status"]) == ("websocket.http.response.start", 421)


async def test_the_cookie_opens_no_session_for_another_sites_page(desk: Desk, address: str) -> None:
    async with httpx2.AsyncClient(base_url=f"http://{address}") as browser:
        await browser.post("/api/v1/session", json={"token": desk.tokens["admin"]})
        (cookie,) = [f"{name}={value}" for name, value in browser.cookies.items()]
    url = f"ws://{address}/api/v1/connect"
    with pytest.raises(InvalidStatus):
        async with connect(url, additional_headers={"Cookie": cookie, "Origin": "http://evil.example"}, proxy=None):
            pytest.fail("another site's page got in")
    async with connect(url, additional_headers={"Cookie": cookie, "Origin": f"http://{address}"}, proxy=None):
        assert desk.app.site.counts.open == 1


@pytest.mark.parametrize("frame", [b"", b"\x00", b"\x91" * 1000, "text", b"\xdd\xff\xff\xff\xff"])
async def test_a_frame_that_is_none_ends_the_session_with_a_reason(desk: Desk, address: str, frame: Any) -> None:
    async with dial(desk, address) as link:
        await link.send(frame)
        (refused,) = await hear(link)
        assert isinstance(refused, Refused)
        assert (refused.code, refused.fatal) == ("invalid_frame", True)
        with pytest.raises(ConnectionClosed):
            await link.recv()


async def test_a_fatal_refusal_is_said_before_the_connection_is_closed(desk: Desk, address: str) -> None:
    async with dial(desk, address, Authorization=f"Bearer {desk.tokens['read']}") as link:
        await say(link, HELLO)
        (refused,) = await hear(link)
        assert isinstance(refused, Refused)
        assert refused.code == "forbidden"
        with pytest.raises(ConnectionClosed):
            await link.recv()


async def test_live_updates_flow_over_a_connection_and_end_with_the_server(desk: Desk, address: str) -> None:
    await desk.register()
    headers = {"Authorization": f"Bearer {desk.tokens['read']}"}
    async with (
        httpx2.AsyncClient(base_url=f"http://{address}", headers=headers) as client,
        client.stream("GET", "/api/v1/stream", params={"topics": "runs"}) as response,
    ):
        assert response.headers["Content-Type"].startswith("text/event-stream")
        lines = response.aiter_lines()
        assert await anext(lines) == "event: hello"
        await desk.app.close()
        rest = [line async for line in lines]
    assert "event: dropped" in rest


async def test_a_session_ends_with_its_token(desk: Desk, address: str) -> None:
    created = await desk.post("/tokens", {"name": "brief", "scopes": ["worker"]}, 201)
    async with dial(desk, address, Authorization=f"Bearer {created['token']}") as link:
        await say(link, HELLO)
        assert isinstance((await hear(link))[0], Welcome)
        await desk.http.delete(f"/tokens/{created['id']}")
        await desk.clock.advance(timedelta(seconds=20))
        (refused,) = await hear(link)
        assert isinstance(refused, Refused)
        assert (refused.code, refused.fatal) == ("unauthorized", True)


async def test_a_session_outlives_an_outage_of_the_store_but_not_its_token(
    desk: Desk, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def gone(_: str | None) -> None:
        raise StoreUnavailable("the database is away")

    created = await desk.post("/tokens", {"name": "brief", "scopes": ["worker"]}, 201)
    async with dial(desk, address, Authorization=f"Bearer {created['token']}") as link:
        await say(link, HELLO)
        assert isinstance((await hear(link))[0], Welcome)
        with monkeypatch.context() as patch:
            patch.setattr(desk.engine.store, "tokens", gone)
            await desk.clock.advance(timedelta(seconds=60))
        assert desk.app.site.counts.open == 1
        await desk.http.delete(f"/tokens/{created['id']}")
        await desk.clock.advance(timedelta(seconds=20))
        (refused,) = await hear(link)
        assert isinstance(refused, Refused)
        assert (refused.code, refused.fatal) == ("unauthorized", True)
