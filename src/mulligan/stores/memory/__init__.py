"""The memory store: the specification of the port, and the fuel of the simulation. Nothing survives the process.

``tables`` holds the facts and applies changes to them, ``matching`` says which runs a filter means, ``store`` is the
port. May import: ports, core. Start reading in ``tables``.
"""

from mulligan.stores.memory.store import MemoryStore

__all__ = ["MemoryStore"]
