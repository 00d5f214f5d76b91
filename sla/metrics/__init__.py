"""The metrics of a compliance report: each is defined once, for all formats."""
