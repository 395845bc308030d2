"""Reaching the database: its URL, what it must be, and what its errors mean to the engine."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import asyncpg

from mulligan.errors import InvalidInput, StoreConflict, StoreUnavailable
from mulligan.stores.migrations import pending, read_migrations
from mulligan.stores.postgres.rows import instant_for_driver, instant_from_driver
from mulligan.stores.postgres.statement import Connection

OLDEST_SERVER = 140_000

CONNECT_S = 10
"""Within this a connection must be made."""

MIGRATION_LOCK = 0x4D4C474E
"""The advisory lock under which one process at a time migrates: "MLGN"."""

STATEMENTS_KEPT = 300
"""Prepared statements per connection: all of ours, and room for the filters that people make up."""

LIBPQ_ONLY = frozenset(
    {
        "channel_binding",
        "connect_timeout",
        "fallback_application_name",
        "gssencmode",
        "hostaddr",
        "keepalives",
        "keepalives_count",
        "keepalives_idle",
        "keepalives_interval",
        "load_balance_hosts",
        "require_auth",
        "requirepeer",
        "sslcompression",
        "sslcrldir",
        "sslsni",
    }
)
"""Options that PostgreSQL's own library has and our driver has not: it takes them for settings of the server, which
does not know them. https://www.postgresql.org/docs/18/libpq-connect.html"""


@dataclass(frozen=True, slots=True)
class Address:
    """Where the database is. ``pooled``: behind a pooler that hands out connections per transaction (PgBouncer), so
    that nothing may be left in a session: no prepared statements, no settings, no LISTEN.
    """

    dsn: str
    shown: str
    pooled: bool

    def options(self, settings: Mapping[str, str] | None = None) -> dict[str, Any]:
        """What a connection is made with; ``settings`` are for its session, where it has one."""
        options: dict[str, Any] = {"timeout": CONNECT_S, "target_session_attrs": "primary"}
        if self.pooled:
            return {**options, "statement_cache_size": 0}
        return {
            **options,
            "statement_cache_size": STATEMENTS_KEPT,
            "max_cached_statement_lifetime": 0,
            "server_settings": {"application_name": "mulligan", **(settings or {})},
        }


def read_address(url: str) -> Address:
    """``postgresql://user:password@host:port/database?…``; ``pgbouncer=true`` is ours, the rest the driver's.

    Raises InvalidInput.
    """
    parts = urlsplit(url)
    if parts.scheme not in {"postgresql", "postgres"}:
        raise InvalidInput(f"{parts.scheme!r} is no kind of PostgreSQL URL. Write postgresql://user@host/database.")
    options = parse_qsl(parts.query, keep_blank_values=True)
    pooled = dict(options).get("pgbouncer", "false").lower()
    if pooled not in {"true", "false"}:
        raise InvalidInput("The option pgbouncer of a PostgreSQL URL is true or false.")
    if foreign := sorted(LIBPQ_ONLY.intersection(name for name, _ in options)):
        raise InvalidInput(f"The driver does not know {', '.join(foreign)} in a PostgreSQL URL. Leave that out.")
    kept = urlencode([(name, value) for name, value in options if name != "pgbouncer"])
    where = parts.netloc.rpartition("@")[2] or dict(options).get("host", "")
    shown = f"postgresql://{where}{parts.path}"
    return Address(urlunsplit(("postgresql", *parts[1:3], kept, "")), shown, pooled == "true")


async def connect(address: Address, settings: Mapping[str, str] | None = None) -> Connection:
    """A connection of one's own."""
    connection = await asyncpg.connect(address.dsn, command_timeout=30, **address.options(settings))
    try:
        await prepare(connection)
    except BaseException:  # a cancellation above all: whoever asked will never have it to close
        connection.terminate()
        raise
    return connection


async def prepare(connection: Connection) -> None:
    """Teach a new connection how we write instants."""
    async with connection.transaction():
        await connection.set_type_codec(
            "timestamptz",
            schema="pg_catalog",
            encoder=instant_for_driver,
            decoder=instant_from_driver,
            format="tuple",
        )
        # All that our statements are given: the driver asks what they are here and at once, and not one by one amid
        # work, where it would also leave a setting in the session.
        await connection.fetchval(
            "SELECT NULL::timestamptz[], NULL::interval[], NULL::bytea[], NULL::integer[], NULL::boolean[]"
        )


@dataclass(frozen=True, slots=True)
class Server:
    """What there is behind an address. ``unsafe``: settings that are off, for which committed work may be lost.

    ``newest`` is the schema that this code makes of ``schema`` (0: none yet), if it ``may_create`` tables.
    """

    version: str
    unsafe: tuple[str, ...]
    schema: int
    newest: int
    may_create: bool


async def look_at(address: Address) -> Server:
    """See whether the server will do, and change nothing. Raises StoreUnavailable."""
    with translated(address):
        connection = await connect(address)
        try:
            return await check_server(connection, address)
        finally:
            await connection.close()


async def check_server(connection: Connection, address: Address) -> Server:
    """Refuse what cannot work. Raises StoreUnavailable."""
    async with connection.transaction(readonly=True):
        number, version, encoding, commits, fsync, may_create = await connection.fetchrow(
            "SELECT current_setting('server_version_num')::integer, current_setting('server_version'), "
            "current_setting('server_encoding'), current_setting('synchronous_commit'), current_setting('fsync'), "
            "coalesce(has_schema_privilege(current_schema(), 'CREATE'), false)"
        )
    if number < OLDEST_SERVER:
        raise StoreUnavailable(f"{address.shown} is PostgreSQL {version}; Mulligan needs 14 or newer.")
    if encoding != "UTF8":
        raise StoreUnavailable(
            f"The database {address.shown} has the encoding {encoding}. Create one with ENCODING 'UTF8'."
        )
    unsafe = [name for name, value in (("synchronous_commit", commits), ("fsync", fsync)) if value == "off"]
    newest = len(read_migrations("mulligan.stores.postgres"))
    return Server(version, tuple(unsafe), await schema_number(connection), newest, may_create)


async def migrate(connection: Connection, address: Address) -> None:
    """Bring the schema up to date: all that is missing in one transaction, one process at a time."""
    known = read_migrations("mulligan.stores.postgres")
    if not pending(known, await schema_number(connection), address.shown):
        return
    async with connection.transaction():
        await connection.execute("SET LOCAL lock_timeout = '30s'")
        await connection.execute("SELECT pg_advisory_xact_lock($1)", MIGRATION_LOCK)
        await connection.execute(
            "CREATE TABLE IF NOT EXISTS mulligan_migrations (number integer PRIMARY KEY, name text NOT NULL)"
        )
        for migration in pending(known, await schema_number(connection), address.shown):
            try:
                await connection.execute(migration.script)
            except (asyncpg.DuplicateTableError, asyncpg.DuplicateFunctionError) as error:
                raise StoreUnavailable(
                    f"The database {address.shown} has tables of something else ({error}); it was left alone. Give "
                    "Mulligan a database or a schema of its own (append ?search_path=mulligan to the URL).",
                    code="foreign_database",
                ) from error
            await connection.execute(
                "INSERT INTO mulligan_migrations (number, name) VALUES ($1, $2)", migration.number, migration.name
            )


async def schema_number(connection: Connection) -> int:
    """The number of the last migration that was applied; 0 for a database without our tables."""
    async with connection.transaction():
        if await connection.fetchval("SELECT to_regclass('mulligan_migrations') IS NULL"):
            return 0
        number: int = await connection.fetchval("SELECT coalesce(max(number), 0) FROM mulligan_migrations")
    return number


CONFLICTS = (asyncpg.UniqueViolationError, asyncpg.SerializationError, asyncpg.DeadlockDetectedError)
"""Somebody else was quicker, or we were in each other's way: on fresh facts the same commands may well go through."""

TROUBLE = (
    OSError,
    asyncio.TimeoutError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # the connection broke amid something
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,  # shutdown, restart, cancelled by its timeout
    asyncpg.InsufficientResourcesError,  # disk or memory full, too many connections
    asyncpg.LockNotAvailableError,
    asyncpg.ReadOnlySQLTransactionError,  # it has become a standby
    asyncpg.IdleInTransactionSessionTimeoutError,
    asyncpg.TargetServerAttributeNotMatched,
)


@contextmanager
def translated(address: Address) -> Iterator[None]:
    """What the database says, in the words of the port. Mistakes of ours (a wrong statement) stay as they are."""
    try:
        yield
    except CONFLICTS as error:
        raise StoreConflict(f"The transaction conflicts with what is stored: {error}.") from error
    except asyncpg.DiskFullError as error:
        raise StoreUnavailable(
            f"The disk of {address.shown} is full. Free some space; nothing was lost and work goes on by itself.",
            code="disk_full",
        ) from error
    except (asyncpg.InvalidAuthorizationSpecificationError, asyncpg.InvalidCatalogNameError) as error:
        raise StoreUnavailable(
            f"{address.shown} does not let us in: {error}. Check user, password and database in the URL."
        ) from error
    except (asyncpg.InsufficientPrivilegeError, asyncpg.InvalidSchemaNameError) as error:
        raise StoreUnavailable(
            f"The role that {address.shown} is used with lacks a right: {error}. It has to own the database or the "
            "schema that its tables lie in: it makes and drops partitions.",
            code="no_right",
        ) from error
    except TROUBLE as error:
        raise StoreUnavailable(
            f"The database {address.shown} cannot be used right now ({type(error).__name__}: {error}). Check that it "
            "runs and can be reached; work goes on by itself."
        ) from error
