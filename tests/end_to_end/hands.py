"""Two ways to use the dashboard: whatever one can do with a mouse has to be possible with the keyboard alone."""

from __future__ import annotations

from typing import ClassVar, Protocol

from playwright.async_api import Locator, expect

from tests.end_to_end.visits import Theme, Visit


class Hands(Protocol):
    """What a person does between a failed run and its replay. ``theme``: each hand sees the pages in another one."""

    theme: ClassVar[Theme]

    def __init__(self, visit: Visit) -> None: ...

    async def open_run(self, query: str) -> None:
        """Have the runs filtered, and go to the newest that is left."""

    async def follow(self, link: Locator) -> None:
        """A link or a button."""

    async def write(self, field: Locator, text: str) -> None:
        """Replace what stands in a field."""

    async def list_steps(self) -> None:
        """See the steps of a run as a list, not as a graph."""

    async def replay(self) -> None:
        """Press Replay, once the plan is there."""


class Mouse:
    theme: ClassVar[Theme] = "light"

    def __init__(self, visit: Visit) -> None:
        self._visit = visit

    async def open_run(self, query: str) -> None:
        page = self._visit.page
        await page.get_by_role("navigation", name="Main").get_by_role("link", name="Runs").click()
        search = page.get_by_role("combobox", name="Search or filter runs")
        await search.click()
        await search.fill(query)
        await search.press("Enter")
        await _filtered(self._visit, query)
        await self._visit.picture("runs")
        await page.locator("[data-run]").first.click()

    async def follow(self, link: Locator) -> None:
        await link.click()

    async def write(self, field: Locator, text: str) -> None:
        await field.click(click_count=3)
        await field.fill(text)

    async def list_steps(self) -> None:
        await self._visit.page.get_by_role("checkbox", name="as a list").click()

    async def replay(self) -> None:
        await self._visit.replay_button.click()


class Keyboard:
    theme: ClassVar[Theme] = "dark"

    def __init__(self, visit: Visit) -> None:
        self._visit = visit

    async def open_run(self, query: str) -> None:
        page = self._visit.page
        await expect(page.get_by_role("combobox", name="Search or filter runs")).to_be_visible()
        await self._visit.press("g", "r", "/")
        await page.keyboard.type(query)
        await self._visit.press("Enter")
        await _filtered(self._visit, query)
        await self._visit.press("Escape", "j")
        await expect(page.locator("[data-run]").first).to_be_focused()
        await self._visit.picture("runs")
        await self._visit.press("Enter")

    async def follow(self, link: Locator) -> None:
        await self._visit.tab_to(link)
        await self._visit.press("Enter")

    async def write(self, field: Locator, text: str) -> None:
        await self._visit.tab_to(field)
        await self._visit.press("Control+a")
        await self._visit.page.keyboard.type(text)

    async def list_steps(self) -> None:
        await self._visit.press("l")

    async def replay(self) -> None:
        await expect(self._visit.replay_button).to_be_visible()
        await self._visit.press("Control+Enter")


async def _filtered(visit: Visit, query: str) -> None:
    """Each word of the query has become a chip, and the table shows what it means and nothing else."""
    filters = visit.page.get_by_role("list", name="Filters").get_by_role("button", name="Remove the filter")
    await expect(filters).to_have_count(len(query.split()))
    await expect(visit.page.get_by_text("1 run", exact=True)).to_be_visible()
    await expect(visit.page.locator("[data-run]")).to_have_count(1)
