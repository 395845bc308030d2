"""Where a server may listen, and the sockets it listens on (section *dev against production* of the security rules)."""

from __future__ import annotations

import errno
import socket
from contextlib import suppress
from typing import Literal

from mulligan.app.settings import LOOPBACK_HOSTS, Settings
from mulligan.errors import InvalidInput

Mode = Literal["dev", "production"]
_BACKLOG = 2048


def check_exposure(settings: Settings, mode: Mode, i_know: bool = False) -> None:
    """Refuse to speak plain HTTP to other machines by accident. Raises ``errors.InvalidInput`` with what to do."""
    if settings.host in LOOPBACK_HOSTS:
        return
    if mode == "dev":
        if not i_know:
            raise InvalidInput(
                f"`mulligan dev` would listen on {settings.host}: whoever is on that network could talk to it without "
                "TLS. Leave --host out, or add --i-know if that is what you want."
            )
        return
    if settings.tls_cert is None and not settings.behind_proxy:
        raise InvalidInput(
            f"The server would speak plain HTTP on {settings.host}. Give it --tls-cert and --tls-key, or say "
            "--behind-proxy if a proxy in front of it takes care of TLS."
        )


def listen(settings: Settings) -> list[socket.socket]:
    """Bound and listening sockets. A loopback name gets both loopback addresses on one port.

    Raises ``errors.InvalidInput`` when the port is taken or the address is not this machine's.
    """
    first = _listen_on(settings.host, settings.port)
    sockets = [first]
    other = {"localhost": "::1", "127.0.0.1": "::1", "::1": "127.0.0.1"}.get(settings.host)
    if other is not None:
        with suppress(InvalidInput):  # a machine without IPv6, or somebody else is there: one of the two is enough
            sockets.append(_listen_on(other, first.getsockname()[1]))
    return sockets


def address_of(sockets: list[socket.socket], settings: Settings) -> str:
    """The URL that people and programs on this machine reach the server by, without a slash at its end."""
    host, port = sockets[0].getsockname()[:2]
    if host in ("0.0.0.0", "::"):  # noqa: S104 - compared, not bound
        host = "127.0.0.1"
    name = f"[{host}]" if ":" in host else host
    scheme = "https" if settings.tls_cert else "http"
    return f"{scheme}://{name}:{port}{settings.base_path}".rstrip("/")


def _listen_on(host: str, port: int) -> socket.socket:
    name = "127.0.0.1" if host == "localhost" else host
    try:
        family = socket.getaddrinfo(name, port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((name, port), family=family, backlog=_BACKLOG)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise InvalidInput(
                f"Port {port} on {host} is taken, perhaps by another server (`mulligan doctor` tells). Stop that one, "
                "or choose another port with --port; --port 0 takes a free one."
            ) from None
        raise InvalidInput(f"The server cannot listen on {host}:{port}: {error}. Set --host and --port.") from None
