"""How the options of a start or a replay become what is sent."""

from __future__ import annotations

from mulligan import Context, Mulligan
from mulligan.sdk.client.calls import overrides_of


def test_an_override_is_for_every_step_or_for_the_one_that_is_named() -> None:
    m = Mulligan()
    wf = m.workflow("summarise")

    @wf.step
    def summary(ctx: Context) -> None: ...

    assert overrides_of({"model": "large", "summary.heat": 0.5, summary: {"a.b": 1}}) == {
        "*": {"model": '"large"'},
        "summary": {"heat": "0.5", "a.b": "1"},
    }
