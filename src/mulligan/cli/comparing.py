"""``mulligan diff``: two runs side by side, and why their outputs differ."""

from __future__ import annotations

from mulligan.cli.commands import OK
from mulligan.cli.connection import Target, connect, quoted
from mulligan.cli.printing import Cell, Format, plain, print_changes, print_json, print_table, say, styled, took
from mulligan.wire.rest.replays import ComparedStep, Comparison


def diff(run_a: str, run_b: str, /, *, output: Format = "table", target: Target | None = None) -> int:
    """Compare RUN_A with RUN_B: edits, variables, code, and each step's result. The beginning of an id is enough."""
    with connect(target) as server:
        answer = server.get(f"/compare/{quoted(server.run_id(run_a))}/{quoted(server.run_id(run_b))}")
    if output == "json":
        print_json(answer)
        return OK
    comparison = answer.read(Comparison)
    if comparison.code.a.digest != comparison.code.b.digest:
        say(f"code: version {comparison.code.a.number} against version {comparison.code.b.number}\n")
    print_changes(comparison.edits, comparison.overrides)
    print_table(("step", "A", "B", "A took", "B took", "output"), [_row(step) for step in comparison.steps])
    for step in comparison.steps:
        if step.same_output is False:
            for letter, side in (("A", step.a), ("B", step.b)):
                if side is not None and side.output:
                    say(f"\n{plain(step.name)} {letter}:", style="bold")
                    print_json(bytes(side.output))
    return OK


def _row(step: ComparedStep) -> tuple[Cell, ...]:
    differs = f"differs ({step.why})" if step.why else "differs"
    same = {True: "same", False: differs, None: ""}[step.same_output]
    return (
        step.name,
        styled(step.a.status) if step.a else "",
        styled(step.b.status) if step.b else "",
        took(step.a.duration_ms) if step.a else "",
        took(step.b.duration_ms) if step.b else "",
        same,
    )
