"""The figures of a compliance report: each defined once, and the same in every format."""
