"""What users import: declaring workflows, the context of a step, the worker that runs steps, and the client.

May import: wire, core, errors; never the engine, a store or the server. An engine inside the process is reached through
``mulligan.app.embedded``, found lazily. Start reading in ``app`` (the object ``Mulligan``), then ``declare`` (what a
declaration becomes), ``worker`` (how steps are run), ``client`` (how runs are started) and ``transports`` (how both
reach an engine).
"""
