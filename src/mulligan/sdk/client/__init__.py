"""Starting runs, waiting for them, looking at them, replaying them.

``client`` is what tasks and workflows call; ``session`` speaks the session protocol on one event loop; ``runs`` are the
handles that users hold; ``replays`` builds replay requests; ``sync`` is the facade for code that cannot await.
"""
