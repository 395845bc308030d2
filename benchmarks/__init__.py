"""What it costs: throughput, latency and growth, measured from outside through the public SDK.

Not tests: nothing in `make test` depends on speed. Start reading in ``workloads``; `make bench` runs ``__main__``.
"""
