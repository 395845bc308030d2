"""Installs the peers, starts what each needs (Redis, PostgreSQL), and runs its script against it."""

from __future__ import annotations

import subprocess
import sys
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from benchmarks import services
from benchmarks.processes import ROOT, process, run_json

HERE = Path(__file__).parent
HOME = ROOT / ".stamps" / "peers"
PYTHON = HOME / "bin" / "python"
PACKAGES = ("celery", "redis", "dramatiq[redis]", "huey", "procrastinate", "dbos", "psycopg[binary,pool]")


@dataclass(frozen=True, slots=True)
class Peer:
    """``needs``: redis or postgres. ``worker``: the arguments (after the interpreter) of its worker process, if any."""

    name: str
    script: str
    keeps: str
    needs: str
    worker: tuple[str, ...] | None


PEERS = {
    "celery": Peer(
        "Celery, prefork, Redis",
        "celery_peer",
        "results for a day",
        "redis",
        ("-m", "celery", "-A", "celery_peer", "worker", "--concurrency=2", "-l", "WARNING"),
    ),
    "dramatiq": Peer(
        "Dramatiq, 8 threads, Redis",
        "dramatiq_peer",
        "results for an hour",
        "redis",
        ("-m", "dramatiq", "dramatiq_peer", "-p", "1", "-t", "8"),
    ),
    "huey": Peer(
        "Huey, 4 threads, Redis",
        "huey_peer",
        "results until read",
        "redis",
        ("-m", "huey.bin.huey_consumer", "huey_peer.huey", "-w", "4", "-q"),
    ),
    "procrastinate": Peer(
        "Procrastinate, PostgreSQL", "procrastinate_peer", "inputs, events; no results", "postgres", None
    ),
    "dbos": Peer("DBOS, in process, PostgreSQL", "dbos_peer", "inputs, results, history", "postgres", None),
}


def measure(name: str, scale: float, repeats: int, folder: Path) -> dict[str, Any]:
    """Each peer has a new database of its own."""
    install()
    peer = PEERS[name]
    with ExitStack() as stack:
        start = services.redis if peer.needs == "redis" else services.postgres
        service = stack.enter_context(start(folder))
        pids = [service.pid]
        environment = {"PEER_URL": service.url, "PYTHONPATH": f"{HERE}:{ROOT}", "PEER_PIDS": ""}
        if peer.worker is not None:
            command = [str(PYTHON), *peer.worker]
            pids.append(stack.enter_context(process(command, folder, environment, peer.script)))
        environment["PEER_PIDS"] = ",".join(map(str, pids))
        # as a module of the name that its worker knows, or the worker would not know its tasks
        drive = f"import {peer.script}; {peer.script}.drive()"
        measured = run_json([str(PYTHON), "-c", drive, str(scale), str(repeats)], environment, folder)
        assert isinstance(measured, dict)
        if peer.needs == "postgres":
            measured["postgresql"] = services.facts(service.url)
    return {"name": peer.name, "keeps": peer.keeps, **measured}


@cache
def install() -> None:
    """Into an environment of their own; what is there already stays as it is."""
    if not PYTHON.exists():
        subprocess.run([sys.executable, "-m", "venv", str(HOME)], check=True)
    subprocess.run([str(PYTHON), "-m", "pip", "install", "-q", *PACKAGES], check=True)
