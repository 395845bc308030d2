"""The three stories on a virtual clock: what is kept, what runs again, and what it costs the world outside."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from msgspec import Raw

from examples.fixed_bug import v1, v2
from examples.fixed_bug.penguins import all_penguins
from examples.outage import app as outage
from examples.outage.service import SearchIndex, SearchService
from examples.tuning import feedback, newsletter
from mulligan.errors import InvalidInput
from mulligan.testing import Lab

WITHOUT_SEX = [4, 9, 10, 11, 12, 48, 179, 219, 257, 269, 272]


@pytest.fixture(autouse=True)
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("EXAMPLES_HOME", str(tmp_path))
    return tmp_path


@pytest.fixture
def service(made: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SearchService]:
    with SearchService(SearchIndex(made / "search.db", up=False), port=0) as running:
        monkeypatch.setenv("SEARCH_URL", running.url)
        yield running


def files_read(made: Path) -> list[str]:
    return (made / "parsed.log").read_text().splitlines()


# ── An outage ────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_an_outage_is_retried_with_growing_delays_and_then_given_up(lab: Lab, service: SearchService) -> None:
    started_at = lab.clock.now()
    run = await lab.run(outage.indexing, outage.Document(file="tides.md"))
    assert run.status == "running"
    assert (await run.wait()).status == "failed"
    assert run[outage.index].attempts == 4
    waited = lab.clock.now() - started_at
    assert timedelta(seconds=1 + 2 + 4) <= waited <= timedelta(seconds=1 + 2 + 4) * 1.1
    assert "503 Service Unavailable" in str(run[outage.index].error)


async def test_an_outage_that_ends_in_time_needs_nobody(lab: Lab, service: SearchService, made: Path) -> None:
    run = await lab.run(outage.indexing, outage.Document(file="fog-signals.pdf"))
    service.index.up = True
    assert (await run.wait()).status == "succeeded"
    assert run[outage.index].attempts == 2
    assert files_read(made) == ["fog-signals.pdf"]


async def test_a_replay_after_the_outage_reads_no_file_again(lab: Lab, service: SearchService, made: Path) -> None:
    runs = [await lab.run(outage.indexing, document) for document in outage.all_documents()]
    assert {(await run.wait()).status for run in runs} == {"failed"}
    read = files_read(made)
    assert sorted(read) == [document.file for document in outage.all_documents()]
    assert service.index.documents() == []

    service.index.up = True
    for run in runs:
        again = await (await run.replay(reason="the search service is back")).wait()
        assert again.status == "succeeded"
        assert [step.status for step in again.steps] == ["kept", "kept", "succeeded"]
        assert again[outage.parse].output == run[outage.parse].output
        assert again.replay_of == run.id
        assert (await run.refresh()).status == "failed"
    assert files_read(made) == read
    assert service.index.documents() == sorted(read)
    assert [hit["document"] for hit in service.index.search("fog horn")] == ["fog-signals.pdf"]


# ── A bug, and its fix ───────────────────────────────────────────────────────────────────────────────────────────────


def test_exactly_the_rows_without_sex_break_the_first_version() -> None:
    broken = []
    for number, penguin in enumerate(all_penguins(), start=1):
        try:
            v1.compare(penguin)
        except KeyError:
            broken.append(number)
    assert broken == WITHOUT_SEX
    assert [number for number, penguin in enumerate(all_penguins(), start=1) if penguin.sex == "NA"] == WITHOUT_SEX


def test_the_fix_changes_nothing_for_the_rows_that_worked() -> None:
    for number, penguin in enumerate(all_penguins(), start=1):
        fixed = v2.describe(v2.compare(penguin))
        assert number in WITHOUT_SEX or fixed == v1.describe(v1.compare(penguin))


async def test_failed_runs_are_replayed_on_the_version_with_the_fix(lab: Lab) -> None:
    runs = [await lab.run(v1.weighing, v1.Row(number=number)) for number in [1, *WITHOUT_SEX]]
    assert [(await run.wait()).status for run in runs] == ["succeeded"] + ["failed"] * 11
    assert len({run.summary.fingerprint for run in runs[1:]}) == 1, "one bug, one failure group"

    await lab.use(v2.m)
    outputs = []
    for run in runs[1:]:
        plan = await run.plan_replay()
        assert plan.code.changed
        again = await (await run.replay(reason="rows without sex are understood now")).wait()
        assert (again.status, again.summary.version, run.summary.version) == ("succeeded", 2, 1)
        assert again[v2.fetch].status == "kept"
        outputs.append(again["describe"].output)
    assert outputs[0] == "not weighed, of kind Adelie"
    assert outputs[2] == "heavier than most of kind Adelie"


async def test_on_its_own_version_the_replay_fails_as_before(lab: Lab) -> None:
    run = await (await lab.run(v1.weighing, v1.Row(number=10))).wait()
    await lab.use(v2.m)
    again = await (await run.replay(code="same")).wait()
    assert (again.status, again.summary.version) == ("failed", 1)
    assert again.summary.fingerprint == run.summary.fingerprint


# ── A variable, tuned ────────────────────────────────────────────────────────────────────────────────────────────────

LONG = newsletter.Article(file="honeybees.md")


async def test_a_teaser_that_is_too_long_fits_after_a_variable_was_changed(lab: Lab, made: Path) -> None:
    run = await (await lab.run(newsletter.teaser, LONG)).wait()
    assert "TooLong: the teaser has 333 characters, and there is room for 280" in str(run[newsletter.summarise].error)
    assert run[newsletter.summarise].attempts == 1, "trying again would write the same teaser"

    again = await run.replay(playground={"sentences": 2, "template": "Read on: {summary}"}, reason="shorter")
    assert (await again.wait()).status == "succeeded"
    assert again[newsletter.read].status == "kept"
    teaser = again[newsletter.publish].output
    assert teaser.startswith("Read on: In May a crowded colony")
    assert len(teaser) <= 280
    assert (made / "newsletter" / "honeybees.md.txt").read_text() == teaser + "\n"


async def test_what_the_code_read_is_recorded_although_it_failed(lab: Lab) -> None:
    run = await (await lab.run(newsletter.teaser, LONG)).wait()
    step = await run[newsletter.summarise].load()
    seen = {variable.name: (variable.value, Path(variable.file).name) for variable in step.detail.variables}
    assert seen == {
        "method": (Raw(b'"luhn"'), "newsletter.py"),
        "sentences": (Raw(b"3"), "newsletter.py"),
        "template": (Raw(b'"{title}: {summary}"'), "newsletter.py"),
    }


@pytest.mark.parametrize("override", [{"sentences": "many"}, {"sentences": 11}, {"method": "magic"}])
async def test_an_override_that_the_code_cannot_take_makes_no_run(lab: Lab, override: dict[str, object]) -> None:
    run = await (await lab.run(newsletter.teaser, LONG)).wait()
    with pytest.raises(InvalidInput):
        await run.replay(playground=override)
    assert [found.id async for found in newsletter.m.runs.query("")] == [run.id]


@pytest.mark.parametrize("method", ["luhn", "sum-basic", "kl", "reduction"])
async def test_every_method_writes_sentences_of_the_article(lab: Lab, method: str) -> None:
    article = newsletter.Article(file="tides.md", room=1_000)
    options = {"method": method, "template": "{summary}"}
    run = await (await lab.run(newsletter.teaser, article, playground=options)).wait()
    text = " ".join(run[newsletter.read].output.paragraphs)
    sentences = run[newsletter.publish].output.split(". ")
    assert len(sentences) == 3
    assert all(sentence.rstrip(".") in text for sentence in sentences)


async def test_feedback_is_asked_for_in_other_words(lab: Lab) -> None:
    run = await (await lab.run(feedback.feedback, feedback.Message(text="  Where are\nthe logs? "))).wait()
    assert run[feedback.process].output == "Please provide your feedback:\n> Where are the logs?"
    again = await run.replay(from_step=feedback.ask, playground={"prompt": "What should we mend first?"})
    assert (await again.wait())[feedback.process].output == "What should we mend first?\n> Where are the logs?"
    assert again[feedback.receive].status == "kept"
