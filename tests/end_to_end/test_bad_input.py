"""Bad input, wherever it is handed in: a clear refusal, nothing made, nothing lost, and everybody else served."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from playwright.async_api import Browser, expect

from tests.end_to_end.disk import Rows, rows_of
from tests.end_to_end.sites import Site, serving
from tests.end_to_end.visits import visiting

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

APP = """
from typing import Any, Literal

from pydantic import BaseModel

from mulligan import Context, Mulligan, after

m = Mulligan()

class Doc(BaseModel):
    id: int
    lang: Literal["en", "fr", "xx"] = "en"
    extra: Any = None

wf = m.workflow("summarise", input=Doc)

@wf.step
def fetch(doc: Doc) -> str:
    return f"text of {doc.id}"

@wf.step
def summary(ctx: Context, doc: Doc, text: str = after(fetch)) -> str:
    heat = ctx.playground("temperature", 0.5, min=0, max=2)
    if doc.lang == "xx":
        raise ValueError("no such language")
    return f"{doc.lang} {heat} {text}"

slow = m.workflow("slow")
pause = slow.sleep("1h")

@slow.step(after=[pause])
def late() -> None: ...

def nested(levels: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(levels):
        value = [value]
    return value

VALUES = {
    "not a number": lambda: float("nan"),
    "half a character": lambda: "\\ud800",
    "too deep": lambda: nested(10_000),
    "too large": lambda: "x" * (5 << 20),
    "no data": object,
    "a string with NUL": lambda: "a\\0b",
}

@m.task
def give(what: str) -> Any:
    return VALUES[what]()
"""

MIB = 1 << 20
DEEP = b'{"id": 1, "extra": ' + b"[" * 10_000 + b"]" * 10_000 + b"}"
DOCUMENTS = {
    "not JSON": (b"{oops}", "invalid_json", "object keys must be strings"),
    "cut off": (b'{"id": 1, "extra": [', "invalid_json", "line 1, column"),
    "NaN": (b'{"id": 1, "extra": NaN}', "invalid_json", "invalid character"),
    "infinity": (b'{"id": 1, "extra": 1e999}', "invalid_json", "too large for a double"),
    "NUL": (b'{"id": 1, "extra": "a\0b"}', "invalid_json", "invalid character"),
    "half a surrogate pair": (b'{"id": 1, "extra": "\\ud800"}', "invalid_json", "half of a surrogate pair"),
    "half a surrogate pair, as bytes": (b'{"id": 1, "extra": "\xed\xa0\x80"}', "invalid_json", "not UTF-8"),
    "a key twice": (b'{"id": 1, "id": 2}', "invalid_json", 'the key "id" occurs twice'),
    "10,000 levels": (DEEP, "too_deep", "levels deep"),
    "5 MiB": (b'{"id": 1, "extra": "%s"}' % (b"x" * 5 * MIB), "too_large", "the limit is 4,194,304"),
    "20 MiB": (b'{"id": 1, "extra": "%s"}' % (b"x" * 20 * MIB), "too_large", "larger than 16,777,216 bytes"),
    "wrong type": (b'{"id": "one"}', "invalid_input", '"one" is not of type "integer"'),
    "not a choice": (b'{"id": 1, "lang": "de"}', "invalid_input", '"de" is not one of "en", "fr" or "xx"'),
    "nothing in it": (b"{}", "invalid_input", '"id" is a required property'),
}
"""What is no input of `summarise`: the text, the code that it is refused with, and words of the sentence."""

STARTS = {
    "unknown workflow": (b'{"workflow": "nope"}', "unknown_workflow", "check the spelling"),
    "unknown version": (b'{"workflow": "summarise", "version": "9", "input": {"id": 1}}', "unknown_version", "'9'"),
    "no workflow": (b"{}", "invalid_input", "`workflow`"),
    "no body": (b"", "invalid_input", "`workflow`"),
    "a list": (b"[]", "invalid_input", "object"),
}
REPLAYS = {
    "unknown step": (b'{"start_steps": ["nope"]}', "unknown_step", "Its steps are: fetch, summary."),
    "input of an unknown step": (b'{"inputs": {"nope": {}}}', "unknown_step", "no step 'nope'"),
    "unknown variable": (b'{"playground": {"summary": {"heat": 1}}}', "unknown_variable", "Known here: temperature."),
    "variable of a wrong type": (
        b'{"playground": {"summary": {"temperature": "hot"}}}',
        "invalid_input",
        '"hot" is not of type "number"',
    ),
    "variable out of range": (b'{"playground": {"*": {"temperature": 3}}}', "invalid_input", "the maximum of 2"),
    "unknown version": (b'{"code": "9"}', "unknown_version", "Choose latest, same, or one of: 1."),
    "old plan": (b'{"token": "of another plan"}', "plan_outdated", "Plan again"),
    "patch of nothing": (
        b'{"patches": {"summary": [{"op": "replace", "path": "/doc/a/b", "value": 1}]}}',
        "invalid_input",
        "there is no such place",
    ),
    "unknown field": (b'{"start_step": ["fetch"]}', "invalid_input", "unknown field `start_step`"),
}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with serving(tmp_path_factory.mktemp("site"), APP) as site:
        yield site


@pytest.fixture(scope="module")
def failed(site: Site) -> str:
    return str(site.api.finished("summarise", b'{"id": 1, "lang": "xx"}')["id"])


@pytest.fixture(scope="module")
def unfinished(site: Site) -> str:
    return str(site.api.send("/runs", b'{"workflow": "slow"}').raise_for_status().json()["id"])


class Untouched:
    """What there is before something bad comes in, and has to be there afterwards, bit for bit."""

    def __init__(self, site: Site, *runs: str) -> None:
        self._site = site
        self._count = site.api.count()
        self._rows = self._look(runs)

    def _look(self, runs: tuple[str, ...]) -> dict[str, Rows]:
        return {run: rows_of(self._site.database, run) for run in runs}

    def check(self) -> None:
        assert self._site.api.count() == self._count, "something was made of it"
        assert self._look(tuple(self._rows)) == self._rows


@pytest.fixture
def untouched(site: Site, failed: str, unfinished: str) -> Iterator[None]:
    untouched = Untouched(site, failed, unfinished)
    yield
    untouched.check()


def see_refusal(answer: httpx2.Response, code: str, words: str) -> None:
    assert 400 <= answer.status_code < 500, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert (problem["status"], problem["code"], problem["type"]) == (answer.status_code, code, f"/errors/{code}")
    assert words in problem["detail"]
    assert problem["detail"].endswith("."), "a sentence for people"


# ── REST ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.usefixtures("untouched")
@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_bad_input_starts_no_run(site: Site, name: str) -> None:
    document, code, words = DOCUMENTS[name]
    see_refusal(site.api.send("/runs", b'{"workflow": "summarise", "input": %s}' % document), code, words)


@pytest.mark.usefixtures("untouched")
@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_bad_edit_makes_no_replay(site: Site, failed: str, name: str) -> None:
    document, code, words = DOCUMENTS[name]
    body = b'{"inputs": {"summary": {"text": "t", "doc": %s}}}' % document
    for path in ("replay/plan", "replay"):
        see_refusal(site.api.send(f"/runs/{failed}/{path}", body), code, words)


@pytest.mark.usefixtures("untouched")
@pytest.mark.parametrize("name", STARTS)
def test_a_bad_start_is_refused(site: Site, name: str) -> None:
    body, code, words = STARTS[name]
    see_refusal(site.api.send("/runs", body), code, words)


@pytest.mark.usefixtures("untouched")
@pytest.mark.parametrize("name", REPLAYS)
def test_a_bad_replay_is_refused(site: Site, failed: str, name: str) -> None:
    body, code, words = REPLAYS[name]
    see_refusal(site.api.send(f"/runs/{failed}/replay", body), code, words)


@pytest.mark.usefixtures("untouched")
def test_only_what_has_finished_and_exists_is_replayed(site: Site, unfinished: str) -> None:
    see_refusal(site.api.send(f"/runs/{unfinished}/replay", b"{}"), "not_finished", "still running")
    see_refusal(site.api.send(f"/runs/{'0' * 26}/replay", b"{}"), "not_found", "There is no run")
    see_refusal(site.api.send("/runs/nonsense/replay", b"{}"), "not_found", "There is no run")


def test_the_next_runs_are_as_if_nothing_had_happened(site: Site, failed: str) -> None:
    api = site.api
    for document, *_ in DOCUMENTS.values():
        assert api.send("/runs", b'{"workflow": "summarise", "input": %s}' % document).is_client_error
        assert api.send(f"/runs/{failed}/replay", b'{"inputs": {"summary": %s}}' % document).is_client_error
    before = api.count()
    runs = [{"workflow": "summarise", "input": {"id": number}} for number in range(19)]
    started = api.send("/runs/bulk", json.dumps({"runs": runs}).encode()).raise_for_status().json()["items"]
    # The twentieth waits for its end, and the others have been queued before it.
    assert api.finished("summarise", b'{"id": 19}')["status"] == "succeeded"
    for number, item in enumerate(started):
        assert api.ask(f"/runs/{item['id']}/steps/summary/output") == f"en 0.5 text of {number}"
    assert api.count() == before + 20


# ── Workers ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("what", "words"),
    [
        ("not a number", "JSON has no NaN and no Infinity"),
        ("half a character", "surrogates not allowed"),
        ("too deep", "depth"),
        ("too large", "has 5,242,882 bytes; the limit is 4,194,304"),
        ("no data", "Unable to serialize unknown type"),
    ],
)
def test_a_result_that_cannot_be_kept_fails_its_step_and_says_why(site: Site, what: str, words: str) -> None:
    run = site.api.finished("give", json.dumps({"what": what}).encode())
    assert run["status"] == "failed"
    assert run["failure"]["type"] in ("mulligan.errors.InvalidInput", "mulligan.errors.TooLarge")
    assert words in run["failure"]["message"]
    assert "step 'give'" in run["failure"]["message"]


def test_a_string_with_nul_is_a_string(site: Site) -> None:
    assert site.api.finished("give", b'{"what": "a string with NUL"}')["output"] == "a\0b"


# ── The command line ─────────────────────────────────────────────────────────────────────────────────────────────────


def refused(site: Site, *arguments: str) -> str:
    done = site.call(*arguments)
    assert (done.returncode, done.stdout) == (2, ""), done
    assert "Traceback" not in done.stderr
    first, *_ = done.stderr.splitlines()
    assert first.startswith("mulligan: ")
    return done.stderr


@pytest.mark.usefixtures("untouched")
@pytest.mark.parametrize("name", ["not JSON", "NaN", "half a surrogate pair", "10,000 levels", "20 MiB", "wrong type"])
def test_a_bad_document_on_the_command_line(site: Site, failed: str, name: str, tmp_path: Path) -> None:
    document, _, words = DOCUMENTS[name]
    if name == "20 MiB":
        words = "the limit is 4,194,304"  # noticed here already
    file = tmp_path / "document.json"
    file.write_bytes(document)
    assert words in refused(site, "run", "summarise", "--input", f"@{file}")
    assert words in refused(site, "replay", failed, "--from-beginning", "--input", f"@{file}", "--yes")


@pytest.mark.usefixtures("untouched")
@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--from", "nope"), "Its steps are: fetch, summary."),
        (("--playground", "heat=1"), "Known here: temperature."),
        (("--playground", "temperature=hot"), '"hot" is not of type "number"'),
        (("--set", "doc.lang=de"), 'at /doc/lang: "de" is not one of "en", "fr" or "xx"'),
        (("--set", "text.x=1"), "has no place 'x'"),
        (("--code", "9"), "Choose latest, same, or one of: 1."),
    ],
)
def test_a_bad_replay_on_the_command_line(site: Site, failed: str, arguments: tuple[str, ...], words: str) -> None:
    assert words in refused(site, "replay", failed, *arguments, "--yes")


@pytest.mark.usefixtures("untouched")
def test_what_has_not_finished_or_does_not_exist_on_the_command_line(site: Site, unfinished: str) -> None:
    assert "still running" in refused(site, "replay", unfinished, "--yes")
    assert "There is no run" in refused(site, "replay", "nonsense", "--yes")
    assert "check the spelling" in refused(site, "run", "nope")
    assert "has no version '9'" in refused(site, "run", "summarise", "--set", "id=1", "--version", "9")


ODD_TEXT = "\x1b[31mred\x1b]0;title\x07 \u202eleft\u2028\r\n'\"\\`$(x) =1+1 <b>😀\u200d</b> --yes *"


def test_an_odd_text_on_the_command_line_comes_back_to_the_letter(site: Site, failed: str) -> None:
    started = site.call(
        "run", "summarise", "--set=id=1", f"--set=extra={json.dumps(ODD_TEXT)}", f"--metadata=note={ODD_TEXT}",
        "--idempotency-key=ключ 😀", "--output=json",
    )  # fmt: skip
    assert started.returncode == 0, started
    run = site.api.ask(f"/runs/{json.loads(started.stdout)['id']}")
    assert (run["input"]["extra"], run["metadata"]) == (ODD_TEXT, {"note": ODD_TEXT})
    assert run["idempotency_key"] == "ключ 😀"
    replayed = site.call("replay", failed, "--reason", ODD_TEXT, "--yes", "--output", "json")
    assert replayed.returncode == 0, replayed
    new = json.loads(replayed.stdout)["id"]
    assert site.api.ask(f"/runs/{new}")["replay"]["reason"] == ODD_TEXT
    shown = site.call("runs", "show", new)
    assert shown.returncode == 0, shown
    assert not set("\x1b\x07\r\u202e\u2028").intersection(shown.stdout), "the terminal would obey"


@pytest.mark.usefixtures("untouched")
@pytest.mark.parametrize("option", ["--set=extra=%s", "--metadata=note=%s", "--idempotency-key=%s", "--input=%s"])
def test_bytes_that_are_no_text_on_the_command_line(site: Site, option: str) -> None:
    assert "UTF-8" in refused(site, "run", "summarise", "--set=id=1", option % "\udcff")


# ── The editor in the browser ────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.browser
@pytest.mark.usefixtures("untouched")
async def test_bad_text_in_the_editor_is_explained_and_makes_nothing(site: Site, browser: Browser, failed: str) -> None:
    said = {
        "not JSON": "The input is no JSON yet",
        "cut off": "The input is no JSON yet",
        "NaN": "The input is no JSON yet",
        "infinity": "too large for a double",
        "half a surrogate pair": "half of a surrogate pair",
        "a key twice": "occurs twice",
        "10,000 levels": "levels deep",
        "wrong type": '"one" is not of type "integer"',
        "nothing in it": '"id" is a required property',
    }
    async with visiting(browser, site.api.link, "bad-text") as visit:
        await visit.open_run(failed)
        await visit.page.get_by_role("link", name="Replay from summary").click()
        for name, words in said.items():
            document = b'{"text": "t", "doc": %s}' % DOCUMENTS[name][0]
            await visit.rewrite("summary", document.decode())
            await expect(visit.drawer.get_by_text(words).first).to_be_visible()
            await visit.press_replay_in_vain()
            await visit.picture(name.replace(" ", "-"))
        await visit.drawer.get_by_role("button", name="Undo edits").click()
        await expect(visit.replay_button).to_be_visible()
