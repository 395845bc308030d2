"""``python -m tests.zoo``: hunt every mutant, and write the table of catches into the docs.

``python -m tests.zoo dropped-fence --seeds 500`` hunts one.
"""

from __future__ import annotations

import argparse
import sys
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from tests.zoo.cage import ROOT
from tests.zoo.hunt import Catch, hunt
from tests.zoo.mutants import MUTANTS, Mutant

BEGIN, END = "<!-- zoo: begin -->", "<!-- zoo: end -->"


def row(mutant: Mutant, caught: Catch | None) -> str:
    if caught is None:
        return f"| `{mutant.name}` | {mutant.story} | **survived** | |"
    return f"| `{mutant.name}` | {mutant.story} | {caught.seeds} | {caught.rule} |"


def table(catches: list[tuple[Mutant, Catch | None]], seeds: int, hours: float) -> str:
    killed = [caught.seeds for _, caught in catches if caught is not None]
    lines = [
        BEGIN,
        "",
        f"{len(killed)} of {len(catches)} mutants are killed within {seeds} seeds of {hours:g} simulated hours, half "
        f"of them within {sorted(killed)[len(killed) // 2]}. Written by `make zoo`.",
        "",
        "| mutant | what goes wrong | seeds needed | broken first |",
        "|---|---|---|---|",
        *(row(mutant, caught) for mutant, caught in catches),
        "",
        END,
    ]
    return "\n".join(lines)


def write(page: Path, text: str) -> None:
    before = page.read_text()
    head, _, rest = before.partition(BEGIN)
    _, _, tail = rest.partition(END)
    page.write_text(head + text + tail)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.zoo", description=__doc__)
    parser.add_argument("names", nargs="*", help="mutants; all if none is named")
    parser.add_argument("--seeds", type=int, default=500)
    parser.add_argument("--hours", type=float, default=0.4)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--page", type=Path, help="the page to write the table into")
    given = parser.parse_args()
    chosen = [mutant for mutant in MUTANTS if not given.names or mutant.name in given.names]
    with ThreadPoolExecutor(given.jobs) as hunters:
        search = partial(hunt, seeds=given.seeds, hours=given.hours)
        catches: list[tuple[Mutant, Catch | None]] = []
        for mutant, caught in zip(chosen, hunters.map(search, (each.name for each in chosen)), strict=True):
            catches.append((mutant, caught))
            print(f"{mutant.name}: {'SURVIVED' if caught is None else f'{caught.seeds} {caught.message}'}", flush=True)  # noqa: T201
    if given.page is not None:
        write(ROOT / given.page, table(catches, given.seeds, given.hours))
    return 0 if all(caught is not None for _, caught in catches) else 1


if __name__ == "__main__":
    sys.exit(main())
