"""Numbered changes of the schema, the same procedure for both databases; who applies them is the store itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files

from mulligan.errors import StoreUnavailable


@dataclass(frozen=True, slots=True)
class Migration:
    """One file ``migrations/0001_some_name.sql``: a script that is applied once, in one transaction."""

    number: int
    name: str
    script: str


def read_migrations(package: str) -> list[Migration]:
    """All migrations of the store in ``package``, in order. They count 1, 2, … without a gap."""
    found = []
    for file in files(package).joinpath("migrations").iterdir():
        if file.name.endswith(".sql"):
            number, _, name = file.name.removesuffix(".sql").partition("_")
            found.append(Migration(int(number), name, file.read_text(encoding="utf-8")))
    found.sort(key=lambda migration: migration.number)
    assert [migration.number for migration in found] == list(range(1, len(found) + 1)), "migrations have a gap"
    return found


def pending(known: Sequence[Migration], applied: int, database: str) -> list[Migration]:
    """The migrations still to apply to a database whose schema has number ``applied`` (0: empty).

    Raises StoreUnavailable when the schema is newer than this code, which would not understand what it reads.
    """
    if applied > len(known):
        raise StoreUnavailable(
            f"The database {database} has schema {applied}, but this version of Mulligan knows only {len(known)}: "
            "a newer version has used it. Install that version again, or restore the backup made before it.",
            code="newer_schema",
        )
    return list(known[applied:])
