"""An app is found by file or module, imported afresh, and a broken one changes nothing."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from mulligan.app.loading import AppBroken, AppPlace, find_app, load_app
from mulligan.errors import InvalidInput

APP = "from mulligan import Mulligan\nm = Mulligan()\n"


@pytest.fixture(autouse=True)
def _leave_no_modules(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    before = set(sys.modules)
    yield
    for name in set(sys.modules) - before:
        if not name.startswith("mulligan"):
            del sys.modules[name]


def test_a_file_is_a_module_of_its_folder(tmp_path: Path) -> None:
    (tmp_path / "jobs.py").write_text(APP)
    assert find_app("jobs.py:m", tmp_path) == AppPlace(tmp_path, "jobs", "m")
    assert find_app("jobs.py", tmp_path) == AppPlace(tmp_path, "jobs", None)


def test_a_file_in_a_package_is_imported_under_its_full_name(tmp_path: Path) -> None:
    package = tmp_path / "src" / "shop" / "work"
    package.mkdir(parents=True)
    for folder in (package, package.parent):
        (folder / "__init__.py").write_text("")
    (package / "jobs.py").write_text(APP)
    assert find_app("src/shop/work/jobs.py:m", tmp_path) == AppPlace(tmp_path / "src", "shop.work.jobs", "m")


def test_a_module_is_looked_for_from_here(tmp_path: Path) -> None:
    assert find_app("shop.jobs:m", tmp_path) == AppPlace(tmp_path, "shop.jobs", "m")


@pytest.mark.parametrize("text", ["nothing.py:m", "app.py:m.x", "app.py:1", "a/b:m", ""])
def test_what_names_no_app_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "app.py").write_text(APP)
    with pytest.raises(InvalidInput):
        find_app(text, tmp_path)


def test_the_only_app_of_a_module_needs_no_name(tmp_path: Path) -> None:
    (tmp_path / "only_one.py").write_text(APP + "same = m\n")
    assert load_app(find_app("only_one.py", tmp_path)).declarations == {}


def test_several_apps_without_a_name_are_listed(tmp_path: Path) -> None:
    (tmp_path / "two_apps.py").write_text(APP + "other = Mulligan()\n")
    with pytest.raises(InvalidInput, match=r"several \(m, other\): say which"):
        load_app(find_app("two_apps.py", tmp_path))


def test_a_name_that_is_not_there_is_refused_with_those_that_are(tmp_path: Path) -> None:
    (tmp_path / "named.py").write_text(APP)
    with pytest.raises(InvalidInput, match="no Mulligan called 'app': it has m"):
        load_app(find_app("named.py:app", tmp_path))


def test_a_module_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="no module 'absent_module'"):
        load_app(find_app("absent_module:m", tmp_path))


def test_loading_again_imports_the_projects_modules_afresh_but_no_library(tmp_path: Path) -> None:
    library = tmp_path / "site-packages"
    library.mkdir()
    (library / "some_library.py").write_text("")
    (tmp_path / "parts_of_it.py").write_text("VALUE = 1\n")
    (tmp_path / "whole.py").write_text(APP + "import parts_of_it, some_library\nm.value = parts_of_it.VALUE\n")
    sys.path.insert(0, str(library))
    place = find_app("whole.py:m", tmp_path)
    first = load_app(place)
    import some_library as before  # type: ignore[import-not-found]  # written above

    (tmp_path / "parts_of_it.py").write_text("VALUE = 2\n")
    second = load_app(place)
    assert (vars(first)["value"], vars(second)["value"]) == (1, 2)
    assert sys.modules["some_library"] is before


def test_a_syntax_error_is_shown_with_its_line_and_the_old_modules_stay(tmp_path: Path) -> None:
    file = tmp_path / "breaks.py"
    file.write_text(APP)
    place = find_app("breaks.py:m", tmp_path)
    load_app(place)
    before = sys.modules["breaks"]
    file.write_text(APP + "def broken(:\n")
    with pytest.raises(AppBroken, match="SyntaxError") as raised:
        load_app(place)
    assert f'File "{file}", line 3' in raised.value.trace
    assert "importlib" not in raised.value.trace
    assert sys.modules["breaks"] is before


def test_an_exception_while_importing_is_shown_with_the_users_frames(tmp_path: Path) -> None:
    (tmp_path / "inner_part.py").write_text("1 / 0\n")
    (tmp_path / "outer_part.py").write_text("import inner_part\n" + APP)
    with pytest.raises(AppBroken, match="ZeroDivisionError") as raised:
        load_app(find_app("outer_part.py:m", tmp_path))
    files = [line for line in raised.value.trace.splitlines() if line.startswith("  File")]
    assert [Path(line.split('"')[1]).name for line in files] == ["outer_part.py", "inner_part.py"]
    assert "inner_part" not in sys.modules


def test_an_import_that_the_app_lacks_is_the_apps_trouble(tmp_path: Path) -> None:
    (tmp_path / "lacks.py").write_text("import no_such_library_anywhere\n")
    with pytest.raises(AppBroken, match="no_such_library_anywhere"):
        load_app(find_app("lacks.py:m", tmp_path))
