"""The bytes of mails, and what composed mails change in the database beside themselves.

In a long delivery helpers compose the next mails; `ahead` has their work.
"""

__all__ = ["ahead", "compose", "contents"]
