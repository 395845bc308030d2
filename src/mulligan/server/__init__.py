"""The engine served to others: REST, live updates, the session socket, the dashboard's files, health and metrics.

May import: engine.api, wire, core. ``endpoints`` is the table of the REST API: each of its lines is an HTTP route, a
page of the OpenAPI document and a call that needs no HTTP (``in_process``). ``handlers`` carry them out, ``reading``
turns records into shapes, ``session`` speaks with SDK processes; only ``http`` and what it is made of know Starlette.
Start reading in ``endpoints``.
"""
