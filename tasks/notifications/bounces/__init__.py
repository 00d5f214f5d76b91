"""Mails that come back: the mailbox in which they arrive, and reports of non-delivery (RFC 3464).

What they mean for a recipient is stored by `db.mailbox.bounces`.
"""

__all__ = ["dsn", "mailbox"]
