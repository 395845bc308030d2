"""The ways to run Mulligan that are measured: (a) embedded, (b) server and worker on SQLite, (c) on PostgreSQL."""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from benchmarks.processes import Usage, process, run_json, usage_of, wait_until

MULLIGAN = str(Path(sys.executable).with_name("mulligan"))
SLOTS = "500"


def measure(mode: str, database: str | None, driver_arguments: list[str], folder: Path) -> dict[str, object]:
    """Run the driver against one mode. Returns its results, and what server and worker cost meanwhile."""
    with tempfile.TemporaryDirectory(dir=folder) as scratch, ExitStack() as stack:
        home = Path(scratch)
        environment = {"MULLIGAN_DATA": str(home / "data"), "MULLIGAN_SLOTS": SLOTS}
        pids: dict[str, int] = {}
        if mode != "a":
            pids["server"] = stack.enter_context(server(home, environment, database))
            address = json.loads((home / "data" / "server.json").read_text())
            environment["MULLIGAN_URL"] = address["url"]
            environment["MULLIGAN_TOKEN"] = (home / "data" / "token").read_text().strip()
            command = [MULLIGAN, "worker", "benchmarks/app.py:m", "--slots", SLOTS]
            pids["worker"] = stack.enter_context(process(command, home, environment, "worker"))
            said = home / "worker.log"
            wait_until("the worker's connection", lambda: "is connected" in said.read_text(encoding="utf-8"))
        before = {name: usage_of(pid) for name, pid in pids.items()}
        results = run_json([sys.executable, "-m", "benchmarks.driver", *driver_arguments], environment, home)
        after = {name: usage_of(pid) for name, pid in pids.items()}
    return {"mode": mode, "results": results, "processes": {name: cost(before[name], after[name]) for name in pids}}


@contextmanager
def server(home: Path, environment: dict[str, str], database: str | None) -> Iterator[int]:
    command = [MULLIGAN, "server", "--port", "0"]
    if database is not None:
        command += ["--database", database]
    with process(command, home, environment, "server") as pid:
        wait_until("the server's start", (home / "data" / "server.json").exists)
        yield pid


def cost(before: Usage, after: Usage) -> dict[str, float]:
    return {"cpu_s": round(after.cpu_s - before.cpu_s, 3), "memory_mb": round(after.memory_mb, 1)}
