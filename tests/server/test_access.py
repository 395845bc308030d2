"""Who may come in, and what for: tokens, scopes, cookies, other people's pages, other people's namespaces."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator
from datetime import timedelta

import httpx2
import pytest

from mulligan.server.app import create_app
from mulligan.server.cookies import cookie_name, seal
from mulligan.server.endpoint import Endpoint
from mulligan.server.endpoints import ENDPOINTS
from mulligan.server.tokens import make_token, read_token
from mulligan.testing.clock import EPOCH
from tests.server.conftest import NOT_BUILT, SETTINGS, Desk, admit

COOKIE = cookie_name(SETTINGS.cookie_key)
OWN_PAGE = {"X-Mulligan": "1", "Origin": "http://localhost", "Sec-Fetch-Site": "same-origin"}


def anonymous(desk: Desk, **more: str) -> httpx2.AsyncClient:
    return httpx2.AsyncClient(
        transport=httpx2.ASGITransport(desk.app), base_url="http://localhost/api/v1", headers=more or None
    )


def some_path(path: str) -> str:
    """A path of the endpoint, for things that do not exist."""
    for name in ("run_id", "a", "b", "token_id", "step", "name", "fingerprint", "bulk_id", "kind", "key"):
        path = path.replace(f"{{{name}}}", "0" * 26)
    return path


# ── Tokens and scopes ────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("endpoint", [one for one in ENDPOINTS if one.scope], ids=lambda one: one.name)
async def test_every_endpoint_wants_a_token_with_its_scope(desk: Desk, endpoint: Endpoint) -> None:
    path = some_path(endpoint.path)
    async with anonymous(desk) as nobody:
        response = await nobody.request(endpoint.method, path)
        assert (response.status_code, response.json()["code"]) == (401, "unauthorized")
        assert response.headers["WWW-Authenticate"] == "Bearer"
        for scope in ("read", "trigger", "operate", "worker"):
            headers = {"Authorization": f"Bearer {desk.tokens[scope]}", "Content-Type": "application/json"}
            response = await nobody.request(endpoint.method, path, headers=headers)
            assert (response.status_code == 403) == (scope != endpoint.scope), (scope, response.text)


@pytest.mark.parametrize(
    "header",
    ["", "Bearer", "Bearer ", "Bearer x", "Basic bWxnOng=", "Bearer mlg_00000000_" + "0" * 64, "Bearer mlg_é_1"],
)
async def test_what_is_no_token_is_refused_alike(desk: Desk, header: str) -> None:
    async with anonymous(desk) as nobody:
        response = await nobody.get("/info", headers={b"Authorization": header.encode()})
    assert response.status_code == 401
    assert response.headers["content-type"] == "application/problem+json"


async def test_a_wrong_secret_with_a_good_id_is_refused(desk: Desk) -> None:
    good = desk.tokens["admin"]
    wrong = good[:-1] + ("0" if good[-1] != "0" else "1")
    async with anonymous(desk) as nobody:
        assert (await nobody.get("/info", headers={"Authorization": f"Bearer {wrong}"})).status_code == 401
        assert (await nobody.get("/info", headers={"Authorization": f"Bearer {good}"})).status_code == 200


async def test_expired_and_revoked_tokens_stop_working(desk: Desk) -> None:
    brief = await admit(desk.engine, "brief", "read", expires_at=desk.clock.now() + timedelta(hours=1))
    async with anonymous(desk, Authorization=f"Bearer {brief}") as client:
        assert (await client.get("/info")).status_code == 200
        await desk.clock.advance(timedelta(hours=1))
        assert (await client.get("/info")).status_code == 401
    created = await desk.post("/tokens", {"name": "ci", "scopes": ["trigger", "read"]}, 201)
    assert created["scopes"] == ["read", "trigger"]
    async with anonymous(desk, Authorization=f"Bearer {created['token']}") as client:
        assert (await client.get("/info")).json()["actor"] == "ci"
        assert (await desk.http.delete(f"/tokens/{created['id']}")).status_code == 204
        assert (await client.get("/info")).status_code == 401
    listed = {token["id"]: token for token in (await desk.get("/tokens"))["items"]}
    assert listed[created["id"]]["revoked_at"] is not None
    assert "token" not in listed[created["id"]]
    assert created["token"] not in str(listed)


async def test_a_token_of_another_namespace_sees_and_touches_nothing(desk: Desk) -> None:
    await desk.worker()
    run = await desk.failed_run()
    mine = (await desk.get("/tokens"))["items"][0]["id"]
    async with anonymous(desk, Authorization=f"Bearer {desk.tokens['elsewhere']}") as stranger:
        for path in ("", "/input", "/events", "/lineage", "/logs", "/steps/summary", "/steps/chunk/output"):
            assert (await stranger.get(f"/runs/{run['id']}{path}")).status_code == 404
        for path in ("cancel", "replay", "replay/plan"):
            assert (await stranger.post(f"/runs/{run['id']}/{path}", json={})).status_code == 404
        assert (await stranger.get(f"/compare/{run['id']}/{run['id']}")).status_code == 404
        assert (await stranger.get("/workflows/summarise")).status_code == 404
        assert (await stranger.delete(f"/tokens/{mine}")).status_code == 404
        for path in ("/runs", "/workflows", "/workers"):
            assert (await stranger.get(path)).json()["items"] == []
        assert (await stranger.get("/runs/count")).json()["total"] == 0
        assert (await stranger.get("/info")).json()["namespace"] == "elsewhere"


async def test_whoever_guesses_tokens_is_slowed_down_and_others_are_not(desk: Desk) -> None:
    async with anonymous(desk) as guesser:
        for _ in range(20):
            assert (await guesser.get("/info", headers={"Authorization": "Bearer guess"})).status_code == 401
        response = await guesser.post("/session", json={"token": "guess"})
        assert (response.status_code, response.json()["code"]) == (429, "too_many_failures")
        assert response.headers["Retry-After"] == "60"
        assert (await desk.http.get("/info")).status_code == 200
        await desk.clock.advance(timedelta(minutes=1))
        assert (await guesser.get("/info", headers={"Authorization": "Bearer guess"})).status_code == 401


def test_a_token_is_told_by_its_form() -> None:
    secret = "ab" * 32
    text, token = make_token("0123abcd", secret, name="n", namespace="d", scopes=("read",), created_at=EPOCH)
    assert read_token(text) == ("0123abcd", secret)
    assert secret not in str(token)
    assert read_token(text + "0") is None
    assert read_token(text.upper()) is None
    with pytest.raises(ValueError, match="64 hexadecimal"):
        make_token("0123abcd", "short", name="n", namespace="d", scopes=("read",), created_at=EPOCH)


# ── The dashboard's cookie ───────────────────────────────────────────────────────────────────────────────────────────


async def test_signing_in_trades_a_token_for_a_cookie(desk: Desk) -> None:
    async with anonymous(desk) as client:
        response = await client.post("/session", json={"token": desk.tokens["read"]})
        assert response.status_code == 204
        cookie = response.headers["Set-Cookie"]
        assert cookie.startswith(f"{COOKIE}=")
        assert all(flag in cookie for flag in ("HttpOnly", "SameSite=Lax", "Path=/", "Max-Age=604800"))
        assert desk.tokens["read"] not in cookie
        info = (await client.get("/info")).json()
        assert (info["actor"], info["scopes"]) == ("read", ["read"])
        response = await client.delete("/session", headers=OWN_PAGE)
        assert response.status_code == 204
        assert "Max-Age=0" in response.headers["Set-Cookie"]


async def test_a_bad_token_cannot_sign_in(desk: Desk) -> None:
    async with anonymous(desk) as client:
        response = await client.post("/session", json={"token": "mlg_nope"})
    assert (response.status_code, response.json()["code"]) == (401, "unauthorized")
    assert "Set-Cookie" not in response.headers


@pytest.mark.parametrize(
    ("changed", "detail"),
    [
        ({"X-Mulligan": ""}, "X-Mulligan"),
        ({"Origin": "https://evil.example"}, "evil.example"),
        ({"Origin": "null"}, "null"),
        ({"Sec-Fetch-Site": "cross-site"}, "another site"),
        ({"Sec-Fetch-Site": "same-site"}, "another site"),
    ],
)
async def test_another_sites_page_cannot_use_the_cookie(desk: Desk, changed: dict[str, str], detail: str) -> None:
    await desk.register()
    body = {"workflow": "hello", "input": {"name": "a"}}
    async with anonymous(desk) as client:
        assert (await client.post("/session", json={"token": desk.tokens["admin"]})).status_code == 204
        good = await client.post("/runs", json=body, headers=OWN_PAGE)
        assert good.status_code == 201
        bad = await client.post("/runs", json=body, headers={**OWN_PAGE, **changed})
        assert (bad.status_code, bad.json()["code"]) == (403, "forbidden")
        assert detail in bad.json()["detail"]
    assert (await desk.get("/runs/count"))["total"] == 1


async def test_a_cookie_ends_with_its_token_and_after_a_week(desk: Desk) -> None:
    created = await desk.post("/tokens", {"name": "me", "scopes": ["read"]}, 201)
    async with anonymous(desk) as client:
        assert (await client.post("/session", json={"token": created["token"]})).status_code == 204
        assert (await client.get("/info")).status_code == 200
        await desk.clock.pass_by(timedelta(days=7))
        assert (await client.get("/info")).status_code == 401
        assert (await client.post("/session", json={"token": created["token"]})).status_code == 204
        await desk.http.delete(f"/tokens/{created['id']}")
        assert (await client.get("/info")).status_code == 401


@pytest.mark.parametrize("value", ["", "x", "a.b.c", "a.1.", "..", "é", "1" * 5000])
async def test_a_forged_cookie_is_no_cookie(desk: Desk, value: str) -> None:
    forged = f"{COOKIE}={value}".encode()
    async with anonymous(desk) as client:
        assert (await client.get("/info", headers={b"Cookie": forged})).status_code == 401
    token_id = (await desk.get("/tokens"))["items"][0]["id"]
    sealed_elsewhere = seal(b"another key of 32 bytes.........", token_id, desk.clock.now())
    async with anonymous(desk) as client:
        response = await client.get("/info", headers={"Cookie": f"{COOKIE}={sealed_elsewhere}"})
        assert response.status_code == 401


# ── Hosts and headers ────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost", 200),
        ("LOCALHOST:8420", 200),
        ("127.0.0.1:1", 200),
        ("[::1]:8420", 200),
        ("[::1]", 200),
        ("flows.example.com", 200),
        ("flows.example.com:443", 200),
        ("evil.example", 421),
        ("localhost.evil.example", 421),
        ("localhost:x", 421),
        ("", 421),
    ],
)
async def test_only_known_hosts_are_served(desk: Desk, host: str, status: int) -> None:
    app = create_app(desk.engine, dataclasses.replace(SETTINGS, public_hosts=("flows.example.com",)), NOT_BUILT)
    headers = {"Host": host, "Authorization": f"Bearer {desk.tokens['read']}"}
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://localhost") as client:
        response = await client.get("/api/v1/info", headers=headers)
    assert response.status_code == status
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert status == 200 or response.json()["code"] == "misdirected"


async def test_every_answer_carries_the_security_headers(desk: Desk) -> None:
    for path in ("http://localhost/", "/info", "/nope", "http://localhost/healthz"):
        response = await desk.http.get(path)
        assert "default-src 'none'" in response.headers["Content-Security-Policy"]
        assert response.headers["Referrer-Policy"] == "same-origin"
        assert "Access-Control-Allow-Origin" not in response.headers
    assert (await desk.http.get("/info")).headers["Cache-Control"] == "no-store"


async def test_the_router_refuses_in_the_same_words(desk: Desk) -> None:
    missing = await desk.http.get("/nope")
    assert (missing.status_code, missing.json()["code"]) == (404, "not_found")
    assert missing.headers["content-type"] == "application/problem+json"
    for path in ("/session", "/runs/x/cancel", "/runs/x/replay"):
        assert (await desk.http.get(path)).status_code == 405
    assert (await desk.http.get("/runs/")).status_code == 404
    wrong = await desk.http.put("/runs")
    assert (wrong.status_code, wrong.json()["code"]) == (405, "method_not_allowed")
    assert set(wrong.headers["Allow"].split(", ")) == {"GET", "HEAD", "POST"}


# ── Bodies ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("headers", "content", "status"),
    [
        ({"Content-Type": "application/x-www-form-urlencoded"}, b"", 415),
        ({"Content-Type": "text/plain"}, b"{}", 415),
        ({}, b"{}", 415),
        ({"Content-Type": "application/json", "Content-Encoding": "gzip"}, b"{}", 415),
        ({"Content-Type": "application/json; charset=utf-8"}, b"{}", 422),
        ({"Content-Type": "Application/JSON"}, b"{}", 422),
        ({"Content-Type": "application/json", "Content-Length": "99999999999"}, b"{}", 413),
        ({"Content-Type": "application/json"}, b"a" * (17 * 1024 * 1024), 413),
    ],
)
async def test_only_json_of_a_fair_size_is_read(
    desk: Desk, headers: dict[str, str], content: bytes, status: int
) -> None:
    response = await desk.http.post("/runs", content=content, headers=headers)
    assert response.status_code == status
    assert response.json()["status"] == status


async def test_a_body_without_a_length_is_read_no_further_than_the_limit(desk: Desk) -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while sent < 100:
            sent += 1
            yield b"a" * 1024 * 1024

    response = await desk.http.post("/runs", content=endless(), headers={"Content-Type": "application/json"})
    assert response.status_code == 413


async def test_a_bug_of_ours_is_a_plain_500(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(*_: object) -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr(desk.engine.store, "find_runs", broken)
    problem = await desk.get("/runs", 500)
    assert problem["code"] == "internal"
    assert "secret detail" in problem["detail"]
    app = create_app(desk.engine, dataclasses.replace(SETTINGS, mode="production"), NOT_BUILT)
    headers = {"Authorization": f"Bearer {desk.tokens['read']}"}
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://localhost") as client:
        problem = (await client.get("/api/v1/runs", headers=headers)).json()
    assert "secret detail" not in problem["detail"]
