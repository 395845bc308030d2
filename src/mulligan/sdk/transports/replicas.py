"""The servers that a program may use: one, or several replicas on one database, of which any will do."""

from __future__ import annotations

from urllib.parse import urlsplit, urlunsplit

from mulligan.errors import Refused

API = "/api/v1"


class Replicas:
    """``current`` is the address to go to. Whoever finds it wanting says so with ``leave``; usable from any thread."""

    def __init__(self, urls: str) -> None:
        """``urls``: addresses separated by commas. Raises ``Refused`` for what is no http(s) address."""
        self.addresses = tuple(address for url in urls.split(",") if (address := address_of(url)))
        for address in self.addresses or (urls,):
            parts = urlsplit(address)
            if parts.scheme not in ("http", "https") or not parts.hostname:
                raise Refused(
                    f"{address!r} is not the address of a server. Write it like http://127.0.0.1:8420 (in MULLIGAN_URL "
                    "or Mulligan(url=…)), and the replicas of a server separated by commas.",
                    code="bad_url",
                )
        self.current = self.addresses[0]

    def leave(self, address: str) -> None:
        """Go on to the one after ``address``, unless somebody has left it already."""
        if address == self.current:
            place = self.addresses.index(address) + 1
            self.current = self.addresses[place % len(self.addresses)]


def address_of(url: str) -> str:
    """``url`` without a slash at its end, and without the path of the API, which whoever has copied it may leave on."""
    return url.strip().rstrip("/").removesuffix(API).rstrip("/")


def socket_of(address: str) -> str:
    """Where the server at ``address`` takes sessions."""
    parts = urlsplit(address)
    scheme = "wss" if parts.scheme == "https" else "ws"
    return urlunsplit((scheme, parts.netloc, f"{parts.path}{API}/connect", "", ""))
