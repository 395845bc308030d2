"""What it costs: throughput, latency, growth and memory, measured from outside through the public SDK, beside peers.

Not tests: nothing in `make test` depends on speed. Start reading in ``workloads``; `make bench` runs ``__main__``,
which keeps what it measures in ``results`` for ``report`` and ``plan`` to make pages of.
"""
