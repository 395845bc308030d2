"""What it costs to do nothing, and to hold a long queue."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from benchmarks.modes import Site, site, staffed_site
from benchmarks.processes import usage_of, wait_until

SETTLED_S = 5.0


def idle(mode: str, given: str | None, seconds: float, folder: Path) -> dict[str, Any]:
    """Per cent of one core that each process takes while nobody asks for anything."""
    with staffed_site(mode, given, folder) as found:
        found.drive(["--only", "W1", "--scale", "0.05", "--repeats", "1"])
        time.sleep(SETTLED_S)
        before = {name: usage_of(pid).cpu_s for name, pid in found.pids.items()}
        time.sleep(seconds)
        used = {name: usage_of(pid).cpu_s - before[name] for name, pid in found.pids.items()}
    return {"seconds": seconds, "cpu_percent": {name: round(cpu_s / seconds * 100, 2) for name, cpu_s in used.items()}}


def queued(mode: str, given: str | None, count: int, folder: Path) -> dict[str, Any]:
    """Memory (million bytes) of the server with ``count`` queued runs and no worker, and of both when all are done."""
    with site(mode, given, folder) as found:
        with found.worker() as worker:
            found.drive(["--only", "W1", "--scale", "0.05", "--repeats", "1"])
            memory = {"server, nothing queued": server_mb(found), "worker, nothing to do": usage_of(worker).memory_mb}
        found.drive(["--leave-queued", str(count)])
        memory["server, all queued"] = server_mb(found)
        with found.worker() as worker:
            wait_until("the end of the queue", lambda: found.running() == 0, patience_s=3600, pause_s=1)
            memory |= {"server, all done": server_mb(found), "worker, all done": usage_of(worker).memory_mb}
    return {"count": count, "memory_mb": {name: round(memory_mb, 1) for name, memory_mb in memory.items()}}


def server_mb(found: Site) -> float:
    return usage_of(found.pids["server"]).memory_mb
