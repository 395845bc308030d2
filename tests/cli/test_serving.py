"""What the commands that serve show on the terminal."""

from __future__ import annotations

from pathlib import Path

import pytest

from mulligan.app.compose import server_settings
from mulligan.app.loading import AppPlace
from mulligan.app.server_process import Served
from mulligan.app.settings import Settings
from mulligan.app.system import SystemChance, SystemClock
from mulligan.cli.serving import Terminal
from mulligan.engine.api import Engine
from mulligan.server.app import create_app
from mulligan.stores.memory import MemoryStore


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("postgresql://ada:s3cret@db/jobs", "postgresql://ada:•••@db/jobs"),
        ("postgresql://ada:s3:cr@t@db:5432/jobs", "postgresql://ada:•••@db:5432/jobs"),
        ("postgresql://db:5432/jobs", "postgresql://db:5432/jobs"),
        (
            "postgresql://ada@db/jobs?password=s3cret&sslmode=prefer",
            "postgresql://ada@db/jobs?password=•••&sslmode=prefer",
        ),
        ("postgresql:///jobs?host=/run&sslpassword=s3cret", "postgresql:///jobs?host=/run&sslpassword=•••"),
        ("postgresql://ada@db/jobs", "postgresql://ada@db/jobs"),
        ("sqlite:///jobs.db", "sqlite:///jobs.db"),
    ],
)
def test_dev_shows_its_database_without_the_password(
    given: str, shown: str, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = Settings(database=given)
    app = create_app(Engine(MemoryStore(), SystemClock(), SystemChance()), server_settings(settings, "dev", "token"))
    Terminal(AppPlace(Path(), "app", None), settings, open_browser=False).ready(
        Served(app, "http://localhost:8420", "token")
    )
    said = capsys.readouterr()
    words = (said.out + said.err).split()
    assert words[words.index("database") + 1] == shown
