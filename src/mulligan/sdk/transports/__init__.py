"""How SDK processes reach an engine: ``Link`` carries the session protocol, ``ClientTransport`` adds REST requests.

Two kinds: a server over the network (``remote``, over a ``websocket``) and the engine inside this process
(``mulligan.app.embedded``). Both speak the same messages and serve the same REST shapes, so that the rest of the SDK
knows only the Protocols here.
"""

from mulligan.sdk.transports.link import ClientTransport, Link, LinkClosed

__all__ = ["ClientTransport", "Link", "LinkClosed"]
