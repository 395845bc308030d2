"""The public test kit: factories for records, and the conformance suites of the ports.

May import anything; nobody imports it. Start reading in ``exercise_store``: it says what every store promises.
"""

from mulligan.testing.contexts import make_context

__all__ = ["make_context"]
