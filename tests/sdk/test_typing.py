"""What type checkers say of programs: the good ones pass `mypy --strict`, the mistakes are found while typing."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from mypy import api

PROLOGUE = """
from collections.abc import AsyncIterator, Iterator
from pydantic import BaseModel
from mulligan import Context, Failure, Mulligan, Retry, Run, after, current_context, depends
from mulligan.testing import Lab, make_context

m = Mulligan()

class Doc(BaseModel):
    id: int
    lang: str = "en"

class Db: ...
async def db() -> AsyncIterator[Db]:
    yield Db()
def settings() -> Iterator[str]:
    yield "dsn"
async def user() -> int:
    return 1

@m.task
async def hello(name: str) -> str:
    return f"hello {name}"

@m.task(retries=3)
async def embed(piece: str, conn: Db = depends(db)) -> list[float]:
    return [float(len(piece))]

@m.task
async def nightly(ctx: Context) -> None:
    ctx.log.info("now")

wf = m.workflow("summarise", input=Doc)
bare = m.workflow("bare")

@wf.step(timeout="30s")
def fetch(doc: Doc, conn: Db = depends(db), dsn: str = depends(settings), who: int = depends(user)) -> str:
    return f"text of {doc.id}"

@wf.step
async def chunk(text: str = after(fetch)) -> list[str]:
    return text.split()
"""


@pytest.fixture(autouse=True)
def recursion_limit() -> Iterator[None]:
    """mypy raises it for the whole process, and what is nested too deeply would not be too deep any more."""
    before = sys.getrecursionlimit()
    yield
    sys.setrecursionlimit(before)


GOOD = """
@wf.step
async def vectors(pieces: list[str] = after(chunk)) -> list[list[float]]:
    return await embed.map(pieces, limit=20)

@wf.step(retries=Retry(5, first="1s", cap="1m", on=(TimeoutError,)), timeout="2m")
async def summary(ctx: Context, doc: Doc, pieces: list[str] = after(chunk)) -> str:
    prompt = ctx.playground("prompt", "Summarise in 3 bullets", help="system prompt")
    model = ctx.playground("model", "small", choices=["small", "large"])
    heat = ctx.playground("temperature", 0.2, min=0, max=2)
    doc2: Doc = ctx.playground("doc", None, type=Doc)
    return f"{model}/{heat:.1f}/{doc.lang}: {prompt.upper()} {pieces} {doc2.id}"

@wf.step(effect="irreversible", after=[wf.sleep("10m", after=[summary])])
async def publish(ctx: Context, text: str = after(summary), v: list[list[float]] = after(vectors)) -> bool:
    return bool(ctx.idempotency_key)

@wf.on_failure
async def alert(doc: Doc, failure: Failure) -> None:
    print(doc.id, failure.step, failure.error)

async def main() -> None:
    text: str = await hello("ada")
    run: Run[str] = await hello.start("ada")
    result: str = (await run.wait(timeout="1m")).output
    later: Run[str] = await hello.options(delay="10m", metadata={"team": "web"}).start(name="ada")
    many: list[Run[list[float]]] = await embed.start_many(["a", "b"])
    await nightly()
    started = await wf.start(Doc(id=1), priority=3, playground={summary: {"model": "large"}})
    await bare.start(idempotency_key="today")
    published: bool = (await started.wait())[publish].output
    words: list[str] = started[chunk].output
    async for failed in m.runs.query("status:failed since:24h"):
        await failed.replay(from_step=[summary, vectors], input={"doc": {"lang": "fr"}}, reason="again")
    await m.runs.start_many([hello.call("ada"), wf.call(Doc(id=1))])
    print(text, result, later, many, published, words, fetch(Doc(id=1), Db(), "dsn", 1))
    plain: list[str] = await chunk("a b")
    greeting: str = m.sync(hello("ada"))

async def test_flow(lab: Lab) -> None:
    run = await lab.run(wf, Doc(id=1), stub={vectors: [[1.0]]}, playground={"prompt": "shout"})
    await lab.advance("10m")
    assert (await run.wait())[publish].output is True
    again = await run.replay(from_step=summary, playground={"temperature": 1.0})
    assert again[fetch].status == "kept" and "1.0" in (await again.wait())[summary].output
    greeted: str = (await lab.run(hello, "ada", metadata={"a": "b"})).output
    await lab.run(bare)
    plain: str = await summary(make_context(playground={"temperature": 1.0}), Doc(id=1), ["a"])
    anything: Run = again
"""

BAD = {
    'await hello(3)': 'Argument 1 to "__call__" of "Task" has incompatible type "int"; expected "str"',
    'await nightly(3)': 'Too many arguments for "__call__" of "Task"',
    'await hello()': 'Too few arguments for "__call__" of "Task"|Missing positional argument',
    'n: int = await hello("ada")': 'Incompatible types in assignment .*"str".*"int"',
    'await wf.start(Db())': 'No overload variant of "start"|incompatible type "Db"',
    'await wf.start()': 'Too few arguments for "start"|No overload variant',
    'await hello.options(delays="1m").start("ada")': 'Unexpected keyword argument "delays"|Extra key|did you mean',
    'await embed.map([1, 2])': 'incompatible type "int"; expected "str"',
    'fetch(Doc(id=1), 3)': 'incompatible type "int"; expected "Db"',
    'n: int = (await wf.start(Doc(id=1)))[chunk].output': 'Incompatible types in assignment',
    'hello("ada")': 'must be used',
    'await lab.run(wf, Db())': 'No overload variant|Cannot infer value of type parameter "I"',
}  # fmt: skip

_DEFAULT = 'Incompatible default for (argument|parameter)|Argument 1 to "after" has incompatible type'
BAD_DECLARATIONS = {
    "count: int = after(fetch)": _DEFAULT,
    "pieces: list[int] = after(chunk)": _DEFAULT,
    "conn: int = depends(db)": _DEFAULT,
    "dsn: bytes = depends(settings)": _DEFAULT,
}


def check(program: str, folder: Path) -> list[str]:
    path = folder / "program.py"
    path.write_text(program)
    options = ["--strict", "--no-error-summary", "--enable-error-code=unused-awaitable", "--config-file="]
    report, problems, _ = api.run([*options, f"--cache-dir={folder / 'cache'}", str(path)])
    assert not problems, problems
    return [line for line in report.splitlines() if ": error: " in line]


def test_good_programs_pass_and_every_mistake_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In one go: what costs time is reading the package, not the programs."""
    monkeypatch.setenv("MYPYPATH", str(Path(__file__).parents[2] / "src"))
    lines = PROLOGUE.splitlines() + GOOD.splitlines()
    expected: dict[int, str] = {}
    for code, message in BAD.items():
        lines += [f"async def bad_{len(lines)}(lab: Lab) -> None:", f"    {code}"]
        expected[len(lines)] = message
    for argument, message in BAD_DECLARATIONS.items():
        lines += ["@wf.step", f"async def bad_{len(lines)}({argument}) -> None: ..."]
        expected[len(lines)] = message
    found: dict[int, str] = {}
    for error in check("\n".join(lines), tmp_path):
        line = int(error.split(":")[1])
        found[line] = f"{found.get(line, '')}{error}\n"
    assert {line: text for line, text in found.items() if line not in expected} == {}
    missed = {
        lines[line - 1].strip(): found.get(line)
        for line, message in expected.items()
        if not re.search(message, found.get(line, ""))
    }
    assert missed == {}
