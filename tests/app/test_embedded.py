"""The engine inside a program: found without a word, shared, stopped in time, and never two on one database."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
import threading
from pathlib import Path

import pytest

from mulligan import Mulligan
from mulligan.app.embedded import open_transport
from mulligan.errors import InvalidInput, StoreUnavailable
from tests.end_to_end.programs import Program, clean_environment, mulligan


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("MULLIGAN_URL", "MULLIGAN_TOKEN", "MULLIGAN_DATA", "MULLIGAN_DATABASE"):
        monkeypatch.delenv(name, raising=False)


def engine_threads() -> int:
    return [thread.name for thread in threading.enumerate()].count("mulligan-engine")


def run_program(folder: Path, source: str) -> subprocess.CompletedProcess[str]:
    (folder / "program.py").write_text(textwrap.dedent(source))
    return subprocess.run(
        [sys.executable, "program.py"], cwd=folder, env=clean_environment(), capture_output=True, text=True, timeout=30
    )


async def test_a_task_is_awaited_without_any_server(tmp_path: Path) -> None:
    m = Mulligan()

    @m.task
    async def greet(name: str) -> str:
        return f"hello {name}"

    @m.task
    def double(number: int) -> int:
        return number * 2

    try:
        assert await greet("ada") == "hello ada"
        assert await double.map([1, 2, 3]) == [2, 4, 6]
        assert (tmp_path / ".mulligan" / "mulligan.db").exists()
        assert [run.status async for run in m.runs.query("workflow:greet")] == ["succeeded"]
    finally:
        m.close()
    assert engine_threads() == 0


async def test_requests_are_answered_as_over_http(tmp_path: Path) -> None:
    transport = open_transport(str(tmp_path / "own.db"), "default")
    try:
        status, text = await transport.request("GET", "/runs", query={"limit": "1"})
        assert (status, json.loads(text)["items"]) == (200, [])
        status, text = await transport.request("GET", "/runs/nothing")
        assert status == 404
        assert b"not_found" in text
    finally:
        transport.close()


def test_two_users_of_one_database_share_its_engine(tmp_path: Path) -> None:
    one = open_transport(None, "default")
    other = open_transport(str(tmp_path / ".mulligan" / "mulligan.db"), "default")
    assert engine_threads() == 1
    one.close()
    one.close()
    assert engine_threads() == 1
    other.close()
    assert engine_threads() == 0


def test_a_database_of_an_unknown_kind_is_refused() -> None:
    with pytest.raises(InvalidInput, match="sqlite:///"):
        open_transport("mysql://somewhere/else", "default")


def test_a_database_beside_the_program_leaves_the_folder_alone(tmp_path: Path) -> None:
    open_transport("beside.db", "default").close()
    assert not (tmp_path / ".gitignore").exists()
    assert (tmp_path / "beside.db").exists()


def test_a_program_that_just_ends_finishes_the_step_that_runs(tmp_path: Path) -> None:
    done = run_program(
        tmp_path,
        """
        import asyncio, pathlib, time
        from mulligan import Mulligan

        m = Mulligan()

        @m.task
        def work() -> str:
            pathlib.Path("begun").touch()
            while not pathlib.Path("go").exists():
                time.sleep(0.01)
            return "done"

        async def main():
            await work.start()
            while not pathlib.Path("begun").exists():
                await asyncio.sleep(0.01)
            pathlib.Path("go").touch()

        asyncio.run(main())
        """,
    )
    assert (done.returncode, done.stderr) == (0, "")
    after = run_program(
        tmp_path,
        """
        import asyncio
        from mulligan import Mulligan

        m = Mulligan()

        async def main():
            async for run in m.runs.query("workflow:work"):
                await run.refresh()
                print(run.status, run.output)

        asyncio.run(main())
        """,
    )
    assert (after.stdout, after.stderr) == ("succeeded done\n", "")


def test_a_forked_child_ends_without_touching_its_parents_engine(tmp_path: Path) -> None:
    done = run_program(
        tmp_path,
        """
        import os, sys, warnings
        warnings.simplefilter("ignore")  # Python itself warns of forking with threads
        from mulligan import Mulligan

        m = Mulligan()

        @m.task
        async def greet() -> str:
            return "hello"

        assert m.sync(greet()) == "hello"
        if os.fork() == 0:
            sys.exit(0)
        assert os.waitstatus_to_exitcode(os.wait()[1]) == 0
        print(m.sync(greet()))
        """,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "hello\n", "")


def test_a_database_that_a_server_holds_is_refused_with_the_way_to_that_server(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text("from mulligan import Mulligan\nm = Mulligan()\n")
    with Program(mulligan("server", "--port", "0"), tmp_path) as server:
        url = server.wait_for(r"serving \S+ at (http://\S+)")[1]
        with pytest.raises(StoreUnavailable, match=f"MULLIGAN_URL={url} MULLIGAN_TOKEN=") as caught:
            open_transport(None, "default")
        line = str(caught.value).splitlines()[-1]
        (tmp_path / "elsewhere").mkdir()
        command = f"{line}\nexec {sys.executable} -m mulligan runs ls"
        done = subprocess.run(["sh", "-c", command], cwd=tmp_path / "elsewhere", capture_output=True, text=True)
        assert (done.returncode, "no runs yet" in done.stderr) == (0, True), done.stderr
    assert engine_threads() == 0


def test_a_database_that_another_program_holds_is_refused_with_its_process(tmp_path: Path) -> None:
    source = "from mulligan.app.embedded import open_transport\nopen_transport(None, 'default')\nprint('up')\ninput()\n"
    (tmp_path / "holder.py").write_text("import threading\n" + source.replace("input()", "threading.Event().wait()"))
    with Program([sys.executable, "holder.py"], tmp_path) as holder:
        holder.wait_for("up")
        with pytest.raises(StoreUnavailable, match=f"in use by process {holder.pid}"):
            open_transport(None, "default")
