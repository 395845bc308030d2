"""Who wants to know what was committed: waiters for the end of a run, and listeners to every change."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import msgspec

from mulligan.core.facts import Committed
from mulligan.core.records import RecordedError, Run


class RunEnd(msgspec.Struct, frozen=True, gc=False):
    """A run that has ended. ``outputs``: step name -> JSON text, of every step that has a result."""

    run: Run
    outputs: dict[str, bytes]
    error: RecordedError | None


Waiter = Callable[[RunEnd], None]
Listener = Callable[[Committed], None]


class Feed:
    """Callbacks are called on the engine's loop, after the commit, and must not block or raise."""

    def __init__(self) -> None:
        self._waiters: dict[str, list[Waiter]] = {}
        self._listeners: list[Listener] = []

    def wait_for(self, run_id: str, waiter: Waiter) -> None:
        self._waiters.setdefault(run_id, []).append(waiter)

    def forget(self, run_id: str, waiter: Waiter) -> None:
        waiters = self._waiters.get(run_id)
        if waiters is not None and waiter in waiters:
            waiters.remove(waiter)
            if not waiters:
                del self._waiters[run_id]

    def awaited(self, run_ids: Iterable[str]) -> list[str]:
        """Those of ``run_ids`` that somebody waits for."""
        return [run_id for run_id in run_ids if run_id in self._waiters] if self._waiters else []

    @property
    def awaited_ids(self) -> list[str]:
        return list(self._waiters)

    def is_awaited(self, run_id: str) -> bool:
        return run_id in self._waiters

    def ended(self, end: RunEnd) -> None:
        for waiter in self._waiters.pop(end.run.id, ()):
            waiter(end)

    def listen(self, listener: Listener) -> Callable[[], None]:
        """Call ``listener`` after every commit; the returned function ends it."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    @property
    def has_listeners(self) -> bool:
        return bool(self._listeners)

    def committed(self, committed: Committed) -> None:
        for listener in list(self._listeners):
            listener(committed)
