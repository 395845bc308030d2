"""``mulligan queues``: what waits for workers, and why."""

from __future__ import annotations

from cyclopts import App

from mulligan.cli.commands import OK
from mulligan.cli.connection import Target, connect
from mulligan.cli.printing import Format, ago, hint, print_json, print_table
from mulligan.wire.rest.queues import QueueList

app = App(name="queues", help="List what waits for workers, and why.")


@app.default
@app.command(name="ls")
def list_queues(*, output: Format = "table", target: Target | None = None) -> int:
    """List steps that wait or run, by workflow and step."""
    with connect(target) as server:
        answer = server.get("/queues")
    if output == "json":
        print_json(answer)
        return OK
    items = answer.read(QueueList).items
    print_table(
        ("step", "ready", "running", "retrying", "sleeping", "oldest", "workers", "why it waits"),
        [
            (
                f"{queue.workflow}/{queue.step}",
                queue.ready,
                queue.running,
                queue.retrying,
                queue.sleeping,
                ago(queue.oldest_at),
                len(queue.workers),
                queue.waiting or "",
            )
            for queue in items
        ],
    )
    if not items:
        hint("nothing waits and nothing runs")
    return OK
