"""How the options of a start or a replay become what is sent."""

from __future__ import annotations

import pytest

from mulligan import Context, Mulligan
from mulligan.errors import DeclarationError
from mulligan.sdk.client.calls import overrides_of


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


def test_an_override_is_for_every_step_or_for_the_one_that_is_named() -> None:
    m = Mulligan()
    wf = m.workflow("summarise")

    @wf.step
    def summary(ctx: Context) -> None: ...

    assert overrides_of({"model": "large", "summary.heat": 0.5, summary: {"a.b": 1}}) == {
        "*": {"model": '"large"'},
        "summary": {"heat": "0.5", "a.b": "1"},
    }
