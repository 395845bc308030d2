"""The likeliest mistakes: each is told with file and line, what is wrong, and the fix."""

from __future__ import annotations

import math
import re
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import BaseModel

from mulligan import Context, DeclarationError, Failure, Mulligan, NonRetryable, Retry, after, depends

if TYPE_CHECKING:
    from decimal import Decimal


class Doc(BaseModel):
    id: int


def no_annotation(m: Mulligan) -> None:
    @m.task
    def hello(name):  # type: ignore[no-untyped-def] # the mistake
        return name


def misspelt_option(m: Mulligan) -> None:
    @m.task(retry=3)  # type: ignore[call-overload] # the mistake
    def hello(name: str) -> str:
        return name


def context_without_annotation(m: Mulligan) -> None:
    @m.task
    def hello(ctx, name: str) -> str:  # type: ignore[no-untyped-def] # the mistake
        return name


def context_not_first(m: Mulligan) -> None:
    @m.task
    def hello(name: str, ctx: Context) -> str:
        return name


def annotation_only_for_type_checkers(m: Mulligan) -> None:
    @m.task
    def pay(amount: Decimal) -> None: ...


def stars(m: Mulligan) -> None:
    @m.task
    def hello(*names: str) -> None: ...


def generator_as_step(m: Mulligan) -> None:
    @m.task
    def numbers() -> Iterator[int]:
        yield 1


def two_workflows_of_one_name(m: Mulligan) -> None:
    m.workflow("w", input=Doc)
    m.workflow("w", input=Doc)


def two_steps_of_one_name(m: Mulligan) -> None:
    wf = m.workflow("w", input=Doc)

    @wf.step
    def fetch(doc: Doc) -> int:
        return 1

    @wf.step(name="fetch")
    def again(n: int = after(fetch)) -> int:
        return 1


def step_of_another_workflow(m: Mulligan) -> None:
    one, two = m.workflow("one", input=Doc), m.workflow("two", input=Doc)

    @one.step
    def fetch(doc: Doc) -> int:
        return 1

    @two.step
    def use(n: int = after(fetch)) -> int:
        return n


def argument_from_nowhere(m: Mulligan) -> None:
    wf = m.workflow("w", input=Doc)

    @wf.step
    def fetch(doc: Doc, lang: str) -> int:
        return 1


def input_of_a_workflow_without_input(m: Mulligan) -> None:
    wf = m.workflow("w")

    @wf.step
    def fetch(doc: Doc) -> int:
        return 1


def after_something_else(m: Mulligan) -> None:
    wf = m.workflow("w", input=Doc)

    @wf.step
    def fetch(text: str = after("load")) -> int:  # type: ignore[arg-type] # the mistake
        return 1


def after_a_function_that_is_no_step(m: Mulligan) -> None:
    wf = m.workflow("w", input=Doc)

    def helper() -> str:
        return ""

    @wf.step
    def fetch(text: str = after(helper)) -> int:  # type: ignore[arg-type] # the mistake
        return 1


def forgotten_after(m: Mulligan) -> None:
    wf = m.workflow("w")

    @wf.step(name="load")
    def fetch() -> str:
        return ""

    @wf.step
    def use(text: str = fetch) -> int:  # type: ignore[assignment] # the mistake
        return 1


def negative_retries(m: Mulligan) -> None:
    @m.task(retries=-1)
    def hello(name: str) -> str:
        return name


def after_a_sleep(m: Mulligan) -> None:
    wf = m.workflow("w", input=Doc)

    @wf.step
    def fetch(text: str = after(wf.sleep("1s"))) -> int:  # type: ignore[arg-type] # the mistake
        return 1


def after_without_a_list(m: Mulligan) -> None:
    wf = m.workflow("w", input=Doc)

    @wf.step
    def fetch(doc: Doc) -> int:
        return 1

    @wf.step(after=fetch)  # type: ignore[call-overload] # the mistake
    def use(doc: Doc) -> int:
        return 1


def edge_in_a_task(m: Mulligan) -> None:
    wf = m.workflow("w", input=Doc)

    @wf.step
    def fetch(doc: Doc) -> int:
        return 1

    @m.task
    def use(n: int = after(fetch)) -> int:
        return n


def failure_outside_of_on_failure(m: Mulligan) -> None:
    wf = m.workflow("w", input=Doc)

    @wf.step
    def fetch(doc: Doc, failure: Failure) -> int:
        return 1


def two_on_failure_steps(m: Mulligan) -> None:
    wf = m.workflow("w", input=Doc)

    @wf.on_failure
    def one(failure: Failure) -> None: ...

    @wf.on_failure
    def two(failure: Failure) -> None: ...


def bad_duration(m: Mulligan) -> None:
    @m.task(timeout="30")
    def hello() -> None: ...


def endless_timeout(m: Mulligan) -> None:
    @m.task(timeout=timedelta(days=3_000_000))
    def hello(name: str) -> str:
        return name


def endless_sleep(m: Mulligan) -> None:
    m.workflow("w", input=Doc).sleep("600w")


def endless_retries(m: Mulligan) -> None:
    @m.task(retries=1_000_001)
    def hello(name: str) -> str:
        return name


def priority_beyond_all(m: Mulligan) -> None:
    m.workflow("w", input=Doc, priority=1_001)


def bad_effect(m: Mulligan) -> None:
    @m.task(effect="some")  # type: ignore[call-overload] # the mistake
    def hello() -> None: ...


def no_steps(m: Mulligan) -> None:
    m.workflow("empty", input=Doc)
    m.definitions()


def no_schema(m: Mulligan) -> None:
    class Connection: ...

    @m.task
    def hello(conn: Connection) -> None: ...

    m.definitions()


def no_schema_of_the_result(m: Mulligan) -> None:
    @m.task
    def hello() -> Callable[[], None]:
        return lambda: None

    m.definitions()


def dependency_that_nobody_can_fill(m: Mulligan) -> None:
    def db(dsn: str) -> str:
        return dsn

    @m.task
    def hello(conn: str = depends(db)) -> None: ...


def worker_dependency_on_a_step_dependency(m: Mulligan) -> None:
    def settings() -> str:
        return "dsn"

    async def pool(dsn: str = depends(settings)) -> AsyncIterator[str]:
        yield dsn

    @m.task
    def hello(conn: str = depends(pool, scope="worker")) -> None: ...


MISTAKES: dict[Callable[[Mulligan], None], str] = {
    no_annotation: "no annotation for its argument 'name'.* Annotate it",
    misspelt_option: "task 'hello' has an unknown option 'retry'.*Did you mean retries=",
    context_without_annotation: "no annotation for its argument 'ctx'.*`ctx: Context`",
    context_not_first: "takes its Context as argument 2. Move `ctx: Context` to the front",
    annotation_only_for_type_checkers: "names 'Decimal', which is not known here.*not under `if TYPE_CHECKING`",
    stars: r"has the argument \*names.*Write ordinary arguments",
    generator_as_step: "not a function that returns a result.*without `yield`",
    two_workflows_of_one_name: "two workflows named 'w', the other at .*test_mistakes.py:.*Rename one",
    two_steps_of_one_name: "two steps named 'fetch', the other at .*Rename one of them.*no cycles",
    step_of_another_workflow: "step 'use' of workflow 'two' comes after 'fetch', a step of workflow 'one'",
    argument_from_nowhere: "nothing says where the argument 'lang' of step 'fetch' comes from.*Annotate it with Doc",
    input_of_a_workflow_without_input: "workflow 'w' has no input.*declare m.workflow",
    after_something_else: r"after\('load'\) needs a step.*decorated with @wf.step further up",
    after_a_function_that_is_no_step: r"after\(helper\) needs a step",
    forgotten_after: r"step 'use': 'text' has the step 'fetch' as its default\. Write after\(fetch\)",
    negative_retries: "task 'hello': retries=-1 must be a whole number of retries, 0 or more",
    after_a_sleep: "needs a step that has a result.*a sleep goes into after=",
    after_without_a_list: r"takes a list of steps.*after=\[fetch, chunk\]",
    edge_in_a_task: "comes after 'fetch', a step of workflow 'w'",
    failure_outside_of_on_failure: "only an on-failure step has one.*@wf.on_failure",
    two_on_failure_steps: "two on-failure steps",
    bad_duration: "the timeout of task 'hello' is wrong.*did you mean '30s'",
    endless_timeout: "the timeout of task 'hello' is longer than 10 years. Give a shorter span",
    endless_sleep: "the length of a sleep is longer than 10 years",
    endless_retries: "task 'hello': retries=1,000,001 is too many: at most 1,000,000",
    priority_beyond_all: "workflow 'w' has the priority 1,001. Use one of -1,000 to 1,000",
    bad_effect: "has the effect 'some'.*'none', 'idempotent', 'irreversible'",
    no_steps: "workflow 'empty' has no steps.*@wf.step",
    no_schema: "the arguments of step 'hello' cannot be described as JSON.*belongs into depends",
    no_schema_of_the_result: "the result of step 'hello' cannot be described as JSON",
    dependency_that_nobody_can_fill: "dependency 'db' has an argument 'dsn' that nobody can give.*dsn=depends",
    worker_dependency_on_a_step_dependency: "lives as long as the worker.*'settings', which lives only for one step",
}


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.__name__)
def test_a_mistake_is_told_with_its_place_and_its_fix(mistake: Callable[[Mulligan], None]) -> None:
    with pytest.raises(DeclarationError) as caught:
        mistake(Mulligan())
    message = str(caught.value)
    assert re.match(r"tests/sdk/test_mistakes\.py:\d+: ", message), message
    line = int(message.partition(":")[2].partition(":")[0])
    first = mistake.__code__.co_firstlineno
    assert first < line <= first + 25, message
    assert re.search(MISTAKES[mistake], message, re.DOTALL), message
    assert message.endswith("."), message


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: Retry(-1), "whole number of retries"),
        (lambda: Retry(True), "whole number of retries"),
        (lambda: Retry(3, factor=0.5), "1 <= factor"),
        (lambda: Retry(3, factor=math.nan), "1 <= factor"),
        (lambda: Retry(3, jitter=math.inf), "jitter <= 10"),
        (lambda: Retry(3, first="600w"), "at most 10 years"),
        (lambda: Retry(3, cap="600w"), "at most 10 years"),
        (lambda: Retry(3, first="soon"), "is not a duration"),
        (lambda: Retry(3, first="1h", cap="5m"), "cannot be capped"),
        (lambda: Retry(3, on=("TimeoutError",)), "takes exception classes"),  # type: ignore[arg-type] # the mistake
        (lambda: Mulligan("http://localhost", database="x"), "Pass one of the two"),
    ],
)
def test_bad_options_are_refused_where_they_are_made(make: Callable[[], Any], text: str) -> None:
    with pytest.raises(DeclarationError, match=text):
        make()


def test_non_retryable_is_an_exception_of_the_users() -> None:
    class BadRequest(NonRetryable): ...

    assert issubclass(BadRequest, Exception)
