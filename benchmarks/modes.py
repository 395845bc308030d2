"""The ways to run Mulligan that are measured: (a) embedded, (b) server and worker on SQLite, (c) on PostgreSQL."""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

from benchmarks import services
from benchmarks.processes import process, run_json, usage_of, wait_until

MULLIGAN = str(Path(sys.executable).with_name("mulligan"))
SLOTS = "500"


@dataclass(slots=True)
class Site:
    """A running mode. ``pids`` by role: server, worker, database, whichever of them there are and can be watched."""

    mode: str
    home: Path
    environment: dict[str, str]
    pids: dict[str, int]
    database: str | None = None

    @property
    def costs_are_whole(self) -> bool:
        """False if a part of the work is done where we cannot look."""
        return self.database is None or "database" in self.pids

    def drive(self, arguments: Sequence[str]) -> list[dict[str, Any]]:
        pids = ",".join(str(pid) for pid in self.pids.values())
        command = [sys.executable, "-m", "benchmarks.driver", "--pids", pids, *arguments]
        results = run_json(command, self.environment, self.home)
        assert isinstance(results, list)
        if not self.costs_are_whole:
            results = [{**result, "cpu_s": None} for result in results]
        return results

    @contextmanager
    def worker(self) -> Iterator[int]:
        command = [MULLIGAN, "worker", "benchmarks/app.py:m", "--slots", SLOTS]
        with process(command, self.home, self.environment, "worker") as pid:
            said = self.home / "worker.log"
            wait_until("the worker's connection", lambda: "is connected" in said.read_text(encoding="utf-8"))
            self.pids["worker"] = pid
            yield pid
        del self.pids["worker"]

    def running(self) -> int:
        """How many runs have not ended, as the server counts them."""
        address = f"{self.environment['MULLIGAN_URL']}/api/v1/runs/count?q=status:running"
        asked = Request(address, headers={"Authorization": f"Bearer {self.environment['MULLIGAN_TOKEN']}"})
        with urlopen(asked) as answer:
            counts: dict[str, int] = json.load(answer)["by_status"]
        return counts.get("running", 0)

    def database_mb(self) -> float:
        """Size on disk in million bytes: tables and indexes, and of SQLite the log beside them."""
        if self.database is None:
            return sum(file.stat().st_size for file in (self.home / "data").glob("mulligan.db*")) / 1e6
        row = services.fetch(self.database, "SELECT pg_database_size(current_database())")
        return int(row[0]) / 1e6


@contextmanager
def site(mode: str, given: str | None, folder: Path, settings: Mapping[str, str] | None = None) -> Iterator[Site]:
    """Everything that a mode needs but its worker. ``given``: the PostgreSQL for mode c, else one of our own, with
    ``settings`` added to its own."""
    with tempfile.TemporaryDirectory(dir=folder) as scratch, ExitStack() as stack:
        home = Path(scratch)
        environment = {"MULLIGAN_DATA": str(home / "data"), "MULLIGAN_SLOTS": SLOTS}
        found = Site(mode, home, environment, {})
        if mode == "c":
            service = stack.enter_context(services.database(home, given, settings))
            found.database = service.url
            if service.pid is not None:
                found.pids["database"] = service.pid
        if mode != "a":
            found.pids["server"] = stack.enter_context(server(found))
        yield found


@contextmanager
def staffed_site(
    mode: str, given: str | None, folder: Path, settings: Mapping[str, str] | None = None
) -> Iterator[Site]:
    with site(mode, given, folder, settings) as found, ExitStack() as stack:
        if mode != "a":
            stack.enter_context(found.worker())
        yield found


@contextmanager
def server(site: Site) -> Iterator[int]:
    command = [MULLIGAN, "server", "--port", "0"]
    if site.database is not None:
        command += ["--database", site.database]
    data = site.home / "data"
    with process(command, site.home, site.environment, "server") as pid:
        wait_until("the server's start", (data / "server.json").exists)
        site.environment["MULLIGAN_URL"] = json.loads((data / "server.json").read_text())["url"]
        site.environment["MULLIGAN_TOKEN"] = (data / "token").read_text().strip()
        yield pid


def measure(mode: str, given: str | None, driver_arguments: list[str], folder: Path) -> dict[str, Any]:
    """Runs the driver against one mode. Returns its results, and what each other process cost meanwhile."""
    with staffed_site(mode, given, folder) as found:
        before = {name: usage_of(pid).cpu_s for name, pid in found.pids.items()}
        results = found.drive(driver_arguments)
        after = {name: usage_of(pid) for name, pid in found.pids.items()}
        measured: dict[str, Any] = {"results": results}
        measured["cpu_s"] = {name: round(usage.cpu_s - before[name], 3) for name, usage in after.items()}
        # PostgreSQL's processes share most of their memory, which would be counted many times
        measured["memory_mb"] = {name: round(after[name].memory_mb, 1) for name in after if name != "database"}
        if found.database is not None:
            measured["postgresql"] = services.facts(found.database)
    return measured
