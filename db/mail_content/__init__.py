"""What mails contain in addition to their notices: the duties that each recipient was shown.

The rows are written when a mail is composed, and count if the mail server accepted it.
"""

__all__ = ["listed_duties"]
