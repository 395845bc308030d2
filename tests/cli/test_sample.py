"""The call that `mulligan dev` proposes."""

from __future__ import annotations

import shlex
from dataclasses import dataclass

from mulligan import Mulligan
from mulligan.cli.sample import example_call


@dataclass
class Letter:
    to: str
    pages: int


def test_the_example_call_can_be_run_as_it_is() -> None:
    m = Mulligan()

    whole = m.workflow("whole", input=str)
    listed = m.workflow("listed", input=list[int])

    @whole.step
    def shout(text: str) -> str:
        return text.upper()

    @listed.step
    def total(numbers: list[int]) -> int:
        return sum(numbers)

    @m.task
    def named(text: str, times: int) -> str:
        return text * times

    @m.task
    def send(letter: Letter) -> None: ...

    @m.task
    def nothing() -> None: ...

    calls = [shlex.split(example_call(definition)) for definition in m.definitions()]
    assert calls == [
        ["whole", "--input", '"ada"'],
        ["listed", "--input", "[]"],
        ["named", "--set", "text=ada", "--set", "times=1"],
        ["send", "--set", 'letter={"to": "ada", "pages": 1}'],
        ["nothing"],
    ]
