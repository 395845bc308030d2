"""The engine's sockets to the world, as Protocols: ``Store`` (facts on disk), ``Clock`` (time), ``Chance`` (ids).

May import: core. Every port has one exported conformance suite in ``mulligan.testing``. Start reading in ``store``.
"""
