"""Real processes for tests: started, listened to, stopped, and never left behind."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

PATIENCE_S = 30.0


def clean_environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """This process's environment without any setting of Mulligan."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("MULLIGAN_")}
    return {**kept, "NO_COLOR": "1", "PYTHONUNBUFFERED": "1", **(extra or {})}


class Program:
    """A process and what it has said so far, standard error included. As a context manager it is killed at the end."""

    def __init__(self, command: Sequence[str], folder: Path, environment: Mapping[str, str] | None = None) -> None:
        self._process = subprocess.Popen(
            command,
            cwd=folder,
            env=clean_environment(environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self._said = threading.Condition()
        self._output = ""
        self._over = False
        self._searched = 0
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self) -> Program:
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        self._reader.join()
        assert self._process.stdout is not None
        self._process.stdout.close()

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    @property
    def output(self) -> str:
        with self._said:
            return self._output

    def wait_for(self, pattern: str) -> re.Match[str]:
        """Return once the program has said something that matches, after what the last call found."""
        found: re.Match[str] | None = None

        def has_said() -> bool:
            nonlocal found
            found = re.compile(pattern).search(self._output, self._searched)
            return found is not None or self._over

        with self._said:
            self._said.wait_for(has_said, PATIENCE_S)
            assert found is not None, f"no {pattern!r} in:\n{self._output[self._searched :]}"
            self._searched = found.end()
        return found

    def send(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    def end(self) -> int:
        """The exit code, once the program has ended by itself."""
        code = self._process.wait(PATIENCE_S)
        self._reader.join(PATIENCE_S)
        return code

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            with self._said:
                self._output += line
                self._said.notify_all()
        with self._said:
            self._over = True
            self._said.notify_all()


def mulligan(*arguments: str) -> list[str]:
    """The command line as a command to start."""
    return [sys.executable, "-m", "mulligan", *arguments]


def call(
    folder: Path, *arguments: str, environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run one command to its end."""
    return subprocess.run(
        mulligan(*arguments),
        cwd=folder,
        env=clean_environment(environment),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
    )
