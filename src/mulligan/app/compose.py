"""Puts the rooms together: a store by its URL, an engine on the store, a site that serves the engine."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from importlib.metadata import version
from pathlib import Path

from mulligan.app.address import make_data_folder, read_token_file, write_token_file
from mulligan.app.listening import Mode
from mulligan.app.settings import POSTGRES, SQLITE, Settings
from mulligan.app.system import SystemChance, SystemClock
from mulligan.core.decide.policy import Policy
from mulligan.engine.api import Engine
from mulligan.errors import InvalidInput
from mulligan.ports.clock import SharedClock
from mulligan.ports.store import Store
from mulligan.server.site import ServerSettings
from mulligan.server.tokens import make_token, read_token

BEATS_PER_TTL = 5


def make_store(settings: Settings, clock: SharedClock) -> Store:
    """The store that the database URL names, not open yet; ``clock`` is put right by it if engines share it.

    Raises ``errors.InvalidInput`` for another kind.
    """
    url = settings.database_url
    if url.startswith(SQLITE):
        from mulligan.stores.sqlite import SqliteStore

        file = Path(url.removeprefix(SQLITE))
        make_data_folder(file.parent)
        return SqliteStore(file)
    if url.startswith(POSTGRES):
        return _make_postgres_store(url, clock, settings.retention)
    raise InvalidInput(
        f"The database {settings.database_shown!r} is of no known kind. Write it as sqlite:///path/to/file.db or "
        "postgresql://user@host/database."
    )


def _make_postgres_store(url: str, clock: SharedClock, retention: timedelta) -> Store:
    try:
        from mulligan.stores.postgres import PostgresStore
    except ModuleNotFoundError as error:
        if error.name != "asyncpg":
            raise
        raise InvalidInput(
            "PostgreSQL needs the driver asyncpg. Install it: pip install 'mulligan[postgres]'."
        ) from None
    return PostgresStore(url, clock, retention)


async def migrate_database(settings: Settings) -> None:
    """Bring the database to the newest schema, or make it. Raises ``errors.StoreUnavailable`` with what to do."""
    store = make_store(settings, SystemClock())
    await store.open()
    await store.close()


@asynccontextmanager
async def running_engine(settings: Settings) -> AsyncIterator[Engine]:
    """An engine on the database of ``settings``, stopped and its store closed at the end.

    Raises ``errors.StoreUnavailable``, with what to do, when another process holds the database.
    """
    policy = Policy(worker_ttl=settings.ttl, beat=settings.ttl / BEATS_PER_TTL)
    clock = SystemClock()
    engine = Engine(make_store(settings, clock), clock, SystemChance(), policy, settings.retention)
    await engine.start()
    try:
        yield engine
    finally:
        await engine.stop()


def server_settings(settings: Settings, mode: Mode, token: str) -> ServerSettings:
    """What the server room is told. Replicas that share the owner's ``token`` share the key of the cookies, too."""
    return ServerSettings(
        version=version("mulligan"),
        cookie_key=hashlib.sha256(b"mulligan cookie key\0" + token.encode()).digest(),
        mode=mode,
        namespace=settings.namespace,
        base_path=settings.base_path,
        public_hosts=settings.public_hosts,
        secure_cookies=settings.behind_proxy or settings.tls_cert is not None,
        behind_proxy=settings.behind_proxy,
    )


async def admit_owner(engine: Engine, settings: Settings) -> str:
    """The data folder's own token, made at its first start: no default password, and no ceremony either.

    Raises ``errors.InvalidInput`` when the token file holds something else.
    """
    file = settings.server_token_file
    make_data_folder(file.parent)
    now = engine.clock.now()
    text = read_token_file(file)
    if text is None:
        fresh, _ = make_token(
            engine.chance.new_id(), secrets.token_hex(32), name=file.name, namespace=settings.namespace,
            scopes=("admin",), created_at=now,
        )  # fmt: skip
        text = write_token_file(file, fresh)
    parts = read_token(text)
    if parts is None:
        raise InvalidInput(f"{file} holds no Mulligan token. Remove it, and the next start makes one.")
    token_id, secret = parts
    known = {token.id: token for token in await engine.store.tokens(settings.namespace)}.get(token_id)
    _, record = make_token(
        token_id, secret, name="owner of the data folder", namespace=settings.namespace, scopes=("admin",),
        created_at=now,
    )  # fmt: skip
    if known is None:
        await engine.store.save_token(record)
    elif known.revoked_at is not None or known.secret_sha256 != record.secret_sha256:
        raise InvalidInput(f"The token in {file} was revoked. Remove the file, and the next start makes another.")
    return text
