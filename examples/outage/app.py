"""Reads documents, cuts them into passages and indexes them in a search service, which is not always there."""

from __future__ import annotations

import httpx2
from pydantic import BaseModel

from examples.outage import documents
from examples.outage.service import service_url
from examples.places import DATA, made
from mulligan import Mulligan, Retry, after

m = Mulligan()


class Document(BaseModel):
    file: str
    """A file name inside ``examples/data/documents``."""


class Parsed(BaseModel):
    title: str
    paragraphs: list[str]


indexing = m.workflow("documents", input=Document, doc="Reads a document and puts it into the search service.")


@indexing.step
def parse(document: Document) -> Parsed:
    """Read the file. Each time leaves a line in ``parsed.log``: the engine cannot know, but the reader can count."""
    title, paragraphs = documents.read(DATA / "documents" / document.file)
    with (made() / "parsed.log").open("a", encoding="utf-8") as log:
        log.write(f"{document.file}\n")
    return Parsed(title=title, paragraphs=paragraphs)


@indexing.step
def extract(parsed: Parsed = after(parse)) -> list[str]:
    return documents.passages(parsed.paragraphs)


@indexing.step(retries=Retry(3, first="1s", cap="4s"), timeout="10s", effect="idempotent")
def index(document: Document, parsed: Parsed = after(parse), passages: list[str] = after(extract)) -> int:
    """Put the document into the search service. Four attempts within some seconds; a real outage lasts longer."""
    body = {"title": parsed.title, "passages": passages}
    answer = httpx2.put(f"{service_url()}/documents/{document.file}", json=body, timeout=5)
    answer.raise_for_status()
    indexed: int = answer.json()["indexed"]
    return indexed


def all_documents() -> list[Document]:
    return [Document(file=file.name) for file in sorted((DATA / "documents").iterdir())]
