"""The worker: takes assignments, runs step functions, reports what came out.

``worker`` is the core without transport: messages in, messages out. ``session`` drives a link for it (hello, beats,
reconnecting), ``attempt`` is one call of a step function, ``ledger`` remembers what is held and owed, ``pool`` has the
threads of synchronous steps. ``process`` and ``threads`` put it all into a process of its own or beside a program.
"""
