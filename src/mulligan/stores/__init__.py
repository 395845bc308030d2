"""Where facts live: one store per room below, all behind ``mulligan.ports.store.Store``.

``memory`` is the specification (dictionaries), ``sqlite`` the default on disk, ``postgres`` what several engines share.
``stored`` has the rows that are the same in both databases; ``run_filter`` is where SQL is built from parts; other
statements are ``.sql`` files.
May import: ports, core. Start reading in ``memory/tables.py``: what a commit means, in Python.
"""
