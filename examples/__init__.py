"""Programs to read, run and break: `python -m examples.demo` has all of them in one dashboard.

Each folder is one of the situations that a replay is for: ``outage`` (a service was down), ``fixed_bug`` (a worker with
the fix is deployed) and ``tuning`` (a variable is tried out on a recorded input). ``data`` is what they work on, and
``places`` where they leave what they make. They import ``mulligan`` as any user does, and ``tests/examples`` runs them.
"""
