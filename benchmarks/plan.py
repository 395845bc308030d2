"""`python -m benchmarks.plan`: what measured costs mean for many replicas and larger databases.

Prints the tables of `docs/why/0014-past-one-machine.md`; `--write` puts them there. What a task costs is measured (part
`costs` of the results); the databases are assumptions, named in the tables; the rest is calculated or simulated.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks import results
from benchmarks.processes import ROOT
from benchmarks.replicas import Cost, World, simulate
from benchmarks.results import Measured, Part

PAGE = ROOT / "docs" / "why" / "0014-past-one-machine.md"
MARK, END = "<!-- plan -->\n", "<!-- /plan -->"

USABLE = 0.7
"""The part of a database's cores that work may take: the rest is for checkpoints, vacuum, questions and bad minutes."""

FULL_TURN = 256
"""Tasks in the largest transaction: 512 commands, two for each task."""

TRIP_S = 0.00025
"""The network's part of a statement, to a database on another machine and back."""

WORK_S = 0.005
REPLICAS = (1, 2, 4, 8, 16, 32, 64, 128)
WINDOW = 750
"""Tasks under way at each replica when all are busy: enough that its transactions are full."""

PASSES = 12
"""How often all of them are replaced in a simulation: it has to last longer than what was there at its beginning."""


@dataclass(frozen=True, slots=True)
class Costs:
    """Of a task with one step. ``engine``, ``database``: seconds of CPU; ``log``: bytes of WAL; ``worker``: seconds."""

    engine: Cost
    database: Cost
    log: Cost
    statements: Cost
    rows: float
    worker_s: float
    bytes_per_run: float

    @property
    def trips_s(self) -> float:
        """What a full transaction spends in the network, with its begin and its commit."""
        return TRIP_S * (self.statements.of(FULL_TURN) + 2)


@dataclass(frozen=True, slots=True)
class Database:
    name: str
    cores: int
    sync_s: float
    log_bytes_per_s: float


DATABASES = (
    Database("small: 4 cores, network disk", 4, 0.001, 100e6),
    Database("medium: 16 cores, local NVMe", 16, 0.0002, 500e6),
    Database("large: 64 cores, local NVMe", 64, 0.0002, 1_500e6),
)


def costs_of(part: Part) -> Costs:
    """What belongs to a task and what to a transaction, told apart by two workloads of different shape."""
    loaded, alone = part["loaded"], part["alone"]
    return Costs(
        engine=cost(loaded, alone, "server_cpu_s"),
        database=cost(loaded, alone, "database_cpu_s"),
        log=cost(loaded, alone, "wal_bytes"),
        statements=cost(loaded, alone, "statements"),
        rows=loaded["rows_written"] / loaded["tasks"],
        worker_s=loaded["worker_cpu_s"] / loaded["tasks"],
        bytes_per_run=loaded["database_bytes"] / loaded["tasks"],
    )


def cost(loaded: dict[str, float], alone: dict[str, float], what: str) -> Cost:
    """Solves `tasks * a + commits * b = what` for both workloads; neither part can be less than nothing."""
    (n1, c1, w1), (n2, c2, w2) = ((row["tasks"], row["commits"], row[what]) for row in (loaded, alone))
    determinant = n1 * c2 - n2 * c1
    if determinant <= 0:
        raise ValueError("Under load fewer transactions per task are needed than alone: these were not such workloads.")
    task = max(0.0, (w1 * c2 - w2 * c1) / determinant)
    turn = max(0.0, (w2 * n1 - w1 * n2) / determinant)
    return Cost(task, turn)


def limits(costs: Costs, database: Database) -> dict[str, float]:
    """Tasks per second that each part could do if it were the only limit, in full transactions."""
    share = 1 / FULL_TURN
    turn_s = costs.trips_s + costs.engine.of(FULL_TURN) + costs.database.of(FULL_TURN)
    turn_s += database.sync_s + costs.log.of(FULL_TURN) / database.log_bytes_per_s
    return {
        "one replica": FULL_TURN / turn_s,
        "cores": database.cores * USABLE / (costs.database.task + costs.database.turn * share),
        "log": database.log_bytes_per_s * USABLE / (costs.log.task + costs.log.turn * share),
    }


def cost_table(costs: Costs) -> str:
    rows = [
        ("engine, CPU", "µs", costs.engine, 1e6),
        ("PostgreSQL, CPU", "µs", costs.database, 1e6),
        ("PostgreSQL, log", "bytes", costs.log, 1.0),
        ("statements", "", costs.statements, 1.0),
    ]
    lines = ["| measured | for each task | and for each transaction |", "|---|---|---|"]
    for name, unit, of, factor in rows:
        lines.append(f"| {name} | {figure(of.task * factor)} {unit} | {figure(of.turn * factor)} {unit} |")
    lines += [
        f"| worker, CPU | {costs.worker_s * 1e6:,.0f} µs | |",
        f"| row writes | {costs.rows:.1f} | |",
        f"| on disk, with indexes | {costs.bytes_per_run:,.0f} bytes | |",
    ]
    return "\n".join(lines).replace("  |", " |")


def figure(value: float) -> str:
    return f"{value:,.0f}" if value >= 10 else f"{value:.2g}"


def limit_table(costs: Costs) -> str:
    lines = [
        "| calculated: tasks/s at most | one replica | the database's cores | its log | replicas that fill it "
        "| the next limit | disk per day |",
        "|---|---|---|---|---|---|---|",
    ]
    for database in DATABASES:
        found = limits(costs, database)
        most = min(found["cores"], found["log"])
        next_limit = "cores" if found["cores"] <= found["log"] else "log"
        per_day = most * 86_400 * costs.bytes_per_run / 1e12
        lines.append(
            f"| {database.name} | {found['one replica']:,.0f} | {found['cores']:,.0f} | {found['log']:,.0f} "
            f"| {most / found['one replica']:.1f} | {next_limit} | {per_day:.1f} TB |"
        )
    return "\n".join(lines)


def simulation_rows(costs: Costs, database: Database) -> Iterator[str]:
    best = 0.0
    for replicas in REPLICAS:
        world = World(
            engine=costs.engine,
            database=costs.database,
            log=costs.log,
            replicas=replicas,
            cores=database.cores,
            sync_s=database.sync_s,
            log_bytes_per_s=database.log_bytes_per_s,
            trip_s=costs.trips_s,
            work_s=WORK_S,
        )
        found = limits(costs, database)
        expected = min(replicas * found["one replica"], found["cores"] / USABLE, found["log"] / USABLE)
        seconds = PASSES * replicas * WINDOW / expected
        full = simulate(world, None, seconds, WINDOW)
        calm = simulate(world, full.rate * USABLE, seconds)
        yield (
            f"| {database.name} | {replicas} | {full.rate:,.0f} | {full.busy:.0%} | {full.log_mb_per_s:,.0f} MB/s "
            f"| {full.per_turn:.0f} | {full.per_sync:.1f} | {calm.p50_ms:.0f} / {calm.p99_ms:.0f} ms |"
        )
        if full.rate < best * 1.05:
            return  # more replicas bring nothing more
        best = full.rate


def simulation_table(costs: Costs) -> str:
    lines = [
        "| simulated | replicas | tasks/s, all busy | cores busy | log | tasks per transaction | transactions per sync "
        f"| p50 / p99 at {USABLE:.0%} of that |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for database in DATABASES:
        lines += simulation_rows(costs, database)
    return "\n".join(lines)


def assumptions() -> str:
    sizes = "; ".join(
        f"{size.name}: a sync takes {size.sync_s * 1000:g} ms, the log {size.log_bytes_per_s / 1e6:,.0f} MB/s"
        for size in DATABASES
    )
    return (
        f"*Estimated:* {sizes}. A statement spends {TRIP_S * 1000:g} ms in the network, a worker's answer takes "
        f"{WORK_S * 1000:g} ms. Of a database's cores and log {USABLE:.0%} are usable in the calculation; the "
        f"simulation has {WINDOW:,} tasks under way at each replica and uses all there is. A replica has a core of its "
        "own, as fast as the one measured on."
    )


def source(part: Part) -> str:
    facts: dict[str, Any] = part["machine"]
    loaded, alone = part["loaded"], part["alone"]
    return (
        f"*Measured* by `{part['command']}`, {part['taken_at'][:10]}, {facts['cores']} cores of {facts['cpu']}, load "
        f"before {facts['load']}, uuid4 {facts['uuid4_us']} µs, PostgreSQL {part['postgresql']['server_version']}, "
        f"over {loaded['tasks']:,.0f} tasks under load ({loaded['tasks'] / loaded['commits']:.0f} per transaction, "
        f"{loaded['full_pages']:,.0f} full pages in the log; {loaded['tasks'] / loaded['seconds']:,.0f} tasks/s, all "
        f"on this machine) and {alone['tasks']:,.0f} alone "
        f"({alone['commits'] / alone['tasks']:.1f} transactions each)."
    )


def check(part: Part, costs: Costs) -> str:
    """The simulation of what was measured: one replica, with the database on the same machine."""
    facts, loaded, alone = part["machine"], part["loaded"], part["alone"]
    world = World(
        engine=costs.engine,
        database=costs.database,
        log=costs.log,
        replicas=1,
        cores=facts["cores"],
        sync_s=facts["fsync_ms"] / 1000,
        log_bytes_per_s=100e6,
        trip_s=0.0,
        work_s=alone["worker_cpu_s"] / alone["tasks"],
    )
    full = simulate(world, None, 20, WINDOW)
    lone = simulate(world, 1, 200)
    return (
        f"*Checked* against what was measured: simulated for this machine, {full.rate:,.0f} tasks/s under load and "
        f"{lone.p50_ms:.1f} ms for a lone task; measured, {loaded['tasks'] / loaded['seconds']:,.0f} tasks/s and "
        f"{alone['seconds'] / alone['tasks'] * 1000:.1f} ms. The client, the worker and whatever else ran took "
        "their part of the same cores."
    )


def tables(measured: Measured) -> str:
    part = measured["costs"]
    costs = costs_of(part)
    parts = [source(part), cost_table(costs), check(part, costs), assumptions()]
    return "\n\n".join([*parts, limit_table(costs), simulation_table(costs)])


def write(measured: Measured, page: Path = PAGE) -> None:
    before, mark, rest = page.read_text(encoding="utf-8").partition(MARK)
    _, end, after = rest.partition(END)
    if not mark or not end:
        raise ValueError(f"{page.name} has lost the marks between which the tables of the plan stand.")
    page.write_text(f"{before}{mark}{tables(measured)}\n{end}{after}", encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help=f"put the tables into {PAGE.name}")
    given = parser.parse_args()
    measured = results.read()
    if "costs" not in measured:
        parser.error("nobody has measured what a task costs: run python -m benchmarks --modes '' --costs")
    print(tables(measured))
    if given.write:
        write(measured)


if __name__ == "__main__":
    main()
