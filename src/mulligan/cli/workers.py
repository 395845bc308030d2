"""``mulligan workers``: who executes steps."""

from __future__ import annotations

from cyclopts import App

from mulligan.cli.commands import OK
from mulligan.cli.connection import Target, connect
from mulligan.cli.printing import Format, ago, hint, print_json, print_table, styled
from mulligan.wire.rest.workflows import WorkerList

app = App(name="workers", help="List the workers.")


@app.default
@app.command(name="ls")
def list_workers(*, output: Format = "table", target: Target | None = None) -> int:
    """List the workers and those that left within the last hour."""
    with connect(target) as server:
        answer = server.get("/workers")
    if output == "json":
        print_json(answer)
        return OK
    items = answer.read(WorkerList).items
    print_table(
        ("worker", "state", "host", "pid", "busy", "lag", "seen", "workflows"),
        [
            (
                worker.name,
                styled(worker.state),
                worker.host,
                worker.pid,
                f"{worker.running}/{worker.slots}",
                f"{worker.lag_ms}ms",
                f"{ago(worker.seen_at)} ago",
                ", ".join(workflow.name for workflow in worker.workflows),
            )
            for worker in items
        ],
    )
    if not items:
        hint("no worker is connected; start one with `mulligan worker app.py:m`")
    return OK
