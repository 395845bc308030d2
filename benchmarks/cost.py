"""What one task costs in CPU, thread by thread, in one process with the engine embedded.

CPU time and not wall-clock, so that it can be taken on a machine with other work. `--against` takes another checkout
turn by turn with this one, so that what the others do falls on both: compare neighbours, not days.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from benchmarks import app, workloads
from benchmarks.modes import SLOTS
from benchmarks.processes import ROOT, run_json

WORKLOADS: dict[str, Callable[[int], Awaitable[workloads.Result]]] = {
    "W1": workloads.steady,
    "W2": workloads.one_by_one,
    "W3": workloads.chains,
    "W4": workloads.fan_out,
    "BULK": workloads.enqueue,
}
ALL = "all threads"


def cpu_by_thread() -> dict[str, float]:
    """Seconds that each thread of this process has used so far."""
    used = {ALL: time.process_time()}
    for thread in threading.enumerate():
        if thread.ident is not None:
            clock = time.pthread_getcpuclockid(thread.ident)
            used[thread.name] = used.get(thread.name, 0.0) + time.clock_gettime(clock)
    return used


async def measure(workload: str, count: int, repeats: int) -> list[dict[str, float]]:
    """Microseconds per task (a chain has three) and thread, for each repeat after a warm-up."""
    await workloads.steady(500)
    costs: list[dict[str, float]] = []
    for _ in range(repeats):
        before = cpu_by_thread()
        result = await WORKLOADS[workload](count)
        after = cpu_by_thread()
        costs.append({name: (used - before.get(name, 0.0)) / result.count * 1e6 for name, used in after.items()})
    return costs


def measure_checkout(root: Path, given: argparse.Namespace) -> list[dict[str, float]]:
    with tempfile.TemporaryDirectory() as scratch:
        environment = {
            "MULLIGAN_DATA": f"{scratch}/data",
            "MULLIGAN_SLOTS": SLOTS,
            "PYTHONPATH": f"{root / 'src'}:{ROOT}",
        }
        command = [sys.executable, "-m", "benchmarks.cost", given.workload, "--count", str(given.count), "--json"]
        measured = run_json([*command, "--repeats", str(given.repeats)], environment, Path(scratch))
    assert isinstance(measured, list)
    return measured


def table(costs: dict[str, list[dict[str, float]]]) -> str:
    """Medians: a row for each thread, a column for each checkout."""
    threads = sorted({thread for measured in costs.values() for cost in measured for thread in cost})
    lines = ["| µs of CPU per task | " + " | ".join(costs) + " |", "|---" * (len(costs) + 1) + "|"]
    for thread in threads:
        cells = [statistics.median(cost.get(thread, 0.0) for cost in measured) for measured in costs.values()]
        if max(cells) >= 0.5:
            lines.append(f"| {thread} | " + " | ".join(f"{cell:.0f}" for cell in cells) + " |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("workload", choices=WORKLOADS, nargs="?", default="W1")
    parser.add_argument("--count", type=int, default=20_000)
    parser.add_argument("--repeats", type=int, default=2, help="in each process")
    parser.add_argument("--rounds", type=int, default=3, help="processes per checkout, taken in turn")
    parser.add_argument("--against", type=Path, action="append", default=[], help="another checkout (git worktree)")
    parser.add_argument("--json", action="store_true", help="measure in this process and print every repeat")
    given = parser.parse_args()
    if given.json:
        print(json.dumps(asyncio.run(measure(given.workload, given.count, given.repeats))))
        app.m.close()
        return
    costs: dict[str, list[dict[str, float]]] = {str(root): [] for root in (*given.against, ROOT)}
    for _ in range(given.rounds):
        for root in costs:
            costs[root] += measure_checkout(Path(root), given)
    print(table(costs))


if __name__ == "__main__":
    main()
