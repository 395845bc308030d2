"""The laws that no off-the-shelf linter knows. Each takes a source and yields what breaks the law, as sentences."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import PurePath
from typing import TypeGuard

from tests.house.source import Function, Source, code_lines

# ── Core is pure ─────────────────────────────────────────────────────────────────────────────────────────────────────

# What core may import: computation only. No I/O, no clock, no chance, no logging, no concurrency.
PURE_MODULES = {
    "__future__",
    "abc",
    "base64",
    "bisect",
    "calendar",
    "collections",
    "contextlib",
    "copy",
    "dataclasses",
    "datetime",
    "decimal",
    "difflib",
    "enum",
    "fractions",
    "functools",
    "graphlib",
    "hashlib",
    "heapq",
    "itertools",
    "json",
    "math",
    "operator",
    "re",
    "string",
    "struct",
    "textwrap",
    "types",
    "typing",
    "unicodedata",
    "zoneinfo",
    # third parties that compute and nothing else
    "cronsim",
    "jsonpatch",
    "jsonpointer",
    "msgspec",
}
IMPURE_BUILTINS = {"open", "print", "input", "breakpoint", "__import__", "eval", "exec", "compile"}


def core_is_pure(source: Source) -> Iterator[str]:
    for found in source.imports:
        top = found.module.partition(".")[0]
        if top == "mulligan":
            if not re.match(r"mulligan\.(core|errors)\b", found.origin):
                yield f"{source.name}:{found.line} imports {found.origin}: core knows only core and errors"
        elif top not in PURE_MODULES:
            yield f"{source.name}:{found.line} imports {found.module}: not on the list of what core may know"
    for line, origin in source.references:
        if origin in WALL_CLOCK:
            yield f"{source.name}:{line} reads {origin}: time is an argument of core"
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in IMPURE_BUILTINS:
            yield f"{source.name}:{node.lineno} calls {node.func.id}: core does no I/O"


# ── Time and chance ──────────────────────────────────────────────────────────────────────────────────────────────────

WALL_CLOCK = {
    "datetime.date.today",
    "datetime.datetime.now",
    "datetime.datetime.today",
    "datetime.datetime.utcnow",
    "time.gmtime",
    "time.localtime",
    "time.monotonic",
    "time.monotonic_ns",
    "time.perf_counter",
    "time.perf_counter_ns",
    "time.time",
    "time.time_ns",
}
SLEEPS = {"asyncio.sleep", "time.sleep", "anyio.sleep"}
CHANCE = ("random", "secrets", "uuid", "uuid_utils", "os.urandom")


def reads_no_clock(source: Source) -> Iterator[str]:
    for line, origin in source.references:
        if origin in WALL_CLOCK:
            yield f"{source.name}:{line} reads {origin}: ask the Clock that was handed in"


def does_not_sleep(source: Source) -> Iterator[str]:
    """``sleep(0)`` waits for nothing: it lets the others have their turn."""
    yielding = {node.lineno for node in ast.walk(source.tree) if _sleeps_for_nothing(node)}
    for line, origin in source.references:
        if origin in SLEEPS and line not in yielding:
            yield f"{source.name}:{line} uses {origin}: wait for an event, or let the shared loop tick"


def _sleeps_for_nothing(node: ast.AST) -> TypeGuard[ast.Call]:
    match node:
        case ast.Call(func=ast.Attribute(attr="sleep"), args=[ast.Constant(value=0)]):
            return True
    return False


def takes_no_chances(source: Source) -> Iterator[str]:
    for line, origin in source.references:
        if any(origin == name or origin.startswith(f"{name}.") for name in CHANCE):
            yield f"{source.name}:{line} uses {origin}: ids and jitter are handed in, so that a run can be repeated"


# ── Arrows that concern single modules; import-linter has the ones between rooms ─────────────────────────────────────

# What a room may import of the package by itself. import-linter forbids more, but cannot tell a room that reaches
# the engine through app (wanted) from one that does so directly (not wanted).
DIRECT_IMPORTS = {
    "": ("mulligan.sdk", "mulligan.errors", "mulligan.wire", "mulligan.core"),
    "server": ("mulligan.server", "mulligan.engine.api", "mulligan.wire", "mulligan.core", "mulligan.errors"),
    "gateway": ("mulligan.gateway", "mulligan.engine.api", "mulligan.wire", "mulligan.core", "mulligan.errors"),
    "cli": ("mulligan.cli", "mulligan.app", "mulligan.sdk", "mulligan.wire", "mulligan.core", "mulligan.errors"),
}


def imports_directly_only_what_it_may(source: Source) -> Iterator[str]:
    if source.room == "errors" or source.room not in DIRECT_IMPORTS:
        return
    allowed = DIRECT_IMPORTS[source.room]
    for found in source.imports:
        is_ours = found.module.partition(".")[0] == "mulligan"
        if is_ours and not any(f"{found.origin}.".startswith(f"{name}.") for name in allowed):
            yield f"{source.name}:{found.line} imports {found.origin}: {source.room or 'the top'} may not"


# ── Size ─────────────────────────────────────────────────────────────────────────────────────────────────────────────

FILE_LINES = 400
FUNCTION_LINES_P99 = 50
FUNCTION_LINES_MAX = 80


@cache
def function_sizes(source: Source) -> dict[str, int]:
    """Code lines by function: ``mulligan.core.retry:Retry.delay`` -> 12. Its comments and docstring cost nothing."""
    lines = code_lines(source.text)
    return {
        f"{source.name}:{name}": sum(1 for n in range(node.lineno, (node.end_lineno or node.lineno) + 1) if n in lines)
        for name, node in _qualified_functions(source.tree, "")
    }


def _qualified_functions(node: ast.AST, prefix: str) -> Iterator[tuple[str, Function]]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, Function):
            yield prefix + child.name, child
        inner = f"{prefix}{child.name}." if isinstance(child, Function | ast.ClassDef) else prefix
        yield from _qualified_functions(child, inner)


def percentile_99(sizes: list[int]) -> int:
    """The size that 99 of 100 functions do not exceed."""
    return sorted(sizes)[max(0, -(-99 * len(sizes) // 100) - 1)] if sizes else 0


# ── Names ────────────────────────────────────────────────────────────────────────────────────────────────────────────

# A file named after no idea collects everything.
EMPTY_NAMES = {
    "util", "utils", "helper", "helpers", "common", "base", "manager", "managers", "service", "services",
    "model", "models", "type", "types", "misc",
}  # fmt: skip


def is_named_after_an_idea(path: PurePath) -> Iterator[str]:
    for part in (*path.parent.parts, path.stem):
        if part.strip("_") in EMPTY_NAMES:
            yield f"{path}: '{part}' says nothing about what is inside"


def packages_say_what_lives_there(source: Source, is_package: bool) -> Iterator[str]:
    if is_package and not ast.get_docstring(source.tree):
        yield f"{source.name}: the package has no docstring"
    elif is_package and source.name.count(".") == 1 and len((ast.get_docstring(source.tree) or "").splitlines()) < 3:
        yield f"{source.name}: a room says what lives here, whom it may import and where to start reading"


# ── SQL ──────────────────────────────────────────────────────────────────────────────────────────────────────────────

SQL = re.compile(
    r"\b(SELECT\s+[\w\"*(:$]|INSERT\s+INTO\b|UPDATE\s+\w+\s+SET\b|DELETE\s+FROM\b|MERGE\s+INTO\b|WHERE\s+\w"
    r"|(CREATE|ALTER|DROP)\s+(TABLE|INDEX|SCHEMA|DATABASE|UNIQUE|PARTITION)\b|PRAGMA\s+\w|NOTIFY\s+\w|LISTEN\s+\w"
    r"|ORDER\s+BY\b|FROM\s+\w+\s+WHERE\b)"
)


def builds_no_sql(source: Source) -> Iterator[str]:
    """SQL is written in .sql files; text that is put together at run time is where injections come from."""
    for node in ast.walk(source.tree):
        if _is_put_together(node) and any(SQL.search(text) for text in _texts(node)):
            yield f"{source.name}:{getattr(node, 'lineno', 0)} puts SQL together: write a statement file"


def _is_put_together(node: ast.AST) -> bool:
    match node:
        case ast.JoinedStr(values=values):
            return any(isinstance(value, ast.FormattedValue) for value in values)
        case ast.BinOp(op=ast.Add() | ast.Mod()):
            return True
        case ast.Call(func=ast.Attribute(attr="format" | "join" | "replace")):
            return True
    return False


def _texts(node: ast.AST) -> Iterator[str]:
    for child in ast.walk(node):
        if isinstance(child, ast.Constant) and isinstance(child.value, str):
            yield child.value


def is_one_statement(sql: str) -> bool:
    """True if nothing follows the first semicolon. Comments and quoted text do not count."""
    bare = re.sub(r"--[^\n]*|/\*.*?\*/|'(?:[^']|'')*'|\"[^\"]*\"", " ", sql, flags=re.DOTALL).strip()
    return bool(bare) and ";" not in bare.removesuffix(";")
