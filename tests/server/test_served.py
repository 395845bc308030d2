"""What is served besides the API: the dashboard's files, health, metrics, the OpenAPI document."""

from __future__ import annotations

import asyncio
import dataclasses
import gzip
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import httpx2
import pytest

from mulligan.errors import StoreUnavailable
from mulligan.server.app import create_app
from mulligan.server.endpoints import ENDPOINTS
from mulligan.server.in_process import InProcess
from mulligan.testing.clock import settle
from tests.server.conftest import NOT_BUILT, SETTINGS, Desk

PAGE = '<!doctype html><html><head><base href="/"></head><body><script src="./assets/a-1.js"></script></body></html>'
SCRIPT = "console.log('mulligan');\n" * 100
BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


@pytest.fixture
def built(tmp_path: Path) -> Path:
    folder = tmp_path / "static"
    (folder / "assets").mkdir(parents=True)
    (folder / "index.html").write_text(PAGE)
    (folder / "favicon.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg'/>")
    (folder / "assets" / "a-1.js").write_text(SCRIPT)
    (tmp_path / "secret.txt").write_text("secret")
    return folder


@asynccontextmanager
async def served(desk: Desk, folder: Path, base_path: str = "/") -> AsyncIterator[httpx2.AsyncClient]:
    app = create_app(desk.engine, dataclasses.replace(SETTINGS, base_path=base_path), folder)
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://localhost") as client:
        yield client


# ── The dashboard ────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_every_address_of_the_dashboard_is_its_page(desk: Desk, built: Path) -> None:
    async with served(desk, built) as browser:
        for path in ("/", "/runs", "/runs/0123/steps/a.b", "/index.html"):
            response = await browser.get(path, headers=BROWSER)
            assert response.status_code == 200
            assert response.headers["Content-Type"] == "text/html; charset=utf-8"
            assert response.text == PAGE
            assert response.headers["Cache-Control"] == "no-cache"
        assert (await browser.get("/", headers={"Accept": "*/*"})).text == PAGE
        assert (await browser.head("/", headers=BROWSER)).status_code == 200


async def test_what_is_not_there_is_not_answered_with_the_page(desk: Desk, built: Path) -> None:
    async with served(desk, built) as browser:
        for path, accept in (("/nope.js", "*/*"), ("/runs", "application/json"), ("/api/v1/nope", "text/html")):
            response = await browser.get(path, headers={"Accept": accept})
            assert (response.status_code, response.json()["code"]) == (404, "not_found")


@pytest.mark.parametrize("path", ["/../secret.txt", "/assets/../../secret.txt", "/%2e%2e/secret.txt", "//secret.txt"])
async def test_there_is_no_way_out_of_the_folder(desk: Desk, built: Path, path: str) -> None:
    async with served(desk, built) as browser:
        response = await browser.get(path, headers={"Accept": "*/*"})
        assert response.content != b"secret"


async def test_hashed_files_are_kept_for_ever_and_sent_packed(desk: Desk, built: Path) -> None:
    async with served(desk, built) as browser:
        async with browser.stream("GET", "/assets/a-1.js", headers={"Accept-Encoding": "gzip"}) as response:
            packed = b"".join([part async for part in response.aiter_raw()])
        assert "immutable" in response.headers["Cache-Control"]
        assert response.headers["Content-Encoding"] == "gzip"
        assert response.headers["Vary"] == "Accept-Encoding"
        assert gzip.decompress(packed).decode() == SCRIPT
        plain = await browser.get("/assets/a-1.js", headers={"Accept-Encoding": "identity"})
        assert plain.text == SCRIPT
        assert "Content-Encoding" not in plain.headers
        again = await browser.get("/assets/a-1.js", headers={"If-None-Match": plain.headers["ETag"]})
        assert (again.status_code, again.content) == (304, b"")
        assert (await browser.get("/favicon.svg")).headers["Content-Type"].startswith("image/svg+xml")


@pytest.mark.parametrize("path", ["/ops/mulligan", ""])
async def test_a_path_prefix_works_whether_or_not_the_proxy_takes_it_away(desk: Desk, built: Path, path: str) -> None:
    async with served(desk, built, "/ops/mulligan/") as browser:
        page = await browser.get(f"{path}/runs", headers=BROWSER)
        assert '<base href="/ops/mulligan/">' in page.text
        assert (await browser.get(f"{path}/assets/a-1.js")).text == SCRIPT
        headers = {"Authorization": f"Bearer {desk.tokens['read']}"}
        assert (await browser.get(f"{path}/api/v1/info", headers=headers)).json()["base_path"] == "/ops/mulligan/"
        signed = await browser.post(f"{path}/api/v1/session", json={"token": desk.tokens["read"]})
        assert "Path=/ops/mulligan/;" in signed.headers["Set-Cookie"]


async def test_without_a_built_dashboard_the_page_says_what_to_do(desk: Desk, tmp_path: Path) -> None:
    async with served(desk, tmp_path / "nothing") as browser:
        page = await browser.get("/", headers=BROWSER)
    assert page.status_code == 200
    assert "make dashboard" in page.text


# ── Health and metrics ───────────────────────────────────────────────────────────────────────────────────────────────


async def test_health_is_progress(desk: Desk) -> None:
    healthy = await desk.http.get("http://localhost/healthz")
    assert healthy.status_code == 200
    assert healthy.json()["loop_lag_ms"] < 1_000
    await desk.register()
    ready = await desk.http.get("http://localhost/readyz")
    assert (ready.status_code, ready.json()) == (200, {"ready": True, "reason": None})
    await desk.clock.advance(timedelta(minutes=5))
    assert (await desk.http.get("http://localhost/readyz")).status_code == 200


async def test_a_stopped_engine_is_not_ready(desk: Desk) -> None:
    await desk.engine.stop()
    response = await desk.http.get("http://localhost/readyz")
    assert (response.status_code, response.json()["reason"]) == (503, "the engine is not running")
    problem = await desk.post("/runs", {"workflow": "hello"}, 404)
    assert problem["code"] == "unknown_workflow"


async def test_a_server_that_can_read_and_not_write_is_not_ready(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise StoreUnavailable("the disk is full")

    async def readiness() -> tuple[int, str | None]:
        response = await desk.http.get("http://localhost/readyz")
        return response.status_code, response.json()["reason"]

    async def refused() -> None:
        start = asyncio.ensure_future(desk.post("/runs", {"workflow": "hello", "input": {"name": "a"}}, 503))
        await settle()
        await desk.clock.advance(timedelta(seconds=1))
        await start

    await desk.register()
    ready = (200, None)
    with monkeypatch.context() as patch:
        patch.setattr(desk.engine.store, "commit", full)
        assert await readiness() == ready
        await refused()
        assert await readiness() == (503, "the store could not write the last change, 1 s ago")
        await desk.clock.advance(timedelta(seconds=10))
        assert await readiness() == (503, "the store could not write the last change, 11 s ago")
        await desk.clock.advance(timedelta(seconds=20))
        assert await readiness() == ready  # somebody has to try
        await refused()
        assert (await readiness())[0] == 503
    await desk.start()
    assert await readiness() == ready


async def test_metrics_tell_of_sessions_and_requests(desk: Desk) -> None:
    await desk.worker()
    await desk.run()
    await desk.get("/runs/nope", 404)
    text = (await desk.http.get("http://localhost/metrics")).text
    for line in (
        "mulligan_engine_running 1.0",
        "mulligan_workers_connected 1.0",
        "mulligan_workers_credits 8.0",
        "mulligan_assignments_total 1.0",
        "mulligan_reports_total 1.0",
        "mulligan_sessions_open 1.0",
        'mulligan_http_requests_total{method="POST",route="/runs",status="201"} 1.0',
        'mulligan_http_requests_total{method="GET",route="/runs/{run_id}",status="404"} 1.0',
    ):
        assert line in text.splitlines()


async def test_metrics_are_for_this_machine_or_for_a_token(desk: Desk) -> None:
    transport = httpx2.ASGITransport(desk.app, client=("192.0.2.1", 1))
    async with httpx2.AsyncClient(transport=transport, base_url="http://localhost") as client:
        assert (await client.get("/metrics")).status_code == 401
        for scope, status in (("read", 200), ("trigger", 403)):
            headers = {"Authorization": f"Bearer {desk.tokens[scope]}"}
            assert (await client.get("/metrics", headers=headers)).status_code == status


async def test_behind_a_proxy_everybody_seems_to_be_this_machine_and_metrics_take_a_token(desk: Desk) -> None:
    app = create_app(desk.engine, dataclasses.replace(SETTINGS, behind_proxy=True), dashboard=NOT_BUILT)
    transport = httpx2.ASGITransport(app, client=("127.0.0.1", 1))
    async with httpx2.AsyncClient(transport=transport, base_url="http://localhost") as client:
        assert (await client.get("/metrics")).status_code == 401
        headers = {"Authorization": f"Bearer {desk.tokens['read']}"}
        assert (await client.get("/metrics", headers=headers)).status_code == 200


# ── The document, and the API without HTTP ───────────────────────────────────────────────────────────────────────────


async def test_the_openapi_document_names_every_endpoint_and_shape(desk: Desk) -> None:
    document = (await desk.http.get("/openapi.json")).json()
    assert document["openapi"] == "3.1.0"
    named = {(method.upper(), path) for path, methods in document["paths"].items() for method in methods}
    assert named == {(endpoint.method, endpoint.path) for endpoint in ENDPOINTS}
    operations = [operation for methods in document["paths"].values() for operation in methods.values()]
    assert all(operation["summary"] for operation in operations)
    assert len({operation["operationId"] for operation in operations}) == len(ENDPOINTS)
    assert document["components"]["schemas"]["RunDetail"]["properties"]["input"] == {}


async def test_the_same_api_works_without_http(desk: Desk) -> None:
    await desk.worker()
    api = InProcess(desk.app.site, namespace="default", actor="this program")
    status, body = await api.request("POST", "/runs", body=b'{"workflow":"hello","input":{"name": "a"}}')
    assert status == 201
    await settle()
    run = (await desk.get("/runs"))["items"][0]
    assert f'"id":"{run["id"]}"'.encode() in body
    status, body = await api.request("GET", f"/runs/{run['id']}/input")
    assert (status, body) == (200, b'{"name": "a"}')
    over_http = await desk.http.get(f"/runs/{run['id']}")
    assert (await api.request("GET", f"/runs/{run['id']}"))[1] == over_http.content
    status, body = await api.request("POST", f"/runs/{run['id']}/replay", body=b'{"from_beginning":true}')
    assert status == 201
    replayed = (await desk.get("/runs", q="replay:yes"))["items"][0]
    assert (await desk.get(f"/runs/{replayed['id']}"))["replay"]["author"] == "this program"
    status, body = await api.request("GET", "/runs", query={"q": "status:nope"})
    assert status == 422
    assert b'"code":"bad_query"' in body
    assert (await api.request("GET", "/nope"))[0] == 404
    assert (await api.request("GET", f"/runs/{run['id']}/steps/a%2Fb"))[0] == 404


def test_sessions_and_in_process_calls_load_no_web_framework() -> None:
    code = (
        "import sys, mulligan.server.in_process, mulligan.server.session.session; "
        "print(*{name.partition('.')[0] for name in sys.modules} & {'starlette', 'uvicorn', 'pydantic', 'fastapi'})"
    )
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert loaded.stdout.split() == []


async def test_workflows_and_workers_are_listed_and_shown(desk: Desk) -> None:
    await desk.worker()
    await desk.run()
    flows = {flow["name"]: flow for flow in (await desk.get("/workflows"))["items"]}
    assert flows.keys() == {"hello", "napper", "summarise"}
    assert flows["hello"]["counts"] == {"succeeded": 1}
    assert (flows["hello"]["workers"], flows["hello"]["versions"], flows["summarise"]["steps"]) == (1, 1, 4)
    detail = await desk.get("/workflows/summarise")
    assert (detail["number"], detail["label"], detail["doc"]) == (1, "git 3fe1a", "Summarises documents.")
    assert detail["input_schema"]["required"] == ["id"]
    assert [step["name"] for step in detail["steps"]] == ["fetch", "chunk", "summary", "publish"]
    assert detail["steps"][0]["doc"] == "Gets the text."
    assert detail["steps"][2]["retry"] == {"retries": 1, "first_s": 1.0, "factor": 2.0, "cap_s": 300.0}
    assert (await desk.get("/workflows/summarise", version="1"))["digest"] == detail["digest"]
    assert (await desk.get("/workflows/summarise", 404, version="9"))["code"] == "unknown_version"
    for name in ("nope", "%00"):
        assert (await desk.get(f"/workflows/{name}", 404))["code"] == "unknown_workflow"
