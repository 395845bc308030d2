"""Documents that lie are worse than none: the names in them exist, and they stay short."""

import pytest

from tests.house.documents import missing_names, missing_paths, numbering_faults, read
from tests.house.source import ROOT

WHY = ROOT / "docs" / "why"


def test_the_architecture_fits_into_one_sitting() -> None:
    assert len(read(ROOT / "ARCHITECTURE.md").splitlines()) <= 150


@pytest.mark.parametrize("name", ["ARCHITECTURE.md", "CONTRIBUTING.md"])
def test_what_a_document_names_exists(name: str) -> None:
    text = read(ROOT / name)
    assert missing_paths(text) + missing_names(text) == []


def test_decisions_are_numbered() -> None:
    assert numbering_faults([path.name for path in WHY.glob("*.md") if path.name != "index.md"]) == []


def test_decisions_start_with_a_title() -> None:
    assert [path.name for path in WHY.glob("*.md") if not read(path).startswith("# ")] == []
