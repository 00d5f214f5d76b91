"""Shapes: which tables a report has, in their order, and what their columns mean.

Formulas, all as known at the report's as-of:

- received: complaints whose receipt lies in the period. settled: complaints whose first settlement
  or closing lies in it (an observed one by its latest moment).
- judged = met + met_late + breached: the provider's deadlines whose due day lies in the period
  (where a pause left it open: whose end lies in it). share = met / judged. unknown, waived and
  by_policy are counted apart; unknown and waived are never in the share.
- followed_up: of the received, those with a follow-up, a response, a settlement or a closing.
- days_to_follow_up, days_to_settlement: working days from receipt to the first follow-up of the
  received, to the first settlement of the settled, where the moment is known; mean, median and
  90th percentile (the smallest value that at least nine tenths do not exceed).
- open: complaints that nothing has ended by the as-of. late: complaints with a breached deadline of
  the provider that is still open. Both at the as-of, whenever received.
- observed_times, history_unknown: of the received, those with an event of which only an interval is
  known, or not even that.
- age: working days from the receipt of an open complaint to the as-of.
- settled_within_n: of the complaints told of at a rung in the period, the share that was settled
  within n working days after it was first told; those told less than n working days ago and not
  settled are left out of that share.
"""

from __future__ import annotations

from sla.figures.table import Column, Measure

COUNT, SHARE, DAYS = Measure.COUNT, Measure.SHARE, Measure.DAYS

VERDICTS = (
    Column("judged", COUNT), Column("met", COUNT), Column("met_late", COUNT),
    Column("breached", COUNT), Column("unknown", COUNT), Column("waived", COUNT),
    Column("by_policy", COUNT), Column("share", SHARE),
)  # fmt: skip

STANDING = (Column("open", COUNT), Column("late", COUNT))

HEADLINE = (
    ("received", COUNT), ("settled", COUNT), ("followed_up_share", SHARE), ("on_time", SHARE),
    ("mean_days_to_follow_up", DAYS), ("median_days_to_follow_up", DAYS),
    ("ninetieth_days_to_follow_up", DAYS), ("mean_days_to_settlement", DAYS),
    ("median_days_to_settlement", DAYS), ("ninetieth_days_to_settlement", DAYS),
    ("open", COUNT), ("late", COUNT), ("reopened", COUNT), ("returned", COUNT),
)  # fmt: skip
"""The rows of the headline; open and late are known at the as-of only, so they have no before."""

SHAPES: dict[str, tuple[str, tuple[Column, ...]]] = {
    "headline": (
        "figure",
        (
            Column("value", Measure.TEXT), Column("previous", Measure.TEXT),
            Column("year_before", Measure.TEXT),
        ),
    ),
    "by_rule": ("rule", (*VERDICTS, Column("late", COUNT))),
    "by_unit": (
        "unit",
        (*VERDICTS, *STANDING, Column("reopened", COUNT), Column("returned", COUNT)),
    ),
    "by_classification": ("classification", (Column("received", COUNT), *VERDICTS, *STANDING)),
    "by_category": ("category", (Column("received", COUNT), *VERDICTS, *STANDING)),
    "by_channel": ("channel", (Column("received", COUNT), *VERDICTS, *STANDING)),
    "ageing": ("age", (Column("open", COUNT), Column("late", COUNT))),
    "trend": (
        "month",
        (
            Column("received", COUNT), Column("settled", COUNT), Column("judged", COUNT),
            Column("share", SHARE),
        ),
    ),
    "late": (
        "deadline",
        (
            Column("ticket", Measure.TEXT), Column("working_days_late", Measure.DAYS),
            Column("unit", Measure.KEY), Column("rule", Measure.KEY),
            Column("category", Measure.TEXT), Column("due", Measure.DAY),
            Column("told", Measure.TEXT),
        ),
    ),
    "escalations": (
        "rung",
        (
            Column("kind", Measure.KEY), Column("notices", COUNT), Column("complaints", COUNT),
            Column("settled_within_3", SHARE), Column("settled_within_7", SHARE),
            Column("settled_within_14", SHARE),
        ),
    ),
    "quality": ("finding", (Column("number", COUNT),)),
}  # fmt: skip
"""Each table by its key: what its rows are, and its columns."""

AGES = ((0, 3), (4, 5), (6, 14), (15, 30), (31, 60), (61, None))
"""Working days of age, both ends included: the rows of `ageing`, keyed `0-3` ... `61-`."""

WITHIN = (3, 7, 14)
"""Working days after a rung within which settlement is looked for."""

SMALL_NUMBER = 5
"""Below this many judged deadlines a share is not fit for comparison."""

TREND_MONTHS = 13
