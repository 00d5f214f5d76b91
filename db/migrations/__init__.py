"""The migrations of the schema, run by Alembic; `revisions` knows which one a database has."""

__all__ = ["revisions", "schema"]
