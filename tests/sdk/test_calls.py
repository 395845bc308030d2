"""How the options of a start or a replay become what is sent."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import BaseModel
from typing_extensions import TypedDict

from mulligan import Context, Mulligan
from mulligan.errors import DeclarationError, InvalidInput
from mulligan.sdk.client.calls import overrides_of
from mulligan.sdk.client.replays import build_request, edits_by_step


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


class Note(TypedDict):
    text: str


class Order(BaseModel):
    id: int
    note: str | None = None


m = Mulligan()
notes, orders, nightly = m.workflow("notes", input=Note), m.workflow("orders", input=Order), m.workflow("nightly")
batches = m.workflow("batches", input=list[Note])


@notes.step
def save(note: Note) -> None: ...


@m.task
def greet(name: str) -> str:
    return name


# (what is called, its arguments, options, what it raises, the words)
WRONG: list[tuple[Any, tuple[Any, ...], dict[str, Any], type[Exception], str]] = [
    (notes, ({"text": "a"},), {"playgrond": {}}, TypeError, "no option 'playgrond'. Did you mean 'playground'"),
    (orders, (1, 2), {}, TypeError, "Workflow 'orders' takes one input, but 2 were given"),
    (notes, ({"txt": 1},), {}, InvalidInput, "workflow 'notes' does not fit its type: /text: Field required"),
    (notes, ({"text": None},), {}, InvalidInput, "/text: Input should be a valid string"),
    (batches, ([{"text": "a"}, {}],), {}, InvalidInput, "/1/text: Field required"),
    (orders, (), {}, InvalidInput, "workflow 'orders' does not fit its type: the value: Input should be"),
    (greet, (None,), {}, InvalidInput, "step 'greet' does not fit its type: /name: Input should be"),
    (nightly, ({"a": 1},), {}, InvalidInput, "workflow 'nightly' does not fit its type"),
    (nightly, (), {"metadata": {"a": 1}}, InvalidInput, "metadata= takes strings by name.* and not {'a': 1}"),
    (nightly, (), {"metadata": "a"}, InvalidInput, "metadata= takes strings by name"),
    (nightly, (), {"priority": "high"}, InvalidInput, "priority= takes a whole number of -1,000 to 1,000"),
    (nightly, (), {"priority": 1_001}, InvalidInput, "priority= takes a whole number of -1,000 to 1,000"),
    (nightly, (), {"version": 3}, InvalidInput, "version= takes a string, and not 3"),
    (nightly, (), {"idempotency_key": 7}, InvalidInput, "idempotency_key= takes a string, and not 7"),
    (nightly, (), {"playground": "model=a"}, InvalidInput, "playground= takes values by name"),
    (nightly, (), {"playground": {save: 3}}, InvalidInput, "takes a step's values by name: {save: "),
]


@pytest.mark.parametrize(("target", "inputs", "options", "kind", "text"), WRONG)
def test_a_wrong_start_is_refused_where_it_is_written(
    target: Any, inputs: tuple[Any, ...], options: dict[str, Any], kind: type[Exception], text: str
) -> None:
    with pytest.raises(kind, match=text):
        target.call(*inputs, **options)


def test_a_misspelt_option_of_a_task_is_refused() -> None:
    with pytest.raises(TypeError, match=r"no option 'prority'\. Did you mean 'priority'"):
        greet.options(prority=3).call("ada")  # type: ignore[call-arg] # the mistake


def test_a_start_as_it_is_declared_is_made() -> None:
    assert notes.call({"text": "a"}).spec.input == b'{"text":"a"}'
    assert orders.call(Order(id=1)).spec.input == b'{"id":1,"note":null}'
    assert nightly.call(metadata={"team": "web"}, priority=-3).spec.priority == -3


async def test_an_option_that_a_replay_has_not_is_refused() -> None:
    with pytest.raises(TypeError, match=r"no option 'form_step'\. Did you mean 'from_step'"):
        await build_request(m.client, "run", {"form_step": save})  # type: ignore[typeddict-unknown-key] # the mistake
