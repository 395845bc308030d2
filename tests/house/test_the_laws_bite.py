"""Each law against a snippet that breaks it, and one that does not: a checker that cannot fail checks nothing."""

from collections.abc import Callable, Iterator
from pathlib import PurePath

import pytest

from tests.house import laws
from tests.house.documents import missing_names, missing_paths, numbering_faults
from tests.house.source import Source, code_lines, parse
from tests.house.tracked import machine_paths, trailers

Law = Callable[[Source], Iterator[str]]

BAD = [
    (laws.core_is_pure, "mulligan.core.retry", "import asyncio"),
    (laws.core_is_pure, "mulligan.core.retry", "from os import environ"),
    (laws.core_is_pure, "mulligan.core.retry", "def f():\n    import logging"),
    (laws.core_is_pure, "mulligan.core.retry", "from mulligan.engine import api"),
    (laws.core_is_pure, "mulligan.core.retry", "import mulligan.ports"),
    (laws.core_is_pure, "mulligan.core.retry", "from mulligan import engine"),
    (laws.core_is_pure, "mulligan.core.retry", "from datetime import UTC, datetime as dt\ndt.now(UTC)"),
    (laws.core_is_pure, "mulligan.core.retry", "open('x')"),
    (laws.reads_no_clock, "mulligan.engine.cycle", "import time\ntime.time()"),
    (laws.reads_no_clock, "mulligan.engine.cycle", "from time import monotonic"),
    (laws.reads_no_clock, "mulligan.engine.cycle", "import time as t\nclock = t.monotonic"),
    (laws.reads_no_clock, "mulligan.engine.cycle", "import datetime\ndatetime.datetime.utcnow()"),
    (laws.does_not_sleep, "mulligan.engine.cycle", "import asyncio\nasync def f():\n    await asyncio.sleep(1)"),
    (laws.does_not_sleep, "mulligan.engine.cycle", "from time import sleep\nsleep(1)"),
    (laws.does_not_sleep, "mulligan.engine.cycle", "import asyncio\nnap = asyncio.sleep"),
    (laws.takes_no_chances, "mulligan.engine.cycle", "import uuid\nuuid.uuid4()"),
    (laws.takes_no_chances, "mulligan.engine.cycle", "from uuid_utils import uuid7"),
    (laws.takes_no_chances, "mulligan.engine.cycle", "import os\nos.urandom(8)"),
    (laws.imports_directly_only_what_it_may, "mulligan.server.routes.runs", "from mulligan.engine.cycle import Cycle"),
    (laws.imports_directly_only_what_it_may, "mulligan.server.routes.runs", "from mulligan.engine import cycle"),
    (laws.imports_directly_only_what_it_may, "mulligan.gateway.grpc", "import mulligan.ports.store"),
    (laws.imports_directly_only_what_it_may, "mulligan.cli.runs", "from mulligan.engine import api"),
    (laws.imports_directly_only_what_it_may, "mulligan", "from mulligan.app import embedded"),
    (laws.builds_no_sql, "mulligan.stores.x", "sql = f'SELECT * FROM {table}'"),
    (laws.builds_no_sql, "mulligan.stores.x", "sql = 'DELETE FROM runs WHERE id = ' + run_id"),
    (laws.builds_no_sql, "mulligan.stores.x", "sql = 'SELECT id FROM %s' % table"),
    (laws.builds_no_sql, "mulligan.stores.x", "sql = 'UPDATE {} SET x = 1 WHERE y'.format(table)"),
    (laws.builds_no_sql, "mulligan.stores.x", "sql = f'PRAGMA user_version = {n}'"),
]

GOOD = [
    (laws.core_is_pure, "mulligan.core.retry", "from datetime import datetime, timedelta\nimport msgspec"),
    (
        laws.core_is_pure,
        "mulligan.core.retry",
        "from mulligan.core import records\nimport mulligan.errors",
    ),
    (laws.core_is_pure, "mulligan.core.retry", "def f(now):\n    return now.time"),
    (laws.reads_no_clock, "mulligan.engine.cycle", "def f(clock):\n    return clock.now()"),
    (laws.does_not_sleep, "mulligan.engine.cycle", "async def f(event):\n    await event.wait()"),
    (laws.does_not_sleep, "mulligan.engine.cycle", "import asyncio\nasync def f():\n    await asyncio.sleep(0)"),
    (laws.takes_no_chances, "mulligan.engine.cycle", "def f(ids):\n    return ids.random()"),
    (laws.imports_directly_only_what_it_may, "mulligan.server.routes.runs", "from mulligan.engine.api import Engine"),
    (laws.imports_directly_only_what_it_may, "mulligan.server.routes.runs", "from mulligan.engine import api"),
    (laws.imports_directly_only_what_it_may, "mulligan.app.compose", "from mulligan.engine import cycle"),
    (laws.imports_directly_only_what_it_may, "mulligan", "from mulligan.sdk import Mulligan"),
    (laws.builds_no_sql, "mulligan.stores.x", "sql = 'SELECT 1'\nname = f'{sql}.sql'"),
    (laws.builds_no_sql, "mulligan.stores.x", "message = f'{n} runs selected from the store'"),
]


@pytest.mark.parametrize(("law", "name", "text"), BAD)
def test_a_bad_snippet_is_found(law: Law, name: str, text: str) -> None:
    assert list(law(parse(text, name)))


@pytest.mark.parametrize(("law", "name", "text"), GOOD)
def test_a_good_snippet_passes(law: Law, name: str, text: str) -> None:
    assert list(law(parse(text, name))) == []


def test_comments_blank_lines_and_docstrings_cost_nothing() -> None:
    text = '"""Module.\n\nMore.\n"""\n\n# why\nx = (\n    1,\n)\n\n\ndef f():\n    """Doc."""\n    return x\n'
    assert code_lines(text) == {7, 8, 9, 12, 14}


def test_functions_are_measured_by_their_full_name() -> None:
    text = "class A:\n    def f(self):\n        # why\n        def g():\n            return 1\n\n        return g\n"
    assert laws.function_sizes(parse(text, "m")) == {"m:A.f": 4, "m:A.f.g": 2}


def test_the_99th_percentile_lets_one_in_a_hundred_be_long() -> None:
    assert laws.percentile_99([]) == 0
    assert laws.percentile_99([10] * 99 + [200]) == 10
    assert laws.percentile_99([10] * 98 + [60, 200]) == 60


@pytest.mark.parametrize("path", ["mulligan/utils.py", "mulligan/common/x.py", "mulligan/sdk/_helpers.py"])
def test_an_empty_name_is_found(path: str) -> None:
    assert list(laws.is_named_after_an_idea(PurePath(path)))


def test_a_name_that_only_contains_an_empty_name_passes() -> None:
    assert list(laws.is_named_after_an_idea(PurePath("mulligan/core/database_model_versions.py"))) == []


def test_a_package_without_words_is_found() -> None:
    assert list(laws.packages_say_what_lives_there(parse("x = 1", "mulligan.sdk.worker"), is_package=True))
    assert list(laws.packages_say_what_lives_there(parse('"""Short."""', "mulligan.sdk"), is_package=True))
    assert not list(laws.packages_say_what_lives_there(parse("x = 1", "mulligan.sdk.calls"), is_package=False))


@pytest.mark.parametrize("sql", ["SELECT 1; SELECT 2", "", "-- nothing\n"])
def test_a_file_with_other_than_one_statement_is_found(sql: str) -> None:
    assert not laws.is_one_statement(sql)


@pytest.mark.parametrize("sql", ["SELECT 1", "SELECT ';' AS semi; -- one; really\n", '/* a; b */ SELECT ";";\n'])
def test_one_statement_is_one_statement(sql: str) -> None:
    assert laws.is_one_statement(sql)


def test_a_document_that_names_what_is_not_there_is_found() -> None:
    assert missing_paths("see `src/mulligan/errors.py` and `core/` and `gone/away.py`") == ["gone/away.py"]
    assert missing_names("`errors.py`") == []
    assert missing_names("`core.records.Run`, `errors.NotFoundAnywhere`, `engine.no_such_module`, `asyncio.run`") == [
        "errors.NotFoundAnywhere",
        "engine.no_such_module",
    ]


def test_pages_that_are_misnumbered_are_found() -> None:
    assert numbering_faults(["0001-a.md", "0003-b.md"]) == []
    assert numbering_faults(["0001-a.md", "0001-b.md"])
    assert numbering_faults(["1-a.md"])
    assert numbering_faults(["0001-Why_Not.md"])


def test_a_path_of_this_machine_is_found() -> None:
    assert machine_paths("cd /srv/checkout/mulligan && make", ["/srv/checkout/mulligan", "/usr"])
    assert machine_paths("in /home/" + "alice/mulligan", [])
    assert machine_paths("in /Users/" + "alice/mulligan", [])
    assert not machine_paths("in /srv/checkout-of-another", ["/srv/checkout"])


def test_a_trailer_is_found() -> None:
    assert trailers("Co-authored" + "-by: somebody")
    assert not trailers("authored by nobody")
