"""The definitions: the tables of a report in their order, and the meaning of their columns.

Formulas, all as known at the report's as-of time:

- received: complaints with the receipt in the period. settled: complaints with the final settlement
  or closing in the period, the first one after the last reopening (an observed one counts by its
  latest moment). first_settled: the same by the first settlement or closing. settled_unknown:
  complaints received in the period and settled at an unknown time, for example before the first
  import. They count in the period of their receipt only, never as settled. No share and no mean
  uses them.
- verdicts = met + met_late + breached: deadlines of the provider with the due day in the period. If
  a pause left the due day open, the end of the clock counts. share = met / verdicts. by_unit and
  unit_rule, unit_trend: they count for the unit that was responsible on that day, or for none (an
  empty key) if the time of an assignment is known only as an interval around it. unknown,
  waived and by_policy are counted separately; unknown and waived are never in the share.
- duties of superiors (:class:`sla.regulations.model.Actor`): they count for no unit, but in a row
  with the key :data:`sla.directory.SUPERIOR_OFFICE`, in by_unit, unit_rule, unit_trend and ahead
  and as the unit of late; all totals include them. The row has no shares fit for comparison. The
  open complaints, the status and the returns are those of the units.
- followed_up_share: of the received complaints, the share with a follow-up, a response, a
  settlement or a closing so far. Complaints without one are left out if a doubt hides the step, for
  example because the source does not show them any more. Young complaints have had less time, so it
  is not compared with earlier periods.
- followed_up_within_5: of the received complaints, the share followed up within 5 working days. A
  complaint is measured when its source was read after these days, if it was followed up within
  them, or if its follow-ups are known until after them and none can have happened within them. Left
  out are complaints that are younger, or whose source was not read since, followed up or not;
  complaints with an open question about the step or that their source stopped showing before; and
  complaints with a follow-up at an unknown time or in an interval around the fifth day.
- Both shares leave out all complaints of a source that cannot show follow-ups before the end of a
  complaint: those that ended early would be the only ones measured. The number left out, received
  minus measured, is named beside the share.
- days_to_follow_up: working days from the receipt to the first follow-up, over the complaints with
  their first follow-up in the period. days_to_settlement: working days from the receipt to the
  final settlement, over the settled complaints. Both only if the moment is known; mean (to one
  decimal, the half of a tenth goes up), median and 90th percentile (the smallest value not exceeded
  by at least nine tenths of the values).
- returned: returns in the period, by the unit that had the complaint. If a source shows only the
  present unit, a change to another unit is no return, except to the administrator's unit.
- open: complaints not ended at the as-of time. late: complaints with a breached deadline of the
  provider that is still open. Both at the as-of time, for any time of receipt.
  In by_unit a complaint is late at each unit with such a deadline, and at the superiors if
  theirs is late too; the total counts it once.
- late_duties: duties, not complaints: the breached deadlines of the provider that are still open.
  late_ended: those that ended otherwise, for example because the complaint was closed, with the due
  day in the calendar year of the as-of time.
- observed_times, history_unknown: received complaints with an event known only as an interval, or
  with an event from before the first import.
- absent: received complaints that their source no longer shows, although its newest import had to.
- previous, year_before: the same figures of the period before and of a year before. They are None
  if the data do not cover that period. settled and first_settled are None too if a settlement at an
  unknown time may have been in that period. Before the last day of an unfinished period they count
  as many working days as it has had (:mod:`sla.metrics.comparison`).
- open_late: open complaints that are late. A complaint that has ended may be late too, for example
  towards the Ombudsman.
- age: working days from the receipt of an open complaint to the as-of time.
- status: of the complaints received in the period, the status at the as-of time, by the unit that
  has them then (:class:`sla.metrics.case.Status`).
- unit_rule, unit_trend: the share on time (met / verdicts) of a unit, by rule in the period, and by
  month of the due day. The number behind each share is its number of verdicts.
- ahead: duties that are running at the as-of time, by the unit responsible then and by the day on
  which they end, for `AHEAD_DAYS` days from the day of the report on. Paused duties and duties in
  doubt have no such day.
- forecast: if nothing is done from the as-of time on, until the end of a day. ends: the running
  duties that end. newly_late: complaints that are not late at the as-of time, with such a duty or
  with one whose due time has passed and that the next import decides.
  late_then: these and the complaints that are late already. The days are the last working days of
  `FORECAST_WEEKS` weeks.
- by_place: received and settled complaints of the period, the duties with the due day in it, and
  the complaints late at the as-of time, by the place that the source names.
- rating: the ratings that the source shows by the as-of time, of the complaints received in the
  period. mean: rounded as above. rated: the number behind it. 1 to 5: how many have this rating.
  A complaint without a rating is in none of them.
- statements: the newest statement of a unit about a complaint with an open deadline of that unit. A
  unit makes it by answering a notice; it changes no deadline.
- settled_within_n: of the complaints with a notification of a rung in the period, the share settled
  or closed within n working days after the first notification, also if it was reopened later: the
  final settlement is another figure. Complaints are left out of that share, settled or not, until
  their source was read after the last of these days. Those with an open question about a step, or
  that their source stopped showing before, are left out too unless they are known to have been
  settled within these days.
"""

from __future__ import annotations

from sla.metrics.case import Status
from sla.metrics.table import Column, Measure

COUNT, SHARE, DAYS = Measure.COUNT, Measure.SHARE, Measure.DAYS

VERDICTS = (
    Column("verdicts", COUNT),
    Column("met", COUNT),
    Column("met_late", COUNT),
    Column("breached", COUNT),
    Column("unknown", COUNT),
    Column("waived", COUNT),
    Column("by_policy", COUNT),
    Column("share", SHARE),
)

STANDING = (Column("open", COUNT), Column("late", COUNT))

HEADLINE = (
    ("received", COUNT),
    ("settled", COUNT),
    ("first_settled", COUNT),
    ("settled_unknown", COUNT),
    ("followed_up_within_5", SHARE),
    ("followed_up_share", SHARE),
    ("on_time", SHARE),
    ("mean_days_to_follow_up", DAYS),
    ("median_days_to_follow_up", DAYS),
    ("ninetieth_days_to_follow_up", DAYS),
    ("mean_days_to_settlement", DAYS),
    ("median_days_to_settlement", DAYS),
    ("ninetieth_days_to_settlement", DAYS),
    ("open", COUNT),
    ("late", COUNT),
    ("late_duties", COUNT),
    ("late_ended", COUNT),
    ("reopened", COUNT),
    ("returned", COUNT),
)
"""The rows of the headline."""

PRESENT = frozenset({"open", "late", "late_duties", "late_ended"})
"""Rows of the headline that are known only at the as-of time: they have no comparison."""

NOT_COMPARED = PRESENT | {"followed_up_share"}
"""Rows of the headline without a comparison: also a share that grows with the age of complaints."""

SHAPES: dict[str, tuple[str, tuple[Column, ...]]] = {
    "headline": (
        "metric",
        (
            Column("value", Measure.TEXT),
            Column("previous", Measure.TEXT),
            Column("year_before", Measure.TEXT),
        ),
    ),
    "by_rule": ("rule", (*VERDICTS, Column("late_duties", COUNT))),
    "by_unit": (
        "unit",
        (*VERDICTS, *STANDING, Column("reopened", COUNT), Column("returned", COUNT)),
    ),
    "status": (
        "unit",
        (Column("received", COUNT), *(Column(each.value, COUNT) for each in Status)),
    ),
    "unit_rule": ("unit", ()),
    "unit_trend": ("unit", ()),
    "by_classification": ("classification", (Column("received", COUNT), *VERDICTS, *STANDING)),
    "by_category": ("category", (Column("received", COUNT), *VERDICTS, *STANDING)),
    "by_channel": ("channel", (Column("received", COUNT), *VERDICTS, *STANDING)),
    "by_place": (
        "place",
        (
            Column("received", COUNT),
            Column("settled", COUNT),
            Column("verdicts", COUNT),
            Column("share", SHARE),
            Column("late", COUNT),
        ),
    ),
    "rating": ("rating", (Column("rated", COUNT),)),
    "ageing": ("age", (Column("open", COUNT), Column("open_late", COUNT))),
    "ahead": ("unit", (Column("ends", COUNT),)),
    "forecast": (
        "day",
        (Column("ends", COUNT), Column("newly_late", COUNT), Column("late_then", COUNT)),
    ),
    "trend": (
        "month",
        (
            Column("received", COUNT),
            Column("settled", COUNT),
            Column("settled_unknown", COUNT),
            Column("verdicts", COUNT),
            Column("share", SHARE),
        ),
    ),
    "late": (
        "deadline",
        (
            Column("ticket", Measure.TEXT),
            Column("working_days_late", Measure.DAYS),
            Column("unit", Measure.KEY),
            Column("rule", Measure.KEY),
            Column("category", Measure.TEXT),
            Column("due", Measure.DAY),
            Column("notified", Measure.TEXT),
        ),
    ),
    "statements": (
        "complaint",
        (
            Column("ticket", Measure.TEXT),
            Column("statement", Measure.KEY),
            Column("stated_on", Measure.DAY),
            Column("working_days_late", Measure.DAYS),
            Column("unit", Measure.KEY),
        ),
    ),
    "escalations": (
        "rung",
        (
            Column("kind", Measure.KEY),
            Column("notices", COUNT),
            Column("complaints", COUNT),
            Column("settled_within_3", SHARE),
            Column("settled_within_7", SHARE),
            Column("settled_within_14", SHARE),
        ),
    ),
    "quality": ("finding", (Column("number", COUNT),)),
}
"""Each table by its key: the meaning of its rows, and its columns.

`unit_rule`, `unit_trend` and `ahead` also have a column for each rule, month or day.
"""

OPTIONAL = frozenset({"by_place", "rating"})
"""Tables that a report has only if its sources show these data."""

RATINGS = (5, 4, 3, 2, 1)
"""The ratings of a reporter, the best first."""

AGES = ((0, 3), (4, 5), (6, 14), (15, 30), (31, 60), (61, None))
"""Ranges of age in working days, both ends included: the rows of `ageing`, with the keys `0-3` to
`61-`."""

SOON = 5
"""The working days within which a complaint shall be followed up: the national target."""

WITHIN = (3, 7, 14)
"""The periods after a notification, in working days, within which a settlement is counted."""

SMALL_NUMBER = 5
"""A share of fewer than this is not fit for comparison, and no mean or median is."""


def is_small(number: int) -> bool:
    """Check whether a figure computed from so many is marked as one of a small number."""
    return 0 < number < SMALL_NUMBER


TREND_MONTHS = 13

AHEAD_DAYS = 14
"""The days of the table of duties that end soon, the day of the report included."""

FORECAST_WEEKS = 4
