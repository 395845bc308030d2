"""The measuring loop that the peers' scripts share. Runs in the peers' environment: standard library only."""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Callable

TEXT = "x" * 90


def main(steady: Callable[[int], None], one: Callable[[], None], *, tasks: int = 5_000, calls: int = 300) -> None:
    """``steady(n)`` enqueues n tasks and waits for all results; ``one()`` is a call and its result."""
    scale, repeats = float(sys.argv[1]), int(sys.argv[2])
    tasks, calls = int(tasks * scale), int(calls * scale)
    results = []
    steady(100)
    for repeat in range(repeats):
        began = time.perf_counter()
        steady(tasks)
        seconds = time.perf_counter() - began
        results.append({"workload": "W1 tasks/s", "count": tasks, "rate": tasks / seconds, "repeat": repeat})
        spans = []
        for _ in range(calls):
            began = time.perf_counter()
            one()
            spans.append((time.perf_counter() - began) * 1000)
        cuts = statistics.quantiles(spans, n=100)
        results.append({"workload": "W2 latency", "p50_ms": cuts[49], "p99_ms": cuts[98], "rate": 0, "repeat": repeat})
    print(json.dumps(results))
