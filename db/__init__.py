"""Persistence of Tenggat: SQLAlchemy models, queries and migrations for SQLite and PostgreSQL."""
