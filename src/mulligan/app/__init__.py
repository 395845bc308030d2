"""The composition root: the only room that puts store, engine, server and worker together, and knows the real world.

May import: everything but ``cli`` and ``testing``. ``system`` holds the only real clock and randomness of the engine's
side; ``settings`` says where each setting comes from. Start reading in ``compose``.
"""
