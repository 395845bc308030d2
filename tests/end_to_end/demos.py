"""The demo as a test meets it: its process, where it listens, and what its workers leave in the world outside."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from mulligan import Mulligan
from tests.end_to_end.programs import Program
from tests.house.source import ROOT

DATA = Path(".mulligan/demo")


@dataclass(frozen=True, slots=True)
class Demo:
    """``search``: address of the search service, the outside world of the outage."""

    program: Program
    folder: Path
    url: str
    token: str
    search: str

    @property
    def database(self) -> Path:
        return self.folder / DATA / "mulligan.db"

    def files_read(self) -> int:
        """How often a file was read: each time leaves a line, whatever the engine believes."""
        return len((self.folder / DATA / "parsed.log").read_text().splitlines())

    @asynccontextmanager
    async def app(self) -> AsyncIterator[Mulligan]:
        app = Mulligan(self.url, token=self.token)
        try:
            yield app
        finally:
            await app.client.close_session()
            app.close()

    async def run_ids(self) -> set[str]:
        async with self.app() as app:
            return {run.id async for run in app.runs.query("")}


def start_demo(folder: Path) -> Program:
    command = [sys.executable, "-m", "examples.demo", "--port", "0", "--search-port", "0"]
    return Program(command, folder, {"PYTHONPATH": str(ROOT)})


def wait_until_ready(program: Program, folder: Path) -> Demo:
    dashboard = program.wait_for(r"dashboard +(http://\S+)/#token=(\S+)")
    search = program.wait_for(r"search service +(http://\S+)")
    program.wait_for("Ctrl-C stops the demo")
    return Demo(program, folder, dashboard[1], dashboard[2], search[1])
