"""`import mulligan` is paid by every script and every worker start, so it loads the SDK and nothing behind it."""

import json
import subprocess
import sys

PROBE = """
import json, sys, time
started = time.perf_counter()
import mulligan
print(json.dumps([time.perf_counter() - started, sorted(sys.modules)]))
"""
HEAVY = {"apsw", "asyncpg", "cyclopts", "fastapi", "grpc", "rich", "starlette", "uvicorn"}
NOT_FOR_CLIENTS = ("mulligan.app", "mulligan.cli", "mulligan.engine", "mulligan.server", "mulligan.stores")
LIMIT_SECONDS = 0.150


def probe() -> tuple[float, list[str]]:
    done = subprocess.run([sys.executable, "-c", PROBE], check=True, capture_output=True, text=True)
    seconds, modules = json.loads(done.stdout)
    return seconds, modules


def test_import_loads_no_server_and_no_driver() -> None:
    _, modules = probe()
    assert "mulligan" in modules
    assert HEAVY.intersection(modules) == set()
    assert [name for name in modules if name.startswith(NOT_FOR_CLIENTS)] == []


def test_import_takes_less_than_a_blink() -> None:
    # the best of five: what the machine does besides only ever adds to the time
    assert min(probe()[0] for _ in range(5)) < LIMIT_SECONDS
