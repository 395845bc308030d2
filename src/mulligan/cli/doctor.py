"""``mulligan doctor``: is everything as it should be, and if not, what to do."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

import msgspec

from mulligan.app.address import read_address
from mulligan.app.checkup import Finding, examine
from mulligan.app.settings import load_settings
from mulligan.cli.commands import FAILED_RUN, OK
from mulligan.cli.connection import Answer, Target, connect
from mulligan.cli.printing import Format, plain, print_json, say
from mulligan.errors import MulliganError
from mulligan.wire.rest.access import Info
from mulligan.wire.rest.runs import RunCount
from mulligan.wire.rest.workflows import WorkerList

LARGEST_SKEW = timedelta(seconds=5)
MARKS = {"ok": ("✓", "green"), "warn": ("!", "yellow"), "fail": ("✗", "bold red")}


def doctor(*, output: Format = "table", target: Target | None = None) -> int:
    """Check Python, SQLite, the data folder, disk, clock, dashboard, server and workers. Exit code 1 on a failure."""
    loaded = load_settings()
    findings: list[Finding] = []
    for finding in (*examine(loaded), *_ask_server(target or Target())):
        findings.append(finding)
        if output == "table":
            mark, style = MARKS[finding.verdict]
            advice = f" → {plain(finding.advice)}" if finding.advice else ""
            say(f"{mark} {finding.subject}: {plain(finding.text)}{advice}", style=style if advice else "")
    if output == "json":
        print_json(msgspec.json.encode(findings))
    return FAILED_RUN if any(finding.verdict == "fail" for finding in findings) else OK


def _ask_server(target: Target) -> Iterator[Finding]:
    settings = load_settings({"url": target.url}).settings
    if settings.url is None and read_address(settings.address_file) is None:
        yield Finding("warn", "server", "none runs here", "start one with `mulligan dev app.py:m`, or set MULLIGAN_URL")
        return
    try:
        with connect(target) as server:
            answer = server.get("/info")
            info = answer.read(Info)
            yield Finding("ok", "server", f"{server.url} answers: version {info.version}, {info.mode}, {info.store}")
            yield _clock(answer)
            workers = server.get("/workers").read(WorkerList)
            queued = server.get("/runs/count", q="status:queued").read(RunCount)
            yield _workers(workers, queued.total)
    except MulliganError as error:
        yield Finding("fail", "server", str(error), "see above")


def _clock(answer: Answer) -> Finding:
    skew = abs(datetime.now(UTC) - parsedate_to_datetime(answer.date)) if answer.date else timedelta()
    if skew <= LARGEST_SKEW:
        return Finding("ok", "clock", "agrees with the server's")
    return Finding("warn", "clock", f"differs from the server's by {skew}", "synchronise both machines (NTP)")


def _workers(workers: WorkerList, queued: int) -> Finding:
    active = [worker for worker in workers.items if worker.state == "active"]
    if active:
        return Finding("ok", "workers", f"{len(active)} connected; runs that wait for one: {queued}")
    if queued:
        return Finding("fail", "workers", f"none, and {queued} runs wait for one", "start `mulligan worker app.py:m`")
    return Finding("warn", "workers", "none connected", "start one with `mulligan worker app.py:m`")
