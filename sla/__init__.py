"""The pure domain: calendar, regulations, clocks, escalation.

Nothing here reads the system clock, the network, a database or the settings of a site. Time and
facts are arguments, and deadlines are return values.
"""
