"""Mulligan: durable workflows for Python whose centre is the second chance.

The public names, nothing else. Testing: ``mulligan.testing``. Errors: ``mulligan.errors``.
"""

from typing import TYPE_CHECKING, Any

from mulligan.errors import DeclarationError, MulliganError
from mulligan.sdk.app import Mulligan
from mulligan.sdk.context import Cancelled, Context, current_context
from mulligan.sdk.declare.dependency import depends
from mulligan.sdk.declare.edges import after
from mulligan.sdk.declare.retry import NonRetryable, Retry
from mulligan.sdk.failure import Failure
from mulligan.sdk.task import Task
from mulligan.sdk.workflow import Step, Workflow

if TYPE_CHECKING:
    from mulligan.sdk.client.runs import Run, RunFailed

__all__ = [
    "Cancelled",
    "Context",
    "DeclarationError",
    "Failure",
    "Mulligan",
    "MulliganError",
    "NonRetryable",
    "Retry",
    "Run",
    "RunFailed",
    "Step",
    "Task",
    "Workflow",
    "after",
    "current_context",
    "depends",
]


def __getattr__(name: str) -> Any:
    """What only a program that starts runs needs is loaded when it is asked for."""
    if name in ("Run", "RunFailed"):
        from mulligan.sdk.client import runs

        return getattr(runs, name)
    raise AttributeError(f"module 'mulligan' has no attribute {name!r}")
