"""Memory and another store side by side: whatever is done to both, they answer the same."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any, TypeVar

import msgspec
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from mulligan.core.facts import Changes, Claim, Wanted
from mulligan.core.query import FieldTest, RunFilter
from mulligan.core.records import (
    IdempotencyKey,
    OpenState,
    OpenStep,
    Outcome,
    RecordedError,
    Replay,
    Run,
    RunStatus,
    WorkerState,
)
from mulligan.errors import StoreConflict
from mulligan.ports.store import Store
from mulligan.stores.memory import MemoryStore
from mulligan.testing.exercise_store.talk import commit
from mulligan.testing.factories import (
    after,
    changes,
    make_attempt,
    make_event,
    make_log_line,
    make_open_step,
    make_run,
    make_variable,
    make_version,
    make_worker,
)

T = TypeVar("T")

NAMESPACES = ["default", "other"]
WORKFLOWS = ["greet", "report"]
WORKERS = ["ann", "bob"]
ROUTES = ["a", "b", "c"]

few = st.integers(0, 3)
namespaces = st.sampled_from(NAMESPACES)
workflows = st.sampled_from(WORKFLOWS)
routes = st.sampled_from(ROUTES)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=5)
inputs = st.sampled_from([b"null", b'{"n":1}', b'{"n":"1","a":{"b":true}}', b"oops", b'"' + b"x" * 600 + b'"'])
claims = st.builds(Claim, st.sampled_from(WORKERS), namespaces, st.frozensets(routes), few)
filters = st.builds(
    RunFilter,
    statuses=st.lists(st.sampled_from(["queued", "running", "succeeded", "failed", "cancelled"]), max_size=2).map(
        tuple
    ),
    not_statuses=st.lists(st.sampled_from(["queued", "failed"]), max_size=1).map(tuple),
    workflows=st.lists(workflows, max_size=2).map(tuple),
    versions=st.lists(st.sampled_from(["1", "2", "greet-1"]), max_size=1).map(tuple),
    fingerprints=st.lists(st.sampled_from(["f0", "f1"]), max_size=1).map(tuple),
    error_contains=st.lists(texts, max_size=1).map(tuple),
    replays_only=st.sampled_from([None, None, True, False]),
    since_at=st.none() | few.map(lambda n: after(n * 10)),
    min_attempts=st.none() | few,
    inputs=st.lists(st.builds(FieldTest, st.just(("n",)), st.just("1")), max_size=1).map(tuple),
    tags=st.lists(st.builds(FieldTest, st.just(("k",)), texts), max_size=1).map(tuple),
    text=st.lists(texts, max_size=1).map(tuple),
)


class LockStep(RuleBasedStateMachine):
    """Rules act on facts that are there, as the engine does. The memory store says which there are.

    ``other``: an empty store, not open yet.
    """

    def __init__(self, other: Store) -> None:
        super().__init__()
        self.loop = asyncio.Runner()
        self.memory = MemoryStore()
        self.other = other
        self.seconds = 0
        self.loop.run(self.other.open())

    def teardown(self) -> None:
        self.loop.run(self.other.close())
        self.loop.close()

    def same(self, ask: Callable[[Store], Awaitable[T]]) -> T:
        """Ask both, and expect one answer; a refusal is an answer, too."""

        async def both() -> list[T | str]:
            answers: list[T | str] = []
            for store in (self.memory, self.other):
                try:
                    answers.append(await ask(store))
                except StoreConflict:
                    answers.append("conflict")
            return answers

        expected, found = self.loop.run(both())
        assert found == expected
        return expected  # type: ignore[return-value]  # rules that may be refused do not look at the answer

    def write(self, written: Changes, claimed: Sequence[Claim] = ()) -> None:
        self.seconds += 1
        now, token = after(self.seconds), f"token {self.seconds}"
        self.same(lambda store: commit(store, written, claimed, now=now, token=token))

    def runs(self, *statuses: RunStatus) -> list[Run]:
        return [run for run in self.memory.tables.runs.values() if not statuses or run.status in statuses]

    def steps(self, *states: OpenState) -> list[OpenStep]:
        opened = [step for steps in self.memory.tables.open.values() for step in steps.values()]
        return [step for step in opened if not states or step.state in states]

    @initialize()
    def register(self) -> None:
        versions = [
            make_version(namespace=namespace, workflow=workflow, number=number, digest=f"{workflow}-{number}")
            for namespace in NAMESPACES
            for workflow in WORKFLOWS
            for number in (1, 2)
        ]
        self.write(changes(versions_added=versions))

    @rule(
        namespace=namespaces,
        workflow=workflows,
        payload=inputs,
        steps=st.dictionaries(st.sampled_from("xyz"), st.tuples(routes, few, st.booleans()), min_size=1, max_size=3),
        tag=texts,
        key=st.none() | texts,
        version=st.sampled_from([1, 2]),
        claimed=st.lists(claims, max_size=2),
    )
    def start(
        self,
        namespace: str,
        workflow: str,
        payload: bytes,
        steps: dict[str, tuple[str, int, bool]],
        tag: str,
        key: str | None,
        version: int,
        claimed: list[Claim],
    ) -> None:
        run = make_run(
            namespace=namespace,
            workflow=workflow,
            version=f"{workflow}-{version}",
            created_at=after(self.seconds),
            metadata={"k": tag} if tag else {},
            idempotency_key=key,
        )
        opened = tuple(
            make_open_step(
                run,
                step=name,
                route=route,
                priority=priority,
                state=OpenState.SLEEPING if asleep else OpenState.READY,
                due_at=after(self.seconds + priority) if asleep else None,
                start_to_close=timedelta(seconds=7) if priority else None,
            )
            for name, (route, priority, asleep) in steps.items()
        )
        keys = [] if key is None else [IdempotencyKey(namespace, key, run.id, "hash", after(self.seconds))]
        self.write(changes((run, payload), opened=opened, keys_added=keys), claimed)

    @rule(claimed=st.lists(claims, max_size=3))
    def claim(self, claimed: list[Claim]) -> None:
        self.write(Changes(), claimed)

    @precondition(lambda self: self.steps(OpenState.LEASED))
    @rule(data=st.data(), ended=st.sampled_from(["ended", "retry", "released"]), message=texts)
    def report(self, data: st.DataObject, ended: str, message: str) -> None:
        step = data.draw(st.sampled_from(self.steps(OpenState.LEASED)))
        run = self.memory.tables.runs[step.run_id]
        free: dict[str, Any] = {"token": None, "worker_id": None, "since_at": after(self.seconds)}
        if ended == "released":
            ready = msgspec.structs.replace(
                step,
                **free,
                state=OpenState.READY,
                attempt=step.attempt - 1,
                due_at=None,
                queued_at=after(self.seconds),
            )
            self.write(changes(changed=(ready,)))
            return
        outcome = data.draw(st.sampled_from([Outcome.SUCCEEDED, Outcome.FAILED, Outcome.LOST]))
        error = None if outcome is Outcome.SUCCEEDED else RecordedError("app.Broken", message)
        attempt = make_attempt(
            run, step=step.step, number=step.attempt, outcome=outcome, error=error, finished_at=after(self.seconds)
        )
        reported = (attempt, b"1" if error is None else None)
        if ended == "retry":
            waiting = msgspec.structs.replace(step, **free, state=OpenState.RETRYING, due_at=after(self.seconds + 2))
            self.write(changes(changed=(waiting,), attempts_added=[reported]))
        else:
            # A run that has not ended has an open step.
            is_last = len(self.memory.tables.open[run.id]) == 1
            follows = (make_open_step(run, step=f"{step.step}+", route=step.route),) if is_last else ()
            self.write(changes(opened=follows, closed=(step,), attempts_added=[reported]))

    @precondition(lambda self: self.runs(RunStatus.RUNNING))
    @rule(
        data=st.data(),
        status=st.sampled_from([RunStatus.SUCCEEDED, RunStatus.FAILED, RunStatus.CANCELLED]),
        message=texts,
        kind=few,
    )
    def end(self, data: st.DataObject, status: RunStatus, message: str, kind: int) -> None:
        run = data.draw(st.sampled_from(self.runs(RunStatus.RUNNING)))
        closed = tuple(self.memory.tables.open.get(run.id, {}).values())
        ended = msgspec.structs.replace(run, status=status, finished_at=after(self.seconds))
        if status is RunStatus.FAILED:
            ended = msgspec.structs.replace(
                ended, failed_step="x", error_type="app.Broken", error_message=message, fingerprint=f"f{kind}"
            )
        events = [make_event(run, at=after(self.seconds), kind=status.value)]
        self.write(changes(closed=closed, runs_changed={run.id: ended}, events_added=events))

    @precondition(lambda self: self.runs(RunStatus.FAILED, RunStatus.CANCELLED))
    @rule(data=st.data(), keeps=st.booleans(), route=routes)
    def replay(self, data: st.DataObject, keeps: bool, route: str) -> None:
        source = data.draw(st.sampled_from(self.runs(RunStatus.FAILED, RunStatus.CANCELLED)))
        run = make_run(
            namespace=source.namespace,
            workflow=source.workflow,
            version=source.version,
            created_at=after(self.seconds),
            family_id=source.family_id,
            source_id=source.id,
            generation=source.generation + 1,
        )
        kept = {"y": (source.id, "y", 1)} if keeps else {}
        record = Replay(run.id, source.id, run.namespace, ("x",), kept, after(self.seconds), "ada")
        step = make_open_step(run, step="x", route=route)
        self.write(changes(run, opened=(step,), replays_added=[record]))

    @precondition(lambda self: self.runs())
    @rule(data=st.data(), message=texts)
    def log(self, data: st.DataObject, message: str) -> None:
        run = data.draw(st.sampled_from(self.runs()))
        variable = make_variable("v", namespace=run.namespace, workflow=run.workflow, default=f'"{self.seconds}"')
        seen = {(run.namespace, run.workflow, "say", "v"): variable}
        self.write(changes(logs_added=[make_log_line(run, message)], variables_seen=seen))

    @rule(id_=st.sampled_from(WORKERS), state=st.sampled_from(WorkerState), lease=few)
    def beat(self, id_: str, state: WorkerState, lease: int) -> None:
        seen_at = after(self.seconds)
        worker = make_worker(id=id_, state=state, seen_at=seen_at, lease_until_at=after(self.seconds + lease))
        self.write(changes(workers_saved={id_: worker}))

    @rule(ago=st.integers(0, 20), limit=few)
    def prune(self, ago: int, limit: int) -> None:
        self.same(lambda store: store.prune(after(self.seconds - ago), limit))

    @rule(wanted=filters, namespace=namespaces, data=st.data())
    def search(self, wanted: RunFilter, namespace: str, data: st.DataObject) -> None:
        rows = self.same(lambda store: store.find_runs(namespace, wanted, None, 100))
        counts = self.same(lambda store: store.count_runs(namespace, wanted))
        assert sum(counts.values()) == len(rows)
        self.same(lambda store: store.histogram(namespace, wanted, after(0), 5))
        self.same(lambda store: store.count_runs_by_workflow(namespace, wanted))
        self.same(lambda store: store.nth_run(namespace, wanted, None, 2))
        self.same(lambda store: store.failure_groups(namespace, wanted.since_at, None, 3))
        if rows:
            before = data.draw(st.sampled_from(rows)).run.id
            self.same(lambda store: store.find_runs(namespace, wanted, before, 2))
            self.same(lambda store: store.find_run_ids(namespace, replace(wanted, from_id=before), 100))

    @invariant()
    def everything_is_the_same(self) -> None:
        ids = {run.id for run in self.runs()}
        self.same(lambda store: load_everything(store, ids))
        self.same(lambda store: store.due_steps(after(self.seconds), 5))
        self.same(lambda store: store.next_due_at())
        self.same(lambda store: store.ready_routes())
        self.same(lambda store: store.expired_workers(after(self.seconds)))
        for run in self.runs():
            self.same(lambda store, run=run: store.run(run.namespace, run.id))  # type: ignore[misc]  # the loop's run
            self.same(lambda store, run=run: read_history(store, run))  # type: ignore[misc]


async def load_everything(store: Store, ids: set[str]) -> object:
    keys = {(namespace, key) for namespace in NAMESPACES for key in ("", "0")}
    wanted = Wanted(
        run_ids=ids,
        possible_run_ids={"nobody"},
        keys=keys,
        worker_ids=set(WORKERS),
        leases_of={"ann"},
        workflows={("default", "greet"), ("other", "nothing")},
        digests={("other", "report", "report-2"), ("other", "report", "report-9")},
    )
    async with store.transaction() as transaction:
        return await transaction.load(wanted)


async def read_history(store: Store, run: Run) -> object:
    refs = [(run.id, step, number) for step in "xyz" for number in (1, 2)]
    return [
        await store.payloads([run.id], refs),
        await store.events(run.namespace, run.id),
        [line for _, line in await store.logs(run.namespace, run.id, None, None, 0, 100)],
        await store.family(run.namespace, run.family_id),
        await store.variables(run.namespace, run.workflow),
        await store.workers(run.namespace),
    ]
