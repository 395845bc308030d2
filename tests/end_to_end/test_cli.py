"""The command line against a real server and a real worker, each in a process of its own."""

from __future__ import annotations

import json
import re
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.programs import Program, call, mulligan

APP = """
import logging
from mulligan import Context, Mulligan, after
from pydantic import BaseModel

m = Mulligan()

@m.task
async def add(a: int, b: int = 1) -> int:
    return a + b

class Doc(BaseModel):
    id: int
    lang: str = "en"

wf = m.workflow("summarise", input=Doc)

@wf.step
def fetch(doc: Doc) -> str:
    return f"text of {doc.id}"

@wf.step
def summary(ctx: Context, doc: Doc, text: str = after(fetch)) -> str:
    heat = ctx.playground("temperature", 0.5, max=2)
    ctx.log.warning("summing up %s", doc.lang)
    if doc.lang == "xx":
        raise ValueError("no such language\\x1b[2J")
    return f"{doc.lang}/{heat}/{text}"

@wf.step(effect="irreversible")
async def publish(text: str = after(summary)) -> int:
    return len(text)

slow = m.workflow("slow")
pause = slow.sleep("1h")

@slow.step(after=[pause])
def late() -> None: ...
"""


@dataclass(frozen=True)
class Site:
    folder: Path
    server: Program
    url: str

    def call(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return call(self.folder, *arguments, environment=environment)

    def ask(self, *arguments: str) -> Any:
        """What a command that has to succeed answers as JSON."""
        done = self.call(*arguments, "-o", "json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def start(self, *arguments: str) -> str:
        """The id of a run that has just been started and has ended, however it did."""
        done = self.call("run", *arguments, "--wait", "-o", "json")
        return str(json.loads(done.stdout)["id"])


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("site")
    (folder / "app.py").write_text(APP)
    with Program(mulligan("server", "--port", "0"), folder) as server:
        url = server.wait_for(r"serving sqlite:///\S+ at (http://\S+)")[1]
        with Program(mulligan("worker", "app.py:m", "--name", "tester"), folder) as worker:
            worker.wait_for("Worker tester is connected")
            yield Site(folder, server, url)
            worker.send(signal.SIGTERM)
            assert worker.end() == 0
        server.send(signal.SIGTERM)
        assert server.end() == 0


@pytest.fixture(scope="module")
def failed_run(site: Site) -> str:
    return site.start("summarise", "--set", "id=7", "--set", "lang=xx")


# ── Starting ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_run_wait_prints_the_result_of_a_task_and_nothing_else(site: Site) -> None:
    done = site.call("run", "add", "--set", "a=9007199254740993", "--wait")
    assert (done.returncode, done.stdout) == (0, "9007199254740994\n")


def test_run_without_wait_prints_the_id(site: Site) -> None:
    done = site.call("run", "add", "--input", '{"a": 1}')
    assert re.fullmatch(r"[0-9a-v]{26}\n", done.stdout)
    assert f"{site.url}/runs/" in done.stderr


def test_a_run_that_fails_is_exit_code_1_with_its_reason_and_no_foreign_control_characters(site: Site) -> None:
    done = site.call("run", "summarise", "--set", "id=7", "--set", "lang=xx", "--wait")
    assert done.returncode == 1
    assert "ValueError: no such language\\x1b[2J" in done.stdout
    assert "app.py:27 in summary" in done.stdout
    assert "\x1b" not in done.stdout


def test_a_step_is_shown_with_its_variables_its_error_and_its_payloads(site: Site, failed_run: str) -> None:
    shown = site.call("runs", "show", failed_run, "--step", "summary").stdout
    assert re.search(r"temperature +0\.5 +0\.5 +app\.py:24", shown)
    assert "ValueError: no such language\\x1b[2J" in shown
    assert '"text": "text of 7"' in shown
    assert '"text of 7"' in site.call("runs", "show", failed_run, "--step", "fetch").stdout.partition("output:")[2]
    assert site.ask("runs", "show", failed_run, "--step", "fetch")["output"] == "text of 7"


def test_the_beginning_of_an_id_is_enough_as_long_as_it_is_only_one_runs(site: Site, failed_run: str) -> None:
    newest = site.start("add", "--set", "a=1")
    assert site.ask("runs", "show", newest[:-3])["id"] == newest
    assert site.ask("replay", failed_run[:-3], "--plan")["start_steps"] == ["summary"]
    assert site.ask("diff", newest[:-3], newest)["a"]["id"] == newest
    several = site.call("runs", "show", newest[:4])
    assert (several.returncode, "Give more of the id" in several.stderr) == (2, True)
    nobody = site.call("runs", "show", "vvvvvv")
    assert (nobody.returncode, "There is no run 'vvvvvv'" in nobody.stderr) == (2, True)


def test_an_input_that_breaks_the_schema_is_exit_code_2_with_path_and_rule(site: Site) -> None:
    done = site.call("run", "add", "--set", "a=one")
    assert done.returncode == 2
    assert "/a" in done.stderr
    assert "integer" in done.stderr


def test_a_number_where_a_string_is_wanted_is_told_with_the_quotes_to_write(site: Site, failed_run: str) -> None:
    started = site.call("run", "summarise", "--set", "id=1", "--set", "lang=7")
    assert (started.returncode, "If you mean a string: --set 'lang=\"7\"'" in started.stderr) == (2, True)
    replayed = site.call("replay", failed_run, "--set", "doc.lang=7", "--plan")
    assert (replayed.returncode, "If you mean a string: --set 'doc.lang=\"7\"'" in replayed.stderr) == (2, True)
    assert "If you mean" not in site.call("run", "add", "--set", "a=one").stderr


def test_an_unknown_workflow_is_exit_code_2_with_what_to_do(site: Site) -> None:
    done = site.call("run", "no-such-workflow")
    assert done.returncode == 2
    assert "mulligan worker" in done.stderr
    assert "There are: add, slow, summarise." in done.stderr


@pytest.mark.parametrize("command", [("run",), ("workflows", "show"), ("run", "--playground", "temperature=1")])
def test_a_workflow_whose_name_is_misspelt_is_named(site: Site, command: tuple[str, ...]) -> None:
    done = site.call(*command, "sumarise")
    assert done.returncode == 2
    assert "named 'sumarise'" in done.stderr
    assert done.stderr.endswith("Did you mean 'summarise'?\n")


@pytest.mark.slow
def test_whoever_waits_for_a_run_that_does_not_move_is_told_why(site: Site) -> None:
    with Program(mulligan("run", "slow", "--wait"), site.folder) as waiting:
        waiting.wait_for("sleep_1h: Sleeps; goes on in ")


def test_whoever_stops_waiting_is_told_that_the_run_goes_on(site: Site) -> None:
    with Program(mulligan("run", "slow", "--wait"), site.folder) as waiting:
        run_id = waiting.wait_for(r"(\w+) started; ")[1]
        waiting.send(signal.SIGINT)
        waiting.wait_for(f"{run_id} goes on .* look again with `mulligan runs show {run_id}`")
        assert waiting.end() == 130


def test_whoever_starts_a_run_that_no_worker_can_take_is_told_so(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(APP)
    with Program(mulligan("server", "--port", "0"), tmp_path) as server:
        server.wait_for("serving sqlite")
        with Program(mulligan("worker", "app.py:m", "--name", "short"), tmp_path) as worker:
            worker.wait_for("Worker short is connected")
            worker.send(signal.SIGTERM)
            assert worker.end() == 0
        started = call(tmp_path, "run", "add", "--set", "a=1")
        assert started.returncode == 0
        assert "queued: " in started.stderr
        assert "No worker is connected. Start one that declares" in started.stderr


def test_the_same_idempotency_key_makes_one_run(site: Site) -> None:
    ids = {site.call("run", "add", "--set", "a=1", "--idempotency-key", "once").stdout for _ in range(2)}
    assert len(ids) == 1


def test_a_playground_value_and_metadata_go_with_the_run(site: Site) -> None:
    options = ("--set", "id=1", "--playground", "summary.temperature=0.1", "--metadata", "team=web")
    site.start("summarise", *options)
    (run,) = site.ask("runs", "ls", "-q", "tag.team:web")["items"]
    detail = site.ask("runs", "show", run["id"])
    assert (detail["status"], detail["metadata"]) == ("succeeded", {"team": "web"})


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("temprature=1", "named 'temprature'. Known here: temperature. Did you mean 'temperature'?"),
        ("summary.temperature=3", "playground variable temperature of step summary: at /: 3 is greater than"),
    ],
)
def test_a_playground_value_that_a_replay_would_refuse_starts_nothing(site: Site, given: str, told: str) -> None:
    before = site.ask("runs", "ls", "--limit", "1")["items"]
    done = site.call("run", "summarise", "--set", "id=1", "--playground", given)
    assert (done.returncode, done.stdout) == (2, "")
    assert told in done.stderr
    assert site.ask("runs", "ls", "--limit", "1")["items"] == before


def test_a_step_that_is_not_known_to_read_variables_may_all_the_same(site: Site) -> None:
    done = site.call("run", "summarise", "--set", "id=1", "--playground", "fetch.depth=1")
    assert done.returncode == 0


# ── Looking ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_runs_are_listed_by_query(site: Site, failed_run: str) -> None:
    table = site.call("runs", "ls", "-q", "status:failed workflow:summarise").stdout
    assert failed_run in table
    assert "summary: ValueError" in table
    assert "add" not in table
    assert failed_run in site.call("runs", "ls", "status:failed", "workflow:summarise").stdout
    assert failed_run not in site.call("runs", "ls", "status:succeeded").stdout
    wrong = site.call("runs", "ls", "-q", "colour:red")
    assert (wrong.returncode, "colour" in wrong.stderr) == (2, True)


def test_a_run_is_shown_with_its_steps(site: Site, failed_run: str) -> None:
    shown = site.call("runs", "show", failed_run).stdout
    assert re.search(r"fetch +succeeded", shown)
    assert re.search(r"publish +not_reached", shown)
    assert '"lang": "xx"' in shown


def test_the_address_may_be_that_of_the_api(site: Site) -> None:
    assert site.call("runs", "ls", "--url", f"{site.url}/api/v1").returncode == 0


def test_a_run_that_is_not_there_is_exit_code_2(site: Site) -> None:
    done = site.call("runs", "show", "0" * 26)
    assert (done.returncode, "There is no run" in done.stderr) == (2, True)


def test_logs_are_printed_for_people_and_for_programs(site: Site, failed_run: str) -> None:
    assert "summary WARNING summing up xx" in site.call("runs", "logs", failed_run).stdout
    lines = [json.loads(line) for line in site.call("runs", "logs", failed_run, "-o", "json").stdout.splitlines()]
    assert [(line["step"], line["level"], line["message"]) for line in lines] == [
        ("summary", "WARNING", "summing up xx")
    ]
    none = site.call("runs", "logs", failed_run, "--step", "fetch")
    assert (none.stdout, "no log lines" in none.stderr) == ("", True)


def test_logs_are_followed_until_the_run_is_cancelled(site: Site) -> None:
    run_id = site.call("run", "slow").stdout.strip()
    with Program(mulligan("runs", "logs", "-f", run_id), site.folder) as following:
        cancelled = site.call("runs", "cancel", run_id, "--reason", "test")
        assert (cancelled.returncode, cancelled.stdout) == (0, "cancelled\n")
        assert following.end() == 0
    assert "ended before (cancelled)" in site.call("runs", "cancel", run_id).stdout


def test_workflows_and_workers_are_listed(site: Site) -> None:
    assert {item["name"] for item in site.ask("workflows")["items"]} == {"add", "summarise", "slow"}
    shown = site.call("workflows", "show", "summarise").stdout
    assert re.search(r"publish +call +summary +irreversible", shown)
    (worker,) = [item for item in site.ask("workers")["items"] if item["state"] == "active"]
    assert worker["name"] == "tester"
    assert "tester" in site.call("workers").stdout


# ── Replaying ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_plan_says_what_would_happen_and_makes_nothing(site: Site, failed_run: str) -> None:
    before = site.ask("runs", "ls", "--limit", "1")["items"][0]["id"]
    shown = site.call("replay", failed_run, "--set", "doc.lang=fr", "--playground", "temperature=0", "--plan").stdout
    assert re.search(r"summary/doc/lang +\"xx\" +\"fr\"", shown)
    assert re.search(r"fetch +keep", shown)
    assert re.search(r"publish +run +irreversible", shown)
    assert site.ask("runs", "ls", "--limit", "1")["items"][0]["id"] == before


def test_without_a_terminal_a_replay_needs_yes(site: Site, failed_run: str) -> None:
    done = site.call("replay", failed_run)
    assert (done.returncode, "--yes" in done.stderr) == (2, True)


def test_what_a_plan_warns_of_is_said_also_to_those_who_agree_beforehand(site: Site, failed_run: str) -> None:
    done = site.call("replay", failed_run, "--set", "doc.lang=fr", "--code", "same", "--yes", "--wait")
    assert (done.returncode, done.stdout.split()[0]) == (0, "succeeded")
    assert "Careful: Only a worker that has exactly version 1 can run this." in done.stderr


def test_an_edited_replay_keeps_what_was_before_and_can_be_compared(site: Site, failed_run: str) -> None:
    options = ("--from", "summary", "--set", "doc.lang=fr", "--playground", "temperature=0", "--reason", "typo")
    made = site.ask("replay", failed_run, *options, "--yes", "--wait")
    assert made["status"] == "succeeded"
    assert {step["name"]: step["status"] for step in made["steps"]} == {
        "fetch": "kept",
        "summary": "succeeded",
        "publish": "succeeded",
    }
    assert (made["source_id"], made["replay"]["reason"]) == (failed_run, "typo")
    comparison = site.call("diff", failed_run, made["id"]).stdout
    assert "fr" in comparison
    assert re.search(r"fetch +succeeded +kept .*same", comparison)


def test_a_replay_from_the_beginning_edits_the_runs_input(site: Site, failed_run: str) -> None:
    made = site.ask("replay", failed_run, "--from-beginning", "--set", "lang=de", "--yes", "--wait")
    assert (made["status"], made["input"]) == ("succeeded", {"id": 7, "lang": "de"})


def test_an_edit_that_breaks_the_schema_creates_nothing(site: Site, failed_run: str) -> None:
    done = site.call("replay", failed_run, "--set", "doc.id=seven", "--yes")
    assert done.returncode == 2
    assert "/doc/id" in done.stderr


def test_an_unknown_step_is_refused_with_the_known_ones(site: Site, failed_run: str) -> None:
    done = site.call("replay", failed_run, "--from", "sumary", "--plan")
    assert (done.returncode, "sumary" in done.stderr) == (2, True)


# ── Access ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_token_that_may_only_start_runs_starts_them(site: Site, tmp_path: Path) -> None:
    made = site.ask("tokens", "create", "starter", "--scope", "trigger")
    elsewhere = {"MULLIGAN_URL": site.url, "MULLIGAN_TOKEN": made["token"]}
    started = call(tmp_path, "run", "slow", environment=elsewhere)
    assert re.fullmatch(r"[0-9a-v]{26}\n", started.stdout)
    assert (started.returncode, "queued: " in started.stderr) == (0, False)


def test_a_token_may_do_what_its_scopes_say_until_it_is_revoked(site: Site, tmp_path: Path) -> None:
    made = site.ask("tokens", "create", "reader", "--scope", "read")
    elsewhere = {"MULLIGAN_URL": site.url, "MULLIGAN_TOKEN": made["token"]}
    assert call(tmp_path, "runs", "ls", environment=elsewhere).returncode == 0
    refused = call(tmp_path, "run", "add", "--set", "a=1", environment=elsewhere)
    assert (refused.returncode, "'trigger'" in refused.stderr) == (2, True)
    assert site.call("tokens", "revoke", made["id"]).returncode == 0
    revoked = call(tmp_path, "runs", "ls", environment=elsewhere)
    assert (revoked.returncode, "MULLIGAN_TOKEN" in revoked.stderr) == (2, True)


def test_the_data_folders_token_is_not_sent_to_another_address(site: Site, tmp_path: Path) -> None:
    """Neither from another folder nor to a server that is not the folder's own."""
    done = call(tmp_path, "runs", "ls", environment={"MULLIGAN_URL": site.url})
    assert (done.returncode, "token" in done.stderr) == (2, True)
    other = site.call("runs", "ls", MULLIGAN_URL=site.url.replace("127.0.0.1", "localhost"))
    assert other.returncode == 2


def test_doctor_finds_nothing_wrong_with_a_running_site(site: Site) -> None:
    findings = {finding["subject"]: finding for finding in site.ask("doctor")}
    assert not [finding for finding in findings.values() if finding["verdict"] == "fail"]
    assert findings["workers"]["verdict"] == "ok"
    assert findings["clock"]["verdict"] == "ok"


def test_migrate_refuses_a_database_that_is_in_use(site: Site) -> None:
    done = site.call("migrate")
    assert done.returncode == 3
    assert f"in use by process {site.server.pid}" in done.stderr


# ── Processes ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_migrate_makes_a_private_database(tmp_path: Path) -> None:
    assert call(tmp_path, "migrate").returncode == 0
    assert (tmp_path / ".mulligan" / "mulligan.db").stat().st_mode & 0o077 == 0


def test_a_server_for_other_machines_needs_tls_or_a_proxy(tmp_path: Path) -> None:
    done = call(tmp_path, "server", "--host", "0.0.0.0", "--port", "0")
    assert (done.returncode, "--behind-proxy" in done.stderr) == (2, True)


def test_a_certificate_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    done = call(tmp_path, "server", "--port", "0", "--tls-cert", "no.pem", "--tls-key", "no.key")
    assert (done.returncode, "tls_cert" in done.stderr) == (2, True)


def test_a_worker_without_a_server_says_how_to_get_one(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(APP)
    done = call(tmp_path, "worker", "app.py:m")
    assert (done.returncode, "mulligan server" in done.stderr) == (3, True)


def test_a_worker_whose_app_is_broken_shows_where(site: Site) -> None:
    (site.folder / "broken.py").write_text("from mulligan import Mulligan\nm = Mulligan(\n")
    done = site.call("worker", "broken.py:m")
    assert done.returncode == 2
    assert "SyntaxError" in done.stderr
    assert "Traceback" not in done.stderr


def test_logs_can_be_json(tmp_path: Path) -> None:
    with Program(mulligan("server", "--port", "0", "--log-format", "json"), tmp_path) as server:
        entry = json.loads(server.wait_for(r'\{.*"serving .*\}')[0])
        assert (entry["level"], entry["logger"]) == ("INFO", "mulligan.app")
