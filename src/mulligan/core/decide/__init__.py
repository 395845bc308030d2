"""What does happen: one pure function per command, each decided on the loaded facts.

``wanted_by`` says which facts a command needs; ``decide`` checks it against them and either changes them (through the
methods of ``Facts``, which record what is to be written) and returns the answer, or raises one of
``mulligan.errors`` before anything was changed. ``advance`` is the rule that opens steps and ends runs.
"""

from mulligan.core.decide.dispatch import decide, wanted_by

__all__ = ["decide", "wanted_by"]
