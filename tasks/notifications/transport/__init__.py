"""The way to a mail server: SMTP, OAuth2, or the local mailbox."""
