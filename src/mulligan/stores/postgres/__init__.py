"""The store that several engines share: one PostgreSQL database, version 14 or newer. Needs the extra ``postgres``.

``store`` is the port, ``transaction`` one atomic unit, ``load`` what it reads and locks, ``commit`` what it writes,
``reads`` the questions of the dashboard; ``spans``, ``span_maker``, ``partitions`` and ``prune`` are what becomes of
history; ``connections`` keeps the connections, ``database`` knows what the server says, ``rows`` turns records into
rows. May import: ports, core, the modules beside this room. Start reading in ``transaction``.
"""

from mulligan.stores.postgres.store import PostgresStore

__all__ = ["PostgresStore"]
