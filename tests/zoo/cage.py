"""Loading the package with a mutant in it: the source is changed on its way from the file to the compiler."""

from __future__ import annotations

import importlib.machinery
import importlib.util
import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType

from tests.zoo.mutants import Edit, Mutant

ROOT = Path(__file__).resolve().parents[2]


def source_of(module: str) -> str:
    path = ROOT / "src" / Path(*module.split("."))
    file = path.with_suffix(".py")
    return (file if file.exists() else path / "__init__.py").read_text()


def mutated(source: str, edits: Sequence[Edit]) -> str:
    """Raises ValueError if an edit does not fit exactly once."""
    for edit in edits:
        if source.count(edit.before) != 1:
            raise ValueError(f"{edit.module} has {source.count(edit.before)} times: {edit.before!r}")
        source = source.replace(edit.before, edit.after)
    return source


class MutantLoader(SourceFileLoader):
    def __init__(self, fullname: str, path: str, edits: Sequence[Edit]) -> None:
        super().__init__(fullname, path)
        self._edits = edits

    def get_code(self, fullname: str) -> CodeType:
        """Compiled anew each time: the cached bytecode is that of the healthy source."""
        source = mutated(Path(self.path).read_text(), self._edits)
        return compile(source, self.path, "exec", dont_inherit=True)


class Cage(MetaPathFinder):
    """Put it in front of ``sys.meta_path`` before anything of the package is imported."""

    def __init__(self, mutant: Mutant) -> None:
        self._edits: dict[str, list[Edit]] = {}
        for edit in mutant.edits:
            self._edits.setdefault(edit.module, []).append(edit)

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname not in self._edits:
            return None
        found = PathFinder.find_spec(fullname, path, target)
        assert found is not None
        assert found.origin is not None
        loader = MutantLoader(fullname, found.origin, self._edits[fullname])
        return importlib.util.spec_from_file_location(fullname, found.origin, loader=loader)


def lock_up(mutant: Mutant) -> None:
    """From now on this process runs with the mutant."""
    already = [edit.module for edit in mutant.edits if edit.module in sys.modules]
    assert not already, f"imported before the mutant was let in: {already}"
    sys.meta_path.insert(0, Cage(mutant))
