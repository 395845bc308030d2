"""The measuring loop that the peers' scripts share. Runs in the peers' environment: standard library only."""

from __future__ import annotations

import json
import os
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

from benchmarks.processes import cpu_of

TEXT = "x" * 90
PIDS = [int(pid) for pid in os.environ["PEER_PIDS"].split(",") if pid]


@dataclass(frozen=True, kw_only=True)
class Peer:
    """How a peer does each workload.

    ``start`` enqueues so many tasks, and ``wait`` waits for what it returned. ``one`` is a call and its result.
    ``chains`` or ``children`` (one parent with so many of them) is None if the peer has nothing of the kind.
    """

    package: str
    start: Callable[[int], Any]
    wait: Callable[[Any], object]
    one: Callable[[], object]
    chains: Callable[[int], object] | None
    children: Callable[[int], object] | None


Row = dict[str, object]


def main(peer: Peer, *, tasks: int = 5_000, calls: int = 300, chains: int = 1_000, children: int = 1_000) -> None:
    """The sizes are those that take each peer some seconds."""
    scale, repeats = float(sys.argv[1]), int(sys.argv[2])
    sizes = [max(2, int(count * scale)) for count in (tasks, calls, chains, children)]
    results: list[Row] = []
    peer.wait(peer.start(100))
    for repeat in range(repeats):
        for row in measure(peer, *sizes):
            results.append({**row, "repeat": repeat})
            print(f"  {row['workload']:14} {row['rate']:10,.0f}/s", file=sys.stderr, flush=True)
    print(json.dumps({"version": version(peer.package), "results": results}))


def measure(peer: Peer, tasks: int, calls: int, chains: int, children: int) -> Iterator[Row]:
    yield timed("W1 tasks/s", tasks, lambda: peer.wait(peer.start(tasks)))
    spans: list[float] = []
    row = timed("W2 latency", calls, lambda: call(peer.one, calls, spans))
    cuts = statistics.quantiles(spans, n=100)
    yield {**row, "p50_ms": cuts[49], "p99_ms": cuts[98]}
    if peer.chains is not None:
        yield timed("W3 steps/s", 3 * chains, lambda: peer.chains(chains))
    if peer.children is not None:
        yield timed("W4 children/s", children, lambda: peer.children(children))
    started: list[Any] = []
    yield timed("enqueue/s", tasks, lambda: started.append(peer.start(tasks)))
    peer.wait(started[0])


def call(one: Callable[[], object], calls: int, spans: list[float]) -> None:
    for _ in range(calls):
        began = time.perf_counter()
        one()
        spans.append((time.perf_counter() - began) * 1000)


def timed(workload: str, count: int, work: Callable[[], object]) -> Row:
    """``cpu_s``: of all processes that take part."""
    cpu_s = cpu_of(PIDS)
    began = time.perf_counter()
    work()
    seconds = time.perf_counter() - began
    cpu_s = round(cpu_of(PIDS) - cpu_s, 3)
    return {"workload": workload, "count": count, "seconds": seconds, "rate": count / seconds, "cpu_s": cpu_s}
