"""`make bench`: measure, keep the results in `benchmarks/results/`, and write the tables to the README and the docs."""

from __future__ import annotations

import argparse
import json
import shlex
import signal
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks import database_cost, growth, idle, machine, modes, report
from benchmarks.peers import run as peers
from benchmarks.processes import SCRATCH
from benchmarks.results import Book, Measured

IDLE_S = 30.0
WHOLE = ["--peers", "all", "--idle", "--queued", "100000", "--growth", "1000000", "--costs"]


def main() -> None:
    given = read_arguments(sys.argv[1:])
    # Whoever ends us ends the databases and servers, too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended"))
    measured: Measured = {}
    failed: list[str] = []
    with tempfile.TemporaryDirectory(prefix="bench-", dir=SCRATCH) as scratch:
        folder = Path(scratch)
        book = Book(command_of(sys.argv[1:]), machine.facts(folder))
        for name, measure in parts(given, folder):
            print(name, file=sys.stderr)
            before = machine.cpu_time()
            try:
                part = measure()
            except (OSError, RuntimeError, subprocess.SubprocessError):
                # An hour of measuring does not end because one of many engines did not start.
                traceback.print_exc()
                failed.append(name)
                continue
            part["stolen_percent"] = round(machine.stolen_percent(before, machine.cpu_time()), 1)
            measured[name] = part if given.dry else book.add(name, part)
            if "results" not in part:
                print(json.dumps(part, indent=1), file=sys.stderr)
    print(report.table(measured))
    if not given.dry:
        report.write_pages()
    if failed:
        sys.exit(f"Not measured: {', '.join(failed)}")


def read_arguments(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--whole", action="store_true", help=f"the same as {' '.join(WHOLE)}")
    parser.add_argument(
        "--modes",
        default="a,b,c",
        help="a: embedded; b: server on SQLite; c: server on PostgreSQL; none: only what else is named",
    )
    parser.add_argument("--database", help="an empty PostgreSQL for mode c, but not for --growth; else one of our own")
    parser.add_argument("--scale", type=float, default=1.0, help="size of the workloads")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--only", default="", help="workloads, for example W1,W2; writes nothing")
    parser.add_argument("--peers", default="", help=f"engines to measure beside, of: {','.join(peers.PEERS)}; or all")
    parser.add_argument("--idle", action="store_true", help=f"CPU of doing nothing for {IDLE_S:.0f} s, modes b and c")
    parser.add_argument("--queued", type=int, default=0, help="memory with so many queued runs, modes b and c")
    parser.add_argument("--growth", type=int, default=0, help="finished runs to grow a database to, modes a and c")
    parser.add_argument("--costs", action="store_true", help="what a task costs PostgreSQL, for benchmarks.plan")
    parser.add_argument("--dry", action="store_true", help="print the table, write nothing")
    given = parser.parse_args(arguments)
    if given.whole:
        given = parser.parse_args([*WHOLE, *arguments])
    given.dry |= bool(given.only)
    return given


def command_of(arguments: list[str]) -> str:
    """As it was called; an address of a database may hold a password."""
    shown = ["postgresql://…" if "postgres" in argument and "://" in argument else argument for argument in arguments]
    return "make bench" if arguments == ["--whole"] else shlex.join(["python", "-m", "benchmarks", *shown])


def parts(given: argparse.Namespace, folder: Path) -> Iterator[tuple[str, Callable[[], dict[str, Any]]]]:
    """What is to be measured, in order: what people compare comes close together in time."""
    wanted = [mode for mode in given.modes.split(",") if mode]
    database = given.database
    arguments = ["--scale", str(given.scale), "--repeats", str(given.repeats), "--only", given.only]
    for mode in wanted:
        yield f"mode {mode}", partial(modes.measure, mode, database, arguments, folder)
    ways = wanted or list(report.MODES)
    named = list(peers.PEERS) if given.peers == "all" else [name for name in given.peers.split(",") if name]
    for name in named:
        yield f"peer {name}", partial(peers.measure, name, given.scale, given.repeats, folder)
    for mode in ways:
        if given.idle and mode != "a":
            yield f"idle {mode}", partial(idle.idle, mode, database, IDLE_S, folder)
        if given.queued and mode != "a":
            yield f"queued {mode}", partial(idle.queued, mode, database, given.queued, folder)
    if given.costs:
        yield "costs", partial(database_cost.measure, given.scale, folder)
    for mode in ways:
        if given.growth and mode != "b":
            yield f"growth {mode}", partial(growth.measure, mode, given.growth, folder)


if __name__ == "__main__":
    main()
