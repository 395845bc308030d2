"""The second situation: a step meets a row that its author never saw; the fix is deployed and the failed runs replayed.

``v1`` is the workflow with the bug and ``v2`` the same one mended, as two deploys of one file would be; compare them
with `diff examples/fixed_bug/v1.py examples/fixed_bug/v2.py`. ``penguins`` reads the data for both, and
`python -m examples.fixed_bug` plays the whole story in a terminal.
"""
