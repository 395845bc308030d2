"""Real processes under real faults: `make chaos`.

One driver starts servers, workers and clients as processes of their own, kills and stops them, tears their connections
and fills their disk, and then has three independent records compared by an auditor that shares no code with the engine:
what clients were told, what steps did, what the database says. It ends only processes that it has started itself.
Start reading: `experiments.py` (what is done), `auditor.py` (what has to be true afterwards).
"""
