"""The connection to a mail server (SMTP, OAuth2, or the local mailbox), and its 7-bit encoding.

`choose` selects one from the settings; errors are permanent, temporary, or of the server.
"""

__all__ = ["choose", "encoding", "oauth2_file", "refusals", "smtp"]
