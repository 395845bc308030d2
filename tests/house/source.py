"""Reads Python sources as the laws need them: parsed, with every name traced back to the import it came from."""

import ast
import io
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SRC = ROOT / "src"
PACKAGE = SRC / "mulligan"
TESTS = ROOT / "tests"

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Import:
    """One imported thing: ``from a.b import c`` has the module ``a.b`` and the origin ``a.b.c``."""

    line: int
    module: str
    origin: str


@dataclass(frozen=True)
class Source:
    """One Python file. ``name`` is dotted: ``mulligan.core.retry``, and for a package the package itself."""

    name: str
    text: str
    tree: ast.Module = field(compare=False, repr=False)

    @property
    def room(self) -> str:
        """``core`` for ``mulligan.core.retry``; empty for the top of the package."""
        return self.name.partition(".")[2].partition(".")[0]

    @cached_property
    def imports(self) -> list[Import]:
        """Every import of the file, those inside functions and ``TYPE_CHECKING`` included."""
        return [found for _, _, found in _bindings(self.tree)]

    @cached_property
    def references(self) -> list[tuple[int, str]]:
        """(line, dotted origin) of every use of a name: with an alias ``dt``, ``dt.now`` is ``datetime.datetime.now``.

        The imports themselves are uses too.
        """
        origins = {bound: stands_for for bound, stands_for, _ in _bindings(self.tree)}
        found = [(imported.line, imported.origin) for imported in self.imports]
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Attribute | ast.Name):
                head, dot, rest = _dotted(node).partition(".")
                if head:
                    found.append((node.lineno, origins.get(head, head) + dot + rest))
        return found


def parse(text: str, name: str) -> Source:
    return Source(name, text, ast.parse(text, filename=name))


@cache
def sources() -> tuple[Source, ...]:
    """Every file of the package."""
    return tuple(read(path, SRC) for path in sorted(PACKAGE.rglob("*.py")))


@cache
def sources_of_tests() -> tuple[Source, ...]:
    """Every file of the tests."""
    return tuple(read(path, ROOT) for path in sorted(TESTS.rglob("*.py")))


def read(path: Path, root: Path) -> Source:
    parts = list(path.relative_to(root).with_suffix("").parts)
    if parts[-1] == "__init__":
        parts.pop()
    return parse(path.read_text(encoding="utf-8"), ".".join(parts))


@cache
def code_lines(text: str) -> frozenset[int]:
    """The numbers of the lines that hold code: no blank lines, no comments, no docstrings."""
    lines: set[int] = set()
    silent = {tokenize.NL, tokenize.NEWLINE, tokenize.COMMENT, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER}
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type not in silent:
            lines.update(range(token.start[0], token.end[0] + 1))
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            lines.difference_update(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    return frozenset(lines)


def _bindings(tree: ast.Module) -> Iterator[tuple[str, str, Import]]:
    """(name, what it stands for, the import) for every name that an import binds."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                # `import a.b` binds `a`; `import a.b as c` binds `c` to the whole
                stands_for = alias.name if alias.asname else alias.name.partition(".")[0]
                yield alias.asname or stands_for, stands_for, Import(node.lineno, alias.name, alias.name)
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                origin = f"{node.module}.{alias.name}"
                yield alias.asname or alias.name, origin, Import(node.lineno, node.module, origin)


def _dotted(node: ast.expr) -> str:
    """``a.b.c`` for a chain of attributes on a name; empty for anything else."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        head = _dotted(node.value)
        return f"{head}.{node.attr}" if head else ""
    return ""
