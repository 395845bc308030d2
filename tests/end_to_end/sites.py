"""A server and a worker in processes of their own, and the API as anybody may call it."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2

from tests.end_to_end.programs import Program, call, mulligan

FINISHED = ("succeeded", "failed", "cancelled")


class Api:
    """REST in plain bytes: nothing between the test and the server parses a payload. Close it in the end."""

    def __init__(self, url: str, token: str) -> None:
        self.url = url
        self.token = token
        self._client = httpx2.Client(
            base_url=f"{url}/api/v1", headers={"Authorization": f"Bearer {token}"}, timeout=30, trust_env=False
        )

    def __enter__(self) -> Api:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    @property
    def link(self) -> str:
        """The dashboard, signed in."""
        return f"{self.url}/#token={self.token}"

    def ask(self, path: str, **query: str) -> Any:
        return self._client.get(path, params=query).raise_for_status().json()

    def text(self, path: str) -> bytes:
        """A payload as it is stored."""
        return self._client.get(path).raise_for_status().content

    def send(self, path: str, body: bytes) -> httpx2.Response:
        return self.request("POST", path, body)

    def request(self, method: str, path: str, body: bytes = b"", key: str = "") -> httpx2.Response:
        """``key``: the idempotency key. Raises ``httpx2.TransportError`` when there was no answer."""
        headers = {"Content-Type": "application/json"} | ({"Idempotency-Key": key} if key else {})
        return self._client.request(method, path, content=body, headers=headers)

    def count(self) -> int:
        """All runs that there are."""
        return int(self.ask("/runs/count")["total"])

    def only_run(self, query: str) -> str:
        (run,) = self.ask("/runs", q=query)["items"]
        return str(run["id"])

    def finished(self, workflow: str, document: bytes) -> Any:
        """A run that has just been started with exactly this input, after its end."""
        body = b'{"workflow": "%s", "input": %s}' % (workflow.encode(), document)
        run = self.send("/runs?wait_s=30", body).raise_for_status().json()
        assert run["status"] in FINISHED, run
        return run


@dataclass(frozen=True, slots=True)
class Site:
    folder: Path
    api: Api
    server: Program
    worker: Program

    @property
    def database(self) -> Path:
        return self.folder / ".mulligan" / "mulligan.db"

    def call(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run one `mulligan` command in the site's folder."""
        return call(self.folder, *arguments)


@contextmanager
def serving(folder: Path, app: str, *options: str) -> Iterator[Site]:
    """A site for the program ``app`` until the end of the block; then both processes have to leave in peace."""
    (folder / "app.py").write_text(app)
    with Program(mulligan("server", "--port", "0", *options), folder) as server:
        url = server.wait_for(r"serving sqlite:///\S+ at (http://\S+)")[1].rstrip("/")
        with Program(mulligan("worker", "app.py:m", "--name", "tester"), folder) as worker:
            worker.wait_for("Worker tester is connected")
            with Api(url, (folder / ".mulligan" / "token").read_text().strip()) as api:
                yield Site(folder, api, server, worker)
            worker.send(signal.SIGTERM)
            assert worker.end() == 0, worker.output
        server.send(signal.SIGTERM)
        assert server.end() == 0, server.output
    assert "Traceback" not in server.output, server.output
