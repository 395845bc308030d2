"""The shapes of the REST API, version 1: what the server answers and accepts, and what the SDK and the CLI parse.

They are msgspec structs, not Pydantic models, so that a payload (``JsonText``) passes through as the very text that was
written, in both directions, without being parsed. Instants are RFC 3339 in UTC; spans are numbers named ``…_s`` or
``…_ms``; a field that may be *absent* (not null) has ``Unset`` beside its type. Start reading in ``codec``.
"""
