"""`make chaos`: disturb, audit, show the table. Exit code 1 if a single verdict is not zero."""

from __future__ import annotations

import argparse
import asyncio
import shutil
import signal
import sys
import tempfile
from functools import partial
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from chaos import report
from chaos.experiments import EXPERIMENTS, Experiment, Outcome, carry_out

SIZES = ("quick", "nightly", "release")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m chaos", description=__doc__)
    parser.add_argument("--size", choices=SIZES, help="how many cycles; default: quick, or none with --page")
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--only", default="", help=f"experiments, of: {','.join(each.name for each in EXPERIMENTS)}")
    parser.add_argument("--cycles", type=int, help="cycles of each experiment, whatever the size says")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("-o", dest="output", choices=("table", "json"), default="table")
    parser.add_argument("--keep", action="store_true", help="keep ledgers, logs and databases also when all is well")
    parser.add_argument("--record", action="store_true", help="keep the figures for --page")
    parser.add_argument("--page", type=Path, help="write the recorded figures into this page")
    given = parser.parse_args()
    # whoever ends us means all of it: what we have started goes, and the small disk is unmounted
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    clean = True
    if given.size or not given.page:
        outcomes = disturb(given)
        clean = all(outcome.report.is_clean for outcome in outcomes)
        if given.output == "json":
            print(report.as_json(outcomes))
        else:
            report.show(outcomes, Console(width=None if sys.stdout.isatty() else 150))
    if given.page:
        report.write_page(given.page)
    return 0 if clean else 1


def disturb(given: argparse.Namespace) -> list[Outcome]:
    """Carry out what was asked for, one experiment after the other. What is not well stays on the disk."""
    place = Path(tempfile.mkdtemp(prefix="mulligan-chaos-"))
    place.chmod(0o755)  # PostgreSQL runs as another user
    outcomes: list[Outcome] = []
    plan = [(each, _cycles(each, given)) for each in EXPERIMENTS if _is_wanted(each, given)]
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(file=sys.stderr)) as progress:
        for experiment, number in plan:
            task = progress.add_task(experiment.title, total=number)
            folder = place / experiment.name
            folder.mkdir()
            advance = partial(progress.advance, task)
            outcome = asyncio.run(carry_out(experiment, number, folder, given.seed, advance))
            outcomes.append(outcome)
            progress.console.print(report.in_a_line(outcome), highlight=False)
            if given.record:
                report.record(outcome)
    if given.keep or not all(outcome.report.is_clean for outcome in outcomes):
        print(f"ledgers, logs and databases: {place}", file=sys.stderr)
    else:
        shutil.rmtree(place)
    return outcomes


def _is_wanted(experiment: Experiment, given: argparse.Namespace) -> bool:
    if given.only:
        return experiment.name in given.only.split(",")
    return experiment.postgresql == (given.database == "postgresql") and _cycles(experiment, given) > 0


def _cycles(experiment: Experiment, given: argparse.Namespace) -> int:
    return int(given.cycles or experiment.cycles[given.size or "quick"])


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
