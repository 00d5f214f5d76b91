"""Mails that come back: the mailbox they arrive in and the reports (RFC 3464) they bear."""
