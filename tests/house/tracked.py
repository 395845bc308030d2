"""What may not be in any tracked file, whatever its kind."""

import re
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from tests.house.source import ROOT

SOMEBODYS_HOME = re.compile(r"/(?:home|Users)/(?!runner\b|USER\b)[a-z][\w.-]*/")
TRAILER = re.compile(r"^\s*(co-authored-by|generated[- ](by|with)):?\s", re.IGNORECASE | re.MULTILINE)


def tracked_files() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return [ROOT / name for name in listed.split("\0") if name and (ROOT / name).is_file()]


def places_of_this_machine() -> list[str]:
    """Folders that exist only where the tests run just now: the checkout, the home, a Python built by hand."""
    places = {str(ROOT), str(Path.home()), sys.base_prefix}
    return sorted(place for place in places if place not in {"/", "/usr", "/usr/local"})


def machine_paths(text: str, places: Iterable[str]) -> list[str]:
    found = [place for place in places if re.search(re.escape(place) + r"(?![\w.-])", text)]
    return found + SOMEBODYS_HOME.findall(text)


def trailers(text: str) -> list[str]:
    return [match.group() for match in TRAILER.finditer(text)]
