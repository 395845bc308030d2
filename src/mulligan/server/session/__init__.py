"""The session protocol's server side, without any transport: messages in, messages out.

The WebSocket (``server.session_socket``) and the embedded engine use it alike. Start reading in ``session``.
"""
