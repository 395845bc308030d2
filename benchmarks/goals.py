"""What was aimed at, and what was measured beside it."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from benchmarks.results import Measured, Part


@dataclass(frozen=True, slots=True)
class Goal:
    """``reached`` is the measured figure, None if nobody has measured it. ``most``: a limit instead of a minimum."""

    what: str
    aim: float
    reached: float | None
    most: bool = False
    form: Callable[[float], str] = "{:,.0f}".format

    @property
    def met(self) -> str:
        if self.reached is None:
            return "not measured"
        return "yes" if (self.reached <= self.aim if self.most else self.reached >= self.aim) else "**no**"


RATES = {
    "W1 tasks/s": {"a": 16_000, "b": 20_000, "c": 10_000},
    "enqueue/s": {"a": 30_000, "b": 40_000, "c": 30_000},
    "W3 steps/s": {"a": 20_000, "b": 20_000, "c": 14_000},
}
LATENCIES = {"p50_ms": {"a": 0.8, "b": 1.3, "c": 1.8}, "p99_ms": {"a": 5.0, "b": 6.0, "c": 6.0}}
CHILDREN_MS = {"a": 60.0, "b": 60.0, "c": 100.0}


def ms(value: float) -> str:
    return f"{value:.1f} ms" if value < 10 else f"{value:,.0f} ms"


def megabytes(value: float) -> str:
    return f"{value:.0f} MB"


def goals(measured: Measured) -> list[Goal]:
    return [*goals_of_speed(measured), *goals_of_size(measured)]


def goals_of_speed(measured: Measured) -> Iterator[Goal]:
    for workload, aims in RATES.items():
        for mode, aim in aims.items():
            yield Goal(f"{workload}, mode {mode}", aim, median(measured, mode, workload, "rate"))
    for field, limits in LATENCIES.items():
        for mode, limit in limits.items():
            what = f"W2 {field.removesuffix('_ms')}, mode {mode}"
            yield Goal(what, limit, median(measured, mode, "W2 latency", field), most=True, form=ms)
    for mode, limit in CHILDREN_MS.items():
        rate = median(measured, mode, "W4 children/s", "rate")
        yield Goal(f"W4, 1,000 children, mode {mode}", limit, rate and 1e6 / rate, most=True, form=ms)


def goals_of_size(measured: Measured) -> Iterator[Goal]:
    for mode in ("a", "c"):
        grown = measured.get(f"growth {mode}")
        what = f"rate with {grown_to(grown):,} finished runs, of the rate with none, mode {mode}"
        yield Goal(what, 0.9, ratio(grown), form="{:.0%}".format)
    for mode in ("b", "c"):
        percent: dict[str, float] = measured.get(f"idle {mode}", {}).get("cpu_percent", {})
        used = percent["server"] + percent["worker"] if percent else None
        yield Goal(f"CPU of an idle server and worker, mode {mode}", 1.0, used, most=True, form="{:.2f} %".format)
    for mode in ("b", "c"):
        part = measured.get(f"queued {mode}", {"count": 100_000, "memory_mb": {}})
        memory: dict[str, float] = part["memory_mb"]
        queued = memory.get("server, all queued")
        what = f"server with {part['count']:,} queued runs, mode {mode}"
        yield Goal(what, 150, queued, most=True, form=megabytes)
        worker = memory.get("worker, nothing to do")
        yield Goal(f"a worker, mode {mode}", 60, worker, most=True, form=megabytes)


def median(measured: Measured, mode: str, workload: str, field: str) -> float | None:
    return median_of(measured.get(f"mode {mode}"), workload, field)


def median_of(part: Part | None, workload: str, field: str) -> float | None:
    """Over the repeats; None if there are none."""
    results: list[dict[str, Any]] = part["results"] if part else []
    values: list[float] = [result[field] for result in results if result["workload"] == workload]
    return statistics.median(values) if values else None


def grown_to(growth: Part | None) -> int:
    return growth["steps"][-1]["finished_runs"] if growth else 1_000_000


def ratio(growth: Part | None) -> float | None:
    """The last rates as a part of those of an empty database beside it."""
    return None if growth is None else of_empty(growth["steps"][-1])


def of_empty(step: Part) -> float:
    """The median over pairs that were taken one after the other: what slows down the machine slows down both."""
    pairs: Iterator[tuple[float, float]] = zip(step["rates"], step["empty_rates"], strict=True)
    return statistics.median(grown / empty for grown, empty in pairs)


def table(measured: Measured) -> str:
    lines = ["| goal | aim | measured | met? |", "|---|---|---|---|"]
    for goal in goals(measured):
        aim = f"{'≤' if goal.most else '≥'} {goal.form(goal.aim)}"
        reached = "-" if goal.reached is None else goal.form(goal.reached)
        lines.append(f"| {goal.what} | {aim} | {reached} | {goal.met} |")
    return "\n".join(lines)
