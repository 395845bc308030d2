"""Facts kept between turns, where one engine owns the store: then what was committed last is still true.

With several replicas (a store that is not exclusive) only versions are decided on from here, because they never change.
Runs are remembered all the same: what a worker needs to know of a run does not change, either.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Set

from mulligan.core.facts import DocumentKey, Facts, RunFacts, Wanted
from mulligan.core.lifecycle import is_terminal
from mulligan.core.records import Document, OpenStep, Version, Worker, WorkerState
from mulligan.ports.store import Transaction

MOST_RUNS = 20_000
MOST_DOCUMENTS = 10_000
"""That there is none is remembered, too, and anybody may ask for any name."""


class Memory:
    """Live runs, workers and versions as of the last commit. Cleared whenever a commit did not go through."""

    def __init__(self, exclusive: bool) -> None:
        self._exclusive = exclusive
        self._runs: OrderedDict[str, RunFacts] = OrderedDict()
        self._workers: dict[str, Worker] = {}
        self._latest: dict[tuple[str, str], Version] = {}
        self._versions: dict[tuple[str, str, str], Version] = {}
        self._documents: dict[DocumentKey, Document | None] = {}

    def clear(self) -> None:
        self._runs.clear()
        self._workers.clear()
        self._latest.clear()
        self._documents.clear()

    def run(self, run_id: str) -> RunFacts | None:
        """The run as this replica has seen it last."""
        return self._runs.get(run_id)

    def has_live(self, namespace: str, run_id: str) -> bool:
        """True if the run has not ended. Never where others may end it."""
        held = self._runs.get(run_id) if self._exclusive else None
        return held is not None and held.run.namespace == namespace

    def forgotten(self, run_ids: Set[str]) -> list[str]:
        """Those that would be remembered here, had there been room. None where others may change them, too."""
        if not self._exclusive:
            return []
        # One by one: to subtract the keys of a dictionary from a set is to go through all of them.
        return sorted(run_id for run_id in run_ids if run_id not in self._runs)

    async def load(self, transaction: Transaction, wanted: Wanted) -> Facts:
        """The wanted facts: from memory where they are known, the rest from the store."""
        known = Facts()
        for digest in list(wanted.digests):
            if (version := self._versions.get(digest)) is not None:
                known.versions[digest] = version
                wanted.digests.discard(digest)
        if self._exclusive:
            self._take_known(wanted, known)
        if not wanted:
            return known
        facts = await transaction.load(wanted)
        facts.runs.update(known.runs)
        facts.workers.update(known.workers)
        facts.latest.update(known.latest)
        facts.versions.update(known.versions)
        facts.documents.update(known.documents)
        if self._exclusive:
            if len(self._documents) > MOST_DOCUMENTS:
                self._documents.clear()
            self._documents.update({key: facts.documents.get(key) for key in wanted.documents})
        return facts

    def _take_known(self, wanted: Wanted, known: Facts) -> None:
        for run_id in wanted.run_ids & self._runs.keys():
            known.runs[run_id] = self._runs[run_id]
            wanted.run_ids.discard(run_id)
        for worker_id in wanted.worker_ids & self._workers.keys():
            known.workers[worker_id] = self._workers[worker_id]
            wanted.worker_ids.discard(worker_id)
        for name in wanted.workflows & self._latest.keys():
            known.latest[name] = self._latest[name]
            wanted.workflows.discard(name)
        for key in wanted.documents & self._documents.keys():
            document = self._documents[key]
            if document is not None:
                known.documents[key] = document
            wanted.documents.discard(key)

    def keep(self, facts: Facts, leased: Iterable[OpenStep]) -> None:
        """Take over what has just been committed."""
        self._versions.update(facts.versions)
        for latest in facts.latest.values():
            self._versions[(latest.namespace, latest.workflow, latest.digest)] = latest
        if self._exclusive:
            self._latest.update(facts.latest)
            self._documents.update(facts.changes.documents_saved)
            self._workers.update(facts.workers)
            for worker in facts.workers.values():
                if worker.state is WorkerState.GONE:
                    del self._workers[worker.id]
        self._keep_runs(facts, leased)

    def _keep_runs(self, facts: Facts, leased: Iterable[OpenStep]) -> None:
        for run_id, run in facts.runs.items():
            if is_terminal(run.run.status):
                self._runs.pop(run_id, None)
            else:
                self._runs[run_id] = run
                if not self._exclusive:
                    self._runs.move_to_end(run_id)
        for step in leased:
            if (held := self._runs.get(step.run_id)) is not None:
                held.open[step.step] = step
        while len(self._runs) > MOST_RUNS:
            # The newest: in a queue, it is what will be needed last. Among several replicas the one that was not
            # touched for longest: most likely another has taken it, and ended it without this one hearing of it.
            self._runs.popitem(last=self._exclusive)
