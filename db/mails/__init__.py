"""Mails to send: the outbox, what waits in it, earlier mails, and the duties that mails listed.

A mail is queued with its notices. Its duties are recorded when it is composed, and count if the
mail server accepted it.
"""

__all__ = ["earlier_mails", "listed_duties", "mail_items", "outbox", "outbox_status"]
