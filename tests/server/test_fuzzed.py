"""The REST API is what its OpenAPI document says, also for requests that nobody would send on purpose."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import httpx2
import pytest
import schemathesis
import uvicorn
from hypothesis import HealthCheck, Phase, settings
from schemathesis.specs.openapi.checks import positive_data_acceptance

from mulligan.engine.api import Engine
from mulligan.server.app import create_app
from mulligan.server.cookies import cookie_name
from mulligan.server.endpoints import ENDPOINTS
from mulligan.server.openapi import openapi_document
from mulligan.server.session.session import Session
from mulligan.server.site import ALL_SCOPES, Call, Caller
from mulligan.stores.memory import MemoryStore
from mulligan.testing.clock import EPOCH, SeededChance
from tests.server.conftest import DEFINITIONS, FUNCTIONS, NOT_BUILT, SETTINGS, Worker, admit

pytestmark = pytest.mark.slow

# What is valid by the schema can still be refused for reasons that a schema cannot say, such as the query grammar.
EXCLUDED = [positive_data_acceptance]


class HurriedClock:
    """A thousand seconds pass in one, so that nobody waits for timeouts."""

    def __init__(self) -> None:
        self._began = asyncio.get_running_loop().time()

    def now(self) -> datetime:
        return EPOCH + timedelta(seconds=(asyncio.get_running_loop().time() - self._began) * 1_000)

    async def sleep(self, span: timedelta) -> None:
        woken = asyncio.Event()
        asyncio.get_running_loop().call_later(span.total_seconds() / 1_000, woken.set)
        await woken.wait()


class Served:
    """A server on a thread of its own, with a worker, a failed run and a succeeded one."""

    def __init__(self) -> None:
        self.address = ""
        self.token = ""
        self.run_ids: list[str] = []
        self.ready = threading.Event()
        self._stop: asyncio.Event | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self.thread = threading.Thread(target=lambda: asyncio.run(self._serve()))

    def stop(self) -> None:
        assert self._loop is not None
        assert self._stop is not None
        self._loop.call_soon_threadsafe(self._stop.set)
        self.thread.join()

    async def _serve(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        engine = Engine(MemoryStore(), HurriedClock(), SeededChance(7))
        await engine.start()
        self.token = await admit(engine, "fuzzer", *ALL_SCOPES)
        app = create_app(engine, SETTINGS, NOT_BUILT)
        call = Call(app.site, Caller("default", "worker", frozenset(ALL_SCOPES)))
        worker = Worker(Session(call), engine.clock, DEFINITIONS, dict(FUNCTIONS))
        await worker.connect()
        listening = socket.create_server(("127.0.0.1", 0))
        self.address = f"http://127.0.0.1:{listening.getsockname()[1]}/api/v1"
        server = uvicorn.Server(uvicorn.Config(app, lifespan="off", log_config=None, access_log=False))
        task = asyncio.create_task(server.serve([listening]))
        await self._start_runs()
        self.ready.set()
        await self._stop.wait()
        server.should_exit = True
        await app.close()
        await task
        await worker.close()
        await engine.stop()

    async def _start_runs(self) -> None:
        headers = {"Authorization": f"Bearer {self.token}"}
        async with httpx2.AsyncClient(base_url=self.address, headers=headers) as client:
            for workflow, given in (("hello", {"name": "ada"}), ("summarise", {"id": 1}), ("napper", {})):
                body = {"workflow": workflow, "input": given}
                response = await client.post("/runs", json=body, params={"wait_s": 60})
                self.run_ids.append(response.json()["id"])


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    server = Served()
    server.thread.start()
    server.ready.wait()
    KNOWN.update(dict.fromkeys(("run_id", "a", "b"), server.run_ids))
    yield server
    server.stop()


schema = schemathesis.openapi.from_dict(openapi_document(ENDPOINTS, "0.0.0", cookie_name(SETTINGS.cookie_key)))
KNOWN: dict[str, list[str]] = {"step": ["hello", "summary", "before"], "name": ["hello", "summarise"]}


@schema.hook
def map_path_parameters(context: Any, path_parameters: dict[str, Any] | None) -> dict[str, Any] | None:
    """Half of the time ask for what is there."""
    for name, value in (path_parameters or {}).items():
        length = len(str(value))
        if path_parameters is not None and name in KNOWN and length % 2:
            path_parameters[name] = KNOWN[name][length % len(KNOWN[name])]
    return path_parameters


@schema.parametrize()
@settings(
    max_examples=5,
    deadline=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
def test_the_api_keeps_to_its_document(case: Any, served: Served) -> None:
    case.call_and_validate(
        base_url=served.address, headers={"Authorization": f"Bearer {served.token}"}, excluded_checks=EXCLUDED
    )
