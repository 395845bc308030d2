"""The composition root: the only room that puts store, engine, server and worker together, and knows the real world.

May import: everything but ``cli`` and ``testing``. ``settings`` says where each setting comes from, ``system`` has the
only real clock and randomness of the engine's side. Three ways to live: ``server_process`` (HTTP), ``embedded`` (inside
a program, by way of ``local``), ``dev`` (both, with the user's code read anew). Start reading in ``compose``.
"""
