"""Steps of a complaint that officials state to Tenggat: with a command, or by mail.

`steps` records such a step as an event of the complaint, with a row of the audit, or takes it back.
`mails` records the mails of a mailbox, and what replies in the thread of a complaint state.
`completing_rows` writes the steps of a mailbox's complaints that another source shows.
"""

__all__ = ["completing_rows", "mails", "steps"]
