"""What mails told their recipients besides the notices in them: who was shown which duties.

The rows are written when a mail is composed, and count if the mail server accepted it.
"""

__all__ = ["listed_duties"]
