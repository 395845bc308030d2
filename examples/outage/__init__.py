"""The first situation: a service was down, and what depended on it is replayed when it is back.

``app`` is the workflow, ``documents`` reads files, ``service`` is the search service that goes down, and
`python -m examples.outage` plays the whole story in a terminal.
"""
