"""The pure domain: calendar, regulations, clocks, escalation.

Nothing here reads the clock, the network, a database or the settings of a site: time and
facts are arguments, verdicts are values.
"""
