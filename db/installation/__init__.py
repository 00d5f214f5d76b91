"""The installation that a database belongs to, to notice copies of the working files.

`identity` describes this machine and the folder of working files; `record` compares them with the
row in the database. `lost_database` refuses to begin a new database in the place of a missing one.
"""

__all__ = ["identity", "lost_database", "record"]
