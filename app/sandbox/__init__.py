"""A look-alike of LINE's platform and of JMA's forecast files, for demos, tests and load. Imports nothing of ours.

`main.py` says how to start it and how to fill its world; `/_sandbox/…` controls it while it runs.
"""
