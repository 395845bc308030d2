"""How the options of a start or a replay become what is sent."""

from __future__ import annotations

import pytest

from mulligan import Context, Mulligan
from mulligan.errors import DeclarationError, InvalidInput
from mulligan.sdk.client.calls import overrides_of
from mulligan.sdk.client.replays import edits_by_step


def test_what_a_replay_takes_over_of_the_metadata_is_a_list_of_names() -> None:
    m = Mulligan()
    choosy, plain = m.workflow("a", replay_metadata=["team"]), m.workflow("b")

    @choosy.step
    def one() -> None: ...

    @plain.step
    def other() -> None: ...

    assert [definition.replay_metadata for definition in m.definitions()] == [("team",), None]
    with pytest.raises(DeclarationError, match=r"Write a list: \['team'\]"):
        m.workflow("c", replay_metadata="team")


def test_an_edit_is_of_the_only_start_step_or_of_the_one_that_is_named() -> None:
    assert edits_by_step({"doc": 1}, ["a"]) == {"a": {"doc": 1}}
    assert edits_by_step({"b": {"doc": 1}}, ["a", "b"]) == {"b": {"doc": 1}}
    with pytest.raises(InvalidInput, match="name it with from_step"):
        edits_by_step({"doc": 1}, ["a", "b"])


def test_an_override_is_for_every_step_or_for_the_one_that_is_named() -> None:
    m = Mulligan()
    wf = m.workflow("summarise")

    @wf.step
    def summary(ctx: Context) -> None: ...

    assert overrides_of({"model": "large", "summary.heat": 0.5, summary: {"a.b": 1}}) == {
        "*": {"model": '"large"'},
        "summary": {"heat": "0.5", "a.b": "1"},
    }
