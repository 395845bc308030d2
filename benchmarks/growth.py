"""Does it stay as fast with a million finished runs in the database as with none?"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

from benchmarks.modes import SLOTS
from benchmarks.processes import run_json


def measure(finished_runs: int, folder: Path) -> list[dict[str, float]]:
    """The steady rate (mode a) at the start and after every quarter of ``finished_runs``."""
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        environment = {"MULLIGAN_DATA": f"{scratch}/data", "MULLIGAN_SLOTS": SLOTS}
        taken: list[dict[str, float]] = []
        quarter = max(20_000, finished_runs // 4)
        for done in range(0, finished_runs + 1, quarter):
            arguments = ["--only", "W1", "--repeats", "3", "--fill", "0" if done == 0 else str(quarter - 60_500)]
            results = run_json([sys.executable, "-m", "benchmarks.driver", *arguments], environment, Path(scratch))
            assert isinstance(results, list)
            rates = sorted(float(result["rate"]) for result in results)
            taken.append({"finished_runs": done, "rate": rates[len(rates) // 2]})
            print(json.dumps(taken[-1]), file=sys.stderr)
        return taken
