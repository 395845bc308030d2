"""The two Protocols between the SDK and whatever carries its messages."""

from __future__ import annotations

from asyncio import AbstractEventLoop
from collections.abc import Mapping, Sequence
from typing import Protocol

from mulligan.errors import Unavailable
from mulligan.wire.messages import FromSdk, FromServer


class LinkClosed(Unavailable):
    """The connection cannot be made now, or has ended. What was sent last may or may not have arrived."""

    code = "link_closed"


class Link(Protocol):
    """One connection for the session protocol, opened again after a break by calling ``connect`` again.

    All methods are called on one event loop. At most one ``send`` and one ``receive`` are under way at a time; they
    may overlap.
    """

    async def connect(self) -> None:
        """Open the connection. Raises ``LinkClosed`` when it cannot be made now, ``errors.Refused`` when never."""
        ...

    async def send(self, messages: Sequence[FromSdk]) -> None:
        """Hand over messages, in order, as few frames as possible; waits while the other side is behind.

        Raises ``LinkClosed``.
        """
        ...

    async def receive(self) -> Sequence[FromServer]:
        """What the other side has to say, at least one message. Raises ``LinkClosed``. Cancelling loses nothing."""
        ...

    async def confirm(self) -> None:
        """Return once the other side is known to have got everything sent before. Raises ``LinkClosed``.

        This is what a worker's leases hang on: bytes accepted by a dead network confirm nothing.
        """
        ...

    async def close(self) -> None:
        """Close the connection; a ``receive`` under way raises ``LinkClosed``. Closing twice is fine."""
        ...


class ClientTransport(Protocol):
    """A way to one engine. Usable from any thread and any event loop.

    ``address`` is for people and for links to runs: the dashboard's base URL, or the path of the embedded database.
    ``worker_loop`` is where the link of a worker in this process should be driven: None over a network, so that the
    worker makes a thread for it; the engine's own loop when the engine is in this process.
    ``slots_here``: nobody else may be running the steps of this program, so that its first start has to bring a worker
    with so many slots; 0 when others run them.
    """

    worker_loop: AbstractEventLoop | None
    slots_here: int

    @property
    def address(self) -> str: ...

    def link(self) -> Link:
        """A new link, not connected yet. Worker sessions and client sessions each take their own."""
        ...

    async def request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: bytes | None = None,
        idempotency_key: str | None = None,
    ) -> tuple[int, bytes]:
        """One REST call, ``path`` below ``/api/v1`` (for example ``/runs/…``): (status, JSON text).

        Raises ``errors.Unavailable`` when there was no answer.
        """
        ...

    def close(self) -> None:
        """Release what this transport holds. Links that are open are closed by their users."""
        ...
