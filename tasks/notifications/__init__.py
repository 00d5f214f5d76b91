"""Mails: enqueued in the outbox, composed, sent; storms, and mail that comes back.

`enqueue` writes to the outbox, `sender` sends from it. `composing` makes a mail without
sending it. Rendering and attachments are internal.
"""

__all__ = [
    "after_restore",
    "bounces",
    "composing",
    "enqueue",
    "import_alerts",
    "mail_items",
    "message",
    "message_ids",
    "questions",
    "rate_limit",
    "readdress",
    "replies",
    "resend",
    "send_policy",
    "sender",
    "storms",
    "transport",
    "trial",
    "views",
]
