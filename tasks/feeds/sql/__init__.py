"""A query on another system's database as a source."""
