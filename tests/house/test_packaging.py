"""What pyproject.toml promises to those who install the package is there."""

import tomllib
from itertools import chain
from typing import Any

from tests.house.documents import missing_names
from tests.house.source import PACKAGE, ROOT

PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def test_the_command_exists() -> None:
    command = PROJECT["project"]["scripts"]["mulligan"]
    assert missing_names(f"`{command.replace(':', '.')}`") == []


def test_our_own_tests_load_the_pytest_plugin_as_users_do() -> None:
    assert PROJECT["project"]["entry-points"]["pytest11"]["mulligan"] == "mulligan.testing.plugin"
    switched_off = "no:mulligan" in PROJECT["tool"]["pytest"]["ini_options"]["addopts"]
    written = (PACKAGE / "testing" / "plugin.py").is_file()
    assert switched_off != written, "remove `-p no:mulligan` from pyproject.toml" if written else "no plugin to load"


def test_every_dependency_has_its_reason_beside_it() -> None:
    extras = PROJECT["project"]["optional-dependencies"].values()
    listed = [*PROJECT["project"]["dependencies"], *chain.from_iterable(extras)]
    lines = (ROOT / "pyproject.toml").read_text(encoding="utf-8").splitlines()
    unexplained = [name for name in listed for line in lines if f'"{name}"' in line and "#" not in line]
    assert unexplained == []
