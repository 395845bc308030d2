"""The files by which a server and its clients find each other are private, whole, and never trusted when stale."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from mulligan.app.address import (
    ServerAddress,
    make_data_folder,
    read_address,
    read_token_file,
    remove_address,
    write_address,
    write_token_file,
)
from mulligan.errors import InvalidInput


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def dead_pid() -> int:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def test_the_data_folder_is_its_owners_alone_and_kept_out_of_git(tmp_path: Path) -> None:
    data = tmp_path / "a" / ".mulligan"
    make_data_folder(data)
    make_data_folder(data)
    assert mode_of(data) == 0o700
    assert (data / ".gitignore").read_text() == "*\n"


def test_a_folder_that_is_there_already_is_left_as_it_is(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    make_data_folder(tmp_path)
    assert mode_of(tmp_path) == 0o755
    assert list(tmp_path.iterdir()) == []


def test_a_file_in_the_place_of_the_data_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("")
    with pytest.raises(InvalidInput, match="MULLIGAN_DATA"):
        make_data_folder(tmp_path / "data")


def test_the_address_of_a_living_server_is_found(tmp_path: Path) -> None:
    file = tmp_path / "server.json"
    address = ServerAddress("http://127.0.0.1:8420", os.getpid(), "dev")
    write_address(file, address)
    assert read_address(file) == address
    assert mode_of(file) == 0o600
    assert list(tmp_path.iterdir()) == [file]


def test_the_address_of_a_dead_server_is_not(tmp_path: Path) -> None:
    file = tmp_path / "server.json"
    write_address(file, ServerAddress("http://127.0.0.1:8420", dead_pid(), "dev"))
    assert read_address(file) is None


@pytest.mark.parametrize("content", ["", "{", "[]", '{"url": "x"}', '{"url": "x", "pid": "no", "mode": "dev"}'])
def test_a_damaged_address_file_is_no_address(tmp_path: Path, content: str) -> None:
    file = tmp_path / "server.json"
    file.write_text(content)
    assert read_address(file) is None


def test_only_the_server_that_wrote_an_address_takes_it_back(tmp_path: Path) -> None:
    file = tmp_path / "server.json"
    write_address(file, ServerAddress("http://127.0.0.1:8420", os.getpid(), "dev"))
    remove_address(file, os.getpid() + 1)
    assert file.exists()
    remove_address(file, os.getpid())
    assert not file.exists()


def test_the_first_token_that_is_written_stays(tmp_path: Path) -> None:
    file = tmp_path / "token"
    assert write_token_file(file, "mlg_a_1") == "mlg_a_1"
    assert write_token_file(file, "mlg_b_2") == "mlg_a_1"
    assert read_token_file(file) == "mlg_a_1"
    assert mode_of(file) == 0o600
    assert list(tmp_path.iterdir()) == [file]


def test_an_empty_token_file_is_refused_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("\n")
    with pytest.raises(InvalidInput, match="Remove it"):
        write_token_file(tmp_path / "token", "mlg_a_1")
