"""``mulligan migrate``: the newest schema, without starting anything."""

from __future__ import annotations

import asyncio
from typing import Annotated

from cyclopts import Parameter

from mulligan.app.compose import migrate_database
from mulligan.app.settings import load_settings
from mulligan.cli.commands import OK
from mulligan.cli.printing import say


def migrate(
    *,
    database: Annotated[
        str | None, Parameter(help="sqlite:///path or postgresql://…. [default: that of the data folder]")
    ] = None,
) -> int:
    """Bring the database to the newest schema; make it if there is none. A server does so by itself when it starts."""
    settings = load_settings({"database": database}).settings
    asyncio.run(migrate_database(settings))
    say(f"{settings.database_shown} has the newest schema")
    return OK
