"""A small disk that can be filled: a tmpfs of its own, or, where mounting is not allowed, a limit on file sizes."""

from __future__ import annotations

import os
import resource
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Protocol

SIZE_MB = 96


class Disk(Protocol):
    """``how`` says in words what is filled."""

    how: str

    def fill(self, pids: list[int]) -> None:
        """From now on nothing more can be written. ``pids``: who writes to it."""
        ...

    def empty(self, pids: list[int]) -> None: ...


class SmallDisk:
    how = f"a tmpfs of {SIZE_MB} MiB, filled to the last byte"

    def __init__(self, folder: Path) -> None:
        self._filler = folder / "filler"

    def fill(self, pids: list[int]) -> None:
        with suppress(OSError), self._filler.open("wb", buffering=0) as filler:
            while filler.write(bytes(1024 * 1024)):
                pass
        # whole megabytes do not fit any more; single bytes may
        with suppress(OSError), self._filler.open("ab", buffering=0) as filler:
            while filler.write(bytes(4096)):
                pass

    def empty(self, pids: list[int]) -> None:
        self._filler.unlink()


class LimitedFiles:
    """What the kernel says to a write beyond the limit is another error than "no space", and as final."""

    how = "RLIMIT_FSIZE of the server, set to nothing"

    def fill(self, pids: list[int]) -> None:
        for pid in pids:
            _, most = resource.prlimit(pid, resource.RLIMIT_FSIZE)
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (4096, most))

    def empty(self, pids: list[int]) -> None:
        for pid in pids:
            _, most = resource.prlimit(pid, resource.RLIMIT_FSIZE)
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (most, most))


@contextmanager
def small_disk(folder: Path) -> Iterator[Disk]:
    """``folder`` as a disk of its own for the time of the block, if this user may mount; else only limited files."""
    folder.mkdir(mode=0o700)
    command = ["mount", "-t", "tmpfs", "-o", f"size={SIZE_MB}m,mode=0700", "tmpfs", str(folder)]
    may = os.geteuid() == 0 and subprocess.run(command, capture_output=True).returncode == 0
    if not may:
        yield LimitedFiles()
        return
    try:
        yield SmallDisk(folder)
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True, capture_output=True)
