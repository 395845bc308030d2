"""The store on disk that needs nothing else: one SQLite file, owned by one engine.

``store`` is the port, ``commit`` what a transaction writes, ``load`` what it reads first, ``reads`` the questions of
the dashboard; ``writer`` is the one thread that writes, ``readers`` those that read, ``database`` opens the file,
``rows`` turns records into rows. May import: ports, core, the modules beside this room. Start reading in ``commit``.
"""

from mulligan.stores.sqlite.store import SqliteStore

__all__ = ["SqliteStore"]
