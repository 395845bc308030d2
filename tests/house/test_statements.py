"""The .sql files: one statement each, named in snake case, the same names for both databases."""

import re
from pathlib import Path

from tests.house import laws, waivers
from tests.house.source import PACKAGE

STORES = PACKAGE / "stores"


def statements(folder: Path) -> dict[str, str]:
    return {path.stem: path.read_text(encoding="utf-8") for path in folder.rglob("*.sql")}


def one_sided(sqlite: dict[str, str], postgres: dict[str, str]) -> list[str]:
    return sorted(sqlite.keys() ^ postgres.keys())


def test_both_databases_have_the_same_statements() -> None:
    postgres = STORES / "postgres" / "sql"
    if postgres.is_dir():
        differing = one_sided(statements(STORES / "sqlite" / "sql"), statements(postgres))
        assert differing == sorted(waivers.ONE_SIDED_STATEMENTS)


def test_a_statement_missing_on_one_side_is_found() -> None:
    assert one_sided({"claim": "", "due": ""}, {"claim": "", "notify": ""}) == ["due", "notify"]


def test_files_hold_one_statement_and_are_named_after_it() -> None:
    found = {path: path.read_text(encoding="utf-8") for path in STORES.glob("*/sql/**/*.sql")}
    assert [path.name for path, text in found.items() if not laws.is_one_statement(text)] == []
    assert [path.name for path in found if not re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", path.stem)] == []
