"""An outage seen from the command line: the inbox, a preview, a careful bulk replay. Server and worker are real."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.end_to_end.programs import Program, call, mulligan

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

APP = """
from pathlib import Path
from mulligan import Mulligan

m = Mulligan()

@m.task
def charge(card: int, lang: str = "en") -> str:
    if Path("down").exists():
        raise ConnectionError(f"bank is down, request {card}")
    return f"{lang} {card}"
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    tmp_path = tmp_path_factory.mktemp("outage")
    (tmp_path / "app.py").write_text(APP)
    with Program(mulligan("server", "--port", "0"), tmp_path) as server:
        server.wait_for(r"serving sqlite:///\S+ at (http://\S+)")
        with Program(mulligan("worker", "app.py:m", "--name", "tester"), tmp_path) as worker:
            worker.wait_for("Worker tester is connected")
            (tmp_path / "down").touch()
            for card in range(3):
                assert call(tmp_path, "run", "charge", "--set", f"card={card}", "--wait").returncode == 1
            yield tmp_path
            worker.send(signal.SIGTERM)
            assert worker.end() == 0
        server.send(signal.SIGTERM)
        assert server.end() == 0


def test_an_outage_is_seen_replayed_and_resolved(folder: Path) -> None:
    (group,) = json.loads(call(folder, "inbox", "ls", "-o", "json").stdout)["items"]
    fingerprint, query = group["fingerprint"], f"fingerprint:{group['fingerprint']}"
    assert (group["count"], group["error_type"]) == (3, "ConnectionError")
    listed = call(folder, "inbox")
    assert f"{fingerprint}" in listed.stdout
    shown = call(folder, "inbox", "show", fingerprint[:4])
    assert "bank is down" in shown.stdout
    assert "input.lang" not in shown.stdout  # it was not given, so the runs have nothing of it in common

    planned = call(folder, "replay", "-q", query, "--plan")
    assert "3 runs match, 3 of them have finished" in planned.stdout
    unasked = call(folder, "replay", "-q", query, "--reason", "bank is back")
    assert (unasked.returncode, "add --yes" in unasked.stderr) == (2, True)

    still_down = call(folder, "replay", "-q", query, "--yes", "--reason", "try", "--canary", "1", "--stop-after", "1")
    assert still_down.returncode == 1
    assert "stopped" in still_down.stdout
    unknown = call(folder, "inbox", "show", "0123456789abcdef")
    assert (unknown.returncode, "retention" in unknown.stderr) == (2, False)
    (bulk,) = json.loads(call(folder, "replays", "ls", "-o", "json").stdout)["items"]
    assert (bulk["state"], bulk["progress"]["failed"]) == ("stopped", 1)

    to_the_end = call(folder, "replay", "-q", f"{query} replay:no", "--yes", "--reason", "try all")
    assert to_the_end.returncode == 1
    assert "finished, 3 failed" in to_the_end.stdout
    assert "stopped" in call(folder, "replays", "show", bulk["id"][:4]).stdout

    (folder / "down").unlink()
    edited = ["--from", "charge", "--set", "lang=fr"]
    done = call(folder, "replay", "-q", query, *edited, "--yes", "--reason", "bank is back", "--canary", "50%")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "finished" in done.stdout
    runs = json.loads(call(folder, "runs", "ls", "-q", "replay:yes status:succeeded", "-o", "json").stdout)["items"]
    outputs = {json.loads(call(folder, "runs", "show", run["id"], "-o", "json").stdout)["output"] for run in runs}
    assert outputs >= {"fr 0", "fr 1", "fr 2"}

    resumed = call(folder, "replays", "abort", bulk["id"][:4], "--reason", "not needed any more")
    assert "aborted" in resumed.stdout
    resolved = call(folder, "inbox", "resolve", fingerprint, "--note", "bank is back")
    assert resolved.stdout.startswith("resolved")
    assert json.loads(call(folder, "inbox", "-o", "json").stdout)["counts"]["open"] == 0
    assert call(folder, "inbox", "snooze", fingerprint).returncode == 2
    assert call(folder, "inbox", "snooze", fingerprint, "--for", "1h").stdout.startswith("snoozed")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["replay", "--yes"], "Name the run to replay"),
        (["replay", "0" * 26, "-q", "status:failed"], "one of the two"),
        (["replay", "-q", "status:failed", "--yes"], "needs a reason"),
        (["replay", "-q", "status:failed", "--set", "a=1", "--yes"], "--set needs --from STEP"),
        (["replay", "-q", "status:failed", "--yes", "--reason", "r", "--canary", "many"], "--canary 'many'"),
        (["replay", "-q", "status:failed", "--yes", "--reason", "r", "--canary", "100%"], "between 0% and 100%"),
        (["replay", "-q", "status:failed", "--yes", "--reason", "r", "--input", "{}"], "copy one run's input"),
    ],
)
def test_what_cannot_be_meant_is_refused_in_words(folder: Path, arguments: list[str], says: str) -> None:
    done = call(folder, *arguments)
    assert done.returncode == 2
    assert says in done.stderr
