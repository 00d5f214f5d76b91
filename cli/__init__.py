"""The command `tenggat`: one module for each command, and `main` for all of them.

Commands parse arguments, call flows, tasks and queries, and print. No other package imports them.
"""

from cli.main import app, main

__all__ = ["app", "console", "language", "main"]
