"""Results as tables: medians over the repeats, with their spread, and the peers beside them."""

from __future__ import annotations

import statistics
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
MODES = {
    "a": "Mulligan, embedded, SQLite",
    "b": "Mulligan, client + server + worker, SQLite",
    "c": "Mulligan, client + server + worker, PostgreSQL",
}
COLUMNS = ("W1 tasks/s", "W2 latency", "W3 steps/s", "W4 children/s", "enqueue/s")


def rate_of(results: list[dict[str, Any]], workload: str) -> str:
    """Median and, in brackets, lowest to highest; latency as p50 / p99 in milliseconds."""
    found = [result for result in results if result["workload"] == workload]
    if not found:
        return "-"
    if workload == "W2 latency":
        p50 = statistics.median(result["p50_ms"] for result in found)
        p99 = statistics.median(result["p99_ms"] for result in found)
        return f"{p50:.1f} / {p99:.1f} ms"
    rates = sorted(result["rate"] for result in found)
    return f"{statistics.median(rates):,.0f} ({rates[0]:,.0f}-{rates[-1]:,.0f})"


def table(outcome: dict[str, Any]) -> str:
    facts = outcome["machine"]
    lines = [
        f"| engine | keeps | {' | '.join(COLUMNS)} |",
        "|---|---|" + "---|" * len(COLUMNS),
    ]
    for mode in outcome["modes"]:
        cells = " | ".join(rate_of(mode["results"], column) for column in COLUMNS)
        lines.append(f"| **{MODES[mode['mode']]}** | inputs, results, history | {cells} |")
    for peer in outcome.get("peers", ()):
        cells = " | ".join(rate_of(peer["results"], column) for column in COLUMNS)
        lines.append(f"| {peer['name']} | {peer['keeps']} | {cells} |")
    lines += [
        "",
        f"`{outcome['command']}`, {outcome['taken_at'][:10]}, {facts['cores']} cores of {facts['cpu']}, "
        f"Python {facts['python']}, fdatasync {facts['fsync_ms']} ms, uuid4 {facts['uuid4_us']} µs. "
        "W1: median of the repeats (lowest-highest). W2: p50 / p99.",
    ]
    for grown in outcome.get("growth", ()):
        lines.append(f"\nWith {grown['finished_runs']:,} finished runs in the database: {grown['rate']:,.0f} tasks/s.")
    return "\n".join(lines)


def write(outcome: dict[str, Any]) -> None:
    """Put the table between its marks in the README."""
    readme = ROOT / "README.md"
    text = readme.read_text(encoding="utf-8")
    before, mark, rest = text.partition("<!-- benchmarks -->\n")
    _, end, after = rest.partition("<!-- /benchmarks -->")
    readme.write_text(f"{before}{mark}{table(outcome)}\n{end}{after}", encoding="utf-8")
