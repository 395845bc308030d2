"""The README's quickstart runs as it is printed, fails as it says, and its replay succeeds as it says."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

README = Path(__file__).parents[2] / "README.md"


def quickstart() -> str:
    text = README.read_text(encoding="utf-8")
    inside = text.partition("<!-- quickstart -->")[2].partition("<!-- /quickstart -->")[0]
    return inside.partition("```python\n")[2].partition("```")[0]


@pytest.fixture
def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The quickstart as a module of its own, with its database in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "quickstart_app.py").write_text(quickstart(), encoding="utf-8")
    spec = importlib.util.spec_from_file_location("quickstart_app", tmp_path / "quickstart_app.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "quickstart_app", module)
    spec.loader.exec_module(module)
    return module


def test_the_quickstart_is_twenty_lines() -> None:
    assert 10 < len([line for line in quickstart().splitlines() if line.strip()]) <= 20


async def test_the_quickstart_fails_and_its_replay_succeeds(app: ModuleType) -> None:
    run = await app.wf.start("Golf")
    await run.wait()
    assert run.status == "failed"
    again = await run.replay(from_step=app.summary, playground={"sentences": 2}, reason="the page is short")
    await again.wait()
    assert again[app.summary].output == "Golf is a game. It is played outdoors."
    assert again[app.fetch].status == "kept"
    app.m.close()
