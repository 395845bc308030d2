"""Agents bring time into the engine: each has one duty and one ``tick(now)``, and acts through commands only.

Start reading in ``timers``. ``engine.loop`` is the only place that sleeps.
"""
