"""The rules of Mulligan, pure: no I/O, no clock, no chance, no logging. Time and chance are arguments.

May import: ``mulligan.errors``, a short list of stdlib modules, msgspec (records) and jsonpatch (RFC 6902).
Start reading in ``records`` (what there is), then ``lifecycle`` (what may happen), then ``decide`` (what does happen).
"""
