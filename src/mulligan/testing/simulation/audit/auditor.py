"""Puts the checks together: one call per transaction, and one at the end that reads the whole database."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import datetime, timedelta

import msgspec

from mulligan.core.query import RunFilter
from mulligan.core.records import OpenState, OpenStep, Outcome, RunStatus, WorkerState
from mulligan.ports.store import Store
from mulligan.testing.simulation.audit.calm import Patience, Punctuality
from mulligan.testing.simulation.audit.leases import check_leases, check_release, was_released
from mulligan.testing.simulation.audit.ledger import Ledger
from mulligan.testing.simulation.audit.moves import check_attempt, check_closed, check_open
from mulligan.testing.simulation.audit.replays import (
    begin_life,
    check_brakes,
    check_fold,
    check_items,
    check_run_change,
)
from mulligan.testing.simulation.audit.shadow import Key, Life, Shadow, Violation
from mulligan.testing.simulation.disk import Commit


class Auditor:
    """``broken`` is called with the first violation, which ends the world.

    ``trace`` is a digest of all commits, with their times since ``epoch``: it is the same whenever a world begins.
    """

    def __init__(self, broken: Callable[[Violation], None], epoch: datetime, ttl: timedelta) -> None:
        self._epoch = epoch
        self._patience = Patience(ttl)
        self._punctuality = Punctuality()
        self.shadow = Shadow()
        self.ledger = Ledger(self.shadow)
        self.commits = 0
        self.attempts = 0
        self._broken = broken
        self._trace = hashlib.blake2b(digest_size=16)
        self._encoder = msgspec.msgpack.Encoder(order="deterministic")
        self._now_by: dict[str, datetime] = {}

    @property
    def latest_now(self) -> datetime:
        """The latest moment that any engine wrote at."""
        return max(self._now_by.values())

    @property
    def trace(self) -> str:
        return self._trace.hexdigest()

    def engine_started(self, process: object, now: datetime) -> None:
        self._patience.started[repr(process)] = now

    def calm_from(self, at: float) -> None:
        """From this second of the world on nothing fails any more that could lose a worker or make an engine late."""
        self._patience.calm_from = at
        self._punctuality.calm_from = at

    def tell(self, entry: Callable[..., None], *args: object) -> None:
        """Write into the ledger; a contradiction ends the world."""
        try:
            entry(*args)
        except Violation as violation:
            self._broken(violation)

    def note(self, *words: object) -> None:
        """Something that happened outside of the database, for the trace."""
        self._trace.update(repr(words).encode())

    # ── One transaction ──────────────────────────────────────────────────────────────────────────────────────────────

    def committed(self, commit: Commit) -> None:
        self.commits += 1
        try:
            self._check(commit)
        except Violation as violation:
            self._broken(violation)
        self._add_to_trace(commit)

    def _check(self, commit: Commit) -> None:
        shadow, changes = self.shadow, commit.changes
        if commit.now < self._now_by.setdefault(commit.by, commit.now):
            raise Violation("S24", f"the clock of {commit.by} went back to {commit.now}")
        self._now_by[commit.by] = commit.now
        for version in changes.versions_added:
            known = shadow.versions.setdefault((version.namespace, version.workflow), [])
            if version.number != len(known) + 1 or any(each.digest == version.digest for each in known):
                raise Violation("S19", f"version {version.number} of {version.workflow} follows {len(known)} others")
            known.append(version)
        replays = {replay.run_id: replay for replay in changes.replays_added}
        for run, run_input in changes.runs_added.values():
            # a run may be made and end in one transaction; its own row is looked at below
            check_brakes(shadow.bulks, changes.bulks_added | changes.bulks_changed, run)
            begin_life(shadow, msgspec.structs.replace(run, status=RunStatus.RUNNING), run_input, replays.get(run.id))
        touched = self._check_steps(commit)
        for run, _ in changes.runs_added.values():
            shadow.lives[run.id].run = run
        for run in changes.runs_changed.values():
            life = shadow.lives.get(run.id)
            if life is None:
                raise Violation("S1", f"run {run.id} was changed, but never made")
            check_run_change(life, run)
            life.run = run
        shadow.workers.update(changes.workers_saved)
        shadow.bulks.update(changes.bulks_added)
        shadow.bulks.update(changes.bulks_changed)
        check_items(shadow, changes.bulk_items_saved)
        check_leases(shadow, commit)
        self._punctuality.check(commit)
        for run_id in (*touched, *changes.runs_added, *changes.runs_changed):
            check_fold(shadow.lives[run_id])

    def _check_steps(self, commit: Commit) -> dict[str, None]:
        """Attempts first, then the rows that they leave behind."""
        shadow, changes = self.shadow, commit.changes
        before: dict[Key, OpenStep | None] = {}
        for attempt, output in changes.attempts_added:
            life = self._life(attempt.run_id)
            old = before.setdefault((attempt.run_id, attempt.step), life.open.get(attempt.step))
            given_up = (attempt.run_id, attempt.step, "" if old is None else old.token or "") in self.ledger.given_up
            check_attempt(shadow, commit, life, attempt, output, old, given_up=given_up)
            if attempt.outcome is Outcome.LOST:
                self._patience.check(shadow, commit, attempt, given_up=given_up)
            life.tries.setdefault(attempt.step, []).append(attempt)
            self.attempts += 1
            if attempt.outcome is Outcome.SUCCEEDED:
                life.outputs[attempt.step] = output or b""
        for key in sorted(changes.closed):
            gone = self._life(key[0]).open.get(key[1])
            if gone is None:
                raise Violation("S19", f"{key} was closed, but not open")
            check_closed(commit, shadow.lives[key[0]], gone)
            self._check_release(commit, key, gone, None)
            shadow.put_open(key, None)
        for key, new in (*changes.changed.items(), *changes.opened.items()):
            life = self._life(key[0])
            old = life.open.get(key[1])
            if new.namespace != life.run.namespace:
                raise Violation("S18", f"{key} has namespace {new.namespace!r}, its run {life.run.namespace!r}")
            check_open(commit, life, old, new)
            self._check_release(commit, key, old, new)
            shadow.put_open(key, new)
        keys = [*sorted(changes.closed), *changes.changed, *changes.opened, *before]
        return dict.fromkeys(sorted(key[0] for key in keys))

    def _check_release(self, commit: Commit, key: Key, old: OpenStep | None, new: OpenStep | None) -> None:
        ended = any((attempt.run_id, attempt.step) == key for attempt, _ in commit.changes.attempts_added)
        if old is not None and was_released(old, new) and not ended:
            check_release(self.shadow, self.shadow.lives[key[0]], old, self.ledger.begun)
            self.ledger.released.add((*key, old.token or ""))

    def _life(self, run_id: str) -> Life:
        life = self.shadow.lives.get(run_id)
        if life is None:
            raise Violation("S1", f"something was written for run {run_id}, which was never made")
        return life

    def _add_to_trace(self, commit: Commit) -> None:
        changes = commit.changes
        rows = (
            (commit.now - self._epoch).total_seconds(),
            sorted(changes.runs_added),
            sorted(changes.runs_changed),
            sorted(
                (*key, step.state, step.attempt) for key, step in (*changes.opened.items(), *changes.changed.items())
            ),
            sorted(changes.closed),
            sorted((a.run_id, a.step, a.number, a.outcome) for a, _ in changes.attempts_added),
            sorted(changes.workers_saved),
            sorted((step.run_id, step.step, step.worker_id or "") for step in commit.leased),
        )
        self._trace.update(self._encoder.encode(rows))

    # ── Retention ────────────────────────────────────────────────────────────────────────────────────────────────────

    def may_be_pruned(self, before: datetime) -> list[str]:
        return [
            life.run.id
            for life in self.shadow.lives.values()
            if life.run.finished_at is not None and life.run.finished_at < before
        ]

    def pruned(self, run_ids: list[str], before: datetime) -> None:
        """S1: only what may be pruned was, and nothing that somebody still keeps results of."""
        gone = set(run_ids)
        for life in self.shadow.lives.values():
            if life.run.id not in gone and gone.intersection(ref[0] for ref in life.kept.values()):
                self._broken(Violation("S17", f"results that {life.run.id} keeps were pruned"))
        for run_id in run_ids:
            life = self.shadow.lives.pop(run_id)
            key = life.run.idempotency_key
            if key is not None:
                self.shadow.keys.pop((life.run.namespace, life.run.workflow, key), None)
                self.ledger.answered_keys.pop((life.run.namespace, life.run.workflow, key), None)
            self.ledger.acked.pop(run_id, None)
            self.shadow.pruned.add(run_id)

    # ── The whole database ───────────────────────────────────────────────────────────────────────────────────────────

    async def compare(self, store: Store, now: datetime) -> None:
        """Read everything back: the database holds what was committed, and its indexes agree (S1, S19, S21, S23)."""
        shadow = self.shadow
        for run_id in self.ledger.acked:
            if run_id not in shadow.lives:
                raise Violation("S1", f"run {run_id} was acknowledged and is lost")
        for life in shadow.lives.values():
            await self._compare_run(store, life)
        open_steps = [step for life in shadow.lives.values() for step in life.open.values()]
        ready = {step.route for step in open_steps if step.state is OpenState.READY}
        if await store.ready_routes() != ready:
            raise Violation("S23", f"ready routes are {await store.ready_routes()}, should be {ready}")
        due = [step.due_at for step in open_steps if step.due_at is not None]
        if await store.next_due_at() != min(due, default=None):
            raise Violation("S23", f"the next timer is {await store.next_due_at()}, should be {min(due, default=None)}")
        for worker_id, held in shadow.leases.items():
            leased = {(step.run_id, step.step) for step in await store.leases_of(worker_id)}
            if leased != held:
                raise Violation("S11", f"worker {worker_id} holds {leased}, should hold {held}")
        expired = {worker.id for worker in await store.expired_workers(now)}
        gone = WorkerState.GONE
        expected = {w.id for w in shadow.workers.values() if w.state is not gone and w.lease_until_at <= now}
        if expired != expected:
            raise Violation("S23", f"expired workers are {expired}, should be {expected}")
        await self._compare_counts(store)

    async def _compare_run(self, store: Store, life: Life) -> None:
        run = life.run
        document = await store.run(run.namespace, run.id)
        if document is None:
            raise Violation("S1", f"run {run.id} is lost")
        tries = {(attempt.step, attempt.number): attempt for attempt in document.ended}
        expected = {(a.step, a.number): a for attempts in life.tries.values() for a in attempts}
        if document.run != run or document.replay != life.replay:
            raise Violation("S19", f"run {run.id} reads back as {document.run!r}, {document.replay!r}")
        if {step.step: step for step in document.open} != life.open or tries != expected:
            raise Violation("S19", f"run {run.id} reads back with other steps: {document.open!r}, {document.ended!r}")
        refs = {ref: self.shadow.output(ref) for step in life.definition.steps if (ref := life.result_ref(step.name))}
        produced = await store.payloads([run.id], list(refs))
        if produced.inputs != {run.id: life.input} or produced.outputs != refs:
            raise Violation("S21", f"payloads of run {run.id} read back differently")
        if await store.run(f"not-{run.namespace}", run.id) is not None:
            raise Violation("S18", f"run {run.id} can be read from another namespace")

    async def _compare_counts(self, store: Store) -> None:
        namespaces = {life.run.namespace for life in self.shadow.lives.values()}
        for namespace in sorted(namespaces):
            counts: dict[str, int] = {}
            for life in self.shadow.lives.values():
                if life.run.namespace == namespace:
                    has_begun = life.ended or life.tries or any(step.attempt for step in life.open.values())
                    shown = life.run.status.value if has_begun else "queued"
                    counts[shown] = counts.get(shown, 0) + 1
            told = await store.count_runs(namespace, RunFilter())
            if told != counts:
                raise Violation("S23", f"{namespace!r} counts {told}, should be {counts}")
