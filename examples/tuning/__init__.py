"""The third situation: a value in the code is tried out on a recorded input, with no change of code and no deploy.

``newsletter`` writes teasers with an extractive summariser, whose method, length and wording are playground variables;
``feedback`` is the smallest workflow with one. `python -m examples.tuning` plays the whole story in a terminal.
"""
