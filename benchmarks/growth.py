"""Does it stay as fast with a million finished runs in the database as with none?"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from benchmarks.modes import staffed_site
from benchmarks.processes import usage_of

REPEATS = 5
LARGEST = 20_000
"""Tasks per repeat."""
WARM_UP = 500


def measure(mode: str, given: str | None, finished_runs: int, folder: Path) -> dict[str, Any]:
    """The steady rate, W1, in an empty database and after every quarter of ``finished_runs``."""
    quarter = finished_runs // 4
    count = min(LARGEST, quarter // 10)
    arguments = ["--only", "W1", "--repeats", str(REPEATS), "--scale", str(count / LARGEST)]
    taken: list[dict[str, Any]] = []
    with staffed_site(mode, given, folder) as found:
        empty_mb = found.database_mb()
        for place in range(5):
            if place:
                # by a process of its own: what fills its memory is not to be taken for what fills the database
                found.drive(["--repeats", "0", "--fill", str(max(1, quarter - REPEATS * count - WARM_UP))])
            results = found.drive([*arguments, "--fill", str(WARM_UP)])
            taken.append({"finished_runs": place * quarter, "rates": [result["rate"] for result in results]})
            if "server" in found.pids:
                taken[-1]["server_mb"] = round(usage_of(found.pids["server"]).memory_mb, 1)
        runs = finished_runs + WARM_UP + REPEATS * count
        return {"steps": taken, "bytes_per_run": round((found.database_mb() - empty_mb) * 1e6 / runs)}
