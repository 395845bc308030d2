"""Processes that the driver has started, the only ones that it stops or ends: by the handle, never by a name."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).parents[1]
PATIENCE_S = 60.0
_LIBC = ctypes.CDLL(None)
_SET_PARENT_DEATH_SIGNAL = 1


class EndedByItself(Exception):
    """A process that nobody has ended is not there any more, or has not left as it should."""


class Process:
    """A process with its output in a file. ``start`` may be called again once it has ended."""

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        folder: Path,
        environment: Mapping[str, str],
        *,
        user: str | None = None,
    ) -> None:
        self.name = name
        self.command = command
        self.log = folder / f"{name}.log"
        self._folder = folder
        self._environment = environment
        self._user = user
        self._started: subprocess.Popen[bytes] | None = None
        self._log_begins = 0

    @property
    def pid(self) -> int:
        return self._handle.pid

    @property
    def alive(self) -> bool:
        return self._started is not None and self._started.poll() is None

    def start(self) -> None:
        assert not self.alive, f"{self.name} runs already"
        ours = {name: value for name, value in os.environ.items() if not name.startswith("MULLIGAN_")}
        # this checkout's code, whichever one the environment has installed
        ours["PYTHONPATH"] = f"{ROOT}{os.pathsep}{ROOT / 'src'}"
        with self.log.open("ab") as log:
            self._log_begins = log.tell()
            self._started = subprocess.Popen(
                self.command,
                cwd=self._folder,
                env={**ours, "PYTHONUNBUFFERED": "1", "NO_COLOR": "1", **self._environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                user=self._user,
                # it calls one function of the kernel, and nothing that a lock of another thread could hold up
                preexec_fn=_die_with_the_driver,  # noqa: PLW1509
            )

    def kill(self) -> None:
        self.send(signal.SIGKILL)
        self._handle.wait(PATIENCE_S)

    def terminate(self) -> None:
        """Ask it to leave. Raises ``EndedByItself`` if it does not leave in order."""
        self.send(signal.SIGTERM)
        self.left()

    def left(self) -> None:
        """Return once it has ended, in order."""
        try:
            code = self._handle.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            raise EndedByItself(f"{self.name} did not leave within {PATIENCE_S:.0f} s\n{self.last_words()}") from None
        if code != 0:
            raise EndedByItself(f"{self.name} left with code {code}\n{self.last_words()}")

    def send(self, number: signal.Signals) -> None:
        self.check()
        self._handle.send_signal(number)

    def check(self) -> None:
        """Raises ``EndedByItself``."""
        code = self._handle.poll()
        if code is not None:
            raise EndedByItself(f"{self.name} ended by itself with code {code}\n{self.last_words()}")

    def bury(self) -> None:
        """Whatever it is doing, it is over; also after a failure of the driver."""
        if self.alive:
            self._handle.kill()
            self._handle.wait()

    def has_said(self, words: str) -> bool:
        """Since it was started last."""
        with self.log.open("rb") as log:
            log.seek(self._log_begins)
            return words.encode() in log.read()

    def last_words(self, length: int = 3_000) -> str:
        return self.log.read_text(errors="replace")[-length:] if self.log.exists() else ""

    @property
    def _handle(self) -> subprocess.Popen[bytes]:
        assert self._started is not None, f"{self.name} was never started"
        return self._started


def _die_with_the_driver() -> None:
    """Whatever becomes of the driver, even if it is killed itself, nothing that it has started stays behind (Linux)."""
    if sys.platform == "linux":
        _LIBC.prctl(_SET_PARENT_DEATH_SIGNAL, signal.SIGKILL)


def mulligan(*arguments: str) -> list[str]:
    """The command line as a command to start."""
    return [sys.executable, "-m", "mulligan", *arguments]
