"""Threads for synchronous steps. Jobs come in batches and report for themselves: no future, no hop back to a loop."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from queue import SimpleQueue

Job = Callable[[], None]


class Pool:
    """At most ``size`` daemon threads, started as they are needed. Jobs must not raise."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._jobs: SimpleQueue[Job | None] = SimpleQueue()
        self._lock = threading.Lock()
        self._ended = threading.Condition(self._lock)
        self._threads = 0
        self._busy = 0

    def submit(self, jobs: Sequence[Job]) -> None:
        """Run each as soon as a thread is free, in order. May be called from any thread."""
        with self._lock:
            self._busy += len(jobs)
            self._hire()
        for job in jobs:
            self._jobs.put(job)

    def resize(self, by: int) -> None:
        """Allow more threads (or fewer again: those that are there stay, and stay idle)."""
        with self._lock:
            self._size += by
            self._hire()

    def _hire(self) -> None:
        for _ in range(min(self._busy, self._size) - self._threads):
            self._threads += 1
            name = f"mulligan-step-{self._threads}"
            # a daemon: a step that never ends must not keep a process alive that was told twice to exit
            threading.Thread(target=self._work, name=name, daemon=True).start()

    @property
    def busy(self) -> int:
        """Jobs that have not ended."""
        return self._busy

    def wait_for_an_end(self, seconds: float) -> None:
        """Block until some job has ended, at most for so long."""
        with self._ended:
            if self._busy:
                self._ended.wait(seconds)

    def close(self) -> None:
        """Let idle threads end, and busy ones after their job."""
        with self._lock:
            for _ in range(self._threads):
                self._jobs.put(None)

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            job()
            with self._ended:
                self._busy -= 1
                self._ended.notify_all()
