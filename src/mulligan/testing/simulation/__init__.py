"""Deterministic simulation: the production engine in a world where everything that can fail does, on one thread.

``loop`` turns virtual time and decides, by the seed, who goes on next; ``world`` puts a store, engines, workers,
clients and operators on it; ``disk``, ``network`` and ``weather`` are what goes wrong. ``audit`` looks at every
transaction and shares no code with the engine. Run it with ``python -m mulligan.testing.simulation``. Start reading in
``world``.
"""
