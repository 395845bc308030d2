"""What leaves the dashboard: a replay as a command to paste, a draft for a colleague, values for later or the code."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, Locator, expect

from tests.end_to_end.programs import clean_environment
from tests.end_to_end.sites import Api, Site, serving
from tests.end_to_end.visits import Visit, visiting

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(120)]

APP = """
import os

from pydantic import BaseModel

from mulligan import Context, Mulligan, after

m = Mulligan(os.environ.get("MULLIGAN_URL"), token=os.environ.get("MULLIGAN_TOKEN"))

class Doc(BaseModel):
    id: int
    lang: str

wf = m.workflow("summarise", input=Doc)

@wf.step
def fetch(doc: Doc) -> str:
    return f"text of {doc.id}"

@wf.step
def summary(ctx: Context, doc: Doc, text: str = after(fetch)) -> str:
    heat = ctx.playground("temperature", 0.5, min=0, max=2)
    if doc.lang == "xx":
        raise ValueError("no such language")
    return f"{doc.lang} {doc.id} {heat} {text}"
"""

BIG = 2**60 + 1
REASON = 'O\'Reilly asked for "fr" & $HOME'
CLIPBOARD = ["clipboard-read", "clipboard-write"]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with serving(tmp_path_factory.mktemp("site"), APP) as site:
        yield site


@pytest.fixture
def failed(site: Site) -> str:
    return str(site.api.finished("summarise", b'{"id": %d, "lang": "xx"}' % BIG)["id"])


async def open_step(visit: Visit, api: Api, run: str) -> None:
    await visit.page.goto(f"{api.url}/runs/{run}/steps/summary")
    await expect(visit.editor("summary")).to_contain_text(f"{BIG}")
    await expect(visit.replay_button).to_be_visible()


async def edit(visit: Visit) -> None:
    """Another language, a variable, and a reason that needs quoting everywhere."""
    await visit.rewrite("summary", f'{{"doc": {{"id": {BIG}, "lang": "fr"}}, "text": "text of {BIG}"}}')
    await visit.drawer.get_by_label("temperature", exact=True).fill("1.50")
    await visit.drawer.get_by_label("Reason, for those who look at it later").fill(REASON)
    await expect(visit.drawer.get_by_text("summary · doc.lang")).to_be_visible()
    await expect(visit.replay_button).to_be_visible()


async def copy_as(visit: Visit, language: str, place: Locator | None = None) -> str:
    await visit.page.evaluate("navigator.clipboard.writeText('')")
    await (place or visit.drawer).get_by_role("button", name="Copy as").click()
    await visit.page.get_by_role("menuitem", name=language).click()
    await visit.page.wait_for_function("navigator.clipboard.readText().then(text => text !== '')")
    return str(await visit.page.evaluate("navigator.clipboard.readText()"))


def as_program(snippet: str) -> str:
    body = "\n    ".join(snippet.splitlines())
    return f"import asyncio\nfrom app import m\nasync def main():\n    {body}\nasyncio.run(main())"


def run_pasted(site: Site, command: list[str], code: int = 0) -> None:
    environment = {
        "MULLIGAN_URL": site.api.url,
        "MULLIGAN_TOKEN": site.api.token,
        "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin",
    }
    done = subprocess.run(
        command, cwd=site.folder, env=clean_environment(environment), capture_output=True, text=True, timeout=60,
        check=False,
    )  # fmt: skip
    assert done.returncode == code, done.stdout + done.stderr


async def test_what_is_copied_makes_the_same_replay_wherever_it_is_pasted(
    site: Site, browser: Browser, failed: str
) -> None:
    api = site.api
    async with visiting(browser, api.link, "copied", permissions=CLIPBOARD) as visit:
        await open_step(visit, api, failed)
        await edit(visit)
        texts = {language: await copy_as(visit, language) for language in ("Python", "CLI", "curl")}
    # At a terminal the command shows the plan and asks.
    run_pasted(site, ["bash", "-c", f"{texts['CLI']} --yes"])
    run_pasted(site, ["bash", "-c", f"{texts['curl']} --silent --fail-with-body"])
    run_pasted(site, [sys.executable, "-c", as_program(texts["Python"])])

    made = [api.ask(f"/runs/{link['id']}")["replay"] for link in api.ask(f"/runs/{failed}")["replays"]]
    assert len(made) == len(texts)
    for replay in made:
        assert replay["reason"] == REASON
        assert replay["start_steps"] == ["summary"]
        assert [(one["path"], one["value"]) for one in replay["edits"]["summary"]] == [("/doc/lang", "fr")]
        assert replay["overrides"] == {"summary": {"temperature": 1.5}}


async def test_a_bulk_replay_that_was_copied_is_the_same_one_when_pasted(
    site: Site, browser: Browser, failed: str
) -> None:
    api = site.api
    query = f"id:{failed} status:failed"
    async with visiting(browser, api.link, "copied-bulk", permissions=CLIPBOARD) as visit:
        page = visit.page
        await expect(page.get_by_role("heading", level=1)).to_be_visible()
        await page.goto(f"{api.url}/runs?q={query.replace(' ', '+')}")
        await page.get_by_role("checkbox", name=re.compile("^Select run")).check()
        await page.get_by_role("button", name="Replay…").click()
        dialog = page.get_by_role("dialog")
        await dialog.get_by_label(re.compile("^Reason")).fill(REASON)
        await dialog.get_by_label("temperature", exact=True).fill("1.75")
        await expect(dialog.get_by_text("All 1 will be replayed.")).to_be_visible()
        texts = {language: await copy_as(visit, language, dialog) for language in ("Python", "CLI", "curl")}
    # The variable does not mend it: 1 says that the replays have failed, too.
    run_pasted(site, ["bash", "-c", f"{texts['CLI']} --yes"], code=1)
    run_pasted(site, ["bash", "-c", f"{texts['curl']} --silent --fail-with-body"])
    run_pasted(site, [sys.executable, "-c", as_program(texts["Python"])])

    bulks = api.ask("/replays")["items"]
    assert len(bulks) == len(texts)
    for bulk in bulks:
        assert (bulk["reason"], bulk["total"], bulk["stop_after"], bulk["stop_on_new"]) == (REASON, 1, 2, True)
        assert bulk["request"]["playground"] == {"summary": {"temperature": 1.75}}
        assert [item["source_id"] for item in api.ask(f"/replays/{bulk['id']}/items")["items"]] == [failed]


async def test_a_colleague_opens_a_draft_and_replays_it(site: Site, browser: Browser, failed: str) -> None:
    api = site.api
    async with visiting(browser, api.link, "draft", permissions=CLIPBOARD) as visit:
        await open_step(visit, api, failed)
        await edit(visit)
        link = await copy_as(visit, "Link to this draft")
    async with visiting(browser, api.link, "draft-opened", "dark") as visit:
        await expect(visit.page.get_by_role("heading", level=1)).to_be_visible()
        await visit.page.goto(link)
        await expect(visit.drawer.get_by_text("A draft by owner of the data folder")).to_be_visible()
        await expect(visit.editor("summary")).to_contain_text('"lang": "fr"')
        await expect(visit.drawer.get_by_label("temperature", exact=True)).to_have_value("1.50")
        await expect(visit.drawer.get_by_label("Reason, for those who look at it later")).to_have_value(REASON)
        await expect(visit.replay_button).to_be_visible()
        await visit.picture("opened")
        await visit.replay_button.click()
        replayed = await visit.new_run(failed)
        await visit.see_status("succeeded")
        await visit.page.goto(link.replace("draft=", "draft=no"))
        await expect(visit.page.get_by_text("There is no draft")).to_be_visible()
    assert api.ask(f"/runs/{replayed}/steps/summary/output") == f"fr {BIG} 1.5 text of {BIG}"


async def test_values_are_kept_as_preset_and_pin_and_carried_into_the_code(
    site: Site, browser: Browser, failed: str
) -> None:
    api = site.api
    async with visiting(browser, api.link, "values", permissions=CLIPBOARD) as visit:
        await open_step(visit, api, failed)
        drawer, heat = visit.drawer, visit.drawer.get_by_label("temperature", exact=True)
        await heat.fill("1.25")
        await drawer.get_by_role("button", name="save these values as a preset").click()
        await drawer.get_by_label("Name of the preset").fill("warm")
        await visit.press("Enter")
        await expect(drawer.get_by_role("button", name="warm", exact=True)).to_be_visible()
        await drawer.get_by_role("button", name="pin temperature").click()
        await expect(drawer.get_by_role("button", name="pinned temperature")).to_be_visible()
        await drawer.get_by_role("button", name="copy for the code").click()
        await visit.page.wait_for_function("navigator.clipboard.readText().then(text => text.includes('sed '))")
        patch = str(await visit.page.evaluate("navigator.clipboard.readText()"))
        await drawer.get_by_role("button", name="undo", exact=True).click()
        await expect(heat).to_have_value("0.5")
        await drawer.get_by_role("button", name="warm", exact=True).click()
        await expect(heat).to_have_value("1.25")
        await visit.picture("preset")

        pinned = api.finished("summarise", b'{"id": 1, "lang": "en"}')["id"]
        assert api.ask(f"/runs/{pinned}/steps/summary/output") == "en 1 1.25 text of 1"
        await drawer.get_by_role("button", name="pinned temperature").click()
        await expect(drawer.get_by_role("button", name="pin temperature")).to_be_visible()
    unpinned = api.finished("summarise", b'{"id": 1, "lang": "en"}')["id"]
    assert api.ask(f"/runs/{unpinned}/steps/summary/output") == "en 1 0.5 text of 1"
    before = (site.folder / "app.py").read_text()
    run_pasted(site, ["bash", "-c", patch])
    assert (site.folder / "app.py").read_text() == before.replace('"temperature", 0.5', '"temperature", 1.25')
