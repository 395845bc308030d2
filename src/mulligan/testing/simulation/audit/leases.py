"""Who was given what: one lease at a time (S3, S4), to workers that may have it (S12, S18), in order (FIFO)."""

from __future__ import annotations

from mulligan.core.facts import Claim
from mulligan.core.records import OpenState, OpenStep, Worker, WorkerState
from mulligan.testing.simulation.audit.shadow import Life, Shadow, Violation
from mulligan.testing.simulation.disk import Commit


def check_leases(shadow: Shadow, commit: Commit) -> None:
    """The steps leased at the end of this transaction, whose other changes the shadow knows already."""
    claims = {claim.worker_id: claim for claim in commit.claims}
    given: dict[str, int] = {}
    for step in commit.leased:
        worker_id = step.worker_id or ""
        given[worker_id] = given.get(worker_id, 0) + 1
        claim = claims.get(worker_id)
        if claim is None or given[worker_id] > claim.slots:
            raise Violation("S12", f"worker {worker_id} was given {given[worker_id]} steps, it had asked for {claim!r}")
        check_lease(shadow, commit, claim, step)
        shadow.put_open((step.run_id, step.step), step)
    for claim in commit.claims:
        check_order(shadow, commit, claim)


def check_lease(shadow: Shadow, commit: Commit, claim: Claim, step: OpenStep) -> None:
    life = shadow.lives[step.run_id]
    where = f"{step.run_id}/{step.step}"
    ready = life.open.get(step.step)
    if life.ended:
        raise Violation("S16", f"{where} was leased in a run that had {life.run.status}")
    if ready is None or ready.state is not OpenState.READY:
        raise Violation("S4", f"{where} was leased while it was {None if ready is None else ready.state}")
    if step.attempt != len(life.tries.get(step.step, ())) + 1 or step.state is not OpenState.LEASED:
        raise Violation("S3", f"{where} was leased as attempt {step.attempt}")
    if step.token != commit.token or not step.token:
        raise Violation("S5", f"{where} was leased with token {step.token!r}")
    tokens = life.tokens.setdefault((step.step, step.attempt), [])
    if step.token in tokens:
        raise Violation("S5", f"{where} attempt {step.attempt} was given the token {step.token} twice")
    tokens.append(step.token)
    due_at = None if step.start_to_close is None else commit.now + step.start_to_close
    if (step.since_at, step.due_at) != (commit.now, due_at):
        raise Violation("S15", f"{where} was leased at {commit.now}, but since {step.since_at}, due {step.due_at}")
    check_worker(shadow.workers.get(step.worker_id or ""), life, claim, step, where)


def check_worker(worker: Worker | None, life: Life, claim: Claim, step: OpenStep, where: str) -> None:
    if worker is None or worker.state is not WorkerState.ACTIVE:
        state = "unknown" if worker is None else worker.state
        raise Violation("S12", f"{where} was leased to worker {step.worker_id}, which is {state}")
    if not worker.namespace == claim.namespace == life.run.namespace:
        raise Violation("S18", f"{where} of {life.run.namespace!r} was leased to a worker of {worker.namespace!r}")
    if step.route not in claim.routes:
        raise Violation("S12", f"{where} on route {step.route} was leased to a worker that does not serve it")
    if life.run.pinned and worker.workflows.get(life.run.workflow) != life.run.version:
        raise Violation("S17", f"{where} is pinned to {life.run.version}, its worker has {worker.workflows}")


def check_order(shadow: Shadow, commit: Commit, claim: Claim) -> None:
    """Nobody who waits on the claim's routes stands before one who was taken, and no free slot passes somebody over."""
    taken = [step for step in commit.leased if step.worker_id == claim.worker_id]
    waiting = [place for route in claim.routes for place in shadow.ready.get((claim.namespace, route), {}).values()]
    if not waiting:
        return
    first = min(waiting)
    if len(taken) < claim.slots:
        raise Violation("L4", f"worker {claim.worker_id} asked for {claim.slots}, got {len(taken)}; {first} waits")
    last = max((-step.priority, step.queued_at, step.run_id, step.step) for step in taken)
    if first < last:
        raise Violation("order", f"{last[2:]} was leased before {first[2:]}, which stood before it")


def check_release(shadow: Shadow, life: Life, old: OpenStep, executed: set[tuple[str, str, str]]) -> None:
    """A lease may be handed back only if its function was never called: that is why the number is used again."""
    if (life.run.id, old.step, old.token or "") in executed:
        worker = shadow.workers.get(old.worker_id or "")
        state = "unknown" if worker is None else worker.state
        raise Violation(
            "S3", f"{life.run.id}/{old.step} attempt {old.attempt} was handed back after it began at {state} worker"
        )


def was_released(old: OpenStep | None, new: OpenStep | None) -> bool:
    """Of a step that no attempt of this transaction tells of. ``new`` None: its run was cancelled in the same one."""
    return old is not None and old.state is OpenState.LEASED and (new is None or new.state is OpenState.READY)
