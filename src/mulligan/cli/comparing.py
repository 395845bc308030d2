"""``mulligan diff``: two runs side by side, and why their outputs differ."""

from __future__ import annotations

from typing import Any

from mulligan.cli.commands import OK
from mulligan.cli.connection import Target, connect, quoted
from mulligan.cli.printing import Cell, Format, plain, print_json, print_table, say, styled, took
from mulligan.cli.replaying import print_changes


def diff(run_a: str, run_b: str, *, output: Format = "table", target: Target | None = None) -> int:
    """Compare RUN-A with RUN-B: edits, variables, code, and each step's result."""
    with connect(target) as server:
        answer = server.get(f"/compare/{quoted(run_a)}/{quoted(run_b)}")
    if output == "json":
        print_json(answer)
        return OK
    comparison = answer.data
    print_changes(comparison)
    rows = [_row(step) for step in comparison["steps"]]
    print_table(("step", "A", "B", "A took", "B took", "output"), rows)
    for step in comparison["steps"]:
        if step["same_output"] is False:
            for letter in ("a", "b"):
                if (step[letter] or {}).get("output") is not None:
                    say(f"{step['name']} {letter.upper()}: {plain(step[letter]['output'])}")
    return OK


def _row(step: dict[str, Any]) -> tuple[Cell, ...]:
    a, b = step["a"] or {}, step["b"] or {}
    same = {True: "same", False: f"differs ({step['why']})" if step["why"] else "differs", None: ""}[step["same_output"]]
    return (
        step["name"],
        styled(a.get("status", "")),
        styled(b.get("status", "")),
        took(a.get("duration_ms")),
        took(b.get("duration_ms")),
        same,
    )
