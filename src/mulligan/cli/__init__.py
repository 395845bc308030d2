"""The command line: parse, call, print. No rule of the engine lives here; commands talk REST to a server.

May import: ``app`` (dev, server, worker, settings), ``sdk``, ``wire``, ``core``. Every command's module is loaded
only when that command runs. Start reading in ``commands``.
"""

from __future__ import annotations


def main() -> None:
    """Entry point of ``mulligan``. Exits with 0 ok, 1 failed run, 2 usage, 3 server unreachable."""
    from mulligan.cli.commands import run_command_line

    run_command_line()
