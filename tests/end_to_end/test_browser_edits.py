"""Editing in a real browser: what is not edited survives to the last byte, and what must not be made is never made."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.async_api import Browser, Route, expect

from tests.end_to_end.disk import rows_of
from tests.end_to_end.proxies import ReverseProxy
from tests.end_to_end.sites import Api, Site, serving
from tests.end_to_end.visits import Visit, visiting

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(120)]

APP = """
from typing import Any, Literal

from pydantic import BaseModel

from mulligan import Context, Mulligan, after

m = Mulligan()

class Doc(BaseModel, extra="allow"):
    lang: Literal["en", "fr", "xx"]
    id: int

wf = m.workflow("summarise", input=Doc)

@wf.step
def fetch(doc: Doc) -> dict[str, Any]:
    return {"zulu": doc.id, "alpha": f"text of {doc.id}"}

@wf.step
def summary(ctx: Context, doc: Doc, text: dict[str, Any] = after(fetch)) -> str:
    heat = ctx.playground("temperature", 0.5, min=0, max=2)
    if doc.lang == "xx":
        raise ValueError("no such language")
    return f"{doc.lang} {doc.id} {heat} {text['alpha']}"

pair = m.workflow("pair", input=Doc)

def known(lang: str) -> str:
    if lang == "xx":
        raise ValueError("no such language")
    return lang

@pair.step
def left(doc: Doc) -> str:
    return known(doc.lang)

@pair.step
def right(doc: Doc) -> str:
    return known(doc.lang)

@pair.step
def both(one: str = after(left), other: str = after(right)) -> str:
    return f"{one} and {other}"
"""

BIG = 2**60 + 1
DOCUMENT = (
    b'{"zulu": 1.0,  "lang": "xx", "id": %d,\n "alpha": {"b": 1e2, "a": [9007199254740993, "\\u00e9", "/"]}}' % BIG
)
"""Nothing here may be touched: a number beyond doubles, spelled numbers, the order of keys, white space, escapes."""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with serving(
        tmp_path_factory.mktemp("site"), APP, "--base-path", "/ops/mulligan/", "--public-hosts", "ops.example"
    ) as site:
        yield site


@pytest.fixture
def api(site: Site) -> Api:
    return site.api


@pytest.fixture
def failed(api: Api) -> str:
    """A fresh run that failed at its second step."""
    run = api.finished("summarise", DOCUMENT)
    assert (run["status"], run["failed_step"]) == ("failed", "summary")
    assert api.text(f"/runs/{run['id']}/input") == DOCUMENT
    return str(run["id"])


def without_space(text: bytes) -> bytes:
    """The JSON text without white space between its tokens, which themselves stay as they are written."""
    return re.sub(rb'("(?:[^"\\]|\\.)*")|\s+', lambda found: found[1] or b"", text)


async def open_editor(visit: Visit, run: str) -> None:
    """The drawer of the failed step, with its input in the editor and a plan that stands."""
    await visit.page.get_by_role("navigation", name="Main").get_by_role("link", name="Runs").click()
    await visit.open_run(run)
    await visit.page.get_by_role("link", name="Replay from summary").click()
    await expect(visit.editor("summary")).to_contain_text(f"{BIG}")
    await expect(visit.replay_button).to_be_visible()


async def test_what_is_not_edited_survives_to_the_last_byte(site: Site, browser: Browser, failed: str) -> None:
    api = site.api
    before = rows_of(site.database, failed)
    async with visiting(browser, api.link, "edit-free") as visit:
        await open_editor(visit, failed)
        # Looking at it both ways, and an edit that is taken back, are no edits.
        await visit.drawer.get_by_role("button", name="Form", exact=True).click()
        await expect(visit.drawer.get_by_label("lang")).to_be_visible()
        await visit.drawer.get_by_role("button", name="JSON", exact=True).click()
        await visit.editor("summary").click()
        await visit.page.keyboard.type(" ")
        await visit.press("Control+z")
        await visit.replay_button.click()
        replayed = await visit.new_run(failed)
        await visit.see_status("failed")
        (request,) = visit.replays_sent
        assert "inputs" not in (request.post_data_json or {})
    for path in ("input", "steps/summary/input", "steps/fetch/output"):
        assert api.text(f"/runs/{replayed}/{path}") == api.text(f"/runs/{failed}/{path}")
    assert api.text(f"/runs/{replayed}/input") == DOCUMENT
    assert rows_of(site.database, failed) == before


async def test_an_edit_of_one_field_keeps_all_others(api: Api, browser: Browser, failed: str) -> None:
    async with visiting(browser, api.link, "edit-one-field") as visit:
        await open_editor(visit, failed)
        await visit.drawer.get_by_role("button", name="Form", exact=True).click()
        await visit.drawer.get_by_label("lang").select_option("fr")
        await expect(visit.drawer.get_by_text("● edited")).to_be_visible()
        await expect(visit.drawer.get_by_text("summary · doc.lang")).to_be_visible()
        await visit.picture("plan")
        await visit.replay_button.click()
        replayed = await visit.new_run(failed)
        await visit.see_status("succeeded")
        await visit.page.get_by_role("button", name=re.compile("^summary .*succeeded")).click()
        await visit.drawer.get_by_role("link", name="Output").click()
        await expect(visit.drawer.get_by_label("Output of step summary")).to_contain_text(f"fr {BIG} 0.5 text of {BIG}")
        await visit.picture("output")
    source, edited = (without_space(api.text(f"/runs/{run}/steps/summary/input")) for run in (failed, replayed))
    assert without_space(DOCUMENT) in source
    # An edited document is written anew: numbers to the letter and keys in their order, but strings unescaped.
    assert edited == source.replace(b'"xx"', b'"fr"').replace(b"\\u00e9", "é".encode())
    assert api.text(f"/runs/{replayed}/input") == DOCUMENT, "the edit was the step's, not the run's"


async def test_two_steps_that_failed_are_mended_in_one_replay(api: Api, browser: Browser) -> None:
    run = str(api.finished("pair", b'{"lang": "xx", "id": 1}')["id"])
    async with visiting(browser, api.link, "edit-two-steps") as visit:
        await visit.page.get_by_role("navigation", name="Main").get_by_role("link", name="Runs").click()
        await visit.open_run(run)
        for step, lang in (("left", "fr"), ("right", "en")):
            await visit.page.get_by_role("button", name=re.compile(f"^{step} ")).click()
            await visit.rewrite(step, f'{{"doc": {{"lang": "{lang}", "id": 1}}}}')
            await expect(visit.drawer.get_by_text(f"{step} · doc.lang")).to_be_visible()
        elsewhere = visit.drawer.get_by_role("region", name="Changed elsewhere")
        await expect(elsewhere.get_by_role("listitem")).to_have_text(re.compile("^left · its input"))
        await elsewhere.scroll_into_view_if_needed()
        await visit.picture("plan")
        await visit.replay_button.click()
        replayed = await visit.new_run(run)
        await visit.see_status("succeeded")
    assert api.text(f"/runs/{replayed}/steps/both/output") == b'"fr and en"'


async def test_an_invalid_edit_names_path_and_rule_and_creates_nothing(
    site: Site, browser: Browser, failed: str
) -> None:
    runs, before = site.api.count(), rows_of(site.database, failed)
    async with visiting(browser, site.api.link, "edit-invalid") as visit:
        await open_editor(visit, failed)
        text = site.api.text(f"/runs/{failed}/steps/summary/input").decode()
        await visit.rewrite("summary", text.replace('"xx"', '"de"').replace(f'"id": {BIG}', '"id": "many"'))
        refusal = visit.drawer.get_by_role("alert")
        for path, rule in (("doc.lang", '"de"'), ("doc.id", '"many"')):
            await expect(refusal.get_by_role("listitem").filter(has_text=path)).to_contain_text(rule)
        await expect(visit.drawer.get_by_text(re.compile(r"✕ line \d+:"))).to_have_count(2)
        await visit.picture("refused")
        await visit.press_replay_in_vain()

        await visit.rewrite("summary", text[:-1])
        await expect(visit.drawer.get_by_text("The input is no JSON yet")).to_be_visible()
        await visit.press_replay_in_vain()

        await visit.rewrite("summary", text)
        heat = visit.drawer.get_by_label("temperature")
        await heat.fill("3")
        await expect(visit.drawer.get_by_text("The variable temperature")).to_contain_text("2")
        await visit.press_replay_in_vain()
        await heat.fill("warm")
        await visit.press_replay_in_vain()
        await visit.picture("wrong-variable")
    assert site.api.count() == runs
    assert rows_of(site.database, failed) == before


async def test_pressing_replay_twice_makes_one_run(api: Api, browser: Browser, failed: str) -> None:
    async with visiting(browser, api.link, "twice") as visit:
        await open_editor(visit, failed)
        runs = api.count()
        await visit.replay_button.dblclick()
        replayed = await visit.new_run(failed)
        await visit.see_status("failed")
        assert api.count() == runs + 1
        assert api.only_run(f"source:{failed}") == replayed
        assert len(visit.replays_sent) == 1

        # On purpose, a second time, from the page of the source: that is another replay.
        await visit.page.go_back()
        await expect(visit.replay_button).to_be_visible()
        await visit.press("Control+Enter", "Control+Enter")
        again = await visit.new_run(failed)
        await visit.see_status("failed")
        assert again != replayed
        assert api.count() == runs + 2


async def test_a_replay_whose_answer_was_lost_is_found_again(api: Api, browser: Browser, failed: str) -> None:
    async with visiting(browser, api.link, "answer-lost") as visit:
        await open_editor(visit, failed)
        runs = api.count()

        async def lose_the_answer(route: Route) -> None:
            await route.fetch()
            await route.abort("connectionreset")

        await visit.page.route("**/replay", lose_the_answer, times=1)
        await visit.replay_button.click()
        await expect(visit.drawer.get_by_role("alert")).to_be_visible()
        await visit.picture("told")
        assert api.count() == runs + 1, "it was made, and only the browser does not know"
        await visit.replay_button.click()
        assert await visit.new_run(failed) == api.only_run(f"source:{failed}")
        await expect(visit.page.get_by_text("This replay had been made already")).to_be_visible()
        assert api.count() == runs + 1


async def test_behind_a_proxy_with_a_path_prefix_on_plain_http(api: Api, browser: Browser, failed: str) -> None:
    """`http://ops.example/ops/mulligan/` is no secure context: browsers give pages there no clipboard, for one."""
    proxy = ReverseProxy(api.url, "/ops/mulligan/")
    async with proxy.listening() as address:
        link = f"http://ops.example/ops/mulligan/#token={api.token}"
        async with visiting(browser, link, "prefix", "dark", proxy={"server": address}) as visit:
            assert await visit.page.evaluate("() => !isSecureContext && navigator.clipboard === undefined")
            await open_editor(visit, failed)
            assert visit.page.url == f"http://ops.example/ops/mulligan/runs/{failed}/steps/summary"
            await visit.page.get_by_role("button", name="Copy the run's id").click()
            await expect(visit.page.get_by_text("Copied the run's id")).to_be_visible()
            search = visit.page.get_by_role("combobox", name="Search or filter runs")
            await search.click()
            await visit.press("Control+v")
            await expect(search).to_have_value(failed)
            await visit.drawer.get_by_label("temperature").fill("1.5")
            await visit.replay_button.click()
            replayed = await visit.new_run(failed)
            # The end of the run arrives as news, through the proxy, without a reload.
            await visit.see_status("failed")
            await visit.page.get_by_role("link", name="Compare with its source").click()
            await expect(visit.page.get_by_text("summary · variable temperature")).to_be_visible()
            await visit.page.reload()
            await expect(visit.page.get_by_role("heading", name="Compare", level=1)).to_be_visible()
            assert visit.page.url == f"http://ops.example/ops/mulligan/compare/{failed}/{replayed}"
            await visit.picture("compared")
    assert [address for address in proxy.refused if "ops.example" in address] == []
