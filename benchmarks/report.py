"""`python -m benchmarks.report`: the page of figures and the README's table, from the newest results."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from benchmarks import goals, plan, plot, results
from benchmarks.goals import median_of
from benchmarks.processes import ROOT
from benchmarks.results import Measured, Part

MODES = {
    "a": "Mulligan, embedded, SQLite",
    "b": "Mulligan, client + server + worker, SQLite",
    "c": "Mulligan, client + server + worker, PostgreSQL",
}
COLUMNS = ("W1 tasks/s", "tasks per CPU-second", "W2 latency", "W3 steps/s", "W4 children/s", "enqueue/s")
MARK, END = "<!-- benchmarks -->\n", "<!-- /benchmarks -->"


def engines(measured: Measured) -> Iterator[tuple[str, str, bool, Part]]:
    """Name, what it keeps, whether it is ours, and what was measured of it: our modes first, then the peers."""
    for mode, name in MODES.items():
        if f"mode {mode}" in measured:
            yield name, "inputs, results, history", True, measured[f"mode {mode}"]
    for part_name, part in measured.items():
        if part_name.startswith("peer "):
            yield f"{part['name']} ({part['version']})", part["keeps"], False, part


def table(measured: Measured) -> str:
    """Medians over the repeats; rates with lowest and highest."""
    lines = [f"| engine | keeps | {' | '.join(COLUMNS)} |", "|---|---|" + "---|" * len(COLUMNS)]
    for name, keeps, ours, part in engines(measured):
        cells = " | ".join(cell(part, column) for column in COLUMNS)
        lines.append(f"| {f'**{name}**' if ours else name} | {keeps} | {cells} |")
    return "\n".join(lines)


def cell(part: Part, column: str) -> str:
    if column == "W2 latency":
        p50, p99 = median_of(part, column, "p50_ms"), median_of(part, column, "p99_ms")
        return "-" if p50 is None else f"{p50:.1f} / {p99:.1f} ms"
    values = per_cpu_second(part) if column == "tasks per CPU-second" else rates(part, column)
    return spread(values) if values else "-"


def spread(values: Sequence[float]) -> str:
    return f"{statistics.median(values):,.0f} ({min(values):,.0f}-{max(values):,.0f})"


def rates(part: Part, workload: str) -> list[float]:
    return [result["rate"] for result in part["results"] if result["workload"] == workload]


def per_cpu_second(part: Part) -> list[float]:
    """W1 tasks per second of CPU of all processes, the database's included; nothing if some could not be watched."""
    steady = [result for result in part["results"] if result["workload"] == "W1 tasks/s"]
    return [result["count"] / result["cpu_s"] for result in steady if result["cpu_s"]]


def picture(measured: Measured) -> str:
    def bars(column: str) -> list[plot.Bar]:
        found: list[plot.Bar] = []
        for name, _, ours, part in engines(measured):
            values = per_cpu_second(part) if column == "tasks per CPU-second" else rates(part, column)
            if values:
                found.append(plot.Bar(name, statistics.median(values), min(values), max(values), ours))
        return found

    titles = {
        "W1 tasks/s": "W1: tasks per second (the line is the spread of the repeats)",
        "tasks per CPU-second": "W1: tasks per second of CPU, all processes and databases together",
    }
    return plot.draw([(title, bars(column)) for column, title in titles.items()])


def idle_table(measured: Measured) -> str:
    lines = ["| mode | process | CPU when idle, of one core |", "|---|---|---|"]
    for mode in MODES:
        part = measured.get(f"idle {mode}")
        for name, percent in (part["cpu_percent"] if part else {}).items():
            lines.append(f"| {mode} | {name} | {percent:.2f} % |")
    return "\n".join(lines)


def memory_table(measured: Measured) -> str:
    lines = ["| mode | queued runs | process and moment | memory |", "|---|---|---|---|"]
    for mode in MODES:
        part = measured.get(f"queued {mode}")
        for name, memory_mb in (part["memory_mb"] if part else {}).items():
            lines.append(f"| {mode} | {part['count'] if part else 0:,} | {name} | {memory_mb:.0f} MB |")
    return "\n".join(lines)


def growth_table(measured: Measured) -> str:
    lines = [
        "| mode | finished runs | W1 tasks/s | empty, beside it | ratio | memory of the server | bytes per run |",
        "|---|---|---|---|---|---|---|",
    ]
    for mode in MODES:
        part = measured.get(f"growth {mode}")
        for step in part["steps"] if part else ():
            assert part is not None
            cells = [
                f"{step['finished_runs']:,}",
                spread(step["rates"]),
                spread(step["empty_rates"]),
                f"{goals.of_empty(step):.0%}",
                f"{step['server_mb']:.0f} MB" if "server_mb" in step else "-",
                f"{part['bytes_per_run']:,}" if step is part["steps"][-1] else "",
            ]
            lines.append(f"| {mode} | {' | '.join(cells)} |")
    return "\n".join(lines)


def source_table(measured: Measured) -> str:
    """Which command has measured what, when and on what."""
    names: dict[tuple[str, str, str], list[str]] = {}
    for name, part in measured.items():
        stolen = f" ({part['stolen_percent']:.0f} %)" if "stolen_percent" in part else ""
        found = names.setdefault((part["taken_at"][:10], part["command"], described(part["machine"])), [])
        found.append(f"{name}{stolen}")
    lines = ["| measured | day | command | machine |", "|---|---|---|---|"]
    lines += [f"| {', '.join(of)} | {day} | `{command}` | {machine} |" for (day, command, machine), of in names.items()]
    return "\n".join(lines)


def described(facts: dict[str, Any]) -> str:
    words = [
        f"{facts['cores']} cores of {facts['cpu']}",
        f"{facts['memory_gib']} GiB",
        f"Python {facts['python']}",
        facts["system"],
        f"fdatasync {facts['fsync_ms']} ms",
        f"uuid4 {facts['uuid4_us']} µs",
    ]
    if "load" in facts:
        words.append(f"load before {facts['load']}")
    return ", ".join(words)


def databases(measured: Measured) -> str:
    """What each PostgreSQL said of itself."""
    names: dict[str, list[str]] = {}
    for name, part in measured.items():
        if "postgresql" in part:
            said = ", ".join(f"{setting} {value}" for setting, value in part["postgresql"].items())
            names.setdefault(said, []).append(name)
    return "\n".join(f"- PostgreSQL of {', '.join(of)}: {said}." for said, of in names.items())


def summary(measured: Measured) -> str:
    """Where the figures of the table come from, in one paragraph."""
    parts = [part for *_, part in engines(measured)]
    if not parts:
        return "Nothing was measured yet."
    days = sorted({part["taken_at"][:10] for part in parts})
    commands = sorted({f"`{part['command']}`" for part in parts})
    facts = parts[0]["machine"]
    return (
        f"Measured by {', '.join(commands)}, {' and '.join(days)}, {facts['cores']} cores of {facts['cpu']}, "
        f"Python {facts['python']}, fdatasync {facts['fsync_ms']} ms, uuid4 {facts['uuid4_us']} µs; client, server, "
        "worker and database share the machine. Rates: median of the repeats (lowest-highest). W2: p50 / p99."
    )


PAGE = """\
# Benchmarks

Written by `python -m benchmarks.report` from `benchmarks/results/`; do not edit it. `make bench` measures everything
anew, beside what a Python user would take instead. Absolute figures move with the machine: compare ratios of one
command's run.

![Tasks per second and per CPU-second of each engine](benchmarks.svg)

{table}

{summary}

- **W1** steady: no-op tasks of about 100 bytes in and out, enqueued and processed at once, all results awaited.
- **W2** latency: one task at a time, from the call to its result.
- **W3** chains of three steps; **W4** a parent with 1,000 children; **enqueue**: accepted and on disk.
- **CPU-second**: of all processes that take part, the client and the database among them.

Mulligan runs with `synchronous=FULL` on SQLite and with `fsync` and `synchronous_commit` on, on PostgreSQL: an
acknowledgement means on disk. Redis syncs its log every second. Peers run with their documented settings for speed;
what each does is in `benchmarks/peers/`, and a dash means that it has nothing of the kind.

## Goals

{goals}

The aims are those for a machine on which `uuid4` takes 1.7 µs; what it took here when each part was measured stands in
the last table. Where a goal is not met, [the profile](why/0012-where-the-time-goes.md) says why and what would have to
change.

## Growth

The rate with more and more finished runs in the database, and in turn with it, five times, that of a new and empty one.
The ratio is the median over such neighbours, because a shared machine is not equally fast all the time.

{growth}

## Doing nothing

{idle}

## A long queue

{memory}

## Past one machine

[What these costs mean for more machines](why/0014-past-one-machine.md): `python -m benchmarks.plan`.

## Where the figures come from

Each part is kept until it is measured anew, so a run of one mode leaves the others as they were. In brackets: how much
of the processors' time went to other machines on the same host meanwhile.

{sources}

{databases}
"""


def page(measured: Measured) -> str:
    return PAGE.format(
        table=table(measured),
        summary=summary(measured),
        goals=goals.table(measured),
        growth=growth_table(measured),
        idle=idle_table(measured),
        memory=memory_table(measured),
        sources=source_table(measured),
        databases=databases(measured),
    )


def put_between_marks(text: str, written: str) -> str:
    """The text of a README with its table replaced."""
    before, mark, rest = text.partition(MARK)
    _, end, after = rest.partition(END)
    if not mark or not end:
        raise ValueError("The README has lost the marks between which its benchmarks stand.")
    return f"{before}{mark}{written}\n{end}{after}"


def write_pages(root: Path = ROOT, folder: Path = results.FOLDER) -> None:
    measured = results.read(folder)
    (root / "docs" / "benchmarks.md").write_text(page(measured), encoding="utf-8")
    (root / "docs" / "benchmarks.svg").write_text(picture(measured), encoding="utf-8")
    readme = root / "README.md"
    more = f"{summary(measured)} [Goals, growth, memory and where each figure comes from](docs/benchmarks.md)."
    text = put_between_marks(readme.read_text(encoding="utf-8"), f"{table(measured)}\n\n{more}")
    readme.write_text(text, encoding="utf-8")
    if "costs" in measured:
        plan.write(measured, root / plan.PAGE.relative_to(ROOT))


if __name__ == "__main__":
    write_pages()
