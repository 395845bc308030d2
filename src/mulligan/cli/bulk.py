"""Bulk replays: ``mulligan replay -q …`` makes one and watches it; ``mulligan replays`` lists and controls them."""

from __future__ import annotations

import secrets
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated

from cyclopts import App, Parameter
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.text import Text

from mulligan.cli.commands import FAILED_RUN, OK
from mulligan.cli.connection import Answer, Server, Target, connect, quoted
from mulligan.cli.printing import Format, ago, console, first_line, hint, plain, print_json, print_table, say, styled
from mulligan.errors import InvalidInput
from mulligan.wire.rest.bulks import (
    Bulk,
    BulkItem,
    BulkItems,
    BulkList,
    BulkPreview,
    BulkReplay,
    BulkSelection,
    ControlRequest,
)
from mulligan.wire.rest.codec import write
from mulligan.wire.rest.replays import ReplayRequest

app = App(name="replays", help="List bulk replays, look at one, pause, resume or abort it.")

_PAUSE_S = 0.5
_SHOWN_PROBLEMS = 5
_SHOWN_ITEMS = 50


@Parameter(name="*")
@dataclass(frozen=True, slots=True)
class Brakes:
    """How carefully the runs that ``--query`` means are replayed."""

    canary: Annotated[
        list[str] | None,
        Parameter(help="With -q: wait and look after so many (1) or so much (10%); may repeat."),
    ] = None
    rate: Annotated[float | None, Parameter(help="With -q: replays per second at most.")] = None
    stop_after: Annotated[int | None, Parameter(help="With -q: stop once so many have failed.")] = None
    stop_on_new: Annotated[bool, Parameter(help="With -q: stop at a failure of a kind not seen before.")] = False

    @property
    def stages(self) -> list[float]:
        return [_part(text) for text in self.canary or []]


def _part(text: str) -> float:
    try:
        part = float(Decimal(text.removesuffix("%")) / 100) if text.endswith("%") else float(int(text))
    except (ArithmeticError, ValueError):
        raise InvalidInput(f"--canary {text!r} is neither a count such as 1 nor a part such as 10%.") from None
    if text.endswith("%") and not 0 < part < 1:
        raise InvalidInput(f"--canary {text!r} is no part to begin with: those lie between 0% and 100%.")
    return part


# ── Making one ───────────────────────────────────────────────────────────────────────────────────────────────────────


def replay_matching(
    server: Server, query: str, request: ReplayRequest, brakes: Brakes, *, plan: bool, yes: bool, output: str
) -> int:
    """Show how many runs it would take, have it agreed to, make it, and watch it while somebody is at a terminal."""
    preview = server.post("/replays/preview", write(BulkSelection(q=query, request=request)))
    if plan:
        _show_preview(preview, output)
        return OK
    if not yes and not _agreed(preview):
        return OK
    body = BulkReplay(
        q=query,
        request=request,
        canary=brakes.stages,
        rate=brakes.rate,
        stop_after=brakes.stop_after,
        stop_on_new=brakes.stop_on_new,
    )
    made = server.post("/replays", write(body), idempotency_key=f"cli-{secrets.token_hex(16)}")
    return _watch(server, made, output)


def _show_preview(answer: Answer, output: str) -> None:
    if output == "json":
        print_json(answer)
        return
    preview = answer.read(BulkPreview)
    say(f"{preview.matched:,} runs match, {preview.eligible:,} of them have finished.", style="bold")
    looked = "all" if preview.previewed == preview.eligible else f"the first {preview.previewed:,}"
    say(f"Of {looked}, {preview.will_run:,} can be replayed and {len(preview.problems):,} cannot.")
    for problem in preview.problems[:_SHOWN_PROBLEMS]:
        say(f"  {problem.run_id}: {plain(first_line(problem.problem))}", style="yellow")
    if len(preview.problems) > _SHOWN_PROBLEMS:
        say(f"  … and {len(preview.problems) - _SHOWN_PROBLEMS:,} more", style="yellow")


def _agreed(preview: Answer) -> bool:
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise InvalidInput("Nobody is at a terminal to agree: add --yes, or look at it first with --plan.")
    _show_preview(preview, "table")
    try:
        agreed = input("\nReplay them? [y/N] ").strip().lower() in ("y", "yes")
    except EOFError:
        agreed = False
    if not agreed:
        hint("nothing was changed")
    return agreed


def _watch(server: Server, made: Answer, output: str) -> int:
    """A progress bar until it has come to rest. Whoever looks away with Ctrl-C does not stop it."""
    bulk = made.read(Bulk)
    hint(f"bulk replay {bulk.id} of {bulk.total:,} runs; {server.url}/replays/{bulk.id}")
    try:
        with _bar(bulk.total) as bar:
            while bulk.state == "running":
                time.sleep(_PAUSE_S)
                made = server.get(f"/replays/{quoted(bulk.id)}")
                bulk = made.read(Bulk)
                progress = bulk.progress
                bar.update(
                    bar.task_ids[0],
                    completed=progress.succeeded + progress.failed,
                    description=f"{progress.succeeded:,} succeeded, {progress.failed:,} failed",
                )
    except KeyboardInterrupt:
        hint(f"it goes on without you. Look again: mulligan replays show {bulk.id}")
        hint(f"stop it: mulligan replays pause {bulk.id}, or abort {bulk.id}")
        return OK
    if output == "json":
        print_json(made)
    else:
        _print_bulk(bulk)
    return OK if bulk.state == "finished" and not bulk.progress.failed else FAILED_RUN


@contextmanager
def _bar(total: int) -> Iterator[Progress]:
    columns = (BarColumn(), MofNCompleteColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=console(), transient=True, disable=not sys.stdout.isatty()) as bar:
        bar.add_task("", total=total)
        yield bar


# ── Looking and controlling ──────────────────────────────────────────────────────────────────────────────────────────


@app.default
@app.command(name="ls")
def list_bulks(*, output: Format = "table", target: Target | None = None) -> int:
    """List the newest bulk replays."""
    with connect(target) as server:
        answer = server.get("/replays")
    if output == "json":
        print_json(answer)
        return OK
    items = answer.read(BulkList).items
    print_table(
        ("bulk replay", "state", "age", "runs", "done", "failed", "by", "reason"),
        [
            (
                bulk.id,
                _state(bulk),
                ago(bulk.created_at),
                bulk.total,
                bulk.progress.succeeded + bulk.progress.failed,
                bulk.progress.failed,
                bulk.author,
                first_line(bulk.reason),
            )
            for bulk in items
        ],
    )
    if not items:
        hint('none yet; make one with `mulligan replay -q "status:failed since:1h" --canary 1 --reason …`')
    return OK


@app.command
def show(bulk_id: str, /, *, output: Format = "table", target: Target | None = None) -> int:
    """Show BULK-ID: how far it is, and which of its runs could not be replayed or failed again.

    The beginning of the id is enough, if no other begins like this.
    """
    with connect(target) as server:
        bulk_id = server.bulk_id(bulk_id)
        answer = server.get(f"/replays/{quoted(bulk_id)}")
        if output == "json":
            print_json(answer)
            return OK
        bulk = answer.read(Bulk)
        troubled = _troubled(server, bulk)
    _print_bulk(bulk)
    if troubled:
        rows = [
            (item.source_id, item.run_id or "", styled(item.status or item.state), first_line(item.problem))
            for item in troubled
        ]
        print_table(("source", "replay", "status", "why not"), rows)
    more = bulk.progress.failed - len(troubled)
    if more > 0:
        hint(f"… and {more:,} more. Whose replay failed: mulligan runs ls -q 'bulk:{bulk_id} status:failed'")
    return OK


def _troubled(server: Server, bulk: Bulk) -> list[BulkItem]:
    """The first that failed or were refused; there may be few of them, far down among very many."""
    wanted = min(bulk.progress.failed, _SHOWN_ITEMS)
    found: list[BulkItem] = []
    cursor: str | None = None
    while len(found) < wanted:
        page = server.get(f"/replays/{quoted(bulk.id)}/items", limit=500, cursor=cursor).read(BulkItems)
        found += [item for item in page.items if item.state == "refused" or item.status == "failed"]
        cursor = page.next_cursor
        if cursor is None:
            break
    return found[:wanted]


@app.command
def pause(bulk_id: str, /, *, reason: str = "", target: Target | None = None) -> int:
    """Pause BULK-ID: no more replays begin, those that run go on."""
    return _control(bulk_id, "pause", reason, target)


@app.command
def resume(bulk_id: str, /, *, reason: str = "", target: Target | None = None) -> int:
    """Resume BULK-ID, paused or stopped; failures so far are forgiven."""
    return _control(bulk_id, "resume", reason, target)


@app.command
def abort(bulk_id: str, /, *, reason: str = "", target: Target | None = None) -> int:
    """Abort BULK-ID: no more replays begin, for good."""
    return _control(bulk_id, "abort", reason, target)


def _control(bulk_id: str, control: str, reason: str, target: Target | None) -> int:
    with connect(target) as server:
        answer = server.post(
            f"/replays/{quoted(server.bulk_id(bulk_id))}/{control}", write(ControlRequest(reason=reason))
        )
    _print_bulk(answer.read(Bulk))
    return OK


def _print_bulk(bulk: Bulk) -> None:
    progress = bulk.progress
    say(_state(bulk))
    if bulk.state_reason:
        say(f"  {plain(bulk.state_reason)}", style="dim")
    say(
        f"{progress.succeeded:,} succeeded, {progress.failed:,} failed, {progress.running:,} running, "
        f"{progress.waiting:,} waiting, of {bulk.total:,}"
    )
    if bulk.state in ("paused", "stopped"):
        hint(f"go on: mulligan replays resume {bulk.id}")


def _state(bulk: Bulk) -> Text:
    """One that came to its end with failures does not look as if all were well."""
    failed = bulk.progress.failed
    if bulk.state != "finished" or not failed:
        return styled(bulk.state)
    return styled(f"finished, {failed:,} failed", like="paused" if bulk.progress.succeeded else "failed")
