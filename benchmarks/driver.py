"""One process that drives the workloads against whatever MULLIGAN_URL says (or the engine inside), and prints JSON."""

from __future__ import annotations

import argparse
import asyncio
import json
import resource
import sys
from collections.abc import Awaitable, Callable
from dataclasses import asdict

from benchmarks import app, workloads


async def measure(scale: float, repeats: int, only: set[str], fill: int) -> list[dict[str, object]]:
    plans: dict[str, Callable[[], Awaitable[workloads.Result]]] = {
        "W1": lambda: workloads.steady(int(20_000 * scale)),
        "W2": lambda: workloads.one_by_one(int(1_000 * scale)),
        "W3": lambda: workloads.chains(int(1_000 * scale)),
        "W4": lambda: workloads.fan_out(int(1_000 * scale)),
        "BULK": lambda: workloads.enqueue(int(20_000 * scale)),
    }
    measured: list[dict[str, object]] = []
    await workloads.steady(500)
    for begin in range(0, fill, 20_000):
        await workloads.steady(min(20_000, fill - begin))
    for name, plan in plans.items():
        if only and name not in only:
            continue
        for repeat in range(repeats):
            usage = resource.getrusage(resource.RUSAGE_SELF)
            result = await plan()
            after = resource.getrusage(resource.RUSAGE_SELF)
            cpu_s = after.ru_utime + after.ru_stime - usage.ru_utime - usage.ru_stime
            measured.append({**asdict(result), "rate": result.rate, "repeat": repeat, "cpu_s": cpu_s})
            print(f"  {result.workload:14} {result.rate:10,.0f}/s", file=sys.stderr, flush=True)
    return measured


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--only", default="")
    parser.add_argument("--fill", type=int, default=0, help="runs to finish before anything is measured")
    given = parser.parse_args()
    only = {name for name in given.only.split(",") if name}
    measured = asyncio.run(measure(given.scale, given.repeats, only, given.fill))
    app.m.close()
    print(json.dumps(measured))


if __name__ == "__main__":
    main()
