"""Which runs an engine remembers when there are too many."""

import pytest

from mulligan.core.facts import Facts, RunFacts, Wanted
from mulligan.core.records import DocumentKind, RunStatus, WorkerState
from mulligan.engine import memory
from mulligan.engine.memory import Memory
from mulligan.testing.factories import make_run, make_version, make_worker


def facts_of(*run_ids: str, status: RunStatus = RunStatus.RUNNING) -> Facts:
    version = make_version()
    return Facts(runs={id_: RunFacts(make_run(id=id_, status=status), version, None, {}, {}) for id_ in run_ids})


def remembered(held: Memory, *run_ids: str) -> str:
    return "".join(run_id for run_id in run_ids if held.run(run_id) is not None)


@pytest.fixture(autouse=True)
def three_at_most(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "MOST_RUNS", 3)


def test_runs_that_other_replicas_end_make_room_for_new_ones() -> None:
    """This one never hears of their end: they would fill it up, and nothing new would be remembered ever again."""
    held = Memory(exclusive=False)
    for run_id in "abc":
        held.keep(facts_of(run_id), [])
    held.keep(facts_of("a"), [])  # its first step has ended, here
    held.keep(facts_of("d"), [])
    assert remembered(held, *"abcd") == "acd"
    held.keep(facts_of("e"), [])
    assert remembered(held, *"abcde") == "ade"
    held.keep(facts_of("d", status=RunStatus.SUCCEEDED), [])
    assert remembered(held, *"abcde") == "ae"


def test_who_is_alone_remembers_those_that_a_queue_comes_to_first() -> None:
    held = Memory(exclusive=True)
    for run_id in "abcde":
        held.keep(facts_of(run_id), [])
    held.keep(facts_of("a"), [])
    assert remembered(held, *"abcde") == "abc"


async def load(held: Memory, wanted: Wanted, known: Facts) -> Wanted:
    """What is asked of the store, which knows ``known``."""
    asked = Wanted()

    class Known:
        async def load(self, wanted: Wanted) -> Facts:
            asked.worker_ids, asked.documents = set(wanted.worker_ids), set(wanted.documents)
            return known

    await held.load(Known(), wanted)  # type: ignore[arg-type]  # all of a transaction that is used here
    return asked


async def test_workers_that_are_gone_are_forgotten() -> None:
    held = Memory(exclusive=True)
    there, gone = make_worker(id="there"), make_worker(id="gone", state=WorkerState.GONE)
    held.keep(Facts(workers={"there": there, "gone": make_worker(id="gone")}), [])
    held.keep(Facts(workers={"gone": gone}), [])
    assert (await load(held, Wanted(worker_ids={"there", "gone"}), Facts())).worker_ids == {"gone"}


async def test_names_that_nobody_has_do_not_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "MOST_DOCUMENTS", 2)
    held = Memory(exclusive=True)
    keys = [("default", DocumentKind.PIN, name) for name in "abcd"]
    for key in keys:
        assert (await load(held, Wanted(documents={key}), Facts())).documents == {key}
    assert not (await load(held, Wanted(documents={keys[3]}), Facts())).documents
    assert (await load(held, Wanted(documents={keys[0]}), Facts())).documents == {keys[0]}
