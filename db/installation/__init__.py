"""The installation that a database belongs to, to notice copies of the working files.

`identity` describes this machine and the folder of working files; `record` compares them with the
row in the database.
"""

__all__ = ["identity", "record"]
