"""``mulligan config show`` and ``mulligan version``."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Annotated

from cyclopts import App, Parameter

from mulligan.app.settings import NAMES, describe, load_settings, unknown_variables
from mulligan.cli.commands import OK
from mulligan.cli.printing import Format, hint, in_words, print_json, print_table, say

app = App(name="config", help="Show the settings in force and where each comes from.")


@app.default
@app.command
def show(
    *,
    origin: Annotated[bool, Parameter(help="Say where each value comes from.")] = False,
    output: Format = "table",
) -> int:
    """Show the settings that commands in this folder use. Secrets are masked."""
    loaded = load_settings()
    values = {name: _in_words(getattr(loaded.settings, name)) for name in NAMES}
    values["database"] = loaded.settings.database_shown
    if output == "json":
        rows = {name: {"value": value, "origin": loaded.origins[name]} for name, value in values.items()}
        print_json(json.dumps(rows if origin else values).encode())
    elif origin:
        about = describe()
        print_table(
            ("setting", "value", "origin", "about"),
            [(name, values[name], loaded.origins[name], about[name]) for name in NAMES],
        )
    else:
        print_table(("setting", "value"), list(values.items()))
    for name in unknown_variables():
        hint(f"{name} is set, but there is no such setting")
    return OK


def show_version(*, output: Format = "table") -> int:
    """Show the version of Mulligan, of Python and of SQLite."""
    import platform
    from importlib.metadata import version

    import apsw

    versions = {
        "mulligan": version("mulligan"),
        "python": platform.python_version(),
        "sqlite": apsw.sqlite_lib_version(),
    }
    if output == "json":
        print_json(json.dumps(versions).encode())
    else:
        for name, number in versions.items():
            say(f"{name} {number}")
    return OK


def _in_words(value: object) -> str | None:
    if value is None:
        return None
    if isinstance(value, tuple):
        return ", ".join(value)
    if isinstance(value, timedelta):
        return in_words(value)
    return str(value)
