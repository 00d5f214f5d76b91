"""The commands of `tenggat`, one subject a module; cli.py puts them together."""
