"""The auditor: looks at every transaction as it is written, and knows the promises, but none of the engine's code.

``shadow`` is its own memory of what was written; ``moves``, ``leases``, ``replays`` and ``runs`` hold the invariants,
named S1 … S23 as in the docs; ``ledger`` joins in what clients were told; ``auditor`` puts them together.
"""

from mulligan.testing.simulation.audit.auditor import Auditor
from mulligan.testing.simulation.audit.shadow import Violation

__all__ = ["Auditor", "Violation"]
