"""Starting and ending the processes that a measurement needs, and what they cost in CPU and memory."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

PATIENCE_S = 60.0
LONGEST_S = 3600.0
"""For a command that is run to its end."""
ROOT = Path(__file__).parents[1]
SCRATCH = Path("/var/tmp")
"""Where databases are put: on a disk, which the folder for temporary files often is not."""
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Usage:
    """``cpu_s`` of user and system time so far; ``memory_mb`` resident now (million bytes)."""

    cpu_s: float
    memory_mb: float


def usage_of(pid: int) -> Usage:
    """Of the process and its children, those included that have ended and were waited for (Linux)."""
    ticks = 0
    pages = 0
    for one in (pid, *children_of(pid)):
        # one that ends while we look has been counted by its parent, or will be
        with contextlib.suppress(OSError):
            fields = Path(f"/proc/{one}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
            ticks += sum(int(field) for field in fields[11:15])
            pages += int(fields[21])
    return Usage(ticks / TICKS, pages * os.sysconf("SC_PAGE_SIZE") / 1e6)


def children_of(pid: int) -> list[int]:
    found: list[int] = []
    with contextlib.suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in (task / "children").read_text(encoding="ascii").split():
                found += [int(child), *children_of(int(child))]
    return found


def cpu_of(pids: Iterable[int]) -> float:
    """Seconds of CPU that this process and those of ``pids``, with their children, have used so far."""
    own = os.times()
    return own.user + own.system + sum(usage_of(pid).cpu_s for pid in pids)


@contextlib.contextmanager
def process(
    command: Sequence[str],
    folder: Path,
    environment: Mapping[str, str],
    log: str,
    *,
    cwd: Path = ROOT,
    user: str | None = None,
    stop: signal.Signals = signal.SIGTERM,
) -> Iterator[int]:
    """Run a process of its own session for the time of the block; yields its pid. Its output goes to a file."""
    output = folder / f"{log}.log"
    with output.open("wb") as file:
        started = subprocess.Popen(
            command,
            cwd=cwd,
            user=user,
            env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
            stdout=file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        yield started.pid
        if started.poll() is not None:
            raise RuntimeError(f"{command[0]} ended early.")
    except Exception as problem:
        problem.add_note(f"The end of {log}.log:\n{output.read_text(encoding='utf-8', errors='replace')[-2000:]}")
        raise
    finally:
        if started.poll() is None:
            os.killpg(started.pid, stop)
        with contextlib.suppress(subprocess.TimeoutExpired):
            started.wait(15)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(started.pid, signal.SIGKILL)


def wait_until(what: str, condition: Callable[[], bool], patience_s: float = PATIENCE_S, pause_s: float = 0.05) -> None:
    until = time.monotonic() + patience_s
    while not condition():
        if time.monotonic() > until:
            raise TimeoutError(f"{what} did not happen within {patience_s:.0f} s")
        time.sleep(pause_s)


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def listens(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


def run_json(command: Sequence[str], environment: Mapping[str, str], folder: Path) -> object:
    """Run a command to its end and read the JSON on the last line of its output; progress goes to our stderr."""
    done = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        stdout=subprocess.PIPE,
        stderr=sys.stderr,
        text=True,
        check=True,
        timeout=LONGEST_S,
    )
    return json.loads(done.stdout.strip().splitlines()[-1])
