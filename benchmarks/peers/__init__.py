"""What a Python user would take instead, measured by the same workloads in the same run, each in its own processes.

The peers are installed into an environment of their own (`.stamps/peers`), never into the project's.
"""
