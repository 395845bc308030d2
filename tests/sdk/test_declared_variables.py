"""Variables that a step's source names are known before any attempt has read them."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from mulligan import Context, DeclarationError, Mulligan, after
from mulligan.core.records import DeclaredVariable
from mulligan.errors import InvalidInput
from mulligan.sdk.declare.signature import read_signature
from mulligan.sdk.declare.variables import variables_in
from mulligan.testing import Lab

DETAILS: dict[str, Any] = {"default": 1}
TONES = ["kind", "curt"]
GREETING = "Dear"
OPENING = "not what the local name of the same spelling is"


def declared_by(fn: Callable[..., Any]) -> tuple[DeclaredVariable, ...]:
    return variables_in(read_signature(fn, "step", {}))


def letter(ctx: Context, name: str) -> str:
    opening = ctx.playground("opening", GREETING, help="how it begins")
    tone = ctx.playground(name="tone", default="kind", choices=TONES)
    limit = ctx.playground("limit", 3, type=int) if name else ctx.playground("limit", 4)
    shift = ctx.playground("shift", -1.5, min=-2)
    hidden = ctx.playground(name, "only known when it runs")
    more = ctx.playground("more", **DETAILS)
    for OPENING in ("a local name",):  # noqa: N806
        more += ctx.playground("local", OPENING)
    return f"{opening} {name} {tone} {limit} {shift} {hidden} {more}"


def test_literals_and_names_of_the_module_are_known() -> None:
    found = {variable.name: variable for variable in declared_by(letter)}
    assert {name: json.loads(variable.default) for name, variable in found.items()} == {
        "opening": "Dear",
        "tone": "kind",
        "limit": 3,
        "shift": -1.5,
    }
    assert json.loads(found["tone"].schema)["enum"] == TONES
    assert json.loads(found["opening"].schema)["description"] == "how it begins"
    assert json.loads(found["shift"].schema)["minimum"] == -2
    line = letter.__code__.co_firstlineno + 1
    assert (found["opening"].file, found["opening"].line) == (found["tone"].file, line)


def test_code_without_a_source_has_none_to_tell() -> None:
    scope: dict[str, Any] = {"Context": Context}
    exec("def step(ctx: Context): return ctx.playground('a', 1)", scope)
    assert declared_by(scope["step"]) == ()


def test_a_contradiction_is_told_where_it_is_written() -> None:
    m = Mulligan()

    @m.task
    def choose(ctx: Context) -> str:
        return ctx.playground("tone", "rude", choices=TONES)

    with pytest.raises(DeclarationError, match=r"test_declared_variables\.py:\d+: the default of playground variable"):
        m.definitions()


async def test_a_step_that_was_never_reached_can_be_given_another_value(lab: Lab) -> None:
    m = Mulligan()
    wf = m.workflow("mail", input=str)

    @wf.step
    def find(name: str) -> str:
        return {"ada": "Ada"}[name]

    @wf.step
    def write(ctx: Context, name: str = after(find)) -> str:
        return f"{ctx.playground('opening', 'Dear')} {name}"

    run = await lab.run(wf, "bob")
    assert run.status == "failed"
    with pytest.raises(InvalidInput, match="closing"):
        await run.replay(run_input="ada", playground={"closing": "Bye"})
    with pytest.raises(InvalidInput, match="opening"):
        await run.replay(run_input="ada", playground={"opening": 7})
    again = await run.replay(run_input="ada", from_beginning=True, playground={"opening": "Hello"})
    await again.wait()
    assert again[write].output == "Hello Ada"
