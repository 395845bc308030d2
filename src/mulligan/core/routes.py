"""Routes: the strings by which open steps and workers find each other.

An open step has one route; a worker serves many. Ordinary runs are routed by workflow, step and the *shape* of the
call (argument names and origins), so that queued work goes to any worker that can be called this way, also one with
newer code: a deployed fix reaches the runs that wait for their retry. Pinned runs are routed by exact version.
"""

from __future__ import annotations

from collections.abc import Iterable

from mulligan.core.records import WorkflowDefinition


def shape_route(definition: WorkflowDefinition, step: str) -> str:
    return f"{definition.name}/{step}#{definition.shapes[step]}"


def version_route(definition: WorkflowDefinition, step: str) -> str:
    return f"{definition.name}/{step}@{definition.digest}"


def route_of(definition: WorkflowDefinition, step: str, *, pinned: bool) -> str:
    """The route of a step run that becomes ready."""
    return version_route(definition, step) if pinned else shape_route(definition, step)


def routes_served(definitions: Iterable[WorkflowDefinition]) -> frozenset[str]:
    """All routes of a worker that has these definitions."""
    return frozenset(
        route(definition, step.name)
        for definition in definitions
        for step in definition.steps
        for route in (shape_route, version_route)
    )
