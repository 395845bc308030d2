"""What crosses a process boundary: the messages of the session socket (msgpack frames) and the REST models.

May import: core. Nothing here acts; it only says shapes and limits. Start reading in ``messages``.
"""
