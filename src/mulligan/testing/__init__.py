"""The public test kit: factories for records, and the conformance suites of the ports.

May import anything; nobody imports it. Start reading in ``exercise_store``: it says what every store promises.
"""

from typing import TYPE_CHECKING, Any

from mulligan.testing.contexts import make_context

if TYPE_CHECKING:
    from mulligan.testing.lab import Lab

__all__ = ["Lab", "make_context"]


def __getattr__(name: str) -> Any:
    """The lab brings an engine, a store and a server with it: only for those who ask for it."""
    if name == "Lab":
        from mulligan.testing.lab import Lab

        return Lab
    raise AttributeError(f"module 'mulligan.testing' has no attribute {name!r}")
