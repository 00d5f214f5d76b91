"""Steps of a complaint that officials state to Tenggat: with a command, or by mail.

`steps` records such a step as an event of the complaint, with a row of the audit, or takes it back.
"""

__all__ = ["steps"]
