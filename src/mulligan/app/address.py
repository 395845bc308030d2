"""The files in the data folder by which a server and its clients on the same machine find each other.

``server.json`` says where a server listens, ``token`` holds a token for it. Both are readable by their owner only.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

from mulligan.errors import InvalidInput


@dataclass(frozen=True, slots=True)
class ServerAddress:
    """Where a server of this machine listens. ``url`` has no slash at its end."""

    url: str
    pid: int
    mode: str


def make_data_folder(data: Path) -> None:
    """Create the data folder for its owner alone; what it holds is nobody else's to read, nor git's to keep.

    A folder that is there already is left as it is: it may be somebody's home.
    """
    try:
        if data.is_dir():
            return
        data.parent.mkdir(parents=True, exist_ok=True)
        data.mkdir(mode=0o700)
        (data / ".gitignore").write_text("*\n")
    except OSError as error:
        raise InvalidInput(f"The data folder {data} cannot be used: {error}. Set MULLIGAN_DATA to another.") from None


def write_address(file: Path, address: ServerAddress) -> None:
    _write_privately(file, json.dumps(asdict(address)) + "\n")


def read_address(file: Path) -> ServerAddress | None:
    """The address of the server that runs on this data folder; None if there is none, or its process has died."""
    try:
        content = json.loads(file.read_text())
        address = ServerAddress(str(content["url"]), int(content["pid"]), str(content["mode"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return address if _is_alive(address.pid) else None


def remove_address(file: Path, pid: int) -> None:
    """Take back this process's address; that of a server that came after it stays."""
    address = read_address(file)
    if address is not None and address.pid == pid:
        file.unlink(missing_ok=True)


def read_token_file(file: Path) -> str | None:
    try:
        return file.read_text().strip() or None
    except OSError:
        return None


def write_token_file(file: Path, token: str) -> str:
    """Keep ``token`` in ``file`` unless it holds one already. Returns the one it holds: the first writer wins."""
    scratch = file.with_name(f"{file.name}.{os.getpid()}")
    _write_new(scratch, token + "\n")
    try:
        os.link(scratch, file)  # fails when the file is there, and never shows a half-written one
    except FileExistsError:
        existing = read_token_file(file)
        if existing is None:
            raise InvalidInput(f"The token file {file} is empty or unreadable. Remove it and start again.") from None
        return existing
    finally:
        scratch.unlink()
    return token


def _write_privately(file: Path, content: str) -> None:
    scratch = file.with_name(f"{file.name}.{os.getpid()}")
    _write_new(scratch, content)
    scratch.replace(file)


def _write_new(file: Path, content: str) -> None:
    file.unlink(missing_ok=True)
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
