"""What the documents say, held against the code: paths, dotted names, numbers of pages."""

import ast
import re
from collections import Counter
from pathlib import Path

from tests.house.source import PACKAGE, ROOT

# `engine.api.start_run` starts with a room; `asyncio.run` does not and is not ours to check
ROOMS = ("app", "cli", "core", "engine", "errors", "gateway", "ports", "sdk", "server", "stores", "testing", "wire")
QUOTED = re.compile(r"`([^`\n]+)`")
PATH = re.compile(r"[\w.-]+(/[\w.*-]+)+/?|[\w-]+\.(py|sql|md|toml|lock)|[\w.-]+/")
DOTTED = re.compile(rf"(mulligan|{'|'.join(ROOMS)})(\.\w+)+(\(.*\))?")


def missing_paths(text: str) -> list[str]:
    """The quoted paths that are neither in the repository, nor in the package, nor (a bare file name) anywhere."""
    return [name for name in QUOTED.findall(text) if PATH.fullmatch(name) and not _path_exists(name)]


def missing_names(text: str) -> list[str]:
    """The quoted dotted names that no module defines."""
    return [name for name in QUOTED.findall(text) if _is_dotted(name) and not _name_exists(name)]


def numbering_faults(names: list[str]) -> list[str]:
    """Decisions are known by their number, so that no two may share one. Gaps are pages that somebody is writing."""
    numbers = Counter(name[:4] for name in names)
    faults = [f"{name}: not NNNN-words-with-dashes.md" for name in names if not _is_page_name(name)]
    return faults + [f"{number} is used {uses} times" for number, uses in numbers.items() if uses > 1]


def _is_dotted(name: str) -> bool:
    # `errors.py` is a file, not the attribute `py` of errors
    return DOTTED.fullmatch(name) is not None and PATH.fullmatch(name) is None


def _is_page_name(name: str) -> bool:
    return re.fullmatch(r"\d{4}-[a-z0-9]+(-[a-z0-9]+)*\.md", name) is not None


def _path_exists(name: str) -> bool:
    if any(next(folder.glob(name.rstrip("/")), None) for folder in (ROOT, PACKAGE)):
        return True
    return "/" not in name and next(PACKAGE.rglob(name), None) is not None


def _name_exists(name: str) -> bool:
    """Follows the name into the package as far as there are files, then into the file's top level and its classes."""
    parts = name.partition("(")[0].removeprefix("mulligan.").split(".")
    path = PACKAGE
    while parts and (path / parts[0]).is_dir():
        path /= parts.pop(0)
    if parts and (path / f"{parts[0]}.py").is_file():
        path /= f"{parts.pop(0)}.py"
    elif path.is_dir():
        path /= "__init__.py"
    if not parts:
        # the name of a folder without a package's file is a name all the same
        return path.is_file() or any(path.parent.glob("*.sql"))
    return path.is_file() and _defines(ast.parse(path.read_text(encoding="utf-8")), parts)


def _defines(tree: ast.Module | ast.ClassDef, parts: list[str]) -> bool:
    for node in tree.body:
        if parts[0] in _bound_names(node):
            if len(parts) == 1 or isinstance(node, ast.Import | ast.ImportFrom):
                return True
            return isinstance(node, ast.ClassDef) and _defines(node, parts[1:])
    return False


def _bound_names(node: ast.stmt) -> set[str]:
    match node:
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            return {name}
        case ast.Assign(targets=targets):
            return {target.id for target in targets if isinstance(target, ast.Name)}
        case ast.AnnAssign(target=ast.Name(id=name)):
            return {name}
        case ast.Import(names=names) | ast.ImportFrom(names=names):
            return {alias.asname or alias.name for alias in names}
    return set()


def read(path: Path) -> str:
    """The text of a document; empty as long as nobody has written it."""
    return path.read_text(encoding="utf-8") if path.is_file() else ""
