"""Routes: the strings by which open steps and workers find each other.

An open step has one route; a worker serves many. Ordinary runs are routed by workflow, step and the *shape* of the
call (argument names and origins), so that queued work goes to any worker that can be called this way, also one with
newer code: a deployed fix reaches the runs that wait for their retry. A replay promises code: its steps go to workers
that have the planned version or a newer one of the same shape. Pinned runs are routed by exact version.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from mulligan.core.facts import RunFacts
from mulligan.core.records import Version, WorkflowDefinition


def shape_route(definition: WorkflowDefinition, step: str) -> str:
    return f"{definition.name}/{step}#{definition.shapes[step]}"


def version_route(definition: WorkflowDefinition, step: str) -> str:
    return f"{definition.name}/{step}@{definition.digest}"


def at_least_route(definition: WorkflowDefinition, step: str) -> str:
    return f"{definition.name}/{step}>={definition.digest}"


def route_of(run: RunFacts, step: str) -> str:
    """The route of a step run that becomes ready."""
    definition = run.version.definition
    if run.run.pinned:
        return version_route(definition, step)
    return shape_route(definition, step) if run.replay is None else at_least_route(definition, step)


def routes_served(definitions: Iterable[WorkflowDefinition], versions: Collection[Version]) -> frozenset[str]:
    """All routes of a worker that has these definitions. ``versions``: all that are known of these workflows."""
    served: set[str] = set()
    for definition in definitions:
        known = [version for version in versions if version.workflow == definition.name]
        own = max((version.number for version in known if version.digest == definition.digest), default=0)
        older = [version.definition for version in known if version.number < own]
        for step in definition.steps:
            name = step.name
            served.update(route(definition, name) for route in (shape_route, version_route, at_least_route))
            served.update(
                at_least_route(other, name) for other in older if other.shapes.get(name) == definition.shapes[name]
            )
    return frozenset(served)
