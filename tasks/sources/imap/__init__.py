"""An IMAP mailbox as a source: each mail is a complaint.

The connection and the parser of a message also serve the mailbox for bounces and replies.
"""

__all__ = ["connection", "fetch", "machine_mail", "message", "own_text", "source"]
