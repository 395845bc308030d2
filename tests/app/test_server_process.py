"""Who owns the data folder gets in; a server starts whole and stops soon, whoever still listens to it."""

from __future__ import annotations

import asyncio
import json
import os
import stat
from pathlib import Path

import httpx2
import msgspec
import pytest
import websockets

from mulligan.app.compose import admit_owner, make_store, running_engine, server_settings
from mulligan.app.server_process import serving
from mulligan.app.settings import Settings
from mulligan.app.system import SystemClock
from mulligan.errors import InvalidInput
from mulligan.server.tokens import read_token


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data=tmp_path / "data", port=0)


async def test_the_owners_token_is_made_once_and_known_to_the_store(settings: Settings) -> None:
    async with running_engine(settings) as engine:
        first = await admit_owner(engine, settings)
        assert await admit_owner(engine, settings) == first
        (token,) = await engine.store.tokens("default")
    assert read_token(first) is not None
    assert first.split("_")[1] == token.id
    assert token.scopes == ("admin",)
    assert stat.S_IMODE(settings.server_token_file.stat().st_mode) == 0o600
    async with running_engine(settings) as engine:
        assert await admit_owner(engine, settings) == first


async def test_a_token_file_of_ones_own_is_taken_as_it_is(settings: Settings, tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text(f"mlg_{'a' * 26}_{'0' * 64}\n")
    own = msgspec.structs.replace(settings, token_file=file)
    async with running_engine(own) as engine:
        assert await admit_owner(engine, own) == file.read_text().strip()


async def test_a_token_file_that_holds_something_else_is_refused(settings: Settings) -> None:
    settings.data.mkdir()
    settings.server_token_file.write_text("sesame")
    async with running_engine(settings) as engine:
        with pytest.raises(InvalidInput, match="Remove it"):
            await admit_owner(engine, settings)


async def test_a_revoked_token_does_not_come_back_by_a_restart(settings: Settings) -> None:
    async with running_engine(settings) as engine:
        await admit_owner(engine, settings)
        (token,) = await engine.store.tokens("default")
        await engine.store.save_token(msgspec.structs.replace(token, revoked_at=engine.clock.now()))
        with pytest.raises(InvalidInput, match="revoked"):
            await admit_owner(engine, settings)


def test_replicas_with_one_token_share_the_key_of_the_cookies(settings: Settings) -> None:
    one, same, other = (server_settings(settings, "production", token).cookie_key for token in ("a", "a", "b"))
    assert one == same != other
    assert len(one) == 32


def test_cookies_are_secure_where_browsers_come_by_tls(settings: Settings) -> None:
    assert not server_settings(settings, "dev", "a").secure_cookies
    assert server_settings(msgspec.structs.replace(settings, behind_proxy=True), "production", "a").secure_cookies


async def test_a_proxy_on_this_machine_says_who_calls_and_does_not_make_them_this_machine(settings: Settings) -> None:
    behind_proxy = msgspec.structs.replace(settings, behind_proxy=True)
    async with serving(behind_proxy, "production") as served, httpx2.AsyncClient(base_url=served.url) as client:

        async def guess(address: str) -> int:
            headers = {"Authorization": "Bearer guess", "X-Forwarded-For": address}
            return (await client.get("/api/v1/info", headers=headers)).status_code

        assert [await guess("192.0.2.1") for _ in range(21)] == [401] * 20 + [429]
        assert await guess("192.0.2.2") == 401
        for headers in ({}, {"X-Forwarded-For": "127.0.0.1"}, {"X-Forwarded-For": "192.0.2.2"}):
            assert (await client.get("/metrics", headers=headers)).status_code == 401
        headers = {"Authorization": f"Bearer {served.token}"}
        assert (await client.get("/metrics", headers=headers)).status_code == 200


def test_a_database_of_an_unknown_kind_is_refused(settings: Settings) -> None:
    with pytest.raises(InvalidInput, match="sqlite:///"):
        make_store(msgspec.structs.replace(settings, database="mysql://somewhere"), SystemClock())


async def test_a_server_says_where_it_is_while_it_is_there(settings: Settings) -> None:
    async with serving(settings, "production") as served:
        assert json.loads(settings.address_file.read_text()) == {
            "url": served.url,
            "pid": os.getpid(),
            "mode": "production",
        }
        async with httpx2.AsyncClient(headers={"Authorization": f"Bearer {served.token}"}) as client:
            info = (await client.get(f"{served.url}/api/v1/info")).json()
        assert (info["mode"], info["store"]) == ("production", "sqlite")
        assert info["retention_s"] == settings.retention.total_seconds()
    assert not settings.address_file.exists()


async def test_a_base_path_is_part_of_the_address(settings: Settings) -> None:
    async with (
        serving(msgspec.structs.replace(settings, base_path="/flows"), "dev") as served,
        httpx2.AsyncClient(headers={"Authorization": f"Bearer {served.token}"}) as client,
    ):
        assert served.url.endswith("/flows")
        assert (await client.get(f"{served.url}/api/v1/info")).json()["base_path"] == "/flows/"


async def test_a_server_stops_soon_though_somebody_listens(settings: Settings) -> None:
    """An event stream and a session never end by themselves; waiting for them would take the whole of the grace."""
    async with serving(settings, "dev") as served:
        headers = {"Authorization": f"Bearer {served.token}"}
        client = httpx2.AsyncClient(headers=headers, timeout=20)
        stream = await client.send(client.build_request("GET", f"{served.url}/api/v1/stream?topics=runs"), stream=True)
        socket_url = f"{served.url.replace('http', 'ws')}/api/v1/connect"
        session = await websockets.connect(socket_url, additional_headers=headers)
        loop = asyncio.get_running_loop()
        asked_at = loop.time()
    assert loop.time() - asked_at < 3
    assert stream.status_code == 200
    with pytest.raises(websockets.ConnectionClosed):
        await session.recv()
    await stream.aclose()
    await client.aclose()
    await session.close()
