"""Propose a mapping from an unmapped file."""
