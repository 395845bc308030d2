"""The root of the command line: which command lives in which module, and what every error ends with.

A command is a function of its options that returns its exit code (None for 0). Its module is imported when it runs.
"""

from __future__ import annotations

import os
import sys
from importlib.metadata import version
from typing import Final

from cyclopts import App, Parameter

from mulligan.errors import InvalidInput, MulliganError, Unavailable

OK: Final = 0
FAILED_RUN: Final = 1
USAGE: Final = 2
UNREACHABLE: Final = 3
INTERRUPTED: Final = 130

app = App(
    name="mulligan",
    help="Durable workflows with a second chance: run, look, edit, replay.",
    version=lambda: version("mulligan"),
    default_parameter=Parameter(negative=()),  # no --no-wait, no --empty-set: each option has one name
    result_action="return_int_as_exit_code_else_zero",
)

_HELP = {
    "init": ("init:init", "Scaffold app.py, test_app.py and mulligan.toml that run as they are."),
    "dev": ("serving:dev", "Server, dashboard and worker in one process; reloads when code is saved."),
    "server": ("serving:server", "Run the server and its dashboard."),
    "worker": ("serving:worker", "Run the steps of an app against a server."),
    "run": ("starting:run", "Start a run of a workflow."),
    "runs": ("runs:app", "List runs, look at one, read its logs, cancel it."),
    "replay": ("replaying:replay", "Replay a finished run: edit inputs, override variables, start from a step."),
    "replays": ("bulk:app", "List bulk replays, look at one, pause, resume or abort it."),
    "inbox": ("inbox:app", "List failure groups, look at one, resolve or snooze it."),
    "diff": ("comparing:diff", "Compare two runs step by step."),
    "workflows": ("workflows:app", "List the registered workflows, or look at one."),
    "workers": ("workers:app", "List the workers."),
    "queues": ("queues:app", "List what waits for workers, and why."),
    "tokens": ("tokens:app", "Create, list and revoke API tokens."),
    "doctor": ("doctor:doctor", "Check this installation; says what to do about each finding."),
    "migrate": ("database:migrate", "Bring the database to the newest schema."),
    "config": ("config:app", "Show the settings in force and where each comes from."),
    "version": ("config:show_version", "Show the version."),
}
for _name, (_place, _help) in _HELP.items():
    app.command(f"mulligan.cli.{_place}", name=_name, help=_help)


def run_command_line(tokens: list[str] | None = None) -> None:
    """Run one command and leave the process with its exit code."""
    try:
        require_text(sys.argv[1:] if tokens is None else tokens)
        code = app(tokens, exit_on_error=True)
    except MulliganError as error:
        code = UNREACHABLE if isinstance(error, Unavailable) else USAGE
        print_error(error)
    except KeyboardInterrupt:
        code = INTERRUPTED
    except BrokenPipeError:
        # The reader (`| head`) has seen enough. Nothing may be written any more, not even by the closing interpreter.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = OK
    sys.exit(code)


def require_text(tokens: list[str]) -> None:
    """Raises InvalidInput for bytes that are no text in UTF-8: nothing that they are meant for could hold them."""
    for token in tokens:
        try:
            token.encode()
        except UnicodeEncodeError:
            raise InvalidInput(f"The argument {token!r} is no text in UTF-8.") from None


def print_error(error: MulliganError) -> None:
    """The sentence of ``error`` and, below it, each rule that it leaves out, or where the user's code broke."""
    print(f"mulligan: {error}", file=sys.stderr)
    if trace := getattr(error, "trace", ""):
        print(trace, file=sys.stderr)
    if isinstance(error, InvalidInput):
        for problem in error.problems:
            if problem.rule in str(error):
                continue
            place = " ".join(part for part in (problem.where, problem.path) if part)
            print(f"  {place}: {problem.rule}" if place else f"  {problem.rule}", file=sys.stderr)
