"""`kill -9` at many moments: every run ends, nothing acknowledged is lost, no result counts twice."""

from __future__ import annotations

import json
import random
import signal
import socket
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Literal

import httpx2
import pytest

from tests.end_to_end.books import Books, World, wait_until
from tests.end_to_end.programs import Program, mulligan
from tests.end_to_end.sites import FINISHED, Api
from tests.end_to_end.story_to_kill import write_down

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

STORY = Path(__file__).with_name("story_to_kill.py")
Victims = tuple[Literal["server", "worker"], ...]
SERVER: Victims = ("server",)
WORKER: Victims = ("worker",)
BOTH: Victims = ("server", "worker")


# ── Server and worker ────────────────────────────────────────────────────────────────────────────────────────────────


class Client:
    """Starts runs, looks at their ends and replays some. What is not answered it asks again, under the same key; what
    is answered it writes down, before it does anything else."""

    MOST_UNFINISHED = 10

    def __init__(self, world: World, api: Api) -> None:
        self._world = world
        self._api = api
        self._closing = threading.Event()
        self._given_up = threading.Event()
        self._unfinished: list[str] = []
        self._started = 0
        self.replays: dict[str, str] = {}
        self.failures: dict[str, Any] = {}
        self._thread = ThreadPoolExecutor(1, "client")

    def __enter__(self) -> Client:
        self._work = self._thread.submit(self._be_busy)
        return self

    def __exit__(self, wrong: object, *_: object) -> None:
        """Start nothing new, and wait for every run that was accepted, unless something went wrong already."""
        self._closing.set()
        if wrong:
            self._given_up.set()
        with self._thread:
            self._work.result()

    def _be_busy(self) -> None:
        while (not self._closing.is_set() or self._unfinished) and not self._given_up.is_set():
            if not self._closing.is_set() and len(self._unfinished) < self.MOST_UNFINISHED:
                self._start()
            for run in self._unfinished[:]:
                self._look(run)
            self._given_up.wait(0.02)  # the processor is for those who are tested

    def _start(self) -> None:
        body = b'{"workflow": "story", "input": %d}' % self._started
        run = self._insist("POST", "/runs", body, f"story/{self._started}").json()["id"]
        self._note("accepted", run)
        self._started += 1
        self._unfinished.append(run)

    def _look(self, run: str) -> None:
        seen = self._insist("GET", f"/runs/{run}").json()
        if seen["status"] not in FINISHED:
            return
        self._unfinished.remove(run)
        if seen["status"] != "succeeded":
            self.failures[run] = seen["failure"]
            return
        self._note("ended", run, self._insist("GET", f"/runs/{run}/steps/end/output").json())
        if seen["source_id"] is None and len(self.replays) < self._started // 3:
            again = self._insist("POST", f"/runs/{run}/replay", b'{"start_steps": ["right"]}', f"again/{run}").json()
            self._note("accepted", again["id"])
            self.replays[again["id"]] = run
            self._unfinished.append(again["id"])

    def _insist(self, method: str, path: str, body: bytes = b"", key: str = "") -> httpx2.Response:
        while not self._given_up.wait(0.002):
            try:
                answer = self._api.request(method, path, body, key)
            except httpx2.TransportError:
                self._given_up.wait(0.02)  # the server is dead; ask again until it is back
                continue
            if answer.status_code != 503:
                return answer.raise_for_status()
        raise TimeoutError(f"{method} {path} was never answered")

    def _note(self, *words: str) -> None:
        write_down(self._world.ledger, json.dumps(words))


class Crew:
    """A server and a worker that are killed and started anew on the same data, at the same address."""

    def __init__(self, world: World, stack: ExitStack) -> None:
        self._world = world
        self._stack = stack
        with socket.create_server(("127.0.0.1", 0)) as free:
            self._port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self._port}"
        self._programs = {"server": self._start_server()}
        self.token = (world.folder / ".mulligan" / "token").read_text().strip()
        self._programs["worker"] = self._start_worker()

    def kill(self, victims: Victims) -> None:
        for victim in victims:
            self._programs[victim].send(signal.SIGKILL)
        for victim in victims:
            assert self._programs[victim].end() == -signal.SIGKILL
        if "server" in victims:
            self._programs["server"] = self._start_server()
        if "worker" in victims:
            self._programs["worker"] = self._start_worker()

    def dismiss(self) -> None:
        for name in ("worker", "server"):
            self._programs[name].send(signal.SIGTERM)
            assert self._programs[name].end() == 0, self._programs[name].output
            assert "Traceback" not in self._programs[name].output

    def last_words(self) -> str:
        return "\n".join(f"{name}:\n{program.output[-4000:]}" for name, program in self._programs.items())

    def _start_server(self) -> Program:
        command = mulligan("server", "--port", str(self._port))
        server = self._stack.enter_context(Program(command, self._world.folder, self._world.environment))
        server.wait_for("serving sqlite")
        return server

    def _start_worker(self) -> Program:
        where = {"MULLIGAN_URL": self.url, "MULLIGAN_TOKEN": self.token}
        command = mulligan("worker", f"{STORY}:m", "--slots", "8")
        worker = Program(command, self._world.folder, {**self._world.environment, **where})
        return self._stack.enter_context(worker)


@contextmanager
def crew_at_work(world: World) -> Iterator[tuple[Crew, Client]]:
    """Until the end of the block a client makes runs; afterwards all of them end, and both programs leave in peace."""
    with ExitStack() as stack:
        crew = Crew(world, stack)
        with Api(crew.url, crew.token) as api:
            wait_until(lambda: any(each["name"] == "story" for each in api.ask("/workflows")["items"]))
            try:
                with Client(world, api) as client:
                    yield crew, client
            except BaseException as error:
                error.add_note(crew.last_words())
                raise
        crew.dismiss()


def test_server_and_worker_are_killed_again_and_again(tmp_path: Path) -> None:
    world = World(tmp_path)
    moments = random.Random(20261122)
    victims = [SERVER] * 5 + [WORKER] * 3 + [BOTH] * 3
    moments.shuffle(victims)
    with crew_at_work(world) as (crew, client):
        for each in victims:
            world.wait_for(moments.randint(5, 25))
            threading.Event().wait(
                moments.uniform(0, 0.03)
            )  # anywhere between two effects, as in the middle of a commit
            crew.kill(each)
        world.wait_for(10)

    books = Books.of_file(world)
    assert {run for run, status in books.status.items() if status == "failed"} >= client.failures.keys()
    try:
        books.check()
    except AssertionError as error:
        error.add_note(f"failures: {client.failures}")
        raise
    told: list[list[Any]] = [json.loads(line) for line in world.ledger.read_text().splitlines()]
    accepted = {run for what, run, *_ in told if what == "accepted"}
    assert accepted <= books.status.keys(), "an acknowledged run is lost"
    assert {run for run, workflow in books.workflow.items() if workflow == "story"} == accepted, "a start counted twice"
    assert len(books.keys) == len(set(books.keys))
    assert {run: books.source[run] for run in client.replays} == client.replays
    for what, run, *output in told:
        if what == "ended":
            assert [books.results[run, "end"]] == output, "an end that somebody had seen has changed"
    kept = {(run, step) for run in client.replays for step in ("begin", "left")}
    assert [effect for effect in books.effects if (effect.run, effect.step) in kept] == [], "a kept step ran again"
    assert any(outcome == "lost" for *_, outcome, _ in books.attempts), "no kill hit a running step: nothing was shown"


# ── One process ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_program_with_its_engine_inside_is_killed_again_and_again(tmp_path: Path) -> None:
    world = World(tmp_path)
    moments = random.Random(20261122)
    program = [sys.executable, str(STORY), "15"]
    for _ in range(5):
        with Program(program, tmp_path, world.environment) as running:
            world.wait_for(moments.randint(3, 12))
            threading.Event().wait(moments.uniform(0, 0.03))
            running.send(signal.SIGKILL)
            assert running.end() == -signal.SIGKILL, running.output
    with Program(program, tmp_path, world.environment) as running:
        assert running.end() == 0, running.output
        assert "Traceback" not in running.output

    books = Books.of_file(world)
    books.check()
    accepted = world.ledger.read_text().split()
    assert len(accepted) == 15
    assert {run for run, workflow in books.workflow.items() if workflow == "story"} == set(accepted)
    assert any(outcome == "lost" for *_, outcome, _ in books.attempts), "no kill hit a running step: nothing was shown"
