"""The laws of laws.py, held against every file of the package."""

from collections.abc import Callable, Iterable, Iterator

import pytest

from tests.house import laws, waivers
from tests.house.source import PACKAGE, ROOT, SRC, Source, code_lines, sources, sources_of_tests

Law = Callable[[Source], Iterator[str]]

# Time and chance come through ports. The command line is a person's own program: it may look at the watch and wait.
RULED_BY_A_CLOCK = {"", "errors", "core", "ports", "engine", "stores", "wire", "server", "gateway", "sdk", "app"}
RULED_BY_CHANCE = {"errors", "core", "ports", "engine", "stores", "wire"}


def broken(law: Law, files: Iterable[Source]) -> list[str]:
    return sorted({sentence for source in files for sentence in law(source)})


def in_rooms(rooms: set[str]) -> list[Source]:
    return [source for source in sources() if source.room in rooms]


def without(waived: dict[str, str], files: Iterable[Source]) -> list[Source]:
    return [source for source in files if source.name not in waived]


def test_core_is_pure() -> None:
    assert broken(laws.core_is_pure, in_rooms({"core"})) == []


def test_only_the_clock_reads_the_clock() -> None:
    assert broken(laws.reads_no_clock, without(waivers.CLOCKS, in_rooms(RULED_BY_A_CLOCK))) == []


def test_only_the_loop_sleeps() -> None:
    assert broken(laws.does_not_sleep, without(waivers.SLEEPERS, in_rooms(RULED_BY_A_CLOCK))) == []


def test_ids_and_jitter_are_handed_in() -> None:
    assert broken(laws.takes_no_chances, without(waivers.DICE, in_rooms(RULED_BY_CHANCE))) == []


def test_tests_turn_a_virtual_clock_instead_of_sleeping() -> None:
    assert broken(laws.does_not_sleep, without(waivers.SLEEPING_TESTS, sources_of_tests())) == []


def test_rooms_import_directly_only_what_they_may() -> None:
    assert broken(laws.imports_directly_only_what_it_may, sources()) == []


def test_sql_is_written_in_files() -> None:
    assert broken(laws.builds_no_sql, without(waivers.SQL_BUILDERS, sources())) == []


def test_files_are_short() -> None:
    sizes = {source.name: len(code_lines(source.text)) for source in without(waivers.LONG_FILES, sources())}
    assert {name: size for name, size in sizes.items() if size > laws.FILE_LINES} == {}


def test_functions_are_short() -> None:
    sizes = {name: size for source in sources() for name, size in laws.function_sizes(source).items()}
    too_long = {name: size for name, size in sizes.items() if size > laws.FUNCTION_LINES_MAX}
    assert {name: size for name, size in too_long.items() if name not in waivers.LONG_FUNCTIONS} == {}
    longest = dict(sorted(sizes.items(), key=lambda item: -item[1])[: len(sizes) // 100 + 1])
    assert laws.percentile_99(list(sizes.values())) <= laws.FUNCTION_LINES_P99, longest


def test_files_are_named_after_ideas() -> None:
    paths = [path.relative_to(SRC) for path in PACKAGE.rglob("*.*") if path.suffix in {".py", ".sql"}]
    assert [sentence for path in paths for sentence in laws.is_named_after_an_idea(path)] == []


def test_packages_say_what_lives_there() -> None:
    packages = {".".join(path.parent.relative_to(SRC).parts) for path in PACKAGE.rglob("__init__.py")}
    found = (laws.packages_say_what_lives_there(source, source.name in packages) for source in sources())
    assert [sentence for sentences in found for sentence in sentences] == []


@pytest.mark.parametrize(
    ("waived", "law"),
    [
        (waivers.CLOCKS, laws.reads_no_clock),
        (waivers.SLEEPERS, laws.does_not_sleep),
        (waivers.DICE, laws.takes_no_chances),
        (waivers.SLEEPING_TESTS, laws.does_not_sleep),
        (waivers.SQL_BUILDERS, laws.builds_no_sql),
    ],
    ids=["clocks", "sleepers", "dice", "sleeping tests", "sql builders"],
)
def test_every_waived_module_still_needs_its_waiver(waived: dict[str, str], law: Law) -> None:
    files = {source.name: source for source in (*sources(), *sources_of_tests())}
    assert [name for name in waived if name not in files or not list(law(files[name]))] == []


def test_every_size_waiver_is_still_needed() -> None:
    sizes = {name: size for source in sources() for name, size in laws.function_sizes(source).items()}
    files = {source.name: len(code_lines(source.text)) for source in sources()}
    assert [name for name in waivers.LONG_FUNCTIONS if sizes.get(name, 0) <= laws.FUNCTION_LINES_MAX] == []
    assert [name for name in waivers.LONG_FILES if files.get(name, 0) <= laws.FILE_LINES] == []


def test_the_sources_are_found() -> None:
    """The laws above are worth nothing if they look into an empty folder."""
    assert (ROOT / "pyproject.toml").is_file()
    assert {"mulligan.core", "mulligan.errors"} <= {source.name for source in sources()}
