"""A query on another system's database as a source, read only.

`source` runs it; `conversion` turns values into text; `errors` explains what went wrong.
"""

__all__ = ["source"]
