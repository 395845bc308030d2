"""From ``app.py:m`` to the object it names, and again after the code was saved.

Modules of the project itself are imported afresh by ``load``; libraries stay. If that fails the modules of before are
back in place, so that code which runs on them finds what it imports late.
"""

from __future__ import annotations

import importlib
import linecache
import sys
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from mulligan.errors import InvalidInput, MulliganError
from mulligan.sdk.app import Mulligan

_LIBRARY_FOLDERS = frozenset({"site-packages", "dist-packages", "node_modules", ".venv", "venv"})
_OWN_FOLDER = Path(__file__).resolve().parents[1]


class AppBroken(InvalidInput):
    """The user's program cannot be imported. ``trace`` shows where, with the user's own frames only."""

    code = "app_broken"

    def __init__(self, message: str, trace: str) -> None:
        super().__init__(message)
        self.trace = trace


@dataclass(frozen=True, slots=True)
class AppPlace:
    """Where an app is declared: ``module``, found in ``folder``, and in it ``name`` (None: the only one there is)."""

    folder: Path
    module: str
    name: str | None

    def __str__(self) -> str:
        return f"{self.module}:{self.name}" if self.name else self.module


def find_app(text: str, directory: Path | None = None) -> AppPlace:
    """``app.py:m``, ``src/shop/jobs.py:m``, ``shop.jobs:m`` or any of them without ``:m``.

    Raises ``errors.InvalidInput`` when there is no such file.
    """
    here = (directory or Path.cwd()).resolve()
    path, _, name = text.partition(":")
    if name and not name.isidentifier():
        raise InvalidInput(f"{name!r} in {text!r} is no name of a variable. Write it as app.py:m.")
    if not path.endswith(".py"):
        if not all(part.isidentifier() for part in path.split(".")):
            raise InvalidInput(f"{text!r} is neither a file nor a module. Write it as app.py:m or package.module:m.")
        return AppPlace(here, path, name or None)
    file = (here / path).resolve()
    if not file.is_file():
        raise InvalidInput(f"There is no file {file}. Check the path, or make one with `mulligan init`.")
    folder, parts = file.parent, [file.stem]
    while (folder / "__init__.py").is_file():  # a module of a package is imported under its full name
        parts.insert(0, folder.name)
        folder = folder.parent
    return AppPlace(folder, ".".join(parts), name or None)


def load_app(place: AppPlace) -> Mulligan:
    """Import the app, its project's modules afresh. Raises ``AppBroken`` or ``errors.InvalidInput``."""
    if str(place.folder) not in sys.path:
        sys.path.insert(0, str(place.folder))
    importlib.invalidate_caches()
    linecache.checkcache()
    before = {name: module for name, module in sys.modules.items() if _is_of_project(module, place.folder)}
    for name in before:
        del sys.modules[name]
    try:
        module = _import(place)
        return _named(module, place)
    except MulliganError:
        for name in [name for name, module in sys.modules.items() if _is_of_project(module, place.folder)]:
            del sys.modules[name]
        sys.modules.update(before)
        raise


def modules_of(place: AppPlace) -> set[Path]:
    """The files of the project's own modules that are imported now."""
    modules = [module for module in list(sys.modules.values()) if _is_of_project(module, place.folder)]
    return {Path(module.__file__) for module in modules if module.__file__ is not None}


def _import(place: AppPlace) -> ModuleType:
    try:
        return importlib.import_module(place.module)
    except ModuleNotFoundError as error:
        if error.name is not None and place.module.startswith(error.name):
            raise InvalidInput(f"There is no module {error.name!r} in {place.folder}. Check the spelling.") from None
        raise AppBroken(f"{place.module} cannot be imported: {error}.", _trace(error)) from error
    except MulliganError as error:
        raise AppBroken(str(error), "") from error
    except (Exception, SystemExit) as error:
        kind = type(error).__name__
        raise AppBroken(f"{place.module} cannot be imported: {kind}: {error}.", _trace(error)) from error


def _named(module: ModuleType, place: AppPlace) -> Mulligan:
    apps = {name: value for name, value in vars(module).items() if isinstance(value, Mulligan)}
    if place.name is not None:
        found = vars(module).get(place.name)
        if isinstance(found, Mulligan):
            return found
        there = f"it has {', '.join(apps)}" if apps else "it has none; write `m = Mulligan()`"
        raise InvalidInput(f"{place.module} has no Mulligan called {place.name!r}: {there}.")
    if len({id(app) for app in apps.values()}) == 1:
        return next(iter(apps.values()))
    there = f"several ({', '.join(apps)}): say which, as in app.py:m" if apps else "none: write `m = Mulligan()` in it"
    raise InvalidInput(f"{place.module} should have one Mulligan and has {there}.")


def _is_of_project(module: ModuleType, folder: Path) -> bool:
    file = getattr(module, "__file__", None)
    if not file or module.__name__ == "__main__":
        return False
    path = Path(file)
    if not path.is_relative_to(folder) or path.is_relative_to(_OWN_FOLDER):
        return False
    return _LIBRARY_FOLDERS.isdisjoint(path.relative_to(folder).parts)


def _trace(error: BaseException) -> str:
    """The traceback without the frames of the import system and of Mulligan."""
    told = traceback.TracebackException.from_exception(error)
    for part in _chain(told):
        part.stack = traceback.StackSummary.from_list(
            [frame for frame in part.stack if "importlib" not in frame.filename and not _is_own(frame.filename)]
        )
    return "".join(told.format()).rstrip()


def _chain(told: traceback.TracebackException) -> Iterator[traceback.TracebackException]:
    part: traceback.TracebackException | None = told
    while part is not None:
        yield part
        part = part.__cause__ or part.__context__


def _is_own(file: str) -> bool:
    return Path(file).is_relative_to(_OWN_FOLDER)
