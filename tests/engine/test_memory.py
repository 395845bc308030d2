"""Which runs an engine remembers when there are too many."""

import pytest

from mulligan.core.facts import Facts, RunFacts
from mulligan.core.records import RunStatus
from mulligan.engine import memory
from mulligan.engine.memory import Memory
from mulligan.testing.factories import make_run, make_version


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
