"""Writes a teaser of an article for the newsletter, which has room for so many characters and no more."""

from __future__ import annotations

import re

from pydantic import BaseModel

from examples.outage import documents
from examples.places import DATA, made
from mulligan import Context, Mulligan, NonRetryable, after

m = Mulligan()


class Article(BaseModel):
    file: str
    """A file name inside ``examples/data/documents``."""
    room: int = 280
    """Characters that the newsletter has for the teaser."""


class Text(BaseModel):
    title: str
    paragraphs: list[str]


class TooLong(NonRetryable):
    """The teaser does not fit. Trying again would write the same one: a person has to choose other settings."""


teaser = m.workflow("newsletter", input=Article, doc="Writes the teaser of an article.")


@teaser.step
def read(article: Article) -> Text:
    title, paragraphs = documents.read(DATA / "documents" / article.file)
    return Text(title=title, paragraphs=paragraphs)


@teaser.step
def summarise(ctx: Context, article: Article, text: Text = after(read)) -> str:
    method = ctx.playground("method", "luhn", choices=["luhn", "sum-basic", "kl", "reduction"])
    sentences = ctx.playground("sentences", 3, min=1, max=10, help="how many sentences to take over from the article")
    template = ctx.playground(
        "template", "{title}: {summary}", multiline=True, help="{title} and {summary} are filled in"
    )
    summary = " ".join(_best_sentences(method, sentences, text.paragraphs))
    written = template.format(title=text.title, summary=summary)
    if len(written) > article.room:
        raise TooLong(f"the teaser has {len(written)} characters, and there is room for {article.room}")
    return written


@teaser.step(effect="idempotent")
def publish(article: Article, text: str = after(summarise)) -> str:
    """Put the teaser into the newsletter, in the place of an earlier one of the same article."""
    page = made() / "newsletter"
    page.mkdir(exist_ok=True)
    (page / f"{article.file}.txt").write_text(text + "\n", encoding="utf-8")
    return text


class _Language:
    """English as the summariser sees it. Its own tokenizer would download a model first."""

    language = "english"

    def to_sentences(self, text: str) -> tuple[str, ...]:
        return tuple(re.split(r"(?<=[.!?]) (?=[A-Z])", text))

    def to_words(self, sentence: str) -> tuple[str, ...]:
        return tuple(re.findall(r"[a-z]+", sentence.lower()))


def _best_sentences(method: str, count: int, paragraphs: list[str]) -> list[str]:
    # Imported here: the library takes a second, which no worker that runs other steps should pay.
    from sumy.nlp.stemmers import Stemmer
    from sumy.parsers.plaintext import PlaintextParser
    from sumy.summarizers.kl import KLSummarizer
    from sumy.summarizers.luhn import LuhnSummarizer
    from sumy.summarizers.reduction import ReductionSummarizer
    from sumy.summarizers.sum_basic import SumBasicSummarizer
    from sumy.utils import get_stop_words

    summarisers = {
        "luhn": LuhnSummarizer,
        "sum-basic": SumBasicSummarizer,
        "kl": KLSummarizer,
        "reduction": ReductionSummarizer,
    }
    summariser = summarisers[method](Stemmer("english"))
    summariser.stop_words = get_stop_words("english")
    document = PlaintextParser.from_string("\n".join(paragraphs), _Language()).document
    return [str(sentence) for sentence in summariser(document, count)]
