"""The runs of a worker: the process of each, its lock, and runs that cannot end by themselves.

`processes` forks a run, `engine` is what it executes; `idle` asks first whether there is work.
"""

__all__ = ["engine", "idle", "locks", "processes", "stale"]
