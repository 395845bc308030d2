"""The zoo: known bugs of this kind of system, each as a small change of our source. The simulation must kill them all.

A mutant is text: in one module ``before`` (which must be there exactly once) becomes ``after``. A test holds that every
``before`` is still there, so that a mutant cannot die of old age without anybody noticing.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Edit:
    module: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Mutant:
    """``story`` says what went wrong in the systems that had this bug."""

    name: str
    story: str
    edits: tuple[Edit, ...]


def mutant(name: str, story: str, module: str, before: str, after: str) -> Mutant:
    return Mutant(name, story, (Edit(f"mulligan.{module}", before, after),))


ATTEMPTS = "core.decide.attempts"
ADVANCE = "core.decide.advance"
WORKERS = "core.decide.workers"
START = "core.decide.start"
CYCLE = "engine.cycle"
PUBLISH = "engine.publish"

MUTANTS = (
    # ── Fences and leases ────────────────────────────────────────────────────────────────────────────────────────────
    mutant(
        "dropped-fence",
        "A late report of an earlier lease is taken for the current one.",
        ATTEMPTS,
        "found.state is not OpenState.LEASED or found.token != token:",
        "found.state is not OpenState.LEASED:",
    ),
    Mutant(
        "zombie-write",
        "A report of an old attempt is applied to whatever the step is doing now.",
        (
            Edit(
                "mulligan.core.decide.attempts",
                "found.state is not OpenState.LEASED or found.token != token:",
                "found.state is not OpenState.LEASED:",
            ),
            Edit("mulligan.core.decide.attempts", "step is None or step.attempt != ref.attempt or", "step is None or"),
        ),
    ),
    mutant(
        "release-consumes-attempt",
        "A lease that nobody ever began uses up an attempt number.",
        ATTEMPTS,
        "msgspec.structs.replace(ready, attempt=step.attempt - 1)",
        "ready",
    ),
    mutant(
        "live-worker-robbed",
        "A lease is taken though its worker has been heard of since it was looked up.",
        ATTEMPTS,
        "if step is None or (worker is not None and worker.lease_until_at > now):",
        "if step is None:",
    ),
    mutant(
        "given-back-to-the-dead",
        "Who is given up gets its freed steps back in the same transaction, because its connection looks open.",
        "engine.dispatcher",
        "is_well = known is None or known.state is WorkerState.ACTIVE",
        "is_well = True",
    ),
    mutant(
        "grace-missing-after-restart",
        "An engine that comes back gives up all workers, because it could not hear them while it was away.",
        "engine.agents.rescuer",
        "self._patient_until_at = started_at + policy.worker_ttl",
        "self._patient_until_at = started_at",
    ),
    mutant(
        "dead-workers-keep-their-leases",
        "Nobody takes back what a dead worker holds.",
        "engine.agents.rescuer",
        "*commands, ForgetWorker(worker_id=worker.id)",
        "ForgetWorker(worker_id=worker.id)",
    ),
    mutant(
        "beats-change-nothing",
        "Heartbeats arrive and are acknowledged, but the lease is not renewed.",
        WORKERS,
        "            seen_at=now,\n            lease_until_at=now + policy.worker_ttl,\n            lag_ms",
        "            seen_at=now,\n            lag_ms",
    ),
    mutant(
        "begun-taken-for-never-begun",
        "A cut-off worker stops its steps and forgets to say that they had begun.",
        "sdk.worker.ledger",
        "            return list(self._lost)",
        "            return []",
    ),
    Mutant(
        "overtaken-hello",
        "A hello of an old connection arrives after that of a new one, and takes back what was leased since.",
        (
            Edit(
                "mulligan.core.decide.workers",
                "if known is not None and command.connection < known.connection:",
                "if known is not None and command.connection < 0:",
            ),
            Edit(
                "mulligan.engine.api",
                "if newest is not None and hello.connection < newest.connection:",
                "if newest is not None and hello.connection < 0:",
            ),
        ),
    ),
    mutant(
        "at-most-once-twice",
        "A step that must not run twice is repeated after its worker was lost.",
        ATTEMPTS,
        "if definition.at_most_once or losses > policy.max_losses:",
        "if losses > policy.max_losses:",
    ),
    mutant(
        "slots-overbooked",
        "Credits are not used up by assignments: workers get more than they asked for.",
        "engine.dispatcher",
        "                seat.credits -= count",
        "                seat.credits -= 0",
    ),
    mutant(
        "slots-leak",
        "A function that has ended does not give its slot back.",
        "sdk.worker.ledger",
        "        elif not self._closed_for_work:\n            self._credit += 1",
        "        elif not self._closed_for_work:\n            self._credit += len(self._owed) % 2",
    ),
    Mutant(
        "report-sent-once",
        "A report whose acknowledgement is lost is never said again.",
        (
            Edit(
                "mulligan.sdk.worker.ledger",
                "            self._fresh = list(self._owed.values())",
                "            self._fresh = []",
            ),
            Edit("mulligan.sdk.worker.ledger", "            if again:\n", "            if not self._owed:\n"),
        ),
    ),
    # ── Retries and timers ───────────────────────────────────────────────────────────────────────────────────────────
    mutant(
        "retries-off-by-one",
        "One retry more than the policy allows.",
        "core.retry",
        "error_retryable and failures <= retry.retries",
        "error_retryable and failures <= retry.retries + 1",
    ),
    mutant(
        "loss-counted-as-failure",
        "A lost worker uses up the user's retries.",
        ATTEMPTS,
        "(back_to_ready(facts, step, Move.LOST, now), losses=losses)",
        "(back_to_ready(facts, step, Move.LOST, now), losses=losses, failures=step.failures + 1)",
    ),
    mutant(
        "backoff-too-early",
        "Jitter is taken from the delay instead of being added to it.",
        "core.retry",
        "return base + base * (retry.jitter * _share(run_id, step, failures))",
        "return base - base * (retry.jitter * _share(run_id, step, failures))",
    ),
    Mutant(
        "timer-fires-early",
        "What is due soon is taken for due.",
        (
            Edit(
                "mulligan.engine.agents.timers",
                "self._store.due_steps(now, MOST_AT_ONCE)",
                "self._store.due_steps(now.replace(second=59), MOST_AT_ONCE)",
            ),
            Edit(
                "mulligan.core.decide.attempts",
                "or step.due_at is None or step.due_at > now:",
                "or step.due_at is None:",
            ),
        ),
    ),
    mutant(
        "timer-forgotten",
        "After a sweep nobody asks when the next timer is due.",
        "engine.agents.timers",
        "return await self._store.next_due_at()",
        "return None",
    ),
    mutant(
        "queue-timeout-once",
        "A step that its worker gave back or lost waits for the next one without a limit.",
        ATTEMPTS,
        "due_at=waits_until(definition, now),",
        "due_at=waits_until(definition, now) if move is Move.DUE else None,",
    ),
    mutant(
        "delay-ignored",
        "A delayed run begins at once.",
        ADVANCE,
        "elif available_at is not None and available_at > now:",
        "elif available_at is not None and available_at < now:",
    ),
    # ── The graph ────────────────────────────────────────────────────────────────────────────────────────────────────
    mutant(
        "join-waits-for-one",
        "A fan-in begins when its first parent has ended.",
        ADVANCE,
        "return all(has_result(run, parent) for parent in step.parents)",
        "return any(has_result(run, parent) for parent in step.parents) or not step.parents",
    ),
    mutant(
        "child-forgotten",
        "Only the first of a step's children is told that it has ended.",
        ADVANCE,
        "for child in run.version.definition.children[step]:",
        "for child in run.version.definition.children[step][:1]:",
    ),
    mutant(
        "run-ends-too-soon",
        "The run ends with the first step that fails, whatever else is still under way.",
        ADVANCE,
        "                failed_step=step.step,",
        "                failed_step=step.step,\n"
        "                status=RunStatus.FAILED,\n                finished_at=now,",
    ),
    mutant(
        "handler-skipped",
        "A run that failed ends without its on-failure step.",
        ADVANCE,
        "if failed and handler is not None and handler.name not in run.ended:",
        "if failed and handler is not None and handler.name in run.ended:",
    ),
    mutant(
        "cancel-leaves-leases",
        "A cancelled run's running steps stay in the hot table.",
        "core.decide.cancel",
        "            facts.add_attempt(attempt_of(step, Outcome.CANCELLED, now))\n        facts.close_step(step)",
        "            facts.add_attempt(attempt_of(step, Outcome.CANCELLED, now))\n        else:\n"
        "            facts.close_step(step)",
    ),
    # ── Commits ──────────────────────────────────────────────────────────────────────────────────────────────────────
    mutant(
        "ack-before-commit",
        "Who asked is told that it was done, though the transaction failed.",
        CYCLE,
        "            entry.answer = error.with_traceback(None)\n        if not",
        "            entry.answer = entry.answer or error.with_traceback(None)\n        if not",
    ),
    mutant(
        "memory-outlives-rollback",
        "What a failed transaction had decided stays in memory and is built upon.",
        CYCLE,
        '        alone a moment."""\n        self._memory.clear()',
        '        alone a moment."""',
    ),
    mutant(
        "unknown-taken-for-failed",
        "A commit that was made without a reply is taken for one that was not.",
        CYCLE,
        "                self._unsure.append(Unsure(token, tuple(claim.worker_id for claim in claims)))\n",
        "",
    ),
    mutant(
        "lost-wake-up",
        "A step that becomes ready again is not told to those who wait for work.",
        CYCLE,
        "            self._dispatcher.hint(facts.changes.changed.values())\n",
        "",
    ),
    mutant(
        "one-namespace-hides-another",
        "A queue that is empty in one namespace is forgotten in all.",
        "engine.dispatcher",
        "                self.ready_routes[claim.namespace] -= claim.routes",
        "                for routes in self.ready_routes.values():\n                    routes -= claim.routes",
    ),
    mutant(
        "result-paired-by-position",
        "The outputs of parents are given out in the order they were read in.",
        PUBLISH,
        "outputs = {parent: produced.outputs[ref] for parent, ref in refs.items() if ref is not None}",
        "outputs = dict(zip(refs, produced.outputs.values()))",
    ),
    mutant(
        "payload-of-the-first",
        "Every step of a batch gets the input of the batch's first run.",
        PUBLISH,
        "return self._assignment(run, step, produced.inputs[step.run_id], outputs, failure)",
        "return self._assignment(run, step, next(iter(produced.inputs.values())), outputs, failure)",
    ),
    mutant(
        "stale-connection-served",
        "What was claimed for a connection is sent to the next one of the same worker.",
        PUBLISH,
        "if seat is not None and seat is at_claim[worker_id]:",
        "if seat is not None:",
    ),
    mutant(
        "waiters-not-told",
        "The end of a run is not told when its payloads are not in memory.",
        PUBLISH,
        "                self.later(self._tell_end(facts.run))",
        "                pass",
    ),
    mutant(
        "unread-assignment-dropped",
        "A lease whose payloads cannot be read at once is dropped, and its worker keeps it alive without knowing.",
        PUBLISH,
        "            except StoreUnavailable:\n                await self._pause()",
        "            except StoreUnavailable:\n                return None",
    ),
    # ── Idempotency and namespaces ───────────────────────────────────────────────────────────────────────────────────
    mutant(
        "key-not-kept",
        "An idempotency key is looked up, but never stored.",
        START,
        "        facts.add_key(IdempotencyKey(",
        "        (lambda key: None)(IdempotencyKey(",
    ),
    mutant(
        "key-with-other-content",
        "The same key with another input is answered with the first run.",
        START,
        "    if earlier.content != content:",
        "    if earlier.content is None:",
    ),
    mutant(
        "cancel-across-namespaces",
        "Whoever knows a run's id can cancel it.",
        "core.decide.cancel",
        "if found is None or found.run.namespace != command.namespace:",
        "if found is None:",
    ),
    mutant(
        "claim-across-namespaces",
        "A worker is given the steps of whoever has a workflow of that name.",
        "stores.memory.tables",
        "for route in claim.routes if (key := (claim.namespace, route)) in self.ready]",
        "for route in claim.routes for key in self.ready if key[1] == route]",
    ),
    mutant(
        "priority-upside-down",
        "Whoever has the least priority is served first.",
        "stores.memory.tables",
        "return (-step.priority, step.queued_at, step.run_id, step.step)",
        "return (step.priority, step.queued_at, step.run_id, step.step)",
    ),
    # ── Replays ──────────────────────────────────────────────────────────────────────────────────────────────────────
    mutant(
        "kept-step-run-again",
        "A step whose result is kept runs all the same.",
        ADVANCE,
        " or step.name in run.ended or is_kept(run, step.name):",
        " or step.name in run.ended:",
    ),
    mutant(
        "source-mutated",
        "A replay leaves its mark on the run that it was made from.",
        START,
        "    version = facts.versions[(replay.namespace, source.run.workflow, command.digest)]",
        "    version = facts.versions[(replay.namespace, source.run.workflow, command.digest)]\n"
        "    facts.change_run(msgspec.structs.replace(source.run, metadata={'replayed': replay.run_id}))",
    ),
    mutant(
        "edit-on-the-wrong-step",
        "The edit of one step is applied to all.",
        "core.inputs",
        "return () if run.replay is None else run.replay.step_edits.get(step, ())",
        "return () if run.replay is None else next(iter(run.replay.step_edits.values()), ())",
    ),
    mutant(
        "edits-lost-in-the-second-replay",
        "A replay of a replay forgets the edits of the first.",
        "core.replay",
        "    if source.replay is None:\n        return {}",
        "    if source is not None:\n        return {}",
    ),
    mutant(
        "keeps-what-depends-on-it",
        "A step is kept although something that it depends on runs again.",
        "core.replay",
        "if afresh or any(parent in running for parent in step.parents):",
        "if afresh:",
    ),
    mutant(
        "bulk-copies-the-first",
        "Every replay of a bulk replays the first source.",
        "engine.agents.bulk_replayer",
        "await self._begin(bulk, item)",
        "await self._begin(bulk, msgspec.structs.replace(item, source_id=waiting[0][0].source_id))",
    ),
    mutant(
        "halt-overtaken",
        "A bulk replay that was halted begins what it had prepared before.",
        "core.decide.start",
        "if bulk is None or bulk.state is not BulkState.RUNNING:",
        "if bulk is None:",
    ),
    mutant(
        "overrides-leak-to-all-steps",
        "A playground override of one step is seen by every step.",
        "core.inputs",
        "return {**overrides.get(EVERY_STEP, {}), **overrides.get(step, {})} if overrides else {}",
        "return {name: value for values in overrides.values() for name, value in values.items()}",
    ),
    mutant(
        "retention-breaks-replays",
        "Old runs are deleted though newer ones keep their results.",
        "stores.memory.tables",
        "doomed = [run_id for _, run_id in sorted(ended) if run_id not in kept][:limit]",
        "doomed = [run_id for _, run_id in sorted(ended)][:limit]",
    ),
)
