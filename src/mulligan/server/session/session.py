"""One connection of an SDK process: takes what it says, in order, and collects what there is to say to it."""

from __future__ import annotations

from collections.abc import Sequence

from mulligan.errors import MulliganError
from mulligan.server.session.client import ClientRole
from mulligan.server.session.outbox import Outbox
from mulligan.server.session.worker import WorkerRole
from mulligan.server.site import Call
from mulligan.wire.messages import (
    Beat,
    Credit,
    Drain,
    FromSdk,
    FromServer,
    Goodbye,
    Hello,
    Logs,
    Refused,
    Release,
    Report,
    Start,
    Unwatch,
    Watch,
)
from mulligan.wire.rest.codec import Scope


class Session:
    """``handle`` and ``take`` are pumped by a transport on the engine's loop; ``handle`` by one task at a time.

    ``trusted``: the other side is this very process, so that its JSON need not be checked again.
    """

    def __init__(self, call: Call, *, trusted: bool = False) -> None:
        self._caller = call.caller
        self._counts = call.site.counts
        self._counts.open += 1
        self._outbox = Outbox()
        self._worker = WorkerRole(call, self._outbox, trusted=trusted)
        self._client = ClientRole(call, self._outbox, trusted=trusted)
        self._is_closed = False

    async def take(self) -> list[FromServer]:
        """Everything that is to be said now, at least one message. After a fatal ``Refused``, close the connection."""
        return await self._outbox.take()

    async def has_room(self) -> None:
        """Return once the other side has taken what was said, and the engine what was asked of it: until then, read
        nothing more from it."""
        await self._outbox.has_room()
        await self._client.has_room()

    async def handle(self, messages: Sequence[FromSdk]) -> None:
        """Take the messages of one frame, in order. Never raises for what the other side did wrong."""
        reports: list[Report] = []
        try:
            for message in messages:
                if isinstance(message, Report):
                    self._worker.check_report(message)
                    reports.append(message)
                elif isinstance(message, Start | Watch | Unwatch):
                    self._handle_client(message)
                else:
                    await self._handle_worker(message)
        except MulliganError as error:
            self._outbox.say([Refused(code=error.code, message=str(error), fatal=True)])
        self._worker.report(reports)

    def _handle_client(self, message: Start | Watch | Unwatch) -> None:
        match message:
            case Start():
                if self._may("trigger", message.seq):
                    self._client.start(message)
            case Watch(run_ids):
                # With `trigger` alone, too: whoever started a run has its id, which nobody guesses, and awaits it over
                # as many connections as it takes. Of who started it, nothing else is on disk.
                if self._caller.may("trigger") or self._may("read"):
                    self._client.watch(run_ids)
            case Unwatch(run_ids):
                self._client.unwatch(run_ids)

    async def _handle_worker(self, message: Hello | Credit | Release | Beat | Logs | Drain | Goodbye) -> None:
        match message:
            case Hello():
                if self._may("worker"):
                    await self._worker.hello(message)
            case Credit():
                self._worker.credit(message)
            case Beat():
                self._worker.beat(message)
            case Logs():
                self._worker.logs(message)
            case Release(leases):
                self._worker.release(leases)
            case Drain():
                self._worker.drain()
            case Goodbye():
                self._worker.goodbye()

    def _may(self, scope: Scope, seq: int | None = None) -> bool:
        """A start that may not be is one question refused; without its scope a worker has no business here at all."""
        if self._caller.may(scope):
            return True
        message = f"This token may not do that: it lacks the scope {scope!r}."
        self._outbox.say([Refused(code="forbidden", message=message, seq=seq, fatal=seq is None)])
        return False

    async def close(self) -> None:
        """The connection has ended, or shall. Leases get their grace, unless the worker said goodbye."""
        if not self._is_closed:
            self._is_closed = True
            self._counts.open -= 1
            unsaid = self._outbox.take_now()
            await self._worker.close(unsaid)
            await self._client.close()
