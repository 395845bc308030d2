"""`make bench`: measure, write the results to `benchmarks/results/` and the tables to the README and the docs."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from benchmarks import growth, machine, modes, report
from benchmarks.peers import run as peers

HERE = Path(__file__).parent


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--modes", default="a,b", help="a: embedded; b: server on SQLite; c: server on PostgreSQL")
    parser.add_argument("--database", help="PostgreSQL URL for mode c")
    parser.add_argument("--scale", type=float, default=1.0, help="size of the workloads")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--only", default="", help="workloads, for example W1,W2")
    parser.add_argument("--peers", default="", help=f"engines to measure beside, of: {','.join(peers.PEERS)}; or all")
    parser.add_argument("--growth", type=int, default=0, help="finished runs to grow a SQLite database to")
    parser.add_argument("--dry", action="store_true", help="print the table, write nothing")
    given = parser.parse_args()
    if "c" in given.modes.split(",") and given.database is None:
        parser.error("mode c measures PostgreSQL: say which with --database postgresql://…")
    folder = Path(tempfile.mkdtemp(prefix="bench-", dir=HERE))
    try:
        outcome = measure(given, folder)
    finally:
        for left in sorted(folder.rglob("*"), reverse=True):
            left.unlink() if left.is_file() or left.is_symlink() else left.rmdir()
        folder.rmdir()
    print(report.table(outcome))
    if not given.dry:
        file = HERE / "results" / f"{datetime.now(UTC):%Y-%m-%d}.json"
        file.parent.mkdir(exist_ok=True)
        file.write_text(json.dumps(outcome, indent=1) + "\n")
        report.write(outcome)


def measure(given: argparse.Namespace, folder: Path) -> dict[str, object]:
    outcome: dict[str, object] = {
        "command": "make bench" if len(sys.argv) == 1 else f"python -m benchmarks {' '.join(sys.argv[1:])}",
        "taken_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": machine.facts(folder),
    }
    arguments = ["--scale", str(given.scale), "--repeats", str(given.repeats), "--only", given.only]
    measured = []
    for mode in given.modes.split(","):
        print(f"mode {mode}", file=sys.stderr)
        measured.append(modes.measure(mode, given.database if mode == "c" else None, arguments, folder))
    outcome["modes"] = measured
    if given.peers:
        outcome["peers"] = peers.measure(given.peers, given.scale, given.repeats, folder)
    if given.growth:
        outcome["growth"] = growth.measure(given.growth, folder)
    return outcome


if __name__ == "__main__":
    main()
