"""Mulligan: durable workflows for Python whose centre is the second chance.

The public names, nothing else. Testing: ``mulligan.testing``. Errors: ``mulligan.errors``.
"""

from mulligan.errors import DeclarationError, MulliganError
from mulligan.sdk.app import Mulligan
from mulligan.sdk.client.runs import Run, RunFailed
from mulligan.sdk.context import Cancelled, Context, current_context
from mulligan.sdk.declare.dependency import depends
from mulligan.sdk.declare.edges import after
from mulligan.sdk.declare.retry import NonRetryable, Retry
from mulligan.sdk.failure import Failure
from mulligan.sdk.task import Task
from mulligan.sdk.workflow import Step, Workflow

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
