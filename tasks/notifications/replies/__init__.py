"""Answers to notice mails: links with a token, and the answers that come back to the mailbox."""
