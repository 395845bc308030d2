"""One process that drives the workloads against whatever MULLIGAN_URL says (or the engine inside), and prints JSON."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict

from benchmarks import app, workloads
from benchmarks.processes import cpu_of

Plan = Callable[[], Awaitable[workloads.Result]]
BATCH = 20_000


def plans(scale: float) -> dict[str, Plan]:
    return {
        "W1": lambda: workloads.steady(int(20_000 * scale)),
        "W2": lambda: workloads.one_by_one(int(1_000 * scale)),
        "W3": lambda: workloads.chains(int(1_000 * scale)),
        "W4": lambda: workloads.fan_out(int(1_000 * scale)),
        "BULK": lambda: workloads.enqueue(int(20_000 * scale)),
    }


async def measure(wanted: dict[str, Plan], repeats: int, fill: int, pids: Sequence[int]) -> list[dict[str, object]]:
    """``fill`` runs are finished before anything is measured. ``pids``: whose CPU counts beside that of this process;
    ``cpu_s`` is the sum."""
    measured: list[dict[str, object]] = []
    for begin in range(0, fill, BATCH):
        await workloads.steady(min(BATCH, fill - begin))
    for plan in wanted.values():
        for repeat in range(repeats):
            before = cpu_of(pids)
            result = await plan()
            cpu_s = cpu_of(pids) - before
            measured.append({**asdict(result), "rate": result.rate, "repeat": repeat, "cpu_s": round(cpu_s, 3)})
            print(f"  {result.workload:14} {result.rate:10,.0f}/s", file=sys.stderr, flush=True)
    return measured


async def leave_queued(count: int) -> list[dict[str, object]]:
    result, _ = await workloads.start(count)
    return [{**asdict(result), "rate": result.rate}]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--only", default="")
    parser.add_argument("--fill", type=int, default=500, help="runs to finish before anything is measured")
    parser.add_argument("--pids", default="", help="processes whose CPU is part of the cost")
    parser.add_argument("--leave-queued", type=int, help="start so many runs, measure nothing else and wait for none")
    given = parser.parse_args()
    if given.leave_queued:
        measured = asyncio.run(leave_queued(given.leave_queued))
    else:
        wanted = {name: plan for name, plan in plans(given.scale).items() if name in (given.only or name).split(",")}
        pids = [int(pid) for pid in given.pids.split(",") if pid]
        measured = asyncio.run(measure(wanted, given.repeats, given.fill, pids))
    app.m.close()
    print(json.dumps(measured))


if __name__ == "__main__":
    main()
