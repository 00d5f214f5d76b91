"""Databases of tests: emptied or migrated quickly, and copies of Prefect's own."""
