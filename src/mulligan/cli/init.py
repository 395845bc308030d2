"""``mulligan init``: three files that run as they are."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

from mulligan.cli.commands import OK
from mulligan.cli.printing import hint, say
from mulligan.errors import InvalidInput

FILES = ("app.py", "test_app.py", "mulligan.toml")


def init(folder: Path = Path(), /) -> int:
    """Write app.py, test_app.py and mulligan.toml into FOLDER (the current one by default). Overwrites nothing."""
    there = [name for name in FILES if (folder / name).exists()]
    if there:
        raise InvalidInput(
            f"{', '.join(there)} exist in {folder.resolve()} already. Choose another folder; none was made."
        )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name in FILES:
            # Kept under another ending, so that nobody takes the scaffold for a part of the command line.
            (folder / name).write_text((resources.files("mulligan.cli") / "scaffold" / f"{name}.txt").read_text())
            say(f"{folder / name}")
    except OSError as error:
        raise InvalidInput(f"The files cannot be written: {error}. Choose another folder.") from None
    place = "" if folder == Path() else f"cd {folder} && "
    hint(f"\nnext: {place}mulligan dev app.py:m")
    return OK
