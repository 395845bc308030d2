"""Does it stay as fast with a million finished runs in the database as with none?

A machine that is shared with others is not equally fast for as long as that takes. So each rate is taken in turn with
that of an empty database beside it, and what counts is the ratio of such neighbours.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from benchmarks.modes import Site, staffed_site
from benchmarks.processes import usage_of

REPEATS = 5
LARGEST = 20_000
"""Tasks per repeat."""
WARM_UP = 500


def measure(mode: str, finished_runs: int, folder: Path) -> dict[str, Any]:
    """The steady rate, W1, at the beginning and after every quarter of ``finished_runs``, each beside an empty one."""
    quarter = finished_runs // 4
    count = min(LARGEST, quarter // 10)
    spent = REPEATS * (count + WARM_UP)
    steps: list[dict[str, Any]] = []
    with staffed_site(mode, None, folder) as grown:
        empty_mb = grown.database_mb()
        for place in range(5):
            if place:
                # by a process of its own: what fills its memory is not to be taken for what fills the database
                grown.drive(["--repeats", "0", "--fill", str(max(1, quarter - spent))])
            steps.append({"finished_runs": place * quarter, **side_by_side(grown, mode, count, folder)})
            if "server" in grown.pids:
                steps[-1]["server_mb"] = round(usage_of(grown.pids["server"]).memory_mb, 1)
        return {"steps": steps, "bytes_per_run": round((grown.database_mb() - empty_mb) * 1e6 / (4 * quarter + spent))}


def side_by_side(grown: Site, mode: str, count: int, folder: Path) -> dict[str, list[float]]:
    """``rates`` of the grown database and ``empty_rates`` of a new one, taken in turn."""
    with staffed_site(mode, None, folder) as empty:
        pairs = [(rate(grown, count), rate(empty, count)) for _ in range(REPEATS)]
    return {"rates": [of_grown for of_grown, _ in pairs], "empty_rates": [of_empty for _, of_empty in pairs]}


def rate(site: Site, count: int) -> float:
    arguments = ["--only", "W1", "--repeats", "1", "--scale", str(count / LARGEST), "--fill", str(WARM_UP)]
    [result] = site.drive(arguments)
    return float(result["rate"])
