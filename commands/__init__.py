"""The commands of `tenggat`, one subject a module; cli.py registers them."""
