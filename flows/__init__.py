"""The Prefect flows, one for each schedule, and `cycle` for a whole round.

A flow reads the clock, opens the site (`run_context`) and calls the steps in `tasks`. prefect.yaml
names the flows as entry points.
"""

__all__ = [
    "backfill",
    "cycle",
    "delivery",
    "idle",
    "permitted",
    "run_names",
    "stored_results",
    "summary",
    "ui_texts",
]
