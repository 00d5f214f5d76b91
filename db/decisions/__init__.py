"""Decisions of the people of a site: its mode (trial or live), and confirmed rules."""

__all__ = ["mode"]
