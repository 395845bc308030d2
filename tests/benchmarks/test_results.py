"""Results are kept part by part: whoever measures one thing anew loses nothing of the others."""

import json
from pathlib import Path

from benchmarks.results import Book, read


def book(folder: Path, command: str = "one command") -> Book:
    return Book(command, {"cores": 2}, folder)


def test_a_part_knows_its_command_and_its_machine(tmp_path: Path) -> None:
    book(tmp_path).add("mode a", {"results": [1]})
    part = read(tmp_path)["mode a"]
    assert part.pop("taken_at")
    assert part == {"command": "one command", "machine": {"cores": 2}, "results": [1]}


def test_a_later_command_replaces_only_what_it_has_measured(tmp_path: Path) -> None:
    first = book(tmp_path)
    first.add("mode a", {"results": [1]})
    first.add("peer celery", {"results": [2]})
    book(tmp_path, "another").add("mode a", {"results": [3]})
    measured = read(tmp_path)
    assert measured["mode a"]["results"] == [3]
    assert measured["mode a"]["command"] == "another"
    assert measured["peer celery"]["results"] == [2]
    assert len(list(tmp_path.iterdir())) == 1, "one file per day"


def test_the_newest_day_wins_and_older_ones_fill_up(tmp_path: Path) -> None:
    (tmp_path / "2026-01-02.json").write_text(json.dumps({"mode a": {"results": [2]}}))
    (tmp_path / "2026-01-01.json").write_text(json.dumps({"mode a": {"results": [1]}, "mode b": {"results": [1]}}))
    assert read(tmp_path) == {"mode a": {"results": [2]}, "mode b": {"results": [1]}}
