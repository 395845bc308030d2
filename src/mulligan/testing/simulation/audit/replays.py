"""A new run: what it may be (S1, S2, S14), and for a replay, that it is what was asked for and nothing else (S17)."""

from __future__ import annotations

import msgspec

from mulligan.core.bulk import Bulk, BulkItem, BulkState
from mulligan.core.records import OutputRef, Overrides, Replay, Run, RunStatus, StepDefinition
from mulligan.testing.simulation.audit.shadow import Edits, Intent, Life, Shadow, Violation, edited


def begin_life(shadow: Shadow, run: Run, run_input: bytes, replay: Replay | None) -> Life:
    """Check a new run and remember it."""
    if run.id in shadow.lives or run.id in shadow.pruned:
        raise Violation("S1", f"run {run.id} was made a second time")
    version = shadow.version(run.namespace, run.workflow, run.version)
    if version is None:
        raise Violation("S18", f"run {run.id} has version {run.version}, which {run.namespace!r} does not know")
    if run.idempotency_key is not None:
        known = shadow.keys.setdefault((run.namespace, run.workflow, run.idempotency_key), run.id)
        if known != run.id:
            raise Violation("S2", f"key {run.idempotency_key!r} made run {known} and now run {run.id}")
    life = Life(run, run_input, version.definition, replay)
    if replay is None:
        if run.source_id is not None or run.family_id != run.id or run.generation != 0:
            raise Violation("S17", f"run {run.id} is no replay, but has a source")
        life.overrides = run.overrides
    else:
        check_replay(shadow, life, replay)
    shadow.lives[run.id] = life
    shadow.recent.append(run.id)
    return life


def check_replay(shadow: Shadow, life: Life, replay: Replay) -> None:
    where = f"replay {life.run.id} of {replay.source_id}"
    intent = shadow.intent_of(life.run)
    source = shadow.lives.get(replay.source_id)
    if intent is None or intent.namespace != life.run.namespace:
        raise Violation("S17", f"{where}: nobody asked for it")
    if intent.source_id != replay.source_id or source is None or life.run.source_id != replay.source_id:
        raise Violation("S17", f"{where}: asked for was {intent!r}")
    check_lineage(life.run, source, where)
    kept = expected_kept(source, life.ordinary, intent)
    if replay.kept != kept:
        raise Violation("S17", f"{where} keeps {replay.kept}, should keep {kept}")
    for ref in kept.values():
        if shadow.output(ref) is None:
            raise Violation("S17", f"{where} keeps {ref}, which has no output")
    expected = edited(msgspec.json.decode(source.input), intent.input_edits)
    if msgspec.json.decode(life.input) != expected:
        raise Violation("S17", f"{where} has the input {life.input!r}, should have {expected}")
    if not intent.input_edits and life.input != source.input:
        raise Violation("S21", f"{where}: the unedited input was written differently")
    life.edits = expected_edits(source, life.ordinary, kept, intent)
    life.overrides = merged(source.overrides, intent.overrides)


def check_brakes(before: dict[str, Bulk], after: dict[str, Bulk], run: Run) -> None:
    """S17: what a bulk replay makes, it makes while it is running: a pause holds from the moment of its answer."""
    if run.bulk_id is not None:
        states = {bulks[run.bulk_id].state for bulks in (before, after) if run.bulk_id in bulks}
        if BulkState.RUNNING not in states:
            raise Violation("S17", f"run {run.id} was made by bulk replay {run.bulk_id}, which is {sorted(states)}")


def check_items(shadow: Shadow, saved: dict[tuple[str, int], BulkItem]) -> None:
    """S17: the replay that an item of a bulk replay names was made from that item's own source."""
    for key, item in saved.items():
        source_id = shadow.bulk_sources.setdefault(key, item.source_id)
        made = None if item.run_id is None else shadow.lives.get(item.run_id)
        if item.source_id != source_id or (made is not None and made.run.source_id != source_id):
            raise Violation("S17", f"item {key} of a bulk replay was {source_id}, and is {item!r}")


def check_lineage(run: Run, source: Life, where: str) -> None:
    if source.run.namespace != run.namespace:
        raise Violation("S18", f"{where}: the source is in {source.run.namespace!r}, the replay in {run.namespace!r}")
    if not source.ended:
        raise Violation("S17", f"{where}: the source still runs")
    lineage = (source.run.family_id, source.run.key_scope, source.run.generation + 1, source.run.workflow)
    if (run.family_id, run.key_scope, run.generation, run.workflow) != lineage:
        raise Violation("S17", f"{where}: lineage should be {lineage}")


def expected_kept(source: Life, ordinary: list[StepDefinition], intent: Intent) -> dict[str, OutputRef]:
    """The results that do not depend on anything that runs again."""
    starts = set(intent.starts)
    if intent.from_beginning:
        starts = {step.name for step in ordinary if not step.parents}
    elif not starts:
        starts = {step.name for step in ordinary if source.failed_for_good(step.name)}
    running: set[str] = set()
    left = list(ordinary)
    while left:
        for step in list(left):
            if any(parent in {other.name for other in left} for parent in step.parents):
                continue
            left.remove(step)
            if step.name in starts or not source.has(step.name) or running.intersection(step.parents):
                running.add(step.name)
    kept: dict[str, OutputRef] = {}
    for step in ordinary:
        ref = source.result_ref(step.name)
        if step.name not in running and ref is not None:
            kept[step.name] = ref
    return kept


def expected_edits(
    source: Life, ordinary: list[StepDefinition], kept: dict[str, OutputRef], intent: Intent
) -> dict[str, Edits]:
    """The source's own edits of the steps that run afresh, then the new ones."""
    return {
        step.name: source.edits.get(step.name, []) + intent.step_edits.get(step.name, [])
        for step in ordinary
        if step.name not in kept
    }


def merged(before: Overrides, new: Overrides) -> Overrides:
    return {step: {**before.get(step, {}), **new.get(step, {})} for step in {**before, **new}}


# ── The run's own row ────────────────────────────────────────────────────────────────────────────────────────────────


def check_run_change(life: Life, new: Run) -> None:
    """S7: terminal is final. Besides its end and its failure nothing about a run ever changes (S19)."""
    old = life.run
    if old.status is not RunStatus.RUNNING:
        raise Violation("S7", f"run {old.id} had {old.status} and was changed to {new.status}")
    if old.failed_step not in (None, new.failed_step):
        raise Violation("S19", f"run {old.id} failed in {old.failed_step}, and now in {new.failed_step}")
    may_change = {"status", "finished_at", "failed_step", "error_type", "error_message", "fingerprint"}
    changed = {name for name in Run.__struct_fields__ if getattr(old, name) != getattr(new, name)}
    if not changed <= may_change:
        raise Violation("S19", f"run {old.id}: {sorted(changed - may_change)} was rewritten")


def check_fold(life: Life) -> None:
    """The run's status and open steps follow from its history (S19), and somebody can always act (L1)."""
    where = f"run {life.run.id} ({life.run.workflow})"
    if life.run.status is RunStatus.RUNNING:
        check_running(life, where)
        return
    if life.open:
        raise Violation("S7", f"{where} has {life.run.status} with open steps {sorted(life.open)}")
    if life.run.finished_at is None:
        raise Violation("S19", f"{where} has {life.run.status}, but never ended")
    if life.run.status is RunStatus.SUCCEEDED:
        missing = [step.name for step in life.ordinary if not life.has(step.name)]
        if missing:
            raise Violation("S19", f"{where} has succeeded without {missing}")
    elif life.run.status is RunStatus.FAILED:
        check_failed(life, where)


def check_running(life: Life, where: str) -> None:
    if not life.open:
        raise Violation("L1", f"{where} is running and no step can ever act")
    for step in life.ordinary:
        is_due = all(life.has(parent) for parent in step.parents)
        if is_due and not (life.has(step.name) or step.name in life.open or life.failed_for_good(step.name)):
            raise Violation("L1", f"{where}: {step.name} could begin, but nobody knows of it")


def check_failed(life: Life, where: str) -> None:
    failed = [step.name for step in life.ordinary if life.failed_for_good(step.name)]
    if life.run.failed_step not in failed:
        raise Violation("S19", f"{where} failed in {life.run.failed_step}; the history has failures of {failed}")
    if life.handler is not None and life.handler.name not in life.tries:
        raise Violation("L1", f"{where} has failed, but its on-failure step never ran")
