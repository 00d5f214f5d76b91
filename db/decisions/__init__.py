"""Decisions of the people of a site: its mode (trial or live), and confirmed rules.

Each is a row of its own table, and of the audit.
"""

__all__ = ["mode", "rules"]
