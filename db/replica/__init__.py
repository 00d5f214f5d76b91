"""A copy of the database in memory, in which a simulation replays the past.

`build` copies the tables; `replay_queue` releases the stored events in their order.
"""

__all__ = ["build", "replay_queue"]
