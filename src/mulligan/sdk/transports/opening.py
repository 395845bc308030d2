"""Which transport a program gets: a server's when there is a url, else the engine inside this process."""

from __future__ import annotations

import importlib
from typing import cast

from mulligan.errors import Refused
from mulligan.sdk.transports.link import ClientTransport


def open_transport(url: str | None, token: str | None, database: str | None, namespace: str) -> ClientTransport:
    """Raises ``Refused`` for a url of no use, ``Unavailable`` when the embedded engine cannot start."""
    if url is not None:
        from mulligan.sdk.transports.remote import RemoteTransport

        return RemoteTransport(url, token)
    try:
        # by name: the SDK may be installed without the engine, and knows nothing of it
        embedded = importlib.import_module("mulligan.app.embedded")
    except ImportError as error:
        raise Refused(
            f"The embedded engine cannot be loaded ({error}). Install the whole of mulligan, or set MULLIGAN_URL to "
            "use a server.",
            code="no_engine",
        ) from error
    return cast(ClientTransport, embedded.open_transport(database, namespace))
