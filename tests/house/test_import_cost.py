"""`import mulligan` is paid by every script and every worker start, so it loads the SDK and nothing behind it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

PROBE = """
import json, sys, time
started = time.process_time()
import mulligan
print(json.dumps([time.process_time() - started, sorted(sys.modules)]))
"""
HEAVY = {"apsw", "asyncpg", "cyclopts", "fastapi", "grpc", "rich", "starlette", "uvicorn"}
NOT_FOR_CLIENTS = ("mulligan.app", "mulligan.cli", "mulligan.engine", "mulligan.server", "mulligan.stores")
LIMIT_SECONDS = 0.150


@pytest.fixture
def compiled(tmp_path: Path) -> dict[str, str]:
    """An environment that keeps compiled code, as an installed package does; the first probe compiles it."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return kept | {"PYTHONPYCACHEPREFIX": str(tmp_path)}


def probe(environment: dict[str, str]) -> tuple[float, list[str]]:
    done = subprocess.run([sys.executable, "-c", PROBE], env=environment, check=True, capture_output=True, text=True)
    seconds, modules = json.loads(done.stdout)
    return seconds, modules


def test_import_loads_no_server_and_no_driver(compiled: dict[str, str]) -> None:
    _, modules = probe(compiled)
    assert "mulligan" in modules
    assert HEAVY.intersection(modules) == set()
    assert [name for name in modules if name.startswith(NOT_FOR_CLIENTS)] == []


def test_import_takes_less_than_a_blink(compiled: dict[str, str]) -> None:
    # in CPU time, the best of five, after one to compile: what the machine does besides only ever adds to it
    assert min(probe(compiled)[0] for _ in range(6)) < LIMIT_SECONDS
