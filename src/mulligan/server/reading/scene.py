"""One run with everything around it that a page about it needs: versions, workers, and what time it is."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from mulligan.core.facts import RunFacts
from mulligan.core.lifecycle import is_terminal
from mulligan.core.records import Attempt, OpenStep, Version, Worker
from mulligan.engine.api import RunDocument, facts_of
from mulligan.errors import NotFound
from mulligan.server.reading.crew import Crew
from mulligan.server.site import Call

RUN_ID = re.compile(r"[0-9a-v]{26}")


@dataclass(frozen=True)
class Scene:
    """``versions``: all of the workflow, by digest. ``workers``: those of the namespace, by id."""

    document: RunDocument
    versions: Mapping[str, Version]
    workers: Mapping[str, Worker]
    now: datetime

    @cached_property
    def facts(self) -> RunFacts:
        return facts_of(self.document)

    @cached_property
    def attempts(self) -> Mapping[str, list[Attempt]]:
        """The finished attempts of each step, in order."""
        found: dict[str, list[Attempt]] = {}
        for attempt in self.document.ended:
            found.setdefault(attempt.step, []).append(attempt)
        return found

    @cached_property
    def crew(self) -> Crew:
        return Crew(self.workers.values(), list(self.versions.values()))

    @property
    def is_over(self) -> bool:
        return is_terminal(self.document.run.status)

    @property
    def started(self) -> bool:
        return self.is_over or bool(self.document.ended) or any(step.attempt > 0 for step in self.document.open)

    def open_step(self, name: str) -> OpenStep | None:
        return self.facts.open.get(name)

    def worker_name(self, worker_id: str | None) -> str | None:
        """Its name, or its id once it is forgotten."""
        worker = self.workers.get(worker_id or "")
        return worker.name if worker is not None else worker_id

    def version_number(self, digest: str) -> int | None:
        version = self.versions.get(digest)
        return None if version is None else version.number


def run_id_of(text: str) -> str:
    """``text`` if it has the form of a run id; anything else names no run."""
    if RUN_ID.fullmatch(text) is None:
        raise no_such_run(text)
    return text


def no_such_run(text: str) -> NotFound:
    return NotFound(f"There is no run {text!r}. It may have been removed by retention.")


async def load_document(call: Call, run_id: str) -> RunDocument:
    """Raises NotFound."""
    document = await call.engine.store.run(call.namespace, run_id_of(run_id))
    if document is None:
        raise no_such_run(run_id)
    return document


async def load_scene(call: Call, run_id: str) -> Scene:
    """Raises NotFound."""
    document = await load_document(call, run_id)
    store = call.engine.store
    versions = await store.versions(call.namespace, document.run.workflow)
    workers = await store.workers(call.namespace)
    return Scene(
        document=document,
        versions={version.digest: version for version in versions},
        workers={worker.id: worker for worker in workers},
        now=call.engine.clock.now(),
    )
