"""Reads Markdown and PDF files, and cuts their text into passages. Knows nothing of workflows."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

from markdown_it import MarkdownIt
from pypdf import PdfReader

_LONGEST = 600
"""Characters of a passage, unless a single paragraph is longer."""


def read(file: Path) -> tuple[str, list[str]]:
    """Title and paragraphs. Raises ``ValueError`` for a kind of file that is not known."""
    match file.suffix:
        case ".md":
            return _markdown(file)
        case ".pdf":
            return _pdf(file)
        case other:
            raise ValueError(f"{file.name}: no reader for {other or 'a file without extension'}; use .md or .pdf")


def passages(paragraphs: list[str]) -> list[str]:
    """The paragraphs, joined as long as they stay short enough to be shown as one search result."""
    joined: list[str] = []
    for paragraph in paragraphs:
        if joined and len(joined[-1]) + len(paragraph) <= _LONGEST:
            joined[-1] += "\n" + paragraph
        else:
            joined.append(paragraph)
    return joined


def _markdown(file: Path) -> tuple[str, list[str]]:
    # Text stands in the token after the one that opens its block.
    tokens = MarkdownIt().parse(file.read_text(encoding="utf-8"))
    blocks = [(opening.type, inline.content) for opening, inline in pairwise(tokens) if inline.content]
    headings = [text for kind, text in blocks if kind == "heading_open"]
    paragraphs = [" ".join(text.split()) for kind, text in blocks if kind == "paragraph_open"]
    return (headings[0] if headings else file.stem), paragraphs


def _pdf(file: Path) -> tuple[str, list[str]]:
    reader = PdfReader(file)
    title = (reader.metadata.title if reader.metadata else None) or file.stem
    lines = "\n".join(page.extract_text() for page in reader.pages).splitlines()
    paragraphs = [""]
    for line in lines:
        if line.strip() == title:
            continue
        paragraphs[-1] = f"{paragraphs[-1]} {line.strip()}".strip()
        if line.rstrip().endswith((".", "!", "?")):
            paragraphs.append("")
    return title, [paragraph for paragraph in paragraphs if paragraph]
