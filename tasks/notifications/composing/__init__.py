"""The bytes of mails, and what else composed mails change in the database.

In a long delivery helpers compose the next mails; `ahead` has their work.
"""

__all__ = ["ahead", "compose", "contents"]
