"""A part of the mapping of a mailbox that several tests share."""

UNIT_BY_ADDRESS = """
[[mail.events]]
column = "received"
kind = "assigned"
unit = "to"

[mail.values.unit]
"dinsos@contohkab.example" = "dinsos"
"""
"""The address to which a mail was sent names the unit in charge."""
