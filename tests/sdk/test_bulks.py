"""``m.runs.replay_all``: an outage is over, and everything that it broke is run again, carefully."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from mulligan import Mulligan
from mulligan.errors import Conflict, InvalidInput


@pytest.fixture
def app(tmp_path: Path) -> Iterator[Mulligan]:
    app = Mulligan(database=str(tmp_path / "m.db"))
    yield app
    app.close()


async def test_what_an_outage_broke_is_replayed_in_stages(app: Mulligan, tmp_path: Path) -> None:
    outage = tmp_path / "down"
    outage.touch()

    @app.task
    def charge(card: int, lang: str = "en") -> str:
        if outage.exists():
            raise ConnectionError("the bank is down")
        return f"{lang} {card}"

    failed = [await charge.start(card) for card in range(4)]
    for run in failed:
        await run.wait()
    preview = await app.runs.preview_replay_all("status:failed")
    assert (preview.matched, preview.will_run) == (4, 4)

    careful = await app.runs.replay_all("status:failed", reason="is it back?", canary=(1,), stop_after=1)
    await careful.wait()
    assert "stop after 1" in careful.summary.state_reason
    assert (await careful.progress()).failed == 1
    assert (await careful.abort("not yet")).state == "aborted"
    with pytest.raises(Conflict):
        await careful.resume()

    outage.unlink()
    ids = " ".join(f"id:{run.id}" for run in failed)
    again = await app.runs.replay_all(
        ids, reason="it is back", from_step="charge", input={"lang": "fr"}, idempotency_key="monday"
    )
    await again.wait()
    assert (again.state, (await again.progress()).succeeded) == ("finished", 4)
    found = [await run.wait() async for run in app.runs.query("replay:yes status:succeeded")]
    assert sorted(run.output for run in found) == ["fr 0", "fr 1", "fr 2", "fr 3"]
    repeated = await app.runs.replay_all(
        ids, reason="it is back", from_step="charge", input={"lang": "fr"}, idempotency_key="monday"
    )
    assert repeated.id == again.id


async def test_what_cannot_be_meant_for_many_is_refused(app: Mulligan) -> None:
    @app.task
    async def charge(card: int) -> int:
        raise ConnectionError("down")

    await (await charge.start(1)).wait()
    with pytest.raises(InvalidInput, match="needs a reason"):
        await app.runs.replay_all("status:failed", reason=" ")
    with pytest.raises(InvalidInput, match="name it with from_step"):
        await app.runs.replay_all("status:failed", reason="r", input={"card": 2})
    with pytest.raises(InvalidInput, match="nothing to replay"):
        await app.runs.replay_all("workflow:none", reason="r")
    with pytest.raises(InvalidInput, match="no status"):
        await app.runs.preview_replay_all("status:broken")
