"""``python -m mulligan`` is the command line, for where the ``mulligan`` script is not on the PATH."""

from mulligan.cli import main

main()
