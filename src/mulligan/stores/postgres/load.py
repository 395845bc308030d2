"""What a transaction reads before it decides, and the same without locks, to tell of it."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection, Iterable
from operator import attrgetter

from mulligan.core.bulk import Bulk
from mulligan.core.facts import Ended, Facts, RunFacts, Wanted
from mulligan.core.records import Document, OpenStep, Outcome, Replay, Run, Version, Worker
from mulligan.stores import stored
from mulligan.stores.postgres import rows
from mulligan.stores.postgres.statement import Connection, Statement

LOAD_BULKS = Statement("load_bulks", "FOR UPDATE")
LOAD_DOCUMENTS = Statement("load_documents")
LOAD_ENDED = Statement("load_ended")
LOAD_IDEMPOTENCY_KEYS = Statement("load_idempotency_keys")
LOAD_LATEST_VERSIONS = Statement("load_latest_versions")
LOAD_LEASED_STEPS = Statement("load_leased_steps")
LOAD_OPEN_STEPS = Statement("load_open_steps")
LOAD_REPLAYS = Statement("load_replays")
LOAD_RUNS = Statement("load_runs")
LOAD_VERSIONS = Statement("load_versions")
LOAD_WORKERS = Statement("load_workers", "FOR UPDATE")
LOCK_OPEN_STEPS = Statement("load_open_steps", "FOR UPDATE")
LOCK_RUNS = Statement("lock_runs")

Workflow = tuple[str, str]
"""(namespace, workflow)"""

Digest = tuple[str, str, str]
"""(namespace, workflow, digest)"""

MOST_BEGINNINGS = 20_000


class Definitions:
    """Versions that were read before. They never change, and decoding one costs more than all else of a run."""

    def __init__(self) -> None:
        self._known: dict[Digest, Version] = {}

    def of_row(self, row: stored.Row) -> Version:
        key = (row[0], row[1], row[3])
        known = self._known.get(key)
        if known is None:
            known = self._known[key] = rows.version_of(row)
        return known

    async def of(self, connection: Connection, digests: Iterable[Digest]) -> dict[Digest, Version]:
        wanted = set(digests)
        unknown = sorted(digest for digest in wanted if digest not in self._known)
        if unknown:
            namespaces, workflows, names = zip(*unknown, strict=True)
            for row in await LOAD_VERSIONS.fetch(connection, namespace=namespaces, workflow=workflows, digest=names):
                self.of_row(row)
        return {digest: self._known[digest] for digest in wanted if digest in self._known}


class Beginnings:
    """Runs as they were when they began, lately: as long as nothing has changed in one, it need not be read again.

    Whether something has changed is asked of the database every time; only the answer is smaller than the run.
    """

    def __init__(self) -> None:
        self._known: OrderedDict[str, tuple[Run, Replay | None]] = OrderedDict()

    def remember(self, run: Run, replay: Replay | None) -> None:
        self._known[run.id] = (run, replay)
        if len(self._known) > MOST_BEGINNINGS:
            self._known.popitem(last=False)

    def forget(self, run_id: str) -> None:
        self._known.pop(run_id, None)

    def known(self, run_id: str) -> tuple[Run, Replay | None] | None:
        return self._known.get(run_id)


class Loader:
    """Reads facts, and remembers what never changes."""

    def __init__(self) -> None:
        self.definitions = Definitions()
        self.beginnings = Beginnings()

    async def load(self, connection: Connection, wanted: Wanted) -> Facts:
        """In the order in which every engine takes its locks: workers, runs, open steps, bulk replays.

        Whoever leases to a worker has it locked: once it is ours, what is leased to it is all there is.
        """
        facts = Facts()
        if wanted.worker_ids:
            found = await LOAD_WORKERS.fetch(connection, ids=list(wanted.worker_ids))
            facts.workers = {worker.id: worker for worker in stored.records(Worker, found)}
        run_ids = wanted.run_ids | wanted.possible_run_ids
        if wanted.leases_of:
            run_ids |= {step.run_id for step in await leased_steps(connection, wanted.leases_of)}
        if run_ids:
            facts.runs = await self._lock_facts(connection, run_ids)
        if wanted.bulk_ids:
            found = await LOAD_BULKS.fetch(connection, ids=list(wanted.bulk_ids))
            facts.bulks = {bulk.id: bulk for bulk in stored.records(Bulk, found)}
        await self._load_named(connection, wanted, facts)
        return facts

    async def _load_named(self, connection: Connection, wanted: Wanted, facts: Facts) -> None:
        """What is looked up by a name that people give, without locks: a second one is refused by its unique key."""
        if wanted.keys:
            namespaces, keys = zip(*wanted.keys, strict=True)
            escaped = [rows.escape(key) for key in keys]
            found = await LOAD_IDEMPOTENCY_KEYS.fetch(connection, namespace=namespaces, key=escaped)
            facts.keys = {(key.namespace, key.key): key for key in map(rows.key_of, found)}
        if wanted.documents:
            namespaces, kinds, keys = zip(*wanted.documents, strict=True)
            escaped = [rows.escape(key) for key in keys]
            found = await LOAD_DOCUMENTS.fetch(connection, namespace=namespaces, kind=kinds, key=escaped)
            facts.documents = {(each.namespace, each.kind, each.key): each for each in stored.records(Document, found)}
        if wanted.workflows:
            facts.latest = await self._latest(connection, wanted.workflows)
        if wanted.digests:
            facts.versions = await self.definitions.of(connection, wanted.digests)

    async def _latest(self, connection: Connection, asked: Collection[Workflow]) -> dict[Workflow, Version]:
        by_namespace: dict[str, list[str]] = {}
        for namespace, workflow in asked:
            by_namespace.setdefault(namespace, []).append(workflow)
        digests: list[Digest] = []
        for namespace, workflows in by_namespace.items():
            found = await LOAD_LATEST_VERSIONS.fetch(connection, namespace=namespace, workflows=workflows)
            digests += [(row[0], row[1], row[2]) for row in found]
        versions = await self.definitions.of(connection, digests)
        return {(version.namespace, version.workflow): version for version in versions.values()}

    async def _lock_facts(self, connection: Connection, run_ids: Collection[str]) -> dict[str, RunFacts]:
        """The runs are locked first, by a statement of its own: what the next one sees is then as of the lock."""
        begun: dict[str, tuple[Run, Replay | None]] = {}
        changed: list[str] = []
        for run_id, pristine in await LOCK_RUNS.fetch(connection, ids=list(run_ids)):
            known = self.beginnings.known(run_id) if pristine else None
            if known is None:
                changed.append(run_id)
            else:
                begun[run_id] = known
        if changed:
            begun.update(await self._load_begun(connection, changed))
        return await self._facts_of(connection, begun, LOCK_OPEN_STEPS)

    async def facts(self, connection: Connection, run_ids: Collection[str]) -> dict[str, RunFacts]:
        """The runs with all that is decided on; those that do not exist are absent. Nothing is locked."""
        begun = await self._load_begun(connection, run_ids)
        return await self._facts_of(connection, begun, LOAD_OPEN_STEPS)

    async def _load_begun(
        self, connection: Connection, run_ids: Collection[str]
    ) -> dict[str, tuple[Run, Replay | None]]:
        runs = await load_runs(connection, run_ids)
        replays: dict[str, Replay] = {}
        made = [run.id for run in runs if run.source_id is not None]
        if made:
            found = stored.records(Replay, await LOAD_REPLAYS.fetch(connection, ids=made))
            replays = {replay.run_id: replay for replay in found}
        return {run.id: (run, replays.get(run.id)) for run in runs}

    async def _facts_of(
        self, connection: Connection, begun: dict[str, tuple[Run, Replay | None]], open_steps: Statement
    ) -> dict[str, RunFacts]:
        if not begun:
            return {}
        versions = await self.definitions.of(
            connection, {(run.namespace, run.workflow, run.version) for run, _ in begun.values()}
        )
        facts = {
            run_id: RunFacts(run, versions[run.namespace, run.workflow, run.version], replay, {}, {})
            for run_id, (run, replay) in begun.items()
        }
        ids = list(facts)
        for step in map(rows.open_step_of, await open_steps.fetch(connection, ids=ids)):
            facts[step.run_id].open[step.step] = step
        for run_id, name, outcome, number in await LOAD_ENDED.fetch(connection, ids=ids):
            facts[run_id].ended[name] = Ended(outcome=Outcome(outcome), number=number)
        return facts


async def load_runs(connection: Connection, run_ids: Collection[str]) -> list[Run]:
    """In the order of their ids."""
    if not run_ids:
        return []
    return [rows.run_of(row) for row in await LOAD_RUNS.fetch(connection, ids=list(run_ids))]


async def leased_steps(connection: Connection, worker_ids: Collection[str]) -> list[OpenStep]:
    """By run and step."""
    found = await LOAD_LEASED_STEPS.fetch(connection, worker_ids=list(worker_ids))
    return sorted(map(rows.open_step_of, found), key=attrgetter("run_id", "step"))
