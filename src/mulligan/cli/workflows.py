"""``mulligan workflows``: what is registered."""

from __future__ import annotations

from typing import Annotated

from cyclopts import App, Parameter

from mulligan.cli.commands import OK
from mulligan.cli.connection import Target, connect, quoted
from mulligan.cli.printing import Format, ago, first_line, hint, plain, print_json, print_table, say, styled
from mulligan.wire.rest.workflows import WorkflowDetail, WorkflowList

app = App(name="workflows", help="List the registered workflows, or look at one.")


@app.default
@app.command(name="ls")
def list_workflows(*, output: Format = "table", target: Target | None = None) -> int:
    """List the workflows."""
    with connect(target) as server:
        answer = server.get("/workflows")
    if output == "json":
        print_json(answer)
        return OK
    items = answer.read(WorkflowList).items
    print_table(
        ("workflow", "version", "steps", "workers", "failed 24h", "registered", "about"),
        [
            (
                item.name,
                item.version,
                item.steps,
                item.workers,
                item.counts.get("failed", 0),
                f"{ago(item.registered_at)} ago",
                first_line(item.doc),
            )
            for item in items
        ],
    )
    if not items:
        hint("none yet; `mulligan dev app.py:m` or `mulligan worker app.py:m` registers those of an app")
    return OK


@app.command
def show(
    name: str,
    /,
    *,
    version: Annotated[str | None, Parameter(help="Number or digest; the latest by default.")] = None,
    output: Format = "table",
    target: Target | None = None,
) -> int:
    """Show workflow NAME: its steps, their retries and playground variables."""
    with connect(target) as server, server.naming_workflows(name):
        answer = server.get(f"/workflows/{quoted(name)}", version=version)
    if output == "json":
        print_json(answer)
        return OK
    workflow = answer.read(WorkflowDetail)
    say(f"{plain(workflow.name)} v{workflow.number}  {plain(workflow.label)}".rstrip(), style="bold")
    if workflow.doc:
        say(plain(workflow.doc))
    print_table(
        ("step", "kind", "after", "retries", "effect", "declared at"),
        [
            (
                step.name,
                step.kind,
                ", ".join(step.parents),
                step.retry.retries or "",
                styled(step.effect),
                f"{step.file}:{step.line}",
            )
            for step in workflow.steps
        ],
    )
    if workflow.variables:
        say()
        print_table(
            ("playground", "step", "default"),
            [(variable.name, variable.step, bytes(variable.default).decode()) for variable in workflow.variables],
        )
    return OK
