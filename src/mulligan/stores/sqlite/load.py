"""What a transaction reads before it decides. The store is exclusive: nothing has to be locked."""

from __future__ import annotations

from collections.abc import Iterable

import apsw

from mulligan.core.bulk import Bulk
from mulligan.core.facts import Ended, Facts, RunFacts, Wanted
from mulligan.core.records import Document, OpenStep, Outcome, Replay, Run, Version, Worker
from mulligan.stores import stored
from mulligan.stores.sqlite import rows
from mulligan.stores.statements import read_statement

LOAD_BULKS = read_statement(__package__, "load_bulks")
LOAD_DOCUMENTS = read_statement(__package__, "load_documents")
LOAD_ENDED = read_statement(__package__, "load_ended")
LOAD_IDEMPOTENCY_KEYS = read_statement(__package__, "load_idempotency_keys")
LOAD_LATEST_VERSIONS = read_statement(__package__, "load_latest_versions")
LOAD_LEASED_STEPS = read_statement(__package__, "load_leased_steps")
LOAD_OPEN_STEPS = read_statement(__package__, "load_open_steps")
LOAD_REPLAYS = read_statement(__package__, "load_replays")
LOAD_RUNS = read_statement(__package__, "load_runs")
LOAD_VERSIONS = read_statement(__package__, "load_versions")
LOAD_WORKERS = read_statement(__package__, "load_workers")

Digest = tuple[str, str, str]
"""(namespace, workflow, digest)"""


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

    def of(self, connection: apsw.Connection, digests: Iterable[Digest]) -> dict[Digest, Version]:
        wanted = set(digests)
        unknown = sorted(digest for digest in wanted if digest not in self._known)
        if unknown:
            for row in connection.execute(LOAD_VERSIONS, {"digests": stored.json_text(unknown)}):
                self.of_row(row)
        return {digest: self._known[digest] for digest in wanted if digest in self._known}


def load(connection: apsw.Connection, wanted: Wanted, definitions: Definitions) -> Facts:
    run_ids = wanted.run_ids | wanted.possible_run_ids
    if wanted.leases_of:
        run_ids |= {step.run_id for step in leased_steps(connection, wanted.leases_of)}
    facts = Facts(runs=load_facts(connection, run_ids, definitions))
    if wanted.keys:
        keys = stored.json_text(sorted(wanted.keys))
        found = map(rows.key_of, connection.execute(LOAD_IDEMPOTENCY_KEYS, {"keys": keys}))
        facts.keys = {(key.namespace, key.key): key for key in found}
    if wanted.worker_ids:
        ids = stored.json_text(sorted(wanted.worker_ids))
        facts.workers = {
            worker.id: worker for worker in stored.records(Worker, connection.execute(LOAD_WORKERS, {"ids": ids}))
        }
    if wanted.bulk_ids:
        ids = stored.json_text(sorted(wanted.bulk_ids))
        facts.bulks = {bulk.id: bulk for bulk in stored.records(Bulk, connection.execute(LOAD_BULKS, {"ids": ids}))}
    if wanted.documents:
        asked = {"keys": stored.json_text(sorted(wanted.documents))}
        kept = stored.records(Document, connection.execute(LOAD_DOCUMENTS, asked))
        facts.documents = {(document.namespace, document.kind, document.key): document for document in kept}
    for namespace, workflow in sorted(wanted.workflows):
        asked = {"namespace": namespace, "workflow": workflow}
        for row in connection.execute(LOAD_LATEST_VERSIONS, asked):
            facts.latest[namespace, workflow] = definitions.of_row(row)
    facts.versions = definitions.of(connection, wanted.digests)
    return facts


def load_facts(connection: apsw.Connection, run_ids: Iterable[str], definitions: Definitions) -> dict[str, RunFacts]:
    """The runs with all that is decided on; those that do not exist are absent."""
    ids = {"ids": stored.json_text(sorted(run_ids))}
    runs = load_runs(connection, run_ids)
    if not runs:
        return {}
    versions = definitions.of(connection, {(run.namespace, run.workflow, run.version) for run in runs})
    replays = {r.run_id: r for r in stored.records(Replay, connection.execute(LOAD_REPLAYS, ids))}
    facts = {
        run.id: RunFacts(run, versions[run.namespace, run.workflow, run.version], replays.get(run.id), {}, {})
        for run in runs
    }
    for step in map(rows.open_step_of, connection.execute(LOAD_OPEN_STEPS, ids)):
        facts[step.run_id].open[step.step] = step
    for run_id, name, outcome, number in connection.execute(LOAD_ENDED, ids):
        facts[run_id].ended[name] = Ended(outcome=Outcome(outcome), number=number)
    return facts


def load_runs(connection: apsw.Connection, run_ids: Iterable[str]) -> list[Run]:
    """In the order of their ids."""
    ids = sorted(run_ids)
    return [rows.run_of(row) for row in connection.execute(LOAD_RUNS, {"ids": stored.json_text(ids)})] if ids else []


def leased_steps(connection: apsw.Connection, worker_ids: Iterable[str]) -> list[OpenStep]:
    asked = {"worker_ids": stored.json_text(sorted(worker_ids))}
    return [rows.open_step_of(row) for row in connection.execute(LOAD_LEASED_STEPS, asked)]
