"""A desk in front of a server: engine on a memory store, virtual clock, HTTP without a network, and a worker.

The worker speaks the session protocol as any SDK process does; only its functions are plain ones.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest

from mulligan.core.records import (
    Argument,
    Reading,
    RecordedError,
    Retry,
    StepDefinition,
    StepKind,
    WorkflowDefinition,
)
from mulligan.engine.api import Engine
from mulligan.ports.clock import Clock
from mulligan.server.app import ServerApp, create_app
from mulligan.server.session.session import Session
from mulligan.server.site import ALL_SCOPES, Call, Caller, ServerSettings
from mulligan.server.tokens import make_token
from mulligan.stores.memory import MemoryStore
from mulligan.testing.clock import SeededChance, VirtualClock, settle
from mulligan.wire.messages import (
    PROTOCOL,
    Assign,
    Beat,
    Credit,
    FromSdk,
    FromServer,
    Hello,
    Report,
)

Function = Callable[[bytes], bytes]

DOC = (
    '{"type":"object","properties":{"id":{"type":"integer"},"lang":{"enum":["en","fr"]}},'
    '"required":["id"],"additionalProperties":false}'
)
SUMMARY_INPUT = (
    '{"type":"object","properties":{"doc":' + DOC + ',"pieces":{"type":"array","items":{"type":"string"}}},'
    '"required":["doc","pieces"]}'
)

SUMMARISE = WorkflowDefinition(
    name="summarise",
    input_schema=DOC,
    doc="Summarises documents.",
    label="git 3fe1a",
    steps=(
        StepDefinition(
            name="fetch", arguments=(Argument("doc", "input"),), file="app.py", line=10, doc="Gets the text."
        ),
        StepDefinition(name="chunk", arguments=(Argument("text", "step:fetch"),), parents=("fetch",)),
        StepDefinition(
            name="summary",
            arguments=(Argument("doc", "input"), Argument("pieces", "step:chunk")),
            parents=("chunk",),
            input_schema=SUMMARY_INPUT,
            retry=Retry(retries=1),
            file="app.py",
            line=50,
        ),
        StepDefinition(
            name="publish", arguments=(Argument("text", "step:summary"),), parents=("summary",), effect="irreversible"
        ),
    ),
)
HELLO = WorkflowDefinition(
    name="hello",
    is_task=True,
    input_schema='{"type":"object","properties":{"name":{"type":"string"}},"required":["name"]}',
    steps=(StepDefinition(name="hello", arguments=(Argument("name", "input:name"),)),),
)
NAPPER = WorkflowDefinition(
    name="napper",
    steps=(
        StepDefinition(name="before"),
        StepDefinition(name="nap", kind=StepKind.SLEEP, parents=("before",)),
        StepDefinition(name="after", parents=("nap",)),
        StepDefinition(name="alert", kind=StepKind.ON_FAILURE, arguments=(Argument("failure", "failure"),)),
    ),
)
DEFINITIONS = [SUMMARISE, HELLO, NAPPER]


class StepFailed(Exception):
    """What a worker's function raises; its message becomes the error's."""


@dataclass
class Worker:
    """An SDK process at a session. Answers each assignment at once, unless it holds its answers."""

    session: Session
    clock: Clock
    definitions: list[WorkflowDefinition]
    functions: dict[str, Function]
    id: str = "worker-1"
    name: str = "eu-1"
    holding: bool = False
    readings: dict[str, list[Reading]] = field(default_factory=dict)
    assigns: list[Assign] = field(default_factory=list)
    heard: list[FromServer] = field(default_factory=list)
    tasks: list[asyncio.Task[None]] = field(default_factory=list)

    async def connect(self, slots: int = 8) -> None:
        hello = Hello(PROTOCOL, self.id, self.name, "here", 7, "test/1", slots, {"zone": "a"}, self.definitions, [])
        self.tasks = [asyncio.create_task(self._listen()), asyncio.create_task(self._beat())]
        await self.say(hello, Credit(slots))
        await settle()

    async def say(self, *messages: FromSdk) -> None:
        await self.session.handle(messages)

    async def _listen(self) -> None:
        while True:
            messages = await self.session.take()
            self.heard += messages
            assigns = [message for message in messages if isinstance(message, Assign)]
            self.assigns += assigns
            if not self.holding:
                await self.answer(assigns)

    async def _beat(self) -> None:
        while True:
            await self.clock.sleep(timedelta(seconds=10))
            await self.say(Beat())

    async def answer(self, assigns: list[Assign]) -> None:
        if assigns:
            await self.say(*[self._report(assign) for assign in assigns], Credit(len(assigns)))

    def _report(self, assign: Assign) -> Report:
        step = assign.lease.step
        readings = self.readings.get(step, [])
        try:
            output = self.functions[step](assign.input)
        except StepFailed as failure:
            error = RecordedError(type="app.StepFailed", message=str(failure))
            return Report(assign.lease, "failed", error=error, readings=readings, ran_ms=3.0)
        return Report(assign.lease, "succeeded", output=output, readings=readings, ran_ms=3.0)

    def heard_of(self, kind: type[Any]) -> list[Any]:
        return [message for message in self.heard if isinstance(message, kind)]

    async def close(self) -> None:
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        await self.session.close()


@dataclass
class Desk:
    engine: Engine
    clock: VirtualClock
    app: ServerApp
    http: httpx2.AsyncClient
    tokens: dict[str, str]
    functions: dict[str, Function]
    workers: list[Worker] = field(default_factory=list)

    def call(self, *scopes: str, namespace: str = "default") -> Call:
        chosen = frozenset(scope for scope in ALL_SCOPES if scope in (scopes or ALL_SCOPES))
        return Call(self.app.site, Caller(namespace, "tester", chosen))

    def session(self, *scopes: str, namespace: str = "default") -> Session:
        return Session(self.call(*scopes, namespace=namespace))

    def new_worker(self, definitions: list[WorkflowDefinition] | None = None, **given: Any) -> Worker:
        worker = Worker(self.session("worker"), self.clock, definitions or DEFINITIONS, self.functions, **given)
        self.workers.append(worker)
        return worker

    async def worker(self, definitions: list[WorkflowDefinition] | None = None, **given: Any) -> Worker:
        worker = self.new_worker(definitions, **given)
        await worker.connect()
        return worker

    async def register(self, *definitions: WorkflowDefinition) -> None:
        await self.engine.register("default", definitions or DEFINITIONS)

    async def get(self, path: str, status: int = 200, /, **query: Any) -> Any:
        response = await self.http.get(path, params=query)
        assert response.status_code == status, response.text
        return response.json()

    async def post(self, path: str, body: object = None, status: int = 200, **options: Any) -> Any:
        response = await self.http.post(path, json=body, **options)
        assert response.status_code == status, response.text
        return response.json() if response.content else None

    async def start(self, workflow: str = "hello", run_input: object = None, **more: Any) -> Any:
        given = {"name": "ada"} if run_input is None else run_input
        return await self.post("/runs", {"workflow": workflow, "input": given, **more}, 201)

    async def run(self, workflow: str = "hello", run_input: object = None, **more: Any) -> Any:
        """Start a run, and let everything that needs no time happen."""
        started = await self.start(workflow, run_input, **more)
        await settle()
        return await self.get(f"/runs/{started['id']}")

    async def failed_run(self) -> Any:
        """A run of ``summarise`` that failed at ``summary`` after its retry."""
        run = await self.run("summarise", {"id": 1, "lang": "en"})
        await self.clock.advance(timedelta(seconds=5))
        return await self.get(f"/runs/{run['id']}")


def fail(_: bytes) -> bytes:
    raise StepFailed("429 Too Many Requests")


FUNCTIONS: dict[str, Function] = {
    "hello": lambda document: b'"hello"',
    "fetch": lambda document: b'"one two"',
    "chunk": lambda document: b'["one", "two"]',
    "summary": fail,
    "publish": lambda document: b"true",
    "before": lambda document: b"null",
    "after": lambda document: b"null",
    "alert": lambda document: b"null",
}


async def admit(engine: Engine, name: str, *scopes: str, namespace: str = "default", **more: Any) -> str:
    """A token with these scopes, known to the store."""
    secret = "".join(engine.chance.new_token() for _ in range(4))
    text, token = make_token(
        engine.chance.new_id(),
        secret,
        name=name,
        namespace=namespace,
        scopes=scopes,
        created_at=engine.clock.now(),
        **more,
    )
    await engine.store.save_token(token)
    return text


NOT_BUILT = Path("/nowhere")
SETTINGS = ServerSettings(version="0.0.0", cookie_key=b"k" * 32)


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    clock = VirtualClock()
    engine = Engine(MemoryStore(), clock, SeededChance(1))
    await engine.start()
    tokens: dict[str, str] = {scope: await admit(engine, scope, scope) for scope in ALL_SCOPES}
    tokens["elsewhere"] = await admit(engine, "stranger", *ALL_SCOPES, namespace="elsewhere")
    app = create_app(engine, SETTINGS, dashboard=NOT_BUILT)
    http = httpx2.AsyncClient(
        transport=httpx2.ASGITransport(app),
        base_url="http://localhost/api/v1",
        headers={"Authorization": f"Bearer {tokens['admin']}"},
    )
    made = Desk(engine, clock, app, http, tokens, dict(FUNCTIONS))
    yield made
    for worker in made.workers:
        await worker.close()
    await http.aclose()
    await app.close()
    await engine.stop()
