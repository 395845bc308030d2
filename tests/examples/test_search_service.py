"""The outage's outside world: documents are read as they are, and the search service finds them when it is up."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from examples.outage import documents
from examples.outage.service import SearchIndex, SearchService
from examples.places import DATA

FILES = sorted((DATA / "documents").iterdir())


@pytest.fixture
def service(tmp_path: Path) -> Iterator[SearchService]:
    with SearchService(SearchIndex(tmp_path / "search.db"), port=0) as running:
        yield running


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_every_document_has_a_title_and_paragraphs(file: Path) -> None:
    title, paragraphs = documents.read(file)
    assert title
    assert title not in paragraphs
    assert len(paragraphs) >= 3
    assert all(paragraph.endswith(".") and "\n" not in paragraph for paragraph in paragraphs)


def test_a_kind_of_file_that_is_not_known_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"letter\.doc: no reader for \.doc"):
        documents.read(tmp_path / "letter.doc")


def test_passages_keep_every_paragraph_and_stay_short() -> None:
    paragraphs = ["a" * 250, "b" * 250, "c" * 250, "d" * 900, "e"]
    passages = documents.passages(paragraphs)
    assert "\n".join(passages).split("\n") == paragraphs
    assert [len(passage) for passage in passages] == [501, 250, 900, 1]


def test_what_is_indexed_is_found_by_any_form_of_its_words(service: SearchService) -> None:
    for file in FILES:
        title, paragraphs = documents.read(file)
        body = {"title": title, "passages": documents.passages(paragraphs)}
        httpx2.put(f"{service.url}/documents/{file.name}", json=body).raise_for_status()
    found = httpx2.get(f"{service.url}/search", params={"q": "honeybee"}).json()
    assert {hit["document"] for hit in found} == {"honeybees.md"}
    assert httpx2.get(f"{service.url}/status").json() == {"up": True, "documents": [file.name for file in FILES]}


def test_indexing_twice_is_indexing_once(service: SearchService) -> None:
    for _ in range(2):
        service.index.put("a", "A", ["a diaphone grunts", "and a siren wails"])
    assert len(service.index.search("siren")) == 1


@pytest.mark.parametrize("words", ['"', "NEAR(", "title:x", "a AND", "*", "", "x'; drop table passages"])
def test_no_words_upset_the_index(service: SearchService, words: str) -> None:
    assert httpx2.get(f"{service.url}/search", params={"q": words}).status_code == 200


def test_while_it_is_down_only_the_switch_works(service: SearchService) -> None:
    httpx2.post(f"{service.url}/down")
    assert httpx2.get(f"{service.url}/search?q=tide").status_code == 503
    assert httpx2.put(f"{service.url}/documents/a", json={"title": "A", "passages": []}).status_code == 503
    assert "Bring it back" in httpx2.get(f"{service.url}/").text
    httpx2.post(f"{service.url}/up")
    assert httpx2.get(f"{service.url}/search?q=tide").status_code == 200


def test_the_page_shows_text_and_never_markup(service: SearchService) -> None:
    service.index.put("<i>", "<b>", ["a <script>alert(1)</script> tide"])
    page = httpx2.get(f"{service.url}/", params={"q": 'tide "<u>'}).text
    assert "&lt;script&gt;" not in page  # the odd words find nothing
    page = httpx2.get(f"{service.url}/", params={"q": "tide"}).text
    assert "&lt;script&gt;" in page
    assert "<script>" not in page


def test_the_switch_is_remembered(tmp_path: Path) -> None:
    SearchIndex(tmp_path / "search.db").up = False
    assert not SearchIndex(tmp_path / "search.db").up
