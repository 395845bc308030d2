"""The documentation is true: its programs run, its queries are understood, its links lead somewhere."""

from __future__ import annotations

import asyncio
import re
import shlex
import subprocess
import sys
import textwrap
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from mulligan import Mulligan
from mulligan.core.query_text import parse_query
from tests.end_to_end.programs import Program, mulligan
from tools.write_reference import PAGES, REFERENCE

ROOT = Path(__file__).parents[2]
NOW = datetime(2026, 11, 22, tzinfo=UTC)
PAGES_OF_THE_HOUSE = [ROOT / name for name in ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md")]
DOCUMENTS = [*PAGES_OF_THE_HOUSE, *sorted((ROOT / "docs").rglob("*.md"))]


def programs(page: Path) -> dict[str, str]:
    """The Python blocks that begin with the name of a file."""
    blocks = re.findall(
        r"^```python\n# (\w+\.py)\n(.*?)^```", page.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE
    )
    return dict(blocks)


@pytest.mark.slow
@pytest.mark.parametrize("page", ["tutorial/first-do-over.md", "howto/write-a-workflow.md", "howto/test-a-workflow.md"])
def test_the_programs_of_a_page_pass_their_own_tests(page: str, tmp_path: Path) -> None:
    files = programs(ROOT / "docs" / page)
    assert any(name.startswith("test_") for name in files)
    for name, content in files.items():
        (tmp_path / name).write_text(content, encoding="utf-8")
    told = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", "."],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert told.returncode == 0, told.stdout + told.stderr


def as_printed(text: str) -> list[str]:
    """The lines without what differs from run to run: ids, ports, spans, and the widths of columns."""
    for pattern, word in ((r"\b[0-9a-v]{26}\b", "ID"), (r":\d{4,5}/", "/"), (r"\b\d+m?s\b", "SPAN"), (" +", " ")):
        text = re.sub(pattern, word, text)
    return [line.strip() for line in text.strip().splitlines()]


@pytest.mark.slow
def test_the_run_of_the_tutorial_fails_as_it_is_printed(tmp_path: Path) -> None:
    page = ROOT / "docs/tutorial/first-do-over.md"
    (tmp_path / "app.py").write_text("# app.py\n" + programs(page)["app.py"], encoding="utf-8")
    found = re.search(r"^\$ mulligan (run .+)\n((?:.+\n)+?)```", page.read_text(encoding="utf-8"), re.MULTILINE)
    assert found is not None
    with Program(mulligan("dev", "app.py:m", "--port", "0"), tmp_path) as dev:
        dev.wait_for("is connected")
        with Program(mulligan(*shlex.split(found[1])), tmp_path) as run:
            assert run.end() == 1
            assert as_printed(run.output) == as_printed(found[2])


@dataclass
class Order:
    id: int
    currency: str | None = None


async def test_the_bulk_replay_that_a_page_shows_can_be_made(tmp_path: Path) -> None:
    page = (ROOT / "docs/howto/replay.md").read_text(encoding="utf-8")
    (shown,) = [
        block for block in re.findall(r"^```python\n(.*?)^```", page, re.DOTALL | re.MULTILINE) if "m.runs" in block
    ]
    app = Mulligan(database=str(tmp_path / "m.db"))
    invoice = app.workflow("invoice", input=Order)

    @invoice.step
    def bill(order: Order) -> str:
        if order.currency is None:
            raise ValueError("no currency")
        return f"1 {order.currency}"

    for number in range(3):
        await (await invoice.start(Order(number))).wait()
    names: dict[str, Any] = {}
    exec("async def make(m):\n" + textwrap.indent(shown, "    ") + "    return many", names)
    many = await (await names["make"](app)).wait()
    assert (many.state, many.summary.progress.succeeded) == ("finished", 3)
    await asyncio.to_thread(app.close)


@pytest.mark.parametrize("page", ["tutorial/first-do-over.md", "howto/replay.md"])
def test_what_a_page_tells_to_press_is_in_the_dashboard(page: str) -> None:
    sources = "".join(file.read_text(encoding="utf-8") for file in (ROOT / "dashboard/src").rglob("*.tsx"))
    told = re.findall(r"\*\*([A-Z][^*]+)\*\*", (ROOT / "docs" / page).read_text(encoding="utf-8"))
    constant = {re.split(r" (?:\d|price)", word)[0] for word in told}
    assert len(constant) >= 4
    assert [word for word in constant if word not in sources] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(document: Path) -> None:
    links = re.findall(r"\]\(([^)#\s]+)[^)]*\)", document.read_text(encoding="utf-8"))
    broken = [link for link in links if "://" not in link and not (document.parent / link).exists()]
    assert broken == []


def test_the_queries_of_the_reference_are_understood() -> None:
    page = (ROOT / "docs/reference/query.md").read_text(encoding="utf-8")
    rows = [line.split("|")[1] for line in page.splitlines() if line.startswith("| `")]
    terms = [term for row in rows for term in re.findall(r"`([^`]+)`", row)]
    assert len(terms) > 20
    for term in [*terms, *re.findall(r"```text\n(.*)\n", page)]:
        parse_query(term, NOW)


@pytest.mark.parametrize("name", PAGES)
def test_generated_pages_are_those_of_this_code(name: str) -> None:
    assert (REFERENCE / name).read_text(encoding="utf-8") == PAGES[name](), "run: python tools/write_reference.py"


def test_every_code_of_an_error_is_explained_and_no_other() -> None:
    rooms = [path for path in (ROOT / "src/mulligan").rglob("*.py") if "testing" not in path.parts]
    told = re.compile(r'\b(?:code|INPUT_TOO_LARGE)(?:: str)? ?= ?"([a-z_]+)"')
    written = {code for path in rooms for code in told.findall(path.read_text(encoding="utf-8"))}
    choices_of_code = {"latest", "same"}
    page = (ROOT / "docs/reference/errors.md").read_text(encoding="utf-8")
    cells = re.findall(r"^\| (`[^|]+`) \|", page, re.MULTILINE)
    explained = [code for cell in cells for code in re.findall(r"`([a-z_]+)`", cell)]
    assert sorted(explained) == sorted(written - choices_of_code)
