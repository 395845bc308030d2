"""Every place where a text can enter, with every text that breaks systems like this one: it is refused, or it comes
back to the letter, and the next hundred runs do not notice (reliability, section 9)."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

import httpx2
import pytest

from mulligan.app.system import SystemChance, SystemClock
from mulligan.core.decide.policy import Policy
from mulligan.core.records import Frame, Reading, RecordedError, StepDefinition, WorkflowDefinition
from mulligan.engine.api import Engine
from mulligan.errors import InvalidInput
from mulligan.ports.store import Store
from mulligan.server.app import create_app
from mulligan.server.session.session import Session
from mulligan.server.site import ALL_SCOPES, Call, Caller
from mulligan.stores.memory import MemoryStore
from mulligan.stores.postgres import PostgresStore
from mulligan.stores.sqlite import SqliteStore
from mulligan.testing.clock import EPOCH
from mulligan.wire.frames import decode_from_sdk, encode_frames
from mulligan.wire.messages import (
    PROTOCOL,
    Accepted,
    Acknowledge,
    Assign,
    Credit,
    FromServer,
    Hello,
    Lease,
    LogEntry,
    Logs,
    Message,
    Release,
    Report,
    Start,
    StartAnswer,
    StartSpec,
    Unwatch,
    Watch,
    Welcome,
)
from mulligan.wire.messages import Refused as Refusal
from tests.postgres import empty_postgres, postgres_database, postgres_server, postgres_url
from tests.server.conftest import HELLO, NOT_BUILT, SETTINGS, admit

__all__ = ["empty_postgres", "postgres_database", "postgres_server", "postgres_url"]

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

M = TypeVar("M")

TEXTS = {
    "ordinary": "ordinary",
    "NUL": "a\0b",
    "NUL, escaped": "a\\u0000b",
    "other controls": "\x01\x08\x0b\x1b\x7f\x85",
    "separators of files": "\x1c\x1d\x1e\x1f",
    "noncharacters": "\ufdd0\ufdd1\ufdd2\ufdd5\ufdd6\uffff",
    "byte order mark": "\ufeffa",
    "right to left, joiners, combining": "\u202eabc\u200d\u0301",
    "four bytes": "😀👩\u200d👩\u200d👧 \U0010ffff",
    "line separators": "a\u2028b\u2029c",
    "CRLF": "a\r\nSet-Cookie: x=1",
    "spaces": "  \t ",
    "HTML": "<script>alert(1)</script><svg onload=alert(1)> javascript:alert(1)",
    "ANSI and OSC": "\x1b[31mred\x1b]0;title\x07",
    "CSV formula": "=cmd|' /C calc'!A0",
    "SQL": "'; DROP TABLE runs; --",
    "wildcards": "%_*?[a]\\",
    "path": "../../etc/passwd",
    "prototype": "__proto__",
    "star": "*",
    "null": "null",
    "JSON": '{"a": [1, "\\ud800"]}',
    "quotes": "\"'`\\",
    "query": 'status:failed -x "y',
    "long": "x" * 2_000,
    "longer": "é" * 70_000,
    "nothing": "",
}


class Refused(Exception):
    """What was handed in is not taken, and the caller was told so."""


class Peer:
    """An SDK process as the socket sees it: frames of bytes in and out."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self._heard: list[FromServer] = []

    async def say(self, *messages: Message) -> None:
        for frame in encode_frames(messages):
            await self.session.handle(decode_from_sdk(frame))

    async def hear(self, kind: type[M]) -> M:
        """The next message of this kind; others are kept. Raises Refused if the server refuses something before."""
        while True:
            for place, message in enumerate(self._heard):
                if isinstance(message, kind | Refusal):
                    del self._heard[place]
                    if isinstance(message, kind):
                        return message
                    raise Refused(message)
            async with asyncio.timeout(10):
                self._heard += await self.session.take()


@dataclass
class House:
    """A server on a real store, whoever calls it, and one worker for the task ``hello`` that answers when told to."""

    engine: Engine
    call: Call
    http: httpx2.AsyncClient
    worker: Peer

    async def ask(self, method: str, path: str, body: object = None, **options: Any) -> Any:
        """The answer's JSON. Raises Refused for a 4xx that says why; anything else is a failure."""
        content = None if body is None else json.dumps(body).encode()
        try:
            response = await self.http.request(method, path, content=content, **options)
        except httpx2.InvalidURL as error:
            raise Refused from error  # it never leaves the caller
        if 400 <= response.status_code < 500:
            assert response.json()["detail"]
            raise Refused(response.json()["code"])
        assert response.is_success, f"{method} {path}: {response.status_code} {response.text}"
        return response.json() if response.content else None

    async def start(self, name: str = "ada", **more: Any) -> str:
        return str((await self.ask("POST", "/runs", {"workflow": "hello", "input": {"name": name}, **more}))["id"])

    async def assigned(self) -> Assign:
        return await self.worker.hear(Assign)

    async def finish(self, assign: Assign, *messages: Message, **report: Any) -> None:
        given = report or {"output": b"1"}
        outcome = "failed" if "error" in given else "succeeded"
        await self.worker.say(*messages, Report(assign.lease, outcome, **given), Credit(1))
        await self.worker.hear(Acknowledge)

    async def finish_one(self) -> None:
        await self.start()
        await self.finish(await self.assigned())

    async def failed_run(self) -> str:
        run_id = await self.start()
        await self.finish(await self.assigned(), error=RecordedError("Broken", "broken", retryable=False))
        return run_id

    async def step(self, run_id: str) -> Any:
        return await self.ask("GET", f"/runs/{run_id}/steps/hello")

    async def a_hundred_runs(self) -> None:
        """As if nothing had happened."""
        runs = [{"workflow": "hello", "input": {"name": f"ada {number}"}} for number in range(100)]
        answers = (await self.ask("POST", "/runs/bulk", {"runs": runs}))["items"]
        left = {answer["id"] for answer in answers}
        while left:
            assign = await self.assigned()
            await self.finish(assign, output=assign.input)
            left.remove(assign.lease.run_id)
        for number, answer in enumerate(answers):
            run = await self.ask("GET", f"/runs/{answer['id']}")
            assert (run["status"], run["output"]) == ("succeeded", {"name": f"ada {number}"})


@pytest.fixture(params=["memory", "sqlite", "postgres"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    if request.param == "memory":
        return MemoryStore()
    if request.param == "sqlite":
        return SqliteStore(tmp_path / "mulligan.db")
    return PostgresStore(request.getfixturevalue("postgres_url"), SystemClock())


@pytest.fixture
async def house(store: Store) -> AsyncIterator[House]:
    # the worker has no heart: it lives as long as the test
    engine = Engine(store, SystemClock(), SystemChance(), Policy(worker_ttl=timedelta(hours=1)))
    await engine.start()
    token = await admit(engine, "house", "admin")
    app = create_app(engine, SETTINGS, dashboard=NOT_BUILT)
    call = Call(app.site, Caller("default", "house", frozenset(ALL_SCOPES)))
    http = httpx2.AsyncClient(
        transport=httpx2.ASGITransport(app),
        base_url="http://localhost/api/v1",
        headers={"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
    )
    worker = Peer(Session(call))
    await worker.say(Hello(PROTOCOL, "w1", "w1", "here", 7, "test", 200, {}, [HELLO], []), Credit(200))
    await worker.hear(Welcome)
    yield House(engine, call, http, worker)
    await worker.session.close()
    await http.aclose()
    await app.close()
    await engine.stop()


# ── The places ───────────────────────────────────────────────────────────────────────────────────────────────────────

Place = Callable[[House, str], Awaitable[object]]
PLACES: dict[str, Place] = {}


def place(function: Place) -> Place:
    """Puts a text somewhere and returns what comes back. Raises Refused if it is not taken."""
    PLACES[function.__name__] = function
    return function


@place
async def input_over_rest(house: House, text: str) -> object:
    run_id = await house.start(text)
    assign = await house.assigned()
    await house.finish(assign)
    assert json.loads(assign.input)["name"] == text
    return (await house.ask("GET", f"/runs/{run_id}/input"))["name"]


@place
async def metadata_over_rest(house: House, text: str) -> object:
    run_id = await house.start(metadata={text: text})
    assign = await house.assigned()
    await house.finish(assign)
    assert assign.metadata == {text: text}
    ((key, value),) = (await house.ask("GET", f"/runs/{run_id}"))["metadata"].items()
    assert key == text
    return value


@place
async def key_over_rest(house: House, text: str) -> object:
    item = {"workflow": "hello", "input": {"name": "ada"}, "idempotency_key": text}
    (answer,) = (await house.ask("POST", "/runs/bulk", {"runs": [item]}))["items"]
    if "problem" in answer:
        raise Refused(answer["problem"]["code"])
    await house.finish(await house.assigned())
    (again,) = (await house.ask("POST", "/runs/bulk", {"runs": [item]}))["items"]
    assert again == {"id": answer["id"], "existing": True}
    return (await house.ask("GET", f"/runs/{answer['id']}"))["idempotency_key"]


@place
async def key_in_a_header(house: House, text: str) -> object:
    body = {"workflow": "hello", "input": {"name": "ada"}}
    headers = {b"Idempotency-Key": f"by header {text}".encode()}
    run = await house.ask("POST", "/runs", body, headers=headers)
    await house.finish(await house.assigned())
    assert (await house.ask("POST", "/runs", body, headers=headers))["id"] == run["id"]
    return run["idempotency_key"].removeprefix("by header ")


@place
async def variable_over_rest(house: House, text: str) -> object:
    await house.start(playground={"hello": {text: text}})
    assign = await house.assigned()
    await house.finish(assign)
    ((name, value),) = assign.overrides.items()
    assert name == text
    return json.loads(value)


@place
async def name_of_a_workflow_over_rest(house: House, text: str) -> object:
    return await house.ask("POST", "/runs", {"workflow": text})


@place
async def question_over_rest(house: House, text: str) -> object:
    for path in ("/runs", "/runs/count", "/runs/histogram"):
        assert await house.ask("GET", path, params={"q": text}) is not None
    return text


@place
async def path_over_rest(house: House, text: str) -> object:
    if text in ("", "*"):
        raise Refused  # another address, which is there
    for path in ("/runs/{}", "/runs/{}/steps/hello", "/workflows/{}", "/inbox/{}", "/replays/{}", "/documents/view/{}"):
        with pytest.raises(Refused):
            await house.ask("GET", path.format(quote(text, safe="")))
    return text


@place
async def edit_of_a_step(house: House, text: str) -> object:
    body = {"inputs": {"hello": {"name": text}}}
    replayed = await house.ask("POST", f"/runs/{await house.failed_run()}/replay", body)
    assign = await house.assigned()
    await house.finish(assign)
    (edit,) = replayed["plan"]["edits"]
    assert edit["after"] == text
    return json.loads(assign.input)["name"]


@place
async def edit_of_the_run_input(house: House, text: str) -> object:
    body = {"input_patch": [{"op": "replace", "path": "/name", "value": text}]}
    replayed = await house.ask("POST", f"/runs/{await house.failed_run()}/replay", body)
    await house.finish(await house.assigned())
    return (await house.ask("GET", f"/runs/{replayed['id']}/input"))["name"]


@place
async def reason_of_a_replay(house: House, text: str) -> object:
    replayed = await house.ask("POST", f"/runs/{await house.failed_run()}/replay", {"reason": text})
    await house.finish(await house.assigned())
    return (await house.ask("GET", f"/runs/{replayed['id']}"))["replay"]["reason"]


@place
async def author_of_a_replay(house: House, text: str) -> object:
    token = await house.ask("POST", "/tokens", {"name": text, "scopes": ["operate"]})
    headers = {"Authorization": f"Bearer {token['token']}"}
    replayed = await house.ask("POST", f"/runs/{await house.failed_run()}/replay", {}, headers=headers)
    await house.finish(await house.assigned())
    return (await house.ask("GET", f"/runs/{replayed['id']}"))["replay"]["author"]


@place
async def reason_of_a_cancel(house: House, text: str) -> object:
    run_id = await house.start(delay_s=60)
    await house.ask("POST", f"/runs/{run_id}/cancel", {"reason": text})
    events = (await house.ask("GET", f"/runs/{run_id}/events"))["items"]
    (said,) = [event["text"] for event in events if "cancelled" in event["text"]]
    return text if text in said else said


@place
async def note_in_the_inbox(house: House, text: str) -> object:
    run = await house.ask("GET", f"/runs/{await house.failed_run()}")
    await house.ask("POST", f"/inbox/{run['fingerprint']}", {"status": "open", "note": text})
    return (await house.ask("GET", f"/inbox/{run['fingerprint']}"))["note"]["note"]


@place
async def document_kept_for_people(house: House, text: str) -> object:
    await house.ask("PUT", "/documents/draft/mine", {"value": {"text": text}})
    return (await house.ask("GET", "/documents/draft/mine"))["value"]["text"]


@place
async def start_over_the_socket(house: House, text: str) -> object:
    spec = StartSpec(
        run_id=house.engine.chance.new_id(), workflow="hello", input=json.dumps({"name": text}).encode(),
        metadata={text: text}, idempotency_key=f"{text} over the socket",
    )  # fmt: skip
    await house.worker.say(Start(1, [spec]))
    answer = await house.worker.hear(StartAnswer)
    if answer.problems:
        raise Refused(answer.problems[0][0])
    assert answer.answers == [Accepted(spec.run_id)]
    await house.finish(await house.assigned())
    run = await house.ask("GET", f"/runs/{spec.run_id}")
    assert (run["metadata"], run["idempotency_key"]) == ({text: text}, spec.idempotency_key)
    return run["input"]["name"]


@place
async def workflow_over_the_socket(house: House, text: str) -> object:
    for workflow, version in ((text, None), ("hello", text)):
        spec = StartSpec(house.engine.chance.new_id(), workflow, b'{"name":"ada"}', version)
        await house.worker.say(Start(1, [spec]))
        assert (await house.worker.hear(StartAnswer)).problems
    await house.worker.say(Watch([text]))
    with pytest.raises(Refused):
        await house.worker.hear(StartAnswer)
    return text


@place
async def output(house: House, text: str) -> object:
    run_id = await house.start()
    await house.finish(await house.assigned(), output=json.dumps({text: text}).encode())
    ((key, value),) = (await house.ask("GET", f"/runs/{run_id}/steps/hello/output")).items()
    assert key == text
    return value


@place
async def error(house: House, text: str) -> object:
    run_id = await house.start()
    cause = RecordedError(text, text, (Frame(text, 1, text, text, in_app=True),), retryable=False)
    await house.finish(await house.assigned(), error=RecordedError(text, text, cause.frames, cause, retryable=False))
    (tried,) = (await house.step(run_id))["tries"]
    shown = tried["error"]
    if shown["type"] == "mulligan.InvalidResult":
        raise Refused(shown["message"])
    for each in (shown, shown["cause"]):
        (frame,) = each["frames"]
        assert {each["type"], each["message"], frame["file"], frame["function"], frame["code"]} == {text}
    run = await house.ask("GET", f"/runs/{run_id}")
    group = await house.ask("GET", f"/inbox/{run['fingerprint']}")
    assert group["error_type"] == run["error_type"]
    return shown["message"]


@place
async def reading_of_a_variable(house: House, text: str) -> object:
    run_id = await house.start()
    value = json.dumps(text)
    read = Reading(name=text, default=value, value=value, schema="{}", file=text, line=1)
    await house.finish(await house.assigned(), output=b"1", readings=[read])
    (tried,) = (await house.step(run_id))["tries"]
    if tried["error"] is not None:
        raise Refused(tried["error"]["message"])
    (shown,) = tried["readings"]
    assert (shown["name"], shown["default"], shown["file"]) == (text, text, text)
    return shown["value"]


@place
async def log_line(house: House, text: str) -> object:
    run_id = await house.start()
    assign = await house.assigned()
    line = LogEntry(house.engine.clock.now(), 20, text, text)
    await house.finish(assign, Logs(assign.lease, [line]))
    (shown,) = (await house.ask("GET", f"/runs/{run_id}/logs"))["items"]
    assert text.startswith(shown["logger"])
    return text if shown["message"] == text[: 64 * 1024] else shown["message"]


@place
async def worker_that_says_hello(house: House, text: str) -> object:
    peer = Peer(Session(house.call))
    worker_id = house.engine.chance.new_id()
    try:
        await peer.say(Hello(PROTOCOL, worker_id, text, text, 7, text, 1, {text: text}, [HELLO], []))
        await peer.hear(Welcome)
        (shown,) = [each for each in (await house.ask("GET", "/workers"))["items"] if each["id"] == worker_id]
        assert (shown["host"], shown["sdk"], shown["labels"]) == (text, text, {text: text})
        return shown["name"]
    finally:
        await peer.session.close()


@place
async def workflow_that_is_declared(house: House, text: str) -> object:
    peer = Peer(Session(house.call))
    step = StepDefinition(name="say", doc=text, file=text)
    definition = WorkflowDefinition(name=f"said by {text}", steps=(step,), doc=text, label=text)
    worker_id = house.engine.chance.new_id()
    try:
        await peer.say(Hello(PROTOCOL, worker_id, "named", "here", 7, "test", 1, {}, [definition], []))
        await peer.hear(Welcome)
        shown = await house.ask("GET", f"/workflows/{quote(definition.name, safe='')}")
        assert (shown["label"], shown["steps"][0]["doc"], shown["steps"][0]["file"]) == (text, text, text)
        return shown["doc"]
    finally:
        await peer.session.close()


# ── The tests ────────────────────────────────────────────────────────────────────────────────────────────────────────


NEVER_THERE = {"name_of_a_workflow_over_rest"}


async def put(house: House, where: str, name: str) -> None:
    text = TEXTS[name]
    try:
        back = await PLACES[where](house, text)
    except Refused:
        assert name != "ordinary" or where in NEVER_THERE, "nothing is taken here"
    else:
        assert back == text, f"{name} came back differently"


@pytest.mark.parametrize("where", PLACES)
async def test_a_text_is_refused_or_comes_back_to_the_letter(house: House, where: str) -> None:
    for name in TEXTS:
        try:
            await put(house, where, name)
        except Exception as broken:
            broken.add_note(f"{name}, as {where.replace('_', ' ')}")
            raise


async def test_the_next_hundred_runs_do_not_notice(house: House) -> None:
    for where in PLACES:
        for name in ("NUL", "other controls", "separators of files", "four bytes", "longer", "nothing"):
            await put(house, where, name)
    await house.a_hundred_runs()


HALF = "\ud800".encode("utf-8", "surrogatepass")
LEASE = Lease("abc", "abc", 1, "abc")
MESSAGES: list[Message] = [
    Hello(PROTOCOL, "abc", "abc", "abc", 7, "abc", 1, {"abc": "abc"}, [], [LEASE], [LEASE]),
    Start(1, [StartSpec(run_id="abc", workflow="abc", input=b"1", metadata={"abc": "abc"}, idempotency_key="abc")]),
    Watch(["abc"]),
    Unwatch(["abc"]),
    Release([LEASE]),
    Report(LEASE, "abc", error=RecordedError("abc", "abc", (Frame("abc", 1, "abc", "abc", in_app=True),))),
    Logs(LEASE, [LogEntry(EPOCH, 20, "abc", "abc")]),
]


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: type(message).__name__)
async def test_half_a_character_is_in_no_frame(message: Message) -> None:
    """Bytes that no honest encoder writes; each text of a message in its turn."""
    (frame,) = encode_frames([message])
    places = [at for at in range(len(frame)) if frame.startswith(b"abc", at)]
    assert places
    for at in places:
        with pytest.raises(InvalidInput, match="not one of protocol messages"):
            decode_from_sdk(frame[:at] + HALF + frame[at + 3 :])


ODD = Lease("0" * 25 + "\0", "a\0b", 1, "c\0d")


@pytest.mark.parametrize(
    "message",
    [
        Hello(PROTOCOL, "w2", "w2", "here", 7, "test", 1, {}, [HELLO], [ODD]),
        Hello(PROTOCOL, "w2", "w2", "here", 7, "test", 1, {}, [HELLO], [], [ODD]),
        Report(ODD, "succeeded", output=b"1"),
        Release([ODD]),
    ],
    ids=["running", "lost", "report", "release"],
)
async def test_whoever_speaks_of_what_can_be_no_lease_is_sent_away(house: House, message: Message) -> None:
    """And of nothing else is it told: the session ends."""
    peer = Peer(Session(house.call))
    try:
        if not isinstance(message, Hello):
            await peer.say(Hello(PROTOCOL, "w2", "w2", "here", 7, "test", 1, {}, [HELLO], []))
            await peer.hear(Welcome)
        await peer.say(message)
        with pytest.raises(Refused, match="which is no lease"):
            await peer.hear(Acknowledge)
    finally:
        await peer.session.close()
    await house.finish_one()
