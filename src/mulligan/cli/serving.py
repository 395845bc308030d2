"""``mulligan dev``, ``mulligan server`` and ``mulligan worker``: the commands that stay."""

from __future__ import annotations

import asyncio
import os
import webbrowser
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from rich.text import Text

from mulligan.app.address import read_address, read_token_file
from mulligan.app.loading import AppPlace, find_app, load_app
from mulligan.app.logs import set_up_logs
from mulligan.app.server_process import Served, run_server
from mulligan.app.settings import Settings, load_settings
from mulligan.cli.commands import OK, print_error
from mulligan.cli.printing import first_line, in_words, plain, say
from mulligan.cli.sample import example_call
from mulligan.core.records import Run, RunStatus
from mulligan.errors import MulliganError, Unavailable
from mulligan.sdk.app import TOKEN_VARIABLE, URL_VARIABLE, Mulligan
from mulligan.sdk.loops import new_loop

SIGNS = {
    RunStatus.SUCCEEDED: ("✓", "green"),
    RunStatus.FAILED: ("✗", "bold red"),
    RunStatus.CANCELLED: ("∅", "magenta"),
}
Host = Annotated[str | None, Parameter(help="Address to listen on. [default: 127.0.0.1]")]
Port = Annotated[int | None, Parameter(help="Port to listen on; 0 takes a free one. [default: 8420]")]
Data = Annotated[Path | None, Parameter(help="Folder of database, token and address. [default: .mulligan]")]
Slots = Annotated[int | None, Parameter(help="Steps that run at the same time. [default: 32]")]
Logs = Annotated[str | None, Parameter(help="text or json. [default: text]")]


def dev(
    app: str,
    /,
    *,
    open_browser: Annotated[bool, Parameter(name="--open", help="Open the dashboard in the browser.")] = False,
    host: Host = None,
    port: Port = None,
    data: Data = None,
    slots: Slots = None,
    log_format: Logs = None,
    i_know: Annotated[bool, Parameter(help="Allow a --host that other machines can reach.")] = False,
) -> int:
    """Run APP (such as app.py:m) with server and dashboard, and anew whenever its code is saved."""
    place = find_app(app)
    given = {"host": host, "port": port, "data": data, "slots": slots, "log_format": log_format}
    settings = load_settings(given).settings
    set_up_logs(settings.log_format)
    # Imported here: it brings the file watcher, which neither the server nor the worker needs.
    from mulligan.app.dev import run_dev

    with asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(run_dev(place, settings, Terminal(place, settings, open_browser), i_know))
    return OK


def server(
    *,
    host: Host = None,
    port: Port = None,
    data: Data = None,
    database: Annotated[
        str | None, Parameter(help="sqlite:///path or postgresql://…. [default: in the data folder]")
    ] = None,
    base_path: Annotated[str | None, Parameter(help="Path prefix behind a proxy.")] = None,
    public_hosts: Annotated[str | None, Parameter(help="Host names that browsers may use, comma-separated.")] = None,
    behind_proxy: Annotated[bool | None, Parameter(help="A proxy in front takes care of TLS.")] = None,
    tls_cert: Annotated[Path | None, Parameter(help="Certificate chain (PEM) to serve HTTPS with.")] = None,
    tls_key: Annotated[Path | None, Parameter(help="Private key (PEM) of that certificate.")] = None,
    retention: Annotated[str | None, Parameter(help="How long finished runs are kept. [default: 30d]")] = None,
    log_format: Logs = None,
) -> int:
    """Run the server until SIGINT or SIGTERM. Workers connect with `mulligan worker`."""
    settings = load_settings(locals()).settings  # every option is a setting of the same name
    set_up_logs(settings.log_format)
    with asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(run_server(settings))
    return OK


def worker(
    app: str,
    /,
    *,
    url: Annotated[str | None, Parameter(help="Server address; else MULLIGAN_URL, else the one running here.")] = None,
    token: Annotated[str | None, Parameter(help="API token; else MULLIGAN_TOKEN, else the data folder's.")] = None,
    slots: Slots = None,
    name: Annotated[str | None, Parameter(help="Shown in the dashboard. [default: host and process]")] = None,
    grace: Annotated[str | None, Parameter(help="Time for running steps on shutdown. [default: 30s]")] = None,
    log_format: Logs = None,
) -> int:
    """Run the steps of APP (such as app.py:m) until SIGINT or SIGTERM; the second of either leaves at once."""
    given = {"url": url, "token": token, "slots": slots, "grace": grace, "log_format": log_format}
    settings = load_settings(given).settings
    set_up_logs(settings.log_format)
    _point_programs_at(settings)
    found = load_app(find_app(app))
    found.run_worker(slots=settings.slots, name=name, grace=settings.grace)
    return OK


def _point_programs_at(settings: Settings) -> None:
    """Say in the environment which server to use: that is where ``Mulligan()`` looks, here and in child processes."""
    local = read_address(settings.address_file)
    url = settings.url or (local.url if local else None)
    if url is None:
        raise Unavailable(
            f"No server runs on the data folder {settings.data}, and a worker needs one. Start `mulligan server` (or "
            "`mulligan dev` in place of this worker), or set MULLIGAN_URL."
        )
    token = settings.token.value if settings.token else None
    if token is None and local is not None and local.url == url.rstrip("/"):
        token = read_token_file(settings.server_token_file)
    os.environ[URL_VARIABLE] = url
    if token is not None:
        os.environ[TOKEN_VARIABLE] = token


class Terminal:
    """What ``mulligan dev`` shows: where to click, what to try, what is broken."""

    def __init__(self, place: AppPlace, settings: Settings, open_browser: bool) -> None:
        self._place = place
        self._settings = settings
        self._open_browser = open_browser
        self._url = ""

    def ready(self, served: Served) -> None:
        self._url = served.url
        say()
        say(Text.assemble(("  Mulligan ", "bold"), f"{version('mulligan')} dev   ", (served.one_click_url, "cyan")))
        say(Text.assemble(("  database ", "dim"), self._settings.database_shown))
        if self._open_browser:
            webbrowser.open(served.one_click_url)

    def loaded(self, app: Mulligan, again: bool) -> None:
        definitions = app.definitions()
        names = ", ".join(definition.name for definition in definitions) or "nothing declared yet"
        if again:
            say(f"  reloaded {self._place}: {names}", style="green")
            return
        say(Text.assemble((f"  {self._place} ", "dim"), names))
        if definitions:
            say(Text.assemble(("  try      ", "dim"), f"mulligan run {example_call(definitions[0])} --wait"))
        say("  Code is read again when it is saved. Ctrl-C ends.\n", style="dim")

    def ended(self, runs: Sequence[Run], more: int) -> None:
        for run in runs:
            sign, style = SIGNS[run.status]
            took = in_words((run.finished_at or run.created_at) - run.created_at)
            line = Text.assemble((f"  {sign} {plain(run.workflow)} ", style), f"{run.status} after {took}  ")
            line.append(f"{self._url}/runs/{run.id}", "dim")
            if run.error_type:
                why = f"{plain(run.failed_step)}: {plain(run.error_type)}: {plain(run.error_message)}"
                line.append(f"\n    {first_line(why)}")
            say(line)
        if more:
            say(f"  … and {more} other runs have moved on", style="dim")

    def broken(self, error: MulliganError, again: bool) -> None:
        print_error(error)
        say("  the code of before goes on" if again else "  waiting for the file to be saved", style="yellow")
