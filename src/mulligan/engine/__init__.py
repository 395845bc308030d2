"""The engine: one cycle that gathers commands, decides them on loaded facts and commits them in one transaction.

May import: ports, core. ``api`` is the one door for whoever wants to change or await something; ``cycle`` is the page
that does it; ``agents`` bring time (timers, lost workers, retention) through the same door. Start reading in ``cycle``.
"""
