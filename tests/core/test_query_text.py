"""The query grammar: what each term means, and where a query is not understood."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mulligan.core.query import FieldTest, RunFilter
from mulligan.core.query_text import parse_query
from mulligan.errors import InvalidInput

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("", RunFilter()),
        ("  status:failed   status:cancelled ", RunFilter(statuses=("failed", "cancelled"))),
        ("-status:succeeded -workflow:nightly", RunFilter(not_statuses=("succeeded",), not_workflows=("nightly",))),
        (
            "workflow:summarise step:summary version:3",
            RunFilter(workflows=("summarise",), failed_steps=("summary",), versions=("3",)),
        ),
        ("error:TimeoutError error:~429", RunFilter(error_types=("TimeoutError",), error_contains=("429",))),
        ('error:~"rate \\"limit\\""', RunFilter(error_contains=('rate "limit"',))),
        ("since:24h until:30m", RunFilter(since_at=NOW - timedelta(hours=24), until_at=NOW - timedelta(minutes=30))),
        ("since:2026-11-22T09:00:00+01:00", RunFilter(since_at=datetime(2026, 11, 22, 8, tzinfo=UTC))),
        ("since:2026-11-20", RunFilter(since_at=datetime(2026, 11, 20, tzinfo=UTC))),
        ("attempt:>1", RunFilter(min_attempts=2)),
        ("attempt:>=2", RunFilter(min_attempts=2)),
        ("input.doc.lang:fr", RunFilter(inputs=(FieldTest(("doc", "lang"), "fr"),))),
        (
            "tag.team:web -tag.test:yes",
            RunFilter(tags=(FieldTest(("team",), "web"),), not_tags=(FieldTest(("test",), "yes"),)),
        ),
        ("tag.a.b:c", RunFilter(tags=(FieldTest(("a.b",), "c"),))),
        (
            "replay:yes source:abc family:def id:x fingerprint:9f parent:p bulk:b",
            RunFilter(
                replays_only=True,
                source_ids=("abc",),
                family_ids=("def",),
                ids=("x",),
                fingerprints=("9f",),
                parent_ids=("p",),
                bulk_ids=("b",),
            ),
        ),
        ('rate "two words" http://x:1/', RunFilter(text=("rate", "two words", "http://x:1/"))),
        ('tag.empty:""', RunFilter(tags=(FieldTest(("empty",), ""),))),
        ("- a-b", RunFilter(text=("-", "a-b"))),
    ],
)
def test_a_query_means(text: str, wanted: RunFilter) -> None:
    assert parse_query(text, NOW) == wanted


@pytest.mark.parametrize(
    ("text", "place", "advice"),
    [
        ("status:broken", 1, "no status 'broken'. There are queued, running"),
        ("status:faild", 1, "Did you mean 'failed'? There are queued, running"),
        ("workflow:a stauts:failed", 12, "no 'stauts' to ask for. Did you mean 'status'? There are id, status"),
        ("colour:red", 1, "no 'colour' to ask for. There are id, status"),
        ("workflow:", 1, "needs a value"),
        ('a error:~"open', 10, "not closed"),
        ("since:yesterday", 1, "24h or 7d"),
        ("since:999999999w", 1, "24h or 7d"),
        ("attempt:2", 1, "attempt:>1"),
        ("attempt:>²", 1, "attempt:>1"),
        ("-error:x", 1, "cannot be excluded"),
        ("-since:1h", 1, "cannot be excluded"),
        ("-input.a:1", 1, "cannot be excluded"),
        ("-word", 1, "cannot be excluded"),
        ("workflow:>a", 1, "knows no '>'"),
        ("replay:maybe", 1, "replay:yes"),
        ("a\0b", 1, "NUL"),
        ("a " * 51, 101, "50 terms"),
        ("a" * 5_000, 1, "4,000"),
    ],
)
def test_what_is_not_understood_is_refused_with_its_place(text: str, place: int, advice: str) -> None:
    with pytest.raises(InvalidInput, match=f"character {place}: ") as refused:
        parse_query(text, NOW)
    assert refused.value.code == "bad_query"
    assert advice in str(refused.value)


@given(st.text(alphabet='abs:.-~<>="\\ \t2h', max_size=40))
def test_any_text_is_understood_or_refused(text: str) -> None:
    with contextlib.suppress(InvalidInput):
        assert isinstance(parse_query(text, NOW), RunFilter)
