"""The workers of a namespace, asked who can run what, and why nobody does."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import timedelta

from mulligan.core.records import Version, Worker, WorkerState
from mulligan.core.routes import version_route
from mulligan.engine.api import routes_served
from mulligan.server.reading.spans import in_words


class Crew:
    """``versions``: all that are known of the workflows that are asked about."""

    def __init__(self, workers: Iterable[Worker], versions: Collection[Version]) -> None:
        self._workers = [worker for worker in workers if worker.state is not WorkerState.GONE]
        self._versions = versions
        self._routes: dict[tuple[str, str], frozenset[str]] = {}
        """By workflow and digest: many workers have the same code."""

    def able(self, workflow: str, route: str) -> list[Worker]:
        """Those that have code which may run steps on this route, draining ones too."""
        return [worker for worker in self._workers if route in self._served(workflow, worker.workflows.get(workflow))]

    def _served(self, workflow: str, digest: str | None) -> frozenset[str]:
        if digest is None:
            return frozenset()
        if (workflow, digest) not in self._routes:
            known = [one for one in self._versions if one.workflow == workflow]
            own = [one.definition for one in known if one.digest == digest]
            self._routes[workflow, digest] = routes_served(own, known)
        return self._routes[workflow, digest]

    def why_ready_waits(self, workflow: str, route: str, needs: str, waited: timedelta) -> str:
        """Why a step that is ready does not run. ``needs``: what a worker would have to declare, in words."""
        able = self.able(workflow, route)
        active = [worker for worker in able if worker.state is WorkerState.ACTIVE]
        since = in_words(waited)
        if not active:
            return f"{self._why_nobody(workflow, route, needs, bool(able))} (for {since})"
        slots = sum(worker.slots for worker in active)
        busy = sum(min(worker.running, worker.slots) for worker in active)
        if busy < slots:
            return f"Waits for a worker to take it (for {since})."
        who = "The only worker that can run it is" if len(active) == 1 else f"All {len(active)} workers for it are"
        return f"{who} busy ({busy} of {slots} slots). Waits for {since}."

    def _why_nobody(self, workflow: str, route: str, needs: str, some_are_draining: bool) -> str:
        if some_are_draining:
            return f"The workers that can run it are draining. Start another that declares {needs}."
        others = [worker for worker in self._workers if worker.state is WorkerState.ACTIVE]
        if not others:
            return f"No worker is connected. Start one that declares {needs}."
        if not any(workflow in worker.workflows for worker in others):
            return f"None of the {len(others)} connected workers declares {needs}. Start one that does."
        pinned = self._pinned(workflow, route)
        if pinned is not None:
            return (
                f"The run is pinned to version {pinned.number} of {workflow}, and no connected worker has exactly that "
                "code. Start a worker that has it, or cancel the run and replay it on the latest code."
            )
        return (
            "No connected worker has code that may run this step: its arguments differ, or the code is older than "
            f"what the replay was planned for. Deploy {needs}, or cancel and replay."
        )

    def _pinned(self, workflow: str, route: str) -> Version | None:
        """The version that steps on this route have to run on, if it is one only."""
        known = [one for one in self._versions if one.workflow == workflow]
        return next(
            (one for one in known if route in (version_route(one.definition, step) for step in one.definition.by_name)),
            None,
        )
