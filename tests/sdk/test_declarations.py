"""From typed functions to the definitions that the engine is told."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from typing import Any, Literal, Optional, Union

import pytest
from pydantic import BaseModel
from typing_extensions import TypedDict

from mulligan import Context, Failure, Mulligan, Retry, after, depends
from mulligan.core.records import Argument, StepDefinition, StepKind, WorkflowDefinition


class Doc(BaseModel):
    id: int
    lang: Literal["en", "fr"] = "en"


class Db: ...


async def db() -> AsyncIterator[Db]:
    yield Db()


@pytest.fixture
def m() -> Mulligan:
    return Mulligan()


def defined(m: Mulligan, name: str) -> WorkflowDefinition:
    return next(definition for definition in m.definitions() if definition.name == name)


def schema(step: StepDefinition) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(step.input_schema)
    return found


def test_a_task_is_a_workflow_of_one_step_whose_input_is_its_arguments(m: Mulligan) -> None:
    @m.task
    async def hello(ctx: Context, name: str, times: int = 2, conn: Db = depends(db)) -> str:
        """Say hello.

        Twice.
        """
        return name * times

    definition = defined(m, "hello")
    (step,) = definition.steps
    assert definition.is_task
    assert step.arguments == (Argument("name", "input:name"), Argument("times", "input:times"))
    assert definition.input_schema == step.input_schema
    assert schema(step)["required"] == ["name"]
    assert schema(step)["properties"]["times"] == {
        "default": 2,
        "title": "Times",
        "type": "integer",
        "x-mulligan-from": "input:times",
    }
    assert json.loads(step.output_schema) == {"type": "string"}
    assert step.doc == definition.doc == "Say hello.\n\nTwice."
    assert step.file.endswith("test_declarations.py")


def test_the_graph_is_in_the_defaults(m: Mulligan) -> None:
    wf = m.workflow("summarise", input=Doc, priority=3)

    @wf.step(timeout="30s", queue_timeout=timedelta(hours=1))
    def fetch(doc: Doc, conn: Db = depends(db)) -> str:
        return f"text of {doc.id}"

    @wf.step
    async def chunk(text: str = after(fetch)) -> list[str]:
        return text.split()

    @wf.step(retries=Retry(5, first="2s", cap="1m", on=(TimeoutError,)))
    async def summary(ctx: Context, doc: Doc, pieces: list[str] = after(chunk), style: str = "short") -> str:
        return f"{doc.lang}{pieces}{style}"

    @wf.step(effect="irreversible", at_most_once=True, after=[wf.sleep("10m", after=[summary]), fetch])
    async def publish(text: str = after(summary)) -> bool:
        return bool(text)

    @wf.on_failure
    async def alert(doc: Doc, failure: Failure) -> None: ...

    definition = defined(m, "summarise")
    steps = definition.by_name
    assert definition.priority == 3
    assert json.loads(definition.input_schema)["title"] == "Doc"
    assert steps["fetch"].arguments == (Argument("doc", "input"),)
    assert steps["fetch"].start_to_close == timedelta(seconds=30)
    assert steps["fetch"].schedule_to_start == timedelta(hours=1)
    assert steps["chunk"].arguments == (Argument("text", "step:fetch"),)
    assert steps["chunk"].parents == ("fetch",)
    assert steps["summary"].arguments == (Argument("doc", "input"), Argument("pieces", "step:chunk"))
    assert steps["summary"].retry.retries == 5
    assert steps["summary"].retry.first == timedelta(seconds=2)
    assert schema(steps["summary"])["properties"]["style"]["x-mulligan-from"] == "default"
    assert schema(steps["summary"])["properties"]["pieces"]["x-mulligan-from"] == "step:chunk"
    assert schema(steps["summary"])["required"] == ["doc", "pieces"]
    assert schema(steps["summary"])["additionalProperties"] is False
    assert steps["sleep_10m"].kind is StepKind.SLEEP
    assert steps["sleep_10m"].sleep == timedelta(minutes=10)
    assert steps["sleep_10m"].parents == ("summary",)
    assert steps["publish"].parents == ("summary", "sleep_10m", "fetch")
    assert (steps["publish"].effect, steps["publish"].at_most_once) == ("irreversible", True)
    assert steps["alert"].kind is StepKind.ON_FAILURE
    assert steps["alert"].arguments == (Argument("doc", "input"), Argument("failure", "failure"))


@dataclasses.dataclass
class Point:
    x: float
    y: float = 0.0


class Options(TypedDict):
    deep: bool
    limit: Optional[int]  # noqa: UP045 - people write it


def test_the_types_people_use_have_schemas(m: Mulligan) -> None:
    @m.task
    def measure(
        points: list[Point],
        options: Options,
        mode: Literal["fast", "slow"],
        either: Union[int, str],  # noqa: UP007 - people write it
        anything: dict[str, Any],
        tag: str | None = None,
    ) -> dict[str, Point]:
        return {}

    (step,) = defined(m, "measure").steps
    members = schema(step)["properties"]
    assert members["points"]["items"] == {"$ref": "#/$defs/Point"}
    assert members["options"]["$ref"] == "#/$defs/Options"
    assert members["mode"]["enum"] == ["fast", "slow"]
    assert members["tag"]["default"] is None
    assert schema(step)["$defs"]["Point"]["properties"]["x"]["type"] == "number"


def test_a_step_is_still_a_function(m: Mulligan) -> None:
    wf = m.workflow("w", input=Doc)

    @wf.step
    def fetch(doc: Doc, conn: Db = depends(db)) -> str:
        return f"text of {doc.id}"

    @wf.step
    def count(text: str = after(fetch)) -> int:
        return len(text)

    assert fetch(Doc(id=1), Db()) == "text of 1"
    assert count("four") == count(text="four") == 4
    with pytest.raises(TypeError, match=r"fetch\(\) was called directly, outside of a run, without 'conn'.*conn=…"):
        fetch(Doc(id=1))
    with pytest.raises(TypeError, match="without 'text'"):
        count()


def test_a_plain_function_is_in_every_task(m: Mulligan) -> None:
    @m.task
    def double(n: int) -> int:
        """Twice."""
        return 2 * n

    assert double.fn(4) == 8
    assert (double.__name__, double.__doc__, double.name) == ("double", "Twice.", "double")


def test_the_code_of_all_functions_makes_the_version(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    source = (
        "from mulligan import Mulligan\nm = Mulligan()\n\ndef clean(name):\n    return name\n\n"
        "@m.task\ndef hello(name: str) -> str:\n    return clean(name)\n"
    )

    def digest(name: str, text: str) -> tuple[str, str]:
        (tmp_path / f"{name}.py").write_text(text)
        definition = __import__(name).m.definitions()[0]
        return definition.code, definition.steps[0].file

    code, file = digest("shop_one", source)
    assert file == "shop_one.py"
    assert digest("shop_two", source)[0] == code
    assert digest("shop_three", source.replace("return name", "return name.strip()"))[0] != code


def test_a_label_names_the_version_for_people(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MULLIGAN_CODE_VERSION", "2026.11")
    m = Mulligan()

    @m.task
    def from_environment() -> None: ...

    @m.task(version_label="7")
    def from_argument() -> None: ...

    assert [definition.label for definition in m.definitions()] == ["2026.11", "7"]


def test_a_definition_is_made_once_and_again_after_a_change(m: Mulligan) -> None:
    wf = m.workflow("w", input=Doc)

    @wf.step
    def one(doc: Doc) -> int:
        return 1

    first = defined(m, "w")
    assert defined(m, "w") is first

    @wf.step
    def two(n: int = after(one)) -> int:
        return n

    assert [step.name for step in defined(m, "w").steps] == ["one", "two"]


def test_dependencies_may_have_dependencies(m: Mulligan) -> None:
    def settings() -> Iterator[str]:
        yield "dsn"

    async def connection(ctx: Context, dsn: str = depends(settings), retries: int = 3) -> str:
        return f"{ctx.run_id}{dsn}{retries}"

    @m.task
    def work(conn: str = depends(connection)) -> None: ...

    signature = work.declaration.signature
    assert signature is not None
    dependency = signature.dependencies["conn"]
    assert (dependency.kind, dependency.context_argument) == ("coroutine", "ctx")
    assert dependency.needs["dsn"].kind == "generator"
    assert signature.needs_loop

    @m.task
    def builtin(state: dict[str, int] = depends(dict)) -> None: ...

    assert not builtin.declaration.signature.needs_loop  # type: ignore[union-attr] # a task has one
    assert schema(defined(m, "work").steps[0])["properties"] == {}
