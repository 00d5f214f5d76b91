"""Commands by which the people of a site decide: `start`, `stop`, and `law`.

Each decision is a row of the audit.
"""

__all__ = ["mode"]
