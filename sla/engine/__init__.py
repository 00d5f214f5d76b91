"""The deadline engine: it evaluates a complaint under the law in force.

`evaluate` is the entry. `context` has what it needs, `deadline` its result, `explain` that result
day by day. The decision table and the verdicts compute many clocks at once.
"""

__all__ = [
    "clocks",
    "context",
    "deadline",
    "evaluate",
    "explain",
    "holders",
    "timeline",
    "verdicts",
]
