"""Writes the pages of docs/reference that follow from the code: ``python tools/write_reference.py``.

A test compares the pages with what this would write.
"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

from mulligan.app.settings import ENV_PREFIX, Settings, describe
from mulligan.cli.printing import in_words

REFERENCE = Path(__file__).parents[1] / "docs" / "reference"

SETTINGS = """# Settings

The same for engine, server, worker and command line. In this order, the first that is given counts: the argument of a
command · the environment · `mulligan.toml`, or else `[tool.mulligan]` in `pyproject.toml` · the default.
`mulligan config show --origin` says what is in force and why. A program's own `Mulligan()` takes `url`, `token` and
`namespace` from its arguments or the environment, not from a file; the engine inside it reads the rest as here. Spans
are written as `90s`, `15m`, `24h` or `30d`.

| in the file | in the environment | default | what it is |
|---|---|---|---|
"""


def settings_page() -> str:
    defaults = Settings()
    rows = [
        f"| `{name}` | `{ENV_PREFIX}{name.upper()}` | {shown(getattr(defaults, name))} | {text} |"
        for name, text in describe().items()
    ]
    return SETTINGS + "\n".join(rows) + "\n"


def shown(value: Any) -> str:
    if value in (None, "", ()):
        return ""
    return f"`{in_words(value) if isinstance(value, timedelta) else value}`"


PAGES = {"settings.md": settings_page}

if __name__ == "__main__":
    for name, page in PAGES.items():
        (REFERENCE / name).write_text(page(), encoding="utf-8")
