"""The runs of a worker: the process of each, its lock, and runs that cannot end by themselves.

`processes` forks a run, `engine` is what it executes.
"""

__all__ = ["engine", "locks", "processes", "stale"]
