"""Looks into the built wheel: it must run where there is no Node and no checkout."""

import sys
import zipfile
from pathlib import Path

REQUIRED = (
    "mulligan/__init__.py",
    "mulligan/py.typed",
    "mulligan/server/static/index.html",
)


def main(folder: str) -> int:
    """Checks the newest wheel in ``folder``; returns the exit code."""
    wheel = max(Path(folder).glob("mulligan-*.whl"), key=lambda path: path.stat().st_mtime)
    names = set(zipfile.ZipFile(wheel).namelist())
    missing = [name for name in REQUIRED if name not in names]
    if not any(name.endswith(".sql") for name in names):
        missing.append("any .sql statement")
    for name in missing:
        print(f"{wheel.name} lacks {name}")
    print(f"{wheel.name}: {len(names)} files, {wheel.stat().st_size / 1024:.0f} KiB")
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
