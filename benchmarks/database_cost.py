"""What a task costs each process of mode c, and PostgreSQL in particular: the figures that ``plan`` calculates with.

Under load hundreds of tasks share a transaction, a lone one has several to itself. Both are measured, so that what a
transaction costs can be told from what a task costs. PostgreSQL's own counters say what was written; they count
statements, of which there are few, so that counting costs next to nothing.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from benchmarks import services
from benchmarks.modes import Site, staffed_site
from benchmarks.processes import usage_of

COUNTED = """
SELECT
    (SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0'))::float8 AS wal_bytes,
    coalesce(sum(wal_fpi), 0)::float8 AS full_pages,
    coalesce(sum(calls) FILTER (WHERE query NOT IN ('BEGIN', 'COMMIT')), 0)::float8 AS statements,
    coalesce(sum(calls) FILTER (WHERE query = 'COMMIT'), 0)::float8 AS commits,
    coalesce(sum(rows) FILTER (WHERE query ~ '\\m(INSERT INTO|UPDATE [a-z_]+|DELETE FROM)\\M'), 0)::float8
        AS rows_written,
    pg_database_size(current_database())::float8 AS database_bytes
FROM pg_stat_statements
WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
"""
WORKLOADS = {"loaded": ("W1", 60_000), "alone": ("W2", 2_000)}
FULL = {"W1": 20_000, "W2": 1_000}
"""What the driver does at scale 1."""


def measure(scale: float, folder: Path) -> dict[str, Any]:
    """Totals over a number of tasks, by workload: `loaded` and `alone`."""
    with staffed_site("c", None, folder, {"shared_preload_libraries": "pg_stat_statements"}) as site:
        assert site.database is not None
        services.fetch(site.database, "CREATE EXTENSION pg_stat_statements")
        site.drive(["--only", "W1", "--repeats", "1", "--scale", str(scale)])
        return {"postgresql": services.facts(site.database)} | {
            name: totals(site, workload, max(FULL[workload] // 50, int(count * scale)))
            for name, (workload, count) in WORKLOADS.items()
        }


def totals(site: Site, workload: str, count: int) -> dict[str, float]:
    """What ``count`` tasks have taken: seconds of CPU by process, and PostgreSQL's counters."""
    before = snapshot(site)
    arguments = ["--only", workload, "--repeats", "1", "--scale", str(count / FULL[workload]), "--fill", "0"]
    [result] = site.drive(arguments)
    after = snapshot(site)
    taken = {name: after[name] - before[name] for name in after}
    return {"tasks": float(result["count"]), "seconds": float(result["seconds"]), **taken}


def snapshot(site: Site) -> dict[str, float]:
    assert site.database is not None
    cpu = {f"{name}_cpu_s": usage_of(pid).cpu_s for name, pid in site.pids.items()}
    return cpu | dict(services.fetch(site.database, COUNTED))
