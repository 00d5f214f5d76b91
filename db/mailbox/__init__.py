"""What came back to the sender's mailbox: bounces, replies, and the position in the mailbox.

The mailbox itself is read in `tasks.notifications.bounces` and `replies`. `source_mails` has the
mails of the mailboxes that are sources.
"""

__all__ = ["bounces", "position", "replies", "source_mails"]
