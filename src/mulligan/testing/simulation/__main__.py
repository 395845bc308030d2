"""``python -m mulligan.testing.simulation 0-99``: run worlds by their seeds, and say how to see a bad one again."""

from __future__ import annotations

import argparse
import multiprocessing
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from functools import partial

from mulligan.testing.simulation.world import Report, simulate


def seeds_in(text: str) -> Iterator[int]:
    """``7``, ``0-99`` or ``3,5,10-20``."""
    for part in text.split(","):
        first, _, last = part.partition("-")
        yield from range(int(first), int(last or first) + 1)


def commit() -> str:
    """The commit of the code that runs, if it is a checkout."""
    git = shutil.which("git")
    if git is not None:
        with suppress(subprocess.CalledProcessError):
            told = subprocess.run([git, "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=True)  # noqa: S603
            return told.stdout.strip()
    return "unknown"


def line(report: Report) -> str:
    faults = sum(report.faults.values())
    return (
        f"seed {report.seed}: {'ok ' if report.finding is None else 'BAD'} {report.hours:.2f} h, "
        f"{report.runs} runs, {report.attempts} attempts, {report.commits} commits, {faults} faults, "
        f"{report.took_s:.1f} s of CPU, trace {report.trace[:12]}"
    )


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m mulligan.testing.simulation", description=__doc__)
    parser.add_argument("seeds", nargs="?", default="0-19", help="7, 0-99 or 3,5,10-20")
    parser.add_argument("--hours", type=float, default=1.0, help="how long the weather is bad")
    parser.add_argument("--postgres", metavar="URL", help="on this server, where databases may be created")
    parser.add_argument("--jobs", type=int, default=1, help="processes")
    parser.add_argument("--keep-going", action="store_true", help="do not end with the first bad world")
    parser.add_argument("--quiet", action="store_true", help="only what is bad, and the sum")
    given = parser.parse_args()
    if given.postgres is not None and given.jobs > 1:
        parser.error("worlds on PostgreSQL share one database: --jobs 1")
    total = Counter[str]()
    bad: list[Report] = []
    run = partial(simulate, hours=given.hours, server=given.postgres)
    with multiprocessing.Pool(given.jobs) as pool:
        for report in pool.imap(run, seeds_in(given.seeds)):
            if report.finding is not None or not given.quiet:
                print(line(report), flush=True)  # noqa: T201 (a program's output)
            total.update(worlds=1, runs=report.runs, attempts=report.attempts, commits=report.commits)
            total.update(minutes=round(report.hours * 60), seconds=round(report.took_s * 100))
            total.update(faults=sum(report.faults.values()))
            if report.finding is not None:
                bad.append(report)
                tell(report, given.hours, given.postgres)
                if not given.keep_going:
                    break
    print(  # noqa: T201
        f"{total['worlds']} worlds, {total['minutes'] / 60:.1f} simulated hours, {total['runs']:,} runs, "
        f"{total['attempts']:,} attempts, {total['commits']:,} transactions, {total['faults']:,} faults, "
        f"{total['seconds'] / 100:.0f} s of CPU, {len(bad)} bad"
    )
    return 1 if bad else 0


def tell(report: Report, hours: float, server: str | None) -> None:
    """What was broken, where, and one command that shows it again."""
    assert report.finding is not None
    print(f"  {report.finding.message}")  # noqa: T201
    print("".join(f"    {line}\n" for line in report.finding.where.splitlines()[-8:]), end="")  # noqa: T201
    again = f"python -m mulligan.testing.simulation {report.seed} --hours {hours:g}"
    if server is not None:
        again += f" --postgres {server}"
    print(f"  at commit {commit()}; again: {again}", flush=True)  # noqa: T201


if __name__ == "__main__":
    sys.exit(main())
