"""The law as data: files of regulations, parsed, checked and loaded.

`model` has the rules; `loader` reads the files; the checks find mistakes in one rule and between
rules.
"""

__all__ = [
    "loader",
    "model",
    "overrides",
    "parser",
    "schema",
    "toml_errors",
    "toml_lines",
    "toml_table",
]
