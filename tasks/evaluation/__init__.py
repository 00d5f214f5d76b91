"""Complaints evaluated against the law: loaded, decided on, explained, and their metrics cached."""
