"""The repository holds sources: no paths of the machine they were written on, no secrets, no build output."""

import re
import subprocess
from pathlib import Path

from tests.house.source import ROOT
from tests.house.tracked import machine_paths, places_of_this_machine, tracked_files, trailers

MEGABYTE = 1024 * 1024
KEY = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----")


def texts() -> dict[Path, str]:
    found = {}
    for path in tracked_files():
        data = path.read_bytes()
        if b"\0" not in data:
            found[path.relative_to(ROOT)] = data.decode("utf-8")
    return found


def test_no_file_knows_this_machine() -> None:
    places = places_of_this_machine()
    found = {str(path): machine_paths(text, places) for path, text in texts().items()}
    assert {path: places for path, places in found.items() if places} == {}


def test_no_file_carries_a_trailer_or_a_private_key() -> None:
    assert [str(path) for path, text in texts().items() if trailers(text) or KEY.search(text)] == []


def test_no_file_is_huge() -> None:
    assert [str(path.relative_to(ROOT)) for path in tracked_files() if path.stat().st_size > MEGABYTE] == []


def test_nothing_ignored_is_tracked() -> None:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--ignored", "--exclude-standard"], cwd=ROOT, check=True, capture_output=True
    )
    assert listed.stdout == b""
