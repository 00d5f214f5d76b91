"""Begin each Python that a test starts with a rarer search for garbage.

Python imports this module by its name, as this folder is in PYTHONPATH. While a process loads
Prefect and our flows, each of the usual searches walks through all modules and finds nothing: a
fifth of the CPU of its start.
"""

import gc

OBJECTS = 50_000
"""New objects between two searches; Python's default is 700."""

gc.set_threshold(OBJECTS)
