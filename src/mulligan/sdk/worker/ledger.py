"""What a worker holds and owes: leases, reports that are not settled, free slots, log lines.

Step code runs on an event loop and in threads while the link has a thread of its own, so this is where they meet.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from mulligan.wire.messages import Credit, FromSdk, Lease, LogEntry, Logs, Release, Report

if TYPE_CHECKING:
    from mulligan.sdk.worker.attempt import Attempt

MOST_LOG_LINES = 10_000
MOST_LOG_CHARACTERS = 2 * 1024 * 1024
"""Lines that wait to be sent. Beyond that the oldest are dropped: results are not to wait behind logs, and all lines of
one attempt have to fit into one frame."""


class Ledger:
    """All methods may be called from any thread. ``wake`` is called when there is something to collect again."""

    def __init__(self, slots: int) -> None:
        self.slots = slots
        self._lock = threading.Lock()
        self._attempts: dict[Lease, Attempt] = {}
        self._owed: dict[Lease, Report] = {}
        self._repeatable: set[Lease] = set()
        self._fresh: list[Report] = []
        self._released: list[Lease] = []
        self._lost: list[Lease] = []
        self._lost_told = 0
        self._lines: deque[tuple[Lease, LogEntry]] = deque()
        self._characters = 0
        self._dropped_lines = 0
        self._credit = 0
        self._lent = 0
        """Slots of steps that wait for other runs, offered anew meanwhile."""
        self._debt = 0
        """Slots in use beyond all that there are: such steps have gone on since."""
        self._closed_for_work = False
        self._connected = False
        self._is_awake = False
        self._wake: Callable[[], None] = lambda: None

    # ── Leases ───────────────────────────────────────────────────────────────────────────────────────────────────────

    def hold(self, attempt: Attempt) -> bool:
        """An assignment has come. False if it is here already, or nothing is taken any more (it is handed back)."""
        with self._lock:
            lease = attempt.lease
            if lease in self._attempts or lease in self._owed:
                return False
            if self._closed_for_work:
                self._released.append(lease)
                self._news()
                return False
            self._attempts[lease] = attempt
            return True

    def begin(self, attempt: Attempt) -> bool:
        """The function is about to be called. False if it has been handed back, or nobody wants it any more."""
        with self._lock:
            attempt.has_begun = attempt.is_wanted and attempt.lease in self._attempts
            return attempt.has_begun

    def report(self, attempt: Attempt, report: Report) -> None:
        """What came out, to be sent until it is acknowledged. Only the first report counts, and only if wanted."""
        with self._lock:
            self._owe(attempt, report)

    def _owe(self, attempt: Attempt, report: Report) -> None:
        if attempt.is_wanted and attempt.lease in self._attempts:
            attempt.is_wanted = False
            self._owed[attempt.lease] = report
            self._fresh.append(report)
            self._news()

    def refuse(self, report: Report) -> None:
        """An assignment that cannot be carried out here: answered at once, and its slot is free again."""
        with self._lock:
            self._owed[report.lease] = report
            self._fresh.append(report)
            self._offer_slot()
            self._news()

    def free(self, attempt: Attempt) -> None:
        """The function was not called; its slot can be used again."""
        with self._lock:
            self._free(attempt)

    def end(self, attempt: Attempt, report: Report | None) -> None:
        """The function has ended, with this to ``report``, and its slot can be used again."""
        with self._lock:
            if report is not None:
                self._owe(attempt, report)
            self._free(attempt)

    def _free(self, attempt: Attempt) -> None:
        if self._attempts.pop(attempt.lease, None) is not None:
            self._offer_slot()

    def wait_begins(self, lease: Lease) -> bool:
        """The step waits for another run: its slot is lent to others. True unless it was waiting already."""
        with self._lock:
            attempt = self._attempts.get(lease)
            if attempt is None:
                return False
            attempt.waits += 1
            if attempt.waits == 1:
                self._lent += 1
                self._offer_slot()
            return attempt.waits == 1

    def wait_ends(self, lease: Lease) -> bool:
        """It goes on, at once, though its slot may be in use. True if this was its last wait."""
        with self._lock:
            attempt = self._attempts.get(lease)
            if attempt is None:
                return False
            attempt.waits -= 1
            if attempt.waits == 0:
                self._lent -= 1
                if self._credit:
                    self._credit -= 1
                else:
                    self._debt += 1
            return attempt.waits == 0

    def _offer_slot(self) -> None:
        if self._debt:
            self._debt -= 1
        elif not self._closed_for_work:
            self._credit += 1
            self._news()

    def release_unstarted(self) -> None:
        """Hand back the leases whose functions were never called."""
        with self._lock:
            for lease in [lease for lease, attempt in self._attempts.items() if not attempt.has_begun]:
                del self._attempts[lease]
                self._released.append(lease)
            self._news()

    def drop(self, attempt: Attempt) -> None:
        """Nobody wants the result any more; the slot stays in use until the function has ended."""
        with self._lock:
            attempt.is_wanted = False

    def give_up(self, attempt: Attempt) -> None:
        """Nobody may want the result any more, but the server has not said so: the next hello tells it."""
        with self._lock:
            if attempt.is_wanted and attempt.has_begun:
                self._lost.append(attempt.lease)
            attempt.is_wanted = False

    def find(self, lease: Lease) -> Attempt | None:
        with self._lock:
            return self._attempts.get(lease)

    def settle(self, leases: Iterable[Lease]) -> None:
        """These reports have arrived and are on disk (or were too late)."""
        with self._lock:
            for lease in leases:
                self._owed.pop(lease, None)

    def close_for_work(self) -> None:
        """No more credit, and what still comes is handed back."""
        with self._lock:
            self._closed_for_work = True
            self._credit = 0

    # ── Questions ────────────────────────────────────────────────────────────────────────────────────────────────────

    @property
    def attempts(self) -> list[Attempt]:
        """All whose functions have not ended."""
        with self._lock:
            return list(self._attempts.values())

    @property
    def running(self) -> int:
        """How many functions have not ended."""
        return len(self._attempts)

    @property
    def busy_slots(self) -> int:
        """The same without those that wait for other runs."""
        return len(self._attempts) - self._lent

    @property
    def is_settled(self) -> bool:
        """Nothing runs and no report is unanswered."""
        return not self._attempts and not self._owed

    def held(self) -> list[Lease]:
        """For the hello after a reconnect: leases whose functions run, or whose reports are not settled."""
        with self._lock:
            wanted = [lease for lease, attempt in self._attempts.items() if attempt.is_wanted]
            return list(dict.fromkeys([*wanted, *self._owed]))

    def lost(self) -> list[Lease]:
        """For the same hello: leases whose functions had begun and were given up. Told until a hello is answered."""
        with self._lock:
            self._lost_told = len(self._lost)
            return list(self._lost)

    # ── Sending ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def connected(self, wake: Callable[[], None]) -> None:
        """A session was welcomed: every unsettled report goes out again, and credits start from zero."""
        with self._lock:
            self._connected = True
            self._wake = wake
            self._is_awake = False
            del self._lost[: self._lost_told]
            self._lost_told = 0
            self._fresh = list(self._owed.values())
            free = self.slots - (len(self._attempts) - self._lent)
            self._credit = 0 if self._closed_for_work else max(0, free)
            self._debt = max(0, -free)
            self._news()

    def repeat_unsettled(self) -> None:
        """Called with every beat: what was owed at the last one already is said again.

        The server answers a report when it is on disk; when it could not find out whether it is, it waits for this.
        """
        with self._lock:
            again = [report for lease, report in self._owed.items() if lease in self._repeatable]
            self._repeatable = set(self._owed)
            if again:
                self._fresh = [report for report in self._fresh if report.lease not in self._repeatable] + again
                self._news()

    def disconnected(self) -> None:
        with self._lock:
            self._connected = False
            # a lease that is not named in the next hello is handed back by that
            self._released.clear()

    def log(self, lease: Lease, entry: LogEntry) -> None:
        with self._lock:
            self._lines.append((lease, entry))
            self._characters += len(entry.message)
            while len(self._lines) > MOST_LOG_LINES or self._characters > MOST_LOG_CHARACTERS:
                _, oldest = self._lines.popleft()
                self._characters -= len(oldest.message)
                self._dropped_lines += 1
            self._news()

    def collect(self) -> list[FromSdk]:
        """Everything that is to be said now. Lines before reports: after its report an attempt takes no more lines."""
        with self._lock:
            self._is_awake = False
            lines, dropped = list(self._lines), self._dropped_lines
            self._lines.clear()
            self._characters = self._dropped_lines = 0
            fresh, self._fresh = self._fresh, []
            released, self._released = self._released, []
            credit, self._credit = self._credit, 0
        messages: list[FromSdk] = [*_grouped(lines, dropped), *fresh]
        if released:
            messages.append(Release(leases=released))
        if credit:
            messages.append(Credit(slots=credit))
        return messages

    def _news(self) -> None:
        if self._connected and not self._is_awake:
            self._is_awake = True
            self._wake()


def _grouped(lines: list[tuple[Lease, LogEntry]], dropped: int) -> list[Logs]:
    by_lease: dict[Lease, list[LogEntry]] = {}
    for lease, entry in lines:
        by_lease.setdefault(lease, []).append(entry)
    if dropped:
        lease, first = lines[0]
        text = f"{dropped:,} earlier lines of this worker were dropped: they came faster than they could be sent"
        by_lease[lease].insert(0, LogEntry(at=first.at, level=30, logger="mulligan.worker", message=text))
    return [Logs(lease=lease, lines=entries) for lease, entries in by_lease.items()]
