"""The memory of Tenggat: SQLAlchemy models, queries and migrations, on SQLite and PostgreSQL."""
