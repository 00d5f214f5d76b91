"""Begin each Python that a test starts with rare searches for garbage and a list of zones at hand.

Python imports this module by its name, as this folder is in PYTHONPATH. While a process loads
Prefect and our flows, each of the usual searches walks through all modules and finds nothing: a
fifth of the CPU of its start. Prefect's server lists all files of time zones anew for each schedule
that it reads, which is a third of its work on a request.
"""

import functools
import gc
import zoneinfo

OBJECTS = 50_000
"""New objects between two searches; Python's default is 700."""

gc.set_threshold(OBJECTS)
zoneinfo.available_timezones = functools.cache(zoneinfo.available_timezones)
