"""The engine's sockets to the world, as Protocols: ``Store`` (facts on disk), ``Clock`` (time), ``Chance`` (ids).

May import: core. The stores share one exported conformance suite, ``mulligan.testing.exercise_store``. Start reading
in ``store``.
"""
