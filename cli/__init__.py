"""The command `tenggat`: one module for each command; `main` runs one of them.

Commands parse arguments, call flows, tasks and queries, and print. No other package imports them.
"""

from cli.main import app_of, main

__all__ = ["app_of", "console", "language", "main", "output"]
