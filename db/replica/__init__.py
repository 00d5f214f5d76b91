"""A copy of the database in memory, in which the past is replayed."""
