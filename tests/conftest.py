"""What all tests share: how hypothesis searches, an environment without settings, and the browser."""

import os
from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING

import hypothesis
import pytest

if TYPE_CHECKING:
    from playwright.async_api import Browser

# In CI the same examples every time: a merge must not fail by chance. At a desk hypothesis looks for new ones.
EXAMPLES = 50
hypothesis.settings.register_profile("desk", deadline=None, max_examples=EXAMPLES)
hypothesis.settings.register_profile("ci", deadline=None, max_examples=EXAMPLES, derandomize=True, print_blob=True)
hypothesis.settings.load_profile("ci" if os.environ.get("CI") else "desk")

# As root Chromium has no sandbox; the rest keeps it from calling home, which is slow where it may not.
CHROMIUM_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-sync",
    "--disable-component-update",
    "--disable-background-networking",
]


WAITING = ("tests/chaos", "tests/end_to_end")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """First what mostly waits for processes and pages, so that the tests that compute run beside it and not before."""
    items.sort(key=lambda item: not item.nodeid.startswith(WAITING))


@pytest.fixture(scope="session", autouse=True)
def _no_settings_of_the_developers_own() -> Iterator[None]:
    """Nor for the programs that tests start. Before all fixtures, also those that live as long as the session."""
    with pytest.MonkeyPatch.context() as patch:
        for name in list(os.environ):
            if name.startswith("MULLIGAN_") and not name.startswith("MULLIGAN_TEST_"):
                patch.delenv(name)
        yield


@pytest.fixture
async def browser() -> "AsyncIterator[Browser]":
    """A Chromium of the test's own: Debian's, or the one that ``CHROMIUM`` names. `make browser` installs it."""
    # imported here: tests without a browser shall not wait for it
    from playwright.async_api import async_playwright

    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(
            executable_path=os.environ.get("CHROMIUM", "/usr/bin/chromium"), args=CHROMIUM_FLAGS
        )
        yield chromium
        await chromium.close()
