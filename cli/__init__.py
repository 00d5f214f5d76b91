"""The command line of `tenggat`, one subject a module; `cli.main` puts them together."""

from cli.main import app, main

__all__ = ["app", "main"]
