"""Backups of the database: create, check, restore, and copy into another database.

Each step works on files and addresses, not on an open session. `pg_tools` runs pg_dump and psql.
"""

__all__ = ["archive", "copy_database", "create", "restore"]
