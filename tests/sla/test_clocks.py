"""How a complaint stands before the law: each rule at its edge, and what is not surely known."""

from datetime import UTC, date, datetime, timedelta
from itertools import permutations

import pytest
from conftest import REPOSITORY, WITA, wita
from hypothesis import given, settings
from hypothesis import strategies as st

from sla.calendar import Calendar, indonesian_days_off
from sla.engine.context import ComplaintFacts, EvaluationContext, Policy
from sla.engine.deadline import Reason, State
from sla.engine.evaluate import evaluate, history
from sla.events import Event, Knowledge, events_as_of
from sla.regulations.loader import load

LAW = load([REPOSITORY / "regulations"])
FIRST, LAST = date(2024, 1, 1), date(2028, 12, 31)
HOLIDAYS = indonesian_days_off(range(2024, 2029))
WORKING = Calendar(FIRST, LAST, days_off=HOLIDAYS, decreed_until=date(2026, 12, 31))
EVERY = Calendar.every_day(FIRST, LAST)

VERIFICATION = "sp4n/verification"
FOLLOW_UP = "sp4n/first-follow-up"
INFORMATION = "sp4n-guideline/information"  # 5 working days
COMPLETION = "uu-25-2009/completion"
AUTO_CLOSE = "sp4n/auto-close"
PROMISE = "boston/promise"


def event_at(kind, at, unit=None, recorded=None):
    """An event of which the source gives the moment."""
    at = wita(at) if isinstance(at, str) else at
    return Event(kind, at, wita(recorded) if recorded else at, "register", unit=unit)


def seen(kind, after, until, unit=None, knowledge=Knowledge.OBSERVED):
    """An event that happened between two looks at the source."""
    return Event(kind, wita(until), wita(until), "lapor", wita(after), knowledge, unit)


def unknown(kind, after, until, unit=None):
    """An event that was over before the first look."""
    return seen(kind, after, until, unit, Knowledge.UNKNOWN)


def clocks(rule, events, as_of, policy=Policy.BENEFIT_OF_DOUBT, law=LAW, **facts):
    """Every clock of one rule on a request for information, or what `facts` make of it."""
    asked = ComplaintFacts(
        **({"classification": "information_request", "system": "sp4n-lapor"} | facts)
    )
    context = EvaluationContext(law, WORKING, EVERY, WITA, policy, administrator_unit="kominfo")
    as_of = wita(as_of) if isinstance(as_of, str) else as_of
    return [d for d in evaluate(asked, events, context, as_of) if d.rule.id == rule]


def clock(rule, events, as_of, policy=Policy.BENEFIT_OF_DOUBT, **more):
    """The only clock of one rule."""
    (deadline,) = clocks(rule, events, as_of, policy, **more)
    return deadline


def end_of(day):
    return wita(f"{day} 23:59:59.999999")


# --- each rule at its edge ------------------------------------------------------------------------

EDGES = [
    # rule, classification, the day it starts, the last day on time
    ("uu-25-2009/filing", "complaint", "2026-11-02", "2026-12-02"),
    ("uu-25-2009/response", "complaint", "2026-03-16", "2026-03-30"),
    ("uu-25-2009/response", "supervisory_complaint", "2026-11-02", "2026-11-16"),
    ("uu-25-2009/completion", "complaint", "2026-11-02", "2026-12-02"),
    # day 60 is New Year's Day: a deadline in calendar days stays on a holiday
    ("uu-25-2009/decision", "complaint", "2026-11-02", "2027-01-01"),
    ("uu-25-2009/delivery", "complaint", "2026-11-02", "2026-11-16"),
    # received on a Saturday before Nyepi and Idul Fitri: 16, 17, 25 March
    ("sp4n/verification", None, "2026-03-14", "2026-03-25"),
    # 17, 25, 26, 27, 30 March
    ("sp4n/first-follow-up", None, "2026-03-16", "2026-03-30"),
    ("sp4n/auto-close", None, "2026-11-02", "2026-11-16"),
    ("sp4n-guideline/information", "information_request", "2026-11-02", "2026-11-09"),
    # 28, 29, 30, 31 December, 4 January
    ("sp4n-guideline/aspiration", "aspiration", "2026-12-23", "2027-01-04"),
    ("sp4n-guideline/complaint", "complaint", "2026-11-02", "2026-11-20"),
    # 17 days in February (less Imlek, 16 and 17), 17 in March (less Nyepi and Idul Fitri, 18 to
    # 24), 21 in April (less Good Friday) and 4 to 8 May (less Labour Day)
    ("sp4n-guideline/supervisory", "supervisory_complaint", "2026-02-02", "2026-05-08"),
    ("uu-37-2008/clarification", None, "2026-11-02", "2026-11-16"),
    ("uu-37-2008/second-clarification", None, "2026-11-02", "2026-11-16"),
    ("uu-37-2008/recommendation", None, "2026-11-02", "2027-01-01"),
    # 18 days in April, 12 in May (less Labour Day, Ascension Day and its joint holiday, 14 and 15)
    ("ombudsman-58-2023/report", None, "2026-04-06", "2026-05-21"),
]
NOBODY_IS_LATE = {"uu-25-2009/filing", "uu-25-2009/completion", "sp4n/auto-close"}


@pytest.mark.parametrize(("rule", "classification", "start", "last"), EDGES)
def test_a_rule_at_its_edge(rule, classification, start, last):
    (starts_on,) = LAW.last(rule).starts_on
    (stops_on,) = LAW.last(rule).stops_on
    started = event_at(starts_on, f"{start} 10:00", unit="dinkes")
    midnight = end_of(last) + timedelta(microseconds=1)
    lapses = rule in NOBODY_IS_LATE

    def state(as_of, *events):
        deadline = clock(rule, [started, *events], as_of, classification=classification)
        assert deadline.due == end_of(last)
        return deadline.state

    later = f"{LAST} 00:00"
    assert state(later, event_at(stops_on, f"{last} 23:59:59")) is State.MET
    assert state(later, event_at(stops_on, midnight)) is (
        State.LAPSED if lapses else State.MET_LATE
    )
    assert state(end_of(last)) is State.RUNNING
    assert state(midnight) is (State.LAPSED if lapses else State.BREACHED)


def test_every_rule_of_the_law_is_among_the_edges():
    assert {rule for rule, *_ in EDGES} == set(LAW.ids)


@pytest.mark.parametrize("at", ["00:00", "12:00", "23:59:59"])
def test_the_hour_of_receipt_does_not_matter(at):
    events = [event_at("received", f"2026-11-02 {at}")]
    assert clock(INFORMATION, events, "2026-11-03 08:00").due == end_of("2026-11-09")


def test_days_begin_at_midnight_of_the_site_and_not_of_utc():
    received = datetime(2026, 11, 2, 16, 30, tzinfo=UTC)  # 00:30 on the 3rd in Makassar
    deadline = clock(INFORMATION, [event_at("received", received)], "2026-11-03 08:00")
    assert deadline.due == end_of("2026-11-10")


@pytest.mark.parametrize(
    ("utc_hour", "state"),
    [(datetime(2026, 11, 9, 15, 59, 59), State.MET), (datetime(2026, 11, 9, 16), State.MET_LATE)],
)
def test_the_last_second_is_that_of_the_site(utc_hour, state):
    events = [
        event_at("received", "2026-11-02 10:00"),
        event_at("settled", utc_hour.replace(tzinfo=UTC)),
    ]
    assert clock(INFORMATION, events, "2026-11-12 08:00").state is state


def test_a_rule_is_for_its_classification_alone():
    events = [event_at("received", "2026-11-02 10:00")]
    for classification in ("complaint", None):
        assert clocks(INFORMATION, events, "2026-11-03 08:00", classification=classification) == []


def test_days_spent_and_working_days_left():
    events = [event_at("received", "2026-11-02 10:00")]  # due Monday the 9th
    on_sunday = clock(INFORMATION, events, "2026-11-08 12:00")
    assert (on_sunday.days_used, on_sunday.working_days_left) == (4, 1)
    late = clock(INFORMATION, events, "2026-11-11 12:00")
    assert (late.days_used, late.working_days_left) == (7, -2)
    settled = clock(
        INFORMATION, [*events, event_at("settled", "2026-11-05 09:00")], "2026-11-24 08:00"
    )
    assert (settled.days_used, settled.working_days_left) == (3, 2)  # as on the day it stopped


# --- promised to the second -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settled", "state"),
    [("2026-11-04 15:30:00", State.MET), ("2026-11-04 15:30:01", State.MET_LATE)],
)
def test_a_promised_time_is_kept_to_the_second(settled, state):
    law = load([REPOSITORY / "examples" / "boston" / "regulations"])
    events = [event_at("received", "2026-11-02 10:00"), event_at("settled", settled)]
    promised = wita("2026-11-04 15:30:00")
    deadline = clock(PROMISE, events, "2026-11-05 08:00", law=law, promised_due=promised)
    assert (deadline.state, deadline.due) == (state, promised)


def test_without_a_promise_there_is_no_such_deadline():
    law = load([REPOSITORY / "examples" / "boston" / "regulations"])
    events = [event_at("received", "2026-11-02 10:00")]
    assert clocks(PROMISE, events, "2026-11-05 08:00", law=law) == []


# --- seen between two looks -----------------------------------------------------------------------

RECEIVED = event_at(
    "received", "2026-11-02 10:00"
)  # a request for information is due Monday the 9th


@pytest.mark.parametrize("policy", Policy)
@pytest.mark.parametrize(
    ("after", "until", "state"),
    [
        ("2026-11-06 07:00", "2026-11-09 07:00", State.MET),
        ("2026-11-09 07:00", "2026-11-09 23:59:59.999999", State.MET),
        ("2026-11-09 23:59:59.999999", "2026-11-10 07:00", State.MET_LATE),
        ("2026-11-10 07:00", "2026-11-11 07:00", State.MET_LATE),
    ],
)
def test_a_verdict_that_holds_for_the_whole_interval_is_no_matter_of_policy(
    after, until, state, policy
):
    deadline = clock(INFORMATION, [RECEIVED, seen("settled", after, until)], until, policy)
    assert (deadline.state, deadline.by_policy) == (state, False)


@pytest.mark.parametrize(
    ("policy", "state"),
    [
        (Policy.BENEFIT_OF_DOUBT, State.MET),
        (Policy.STRICT, State.UNKNOWN),
        (Policy.NO_VERDICT, State.UNKNOWN),
    ],
)
def test_an_interval_across_the_due_moment_is_decided_by_policy_and_says_so(policy, state):
    settled = seen("settled", "2026-11-09 07:00", "2026-11-10 07:00")
    deadline = clock(INFORMATION, [RECEIVED, settled], "2026-11-10 08:00", policy)
    assert (deadline.state, deadline.by_policy) == (state, True)


@pytest.mark.parametrize(
    ("policy", "as_of", "state", "by_policy"),
    [
        (Policy.BENEFIT_OF_DOUBT, "2026-11-16 08:00", State.RUNNING, False),
        (Policy.BENEFIT_OF_DOUBT, "2026-11-17 00:00", State.BREACHED, False),
        (Policy.NO_VERDICT, "2026-11-16 08:00", State.RUNNING, False),
        (Policy.NO_VERDICT, "2026-11-17 00:00", State.BREACHED, False),
        (Policy.STRICT, "2026-11-13 08:00", State.RUNNING, False),
        (Policy.STRICT, "2026-11-14 00:00", State.UNKNOWN, True),
        (Policy.STRICT, "2026-11-16 23:59", State.UNKNOWN, True),
        (Policy.STRICT, "2026-11-17 00:00", State.BREACHED, False),
    ],
)
def test_a_start_between_two_looks_gives_an_earliest_and_a_latest_due_day(
    policy, as_of, state, by_policy
):
    # assigned on Friday the 6th (due the 13th) or over the weekend, or early Monday (due the 16th)
    assigned = seen("assigned", "2026-11-06 07:00", "2026-11-09 07:00", "dinkes")
    deadline = clock(FOLLOW_UP, [RECEIVED, assigned], as_of, policy)
    assert (deadline.state, deadline.by_policy) == (state, by_policy)


@pytest.mark.parametrize(
    ("policy", "due"),
    [(Policy.BENEFIT_OF_DOUBT, "2026-11-13"), (Policy.STRICT, "2026-11-11")],
)
def test_a_pause_between_looks_is_taken_at_its_longest_or_at_its_shortest(policy, due):
    # longest from the 4th to the 10th: 3, 4, 11, 12, 13; shortest from the 5th to the 9th:
    # 3, 4, 5, 10, 11
    events = [
        RECEIVED,
        seen("material_requested", "2026-11-04 07:00", "2026-11-05 07:00"),
        seen("material_completed", "2026-11-09 07:00", "2026-11-10 07:00"),
    ]
    assert clock(INFORMATION, events, "2026-11-10 08:00", policy).due == end_of(due)


# --- before the first look ------------------------------------------------------------------------


@pytest.mark.parametrize("policy", Policy)
def test_what_was_settled_before_the_first_look_gets_no_verdict(policy):
    settled = unknown("settled", "2026-11-02 10:00", "2026-11-23 07:00")
    deadline = clock(INFORMATION, [RECEIVED, settled], "2026-11-23 08:00", policy)
    assert (deadline.state, deadline.reasons) == (State.UNKNOWN, (Reason.HISTORY_UNKNOWN,))
    assert not deadline.open


@pytest.mark.parametrize("policy", Policy)
def test_unless_the_first_look_was_itself_in_time(policy):
    settled = unknown("settled", "2026-11-02 10:00", "2026-11-06 07:00")
    assert clock(INFORMATION, [RECEIVED, settled], "2026-11-23 08:00", policy).state is State.MET


@pytest.mark.parametrize("policy", Policy)
def test_a_clock_whose_start_is_unknown_is_late_only_when_it_is_late_whatever_the_start(policy):
    # assigned at any time between 2 and 23 November; counted from the 23rd it is due on the 30th
    assigned = unknown("assigned", "2026-11-02 10:00", "2026-11-23 07:00", "dinkes")
    events = [RECEIVED, assigned]
    for as_of, state in [
        ("2026-11-23 08:00", State.RUNNING),
        ("2026-11-30 23:00", State.RUNNING),
        ("2026-12-01 00:00", State.BREACHED),
    ]:
        deadline = clock(FOLLOW_UP, events, as_of, policy)
        assert (deadline.state, deadline.by_policy) == (state, False)


@pytest.mark.parametrize("policy", Policy)
def test_a_follow_up_after_an_unknown_start_gets_no_verdict(policy):
    events = [
        RECEIVED,
        unknown("assigned", "2026-11-02 10:00", "2026-11-23 07:00", "dinkes"),
        event_at("follow_up_published", "2026-11-24 09:00"),  # late if assigned on the 2nd
    ]
    deadline = clock(FOLLOW_UP, events, "2026-11-24 10:00", policy)
    assert (deadline.state, deadline.reasons) == (State.UNKNOWN, (Reason.HISTORY_UNKNOWN,))


# --- implied and voided ---------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["assigned", "follow_up_published", "settled", "closed"])
@pytest.mark.parametrize(
    ("at", "state"), [("2026-11-05 23:59", State.MET), ("2026-11-06 00:00", State.UNKNOWN)]
)
def test_a_later_step_proves_verification_by_then_but_never_lateness(kind, at, state):
    deadline = clock(VERIFICATION, [RECEIVED, event_at(kind, at, "dinkes")], "2026-11-12 08:00")
    assert (deadline.state, deadline.reasons) == (state, (Reason.IMPLIED,))


SHOWS_STATES = frozenset({"received", "assigned", "verified"})


@pytest.mark.parametrize(
    ("after", "sees", "state"),
    [
        ("2026-11-06 07:00", SHOWS_STATES, State.MET_LATE),
        ("2026-11-05 07:00", SHOWS_STATES, State.UNKNOWN),
        ("2026-11-06 07:00", None, State.UNKNOWN),
    ],
)
def test_a_later_step_proves_lateness_if_the_source_showed_the_duty_undone_after_the_due_day(
    after, sees, state
):
    """The due day is the 5th, and only the unit could be read on the 9th, not the status."""
    step = seen("assigned", after, "2026-11-09 07:00", "dinkes")
    deadline = clock(VERIFICATION, [RECEIVED, step], "2026-11-12 08:00", sees=sees)
    assert (deadline.state, deadline.reasons) == (state, (Reason.IMPLIED,))


@pytest.mark.parametrize("kind", ["withdrawn", "archived"])
def test_a_complaint_that_goes_away_leaves_no_verdict(kind):
    events = [RECEIVED, event_at(kind, "2026-11-05 09:00")]
    deadline = clock(INFORMATION, events, "2026-11-24 08:00")
    assert (deadline.state, deadline.reasons) == (State.WAIVED, (Reason.VOIDED,))


def test_what_happens_after_the_end_of_a_clock_changes_nothing():
    events = [
        RECEIVED,
        event_at("settled", "2026-11-05 09:00"),
        event_at("withdrawn", "2026-11-06 09:00"),
        event_at("settled", "2026-11-20 09:00"),
    ]
    deadline = clock(INFORMATION, events, "2026-11-24 08:00")
    assert (deadline.state, deadline.stopped) == (State.MET, wita("2026-11-05 09:00"))


# --- who must act ---------------------------------------------------------------------------------


def test_until_it_is_assigned_a_report_lies_with_the_administrator():
    assert clock(INFORMATION, [RECEIVED], "2026-11-03 08:00").unit == "kominfo"


def test_reassignment_moves_the_report_and_not_its_due_day():
    events = [
        RECEIVED,
        event_at("assigned", "2026-11-03 09:00", "dinkes"),
        event_at("assigned", "2026-11-05 09:00", "pupr"),
    ]
    before = clock(INFORMATION, events, "2026-11-04 08:00")
    after = clock(INFORMATION, events, "2026-11-05 10:00")
    assert (before.unit, before.due) == ("dinkes", end_of("2026-11-09"))
    assert (after.unit, after.due) == ("pupr", end_of("2026-11-09"))


def test_verification_stays_with_the_administrator_to_whomever_a_report_goes():
    events = [event_at("received", "2026-11-02 10:00", "dinkes")]
    assert clock(VERIFICATION, events, "2026-11-03 08:00").unit == "kominfo"


def test_a_returned_report_starts_anew_at_the_next_unit():
    events = [
        RECEIVED,
        event_at("assigned", "2026-11-03 09:00", "dinkes"),
        event_at("returned", "2026-11-06 09:00", "dinkes"),
        event_at("assigned", "2026-11-09 09:00", "pupr"),
    ]
    first, second = clocks(FOLLOW_UP, events, "2026-11-10 08:00")
    assert (first.clock, first.unit, first.state) == (1, "dinkes", State.WAIVED)
    assert first.reasons == (Reason.RETURNED,)
    assert (second.clock, second.unit, second.state) == (2, "pupr", State.RUNNING)
    assert second.due == end_of("2026-11-16")


# --- pauses ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("begins", "ends", "due"),
    [
        ("2026-11-04", "2026-11-10", "2026-11-13"),  # across: 3, 4, 11, 12, 13
        ("2026-11-02", "2026-11-03", "2026-11-10"),  # on the day it came: 4, 5, 6, 9, 10
        ("2026-11-04", "2026-11-04", "2026-11-09"),  # begun and ended on one day
        ("2026-11-06", "2026-11-08", "2026-11-09"),  # over a weekend
        ("2026-11-09", "2026-11-12", "2026-11-09"),  # at the last day, which still counts
        ("2026-11-10", "2026-11-12", "2026-11-09"),  # when it is late already
    ],
)
@pytest.mark.parametrize(
    ("begin", "end"), [("material_requested", "material_completed"), ("paused", "resumed")]
)
def test_days_of_a_pause_are_not_counted(begins, ends, due, begin, end):
    events = [RECEIVED, event_at(begin, f"{begins} 11:00"), event_at(end, f"{ends} 11:30")]
    assert clock(INFORMATION, events, "2026-11-20 08:00").due == end_of(due)


@pytest.mark.parametrize(
    ("ends", "due"),
    [
        ("2026-10-30", "2026-11-09"),  # over before the report was assigned
        ("2026-11-04", "2026-11-11"),  # only the part after it holds the clock up
    ],
)
def test_a_pause_may_begin_before_the_clock(ends, due):
    events = [
        event_at("paused", "2026-10-28 10:00"),
        event_at("assigned", "2026-11-02 10:00", "dinkes"),
        event_at("resumed", f"{ends} 12:00"),
    ]
    assert clock(FOLLOW_UP, events, "2026-11-05 08:00").due == end_of(due)


def test_a_pause_that_never_ends_leaves_no_due_day_and_nobody_late():
    events = [RECEIVED, event_at("paused", "2026-11-04 09:00")]
    deadline = clock(INFORMATION, events, "2027-11-04 09:00")
    assert (deadline.state, deadline.due, deadline.paused) == (State.PAUSED, None, True)
    assert (deadline.days_used, deadline.working_days_left) == (2, None)  # the 3rd and the 4th


def test_settled_within_a_pause_is_settled_in_time():
    events = [
        RECEIVED,
        event_at("paused", "2026-11-04 09:00"),
        event_at("settled", "2026-11-24 09:00"),
    ]
    deadline = clock(INFORMATION, events, "2026-11-24 10:00")
    assert (deadline.state, deadline.paused) == (State.MET, False)


def test_a_late_report_that_is_paused_stays_late_and_stands_still():
    events = [RECEIVED, event_at("paused", "2026-11-11 09:00")]
    deadline = clock(INFORMATION, events, "2026-11-12 09:00")
    assert (deadline.state, deadline.paused) == (State.BREACHED, True)
    assert deadline.due == end_of("2026-11-09")


def test_of_two_pauses_at_once_the_last_to_end_lets_the_clock_run():
    events = [
        RECEIVED,
        event_at("material_requested", "2026-11-04 09:00"),
        event_at("paused", "2026-11-05 09:00"),
        event_at("resumed", "2026-11-06 09:00"),
        event_at("material_completed", "2026-11-10 09:00"),
    ]
    waiting = clock(INFORMATION, events, "2026-11-09 08:00")
    assert (waiting.state, waiting.due, waiting.paused) == (State.PAUSED, None, True)
    running = clock(INFORMATION, events, "2026-11-10 10:00")
    assert (running.state, running.due) == (State.RUNNING, end_of("2026-11-13"))


# --- reopened -------------------------------------------------------------------------------------


def test_a_reopened_report_gets_a_clock_of_its_own():
    events = [
        RECEIVED,
        event_at("assigned", "2026-11-03 09:00", "dinkes"),
        event_at("settled", "2026-11-05 09:00"),
        event_at("reopened", "2026-11-12 09:00"),
    ]
    first, second = clocks(INFORMATION, events, "2026-11-13 08:00")
    assert (first.state, first.due) == (State.MET, end_of("2026-11-09"))
    assert (second.state, second.clock) == (State.RUNNING, 2)
    assert (second.unit, second.due) == ("dinkes", end_of("2026-11-19"))


def test_a_report_that_never_ended_is_not_reopened():
    events = [RECEIVED, event_at("reopened", "2026-11-12 09:00")]
    assert clock(INFORMATION, events, "2026-11-13 08:00").state is State.BREACHED


def test_a_pause_of_the_time_before_does_not_hold_up_a_reopened_report():
    events = [
        RECEIVED,
        event_at("material_requested", "2026-11-04 09:00"),
        event_at("settled", "2026-11-05 09:00"),  # without the material
        event_at("reopened", "2026-11-12 09:00"),
    ]
    _, second = clocks(INFORMATION, events, "2026-11-20 08:00")
    assert (second.state, second.due) == (State.BREACHED, end_of("2026-11-19"))


def test_settled_in_the_minute_of_its_receipt_in_whatever_order_it_is_told():
    events = [event_at("settled", "2026-11-02 10:00"), RECEIVED]
    assert clock(INFORMATION, events, "2026-11-24 08:00").state is State.MET


def test_receiving_a_report_twice_starts_one_clock():
    events = [
        RECEIVED,
        event_at("settled", "2026-11-05 09:00"),
        event_at("received", "2026-11-06 09:00"),
    ]
    assert clock(INFORMATION, events, "2026-11-24 08:00").state is State.MET


# --- shown later than it happens ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("as_of", "state", "reasons"),
    [
        ("2026-11-09 23:00", State.RUNNING, ()),
        ("2026-11-10 00:00", State.UNKNOWN, (Reason.SHOWN_LATER,)),
        ("2026-11-23 23:59:59", State.UNKNOWN, (Reason.SHOWN_LATER,)),  # 10 working days later
        ("2026-11-24 00:00", State.BREACHED, ()),
    ],
)
def test_what_a_source_shows_ten_working_days_late_is_missed_ten_working_days_later(
    as_of, state, reasons
):
    deadline = clock(INFORMATION, [RECEIVED], as_of, shown_later={"settled": 10})
    assert (deadline.state, deadline.reasons) == (state, reasons)
    assert (deadline.due, deadline.shown_by) == (end_of("2026-11-09"), end_of("2026-11-23"))
    assert deadline.open


@pytest.mark.parametrize("blind_to", ["assigned", "follow_up_published"])
def test_a_source_that_shows_no_start_or_no_stop_of_a_rule_is_not_judged_by_it(blind_to):
    sees = frozenset({"received", "assigned", "follow_up_published", "settled"} - {blind_to})
    events = [RECEIVED, event_at("assigned", "2026-11-03 09:00", "dinkes")]
    assert clocks(FOLLOW_UP, events, "2026-11-24 08:00", sees=sees) == []
    assert clock(INFORMATION, events, "2026-11-24 08:00", sees=sees).state is State.BREACHED


# --- the version in force -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("received", "citation"),
    [
        (wita("2025-04-30 23:59:59"), "PermenPANRB 62/2018"),
        (wita("2025-05-01 00:00"), "PermenPANRB 5/2025"),
        (datetime(2025, 4, 30, 16, tzinfo=UTC), "PermenPANRB 5/2025"),  # midnight in Makassar
    ],
)
def test_a_report_is_judged_by_the_version_of_the_day_its_clock_started(received, citation):
    deadline = clock(INFORMATION, [event_at("received", received)], "2025-05-05 08:00")
    assert deadline.rule.regulation.citation == citation


def test_a_report_reopened_under_the_new_version_is_judged_by_it():
    events = [
        event_at("received", "2025-04-21 10:00"),
        event_at("settled", "2025-04-24 10:00"),
        event_at("reopened", "2025-05-06 10:00"),
    ]
    first, second = clocks(INFORMATION, events, "2025-05-07 08:00")
    assert first.rule.regulation.citation == "PermenPANRB 62/2018"
    assert second.rule.regulation.citation == "PermenPANRB 5/2025"


# --- past views -----------------------------------------------------------------------------------


def test_a_past_view_knows_only_what_was_recorded_by_then():
    events = [RECEIVED, event_at("settled", "2026-11-06 09:00", recorded="2026-11-12 07:15")]
    assert clock(INFORMATION, events, "2026-11-09 08:00").state is State.RUNNING
    assert clock(INFORMATION, events, "2026-11-12 07:14").state is State.BREACHED
    assert clock(INFORMATION, events, "2026-11-12 07:15").state is State.MET


def test_an_event_still_to_come_does_not_count_yet():
    events = [RECEIVED, event_at("settled", "2026-11-06 09:00", recorded="2026-11-02 10:00")]
    assert clock(INFORMATION, events, "2026-11-05 08:00").state is State.RUNNING


def test_a_moment_without_a_zone_is_refused():
    with pytest.raises(ValueError, match="no zone"):
        evaluate(
            ComplaintFacts(),
            [RECEIVED],
            EvaluationContext(LAW, WORKING, EVERY, WITA),
            datetime(2026, 11, 3),
        )
    with pytest.raises(ValueError, match="no zone"):
        event_at("settled", datetime(2026, 11, 3))


# --- nobody of the government is late -------------------------------------------------------------


def test_material_that_does_not_come_lets_the_complaint_lapse():
    events = [
        event_at("received", "2026-11-02 10:00"),
        event_at("material_requested", "2026-11-02 11:00"),
    ]
    deadline = clock(COMPLETION, events, "2026-12-03 00:00", classification="complaint")
    assert (deadline.state, deadline.rule.lapse) == (State.LAPSED, "withdrawn")


def test_a_follow_up_without_a_reply_lapses_and_is_nobodys_lateness():
    events = [RECEIVED, event_at("follow_up_published", "2026-11-04 10:00", "dinkes")]
    deadline = clock(AUTO_CLOSE, events, "2026-11-19 00:00")
    assert (deadline.state, deadline.rule.lapse) == (State.LAPSED, "closed")


def test_only_lapor_closes_reports_by_itself():
    events = [RECEIVED, event_at("follow_up_published", "2026-11-04 10:00", "dinkes")]
    assert clocks(AUTO_CLOSE, events, "2026-11-19 00:00", system=None) == []


# --- before the source was looked at again --------------------------------------------------------


@pytest.mark.parametrize("policy", Policy)
@pytest.mark.parametrize(
    ("looked", "as_of", "state", "reasons"),
    [
        ("2026-11-09 07:15", "2026-11-09 23:59", State.RUNNING, ()),
        ("2026-11-09 07:15", "2026-11-10 00:05", State.UNKNOWN, (Reason.AWAITING_SOURCE,)),
        ("2026-11-09 07:15", "2026-11-20 08:00", State.UNKNOWN, (Reason.AWAITING_SOURCE,)),
        ("2026-11-10 07:15", "2026-11-10 08:00", State.BREACHED, ()),
    ],
)
def test_nobody_is_late_before_the_source_was_looked_at_after_the_deadline(
    looked, as_of, state, reasons, policy
):
    deadline = clock(INFORMATION, [RECEIVED], as_of, policy, known_until=wita(looked))
    assert (deadline.state, deadline.reasons) == (state, reasons)
    assert deadline.open


def test_a_source_that_shows_late_must_be_looked_at_after_that_time():
    for looked, reason in [
        ("2026-11-09 07:00", Reason.AWAITING_SOURCE),
        ("2026-11-23 07:00", Reason.SHOWN_LATER),
    ]:
        deadline = clock(
            INFORMATION,
            [RECEIVED],
            "2026-11-24 08:00",
            shown_later={"settled": 10},
            known_until=wita(looked),
        )
        assert (deadline.state, deadline.reasons) == (State.UNKNOWN, (reason,))


# --- corrected ------------------------------------------------------------------------------------


def said(kind, at, recorded, *, retracted=False, source_field="Selesai"):
    return Event(
        kind, wita(at), wita(recorded), "register", source_field=source_field, retracted=retracted
    )


def test_a_correction_replaces_what_the_same_column_said():
    events = [
        RECEIVED,
        said("settled", "2026-11-03 09:00", "2026-11-04 07:15"),
        said("settled", "2026-11-23 09:00", "2026-11-24 07:15"),
    ]
    assert clock(INFORMATION, events, "2026-11-23 08:00").state is State.MET
    assert clock(INFORMATION, events, "2026-11-24 08:00").state is State.MET_LATE


def test_an_emptied_column_takes_the_event_back():
    events = [
        RECEIVED,
        said("settled", "2026-11-03 09:00", "2026-11-04 07:15"),
        said("settled", "2026-11-03 09:00", "2026-11-06 07:15", retracted=True),
    ]
    assert clock(INFORMATION, events, "2026-11-05 08:00").state is State.MET
    assert clock(INFORMATION, events, "2026-11-06 08:00").state is State.RUNNING


def test_two_columns_of_one_kind_are_two_events():
    events = [
        RECEIVED,
        said("settled", "2026-11-04 09:00", "2026-11-05 07:15"),
        event_at("reopened", "2026-11-10 09:00"),
        said("settled", "2026-11-12 09:00", "2026-11-13 07:15", source_field="Selesai Kembali"),
    ]
    first, second = clocks(INFORMATION, events, "2026-11-24 08:00")
    assert (first.state, second.state) == (State.MET, State.MET)


# --- what the law brings about --------------------------------------------------------------------

ASKED = [
    event_at("received", "2026-11-02 10:00"),
    event_at("material_requested", "2026-11-02 11:00"),  # the material is due on 2 December
]


def states(events, as_of, **facts):
    context = EvaluationContext(LAW, WORKING, EVERY, WITA, administrator_unit="kominfo")
    asked = ComplaintFacts(**({"classification": "complaint", "system": "sp4n-lapor"} | facts))
    return {d.rule.id: d.state for d in evaluate(asked, events, context, wita(as_of))}


def test_a_complaint_deemed_withdrawn_binds_nobody_any_more():
    before, after = states(ASKED, "2026-12-02 12:00"), states(ASKED, "2026-12-03 08:00")
    assert before["sp4n-guideline/complaint"] is State.PAUSED
    assert after[COMPLETION] is State.LAPSED
    assert after["sp4n-guideline/complaint"] is State.WAIVED


def test_a_lapse_is_undone_when_it_turns_out_that_the_material_was_there():
    record = Event("withdrawn", end_of("2026-12-02"), wita("2026-12-03 00:05"), COMPLETION)
    late_news = event_at("material_completed", "2026-12-02 15:00", recorded="2026-12-03 07:15")
    found = states([*ASKED, record, late_news], "2026-12-03 08:00")
    assert found[COMPLETION] is State.MET
    assert found["sp4n-guideline/complaint"] is State.RUNNING


def test_nothing_lapses_before_the_source_was_looked_at():
    found = states(ASKED, "2026-12-03 00:05", known_until=wita("2026-12-02 07:15"))
    assert found[COMPLETION] is State.UNKNOWN
    assert found["sp4n-guideline/complaint"] is State.PAUSED


def test_a_lapse_stands_in_the_history_with_the_rule_as_its_source():
    context = EvaluationContext(LAW, WORKING, EVERY, WITA)
    facts = ComplaintFacts(classification="complaint")
    known = history(facts, ASKED, context, wita("2026-12-03 08:00"))
    assert [(e.kind, e.source, e.latest) for e in known][-1] == (
        "withdrawn",
        COMPLETION,
        end_of("2026-12-02"),
    )


# --- missed, and then gone ------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["withdrawn", "archived"])
def test_a_deadline_missed_before_the_complaint_went_away_stays_missed(kind):
    deadline = clock(
        INFORMATION, [RECEIVED, event_at(kind, "2026-11-12 09:00")], "2026-11-24 08:00"
    )
    assert (deadline.state, deadline.reasons) == (State.BREACHED, (Reason.VOIDED,))
    assert not deadline.open
    assert not deadline.ticking


@pytest.mark.parametrize(
    ("policy", "state"),
    [
        (Policy.BENEFIT_OF_DOUBT, State.WAIVED),
        (Policy.STRICT, State.UNKNOWN),
        (Policy.NO_VERDICT, State.UNKNOWN),
    ],
)
def test_gone_at_about_the_deadline_is_decided_by_policy(policy, state):
    gone = seen("archived", "2026-11-09 07:00", "2026-11-10 07:00")
    deadline = clock(INFORMATION, [RECEIVED, gone], "2026-11-24 08:00", policy)
    assert (deadline.state, deadline.by_policy) == (state, True)


def test_closed_so_late_that_a_timely_settlement_would_have_been_shown_is_late():
    closed = seen("closed", "2026-11-24 07:00", "2026-11-25 07:00")  # shown by the 23rd
    facts = {"shown_later": {"settled": 10}}
    assert clock(INFORMATION, [RECEIVED, closed], "2026-11-25 08:00", **facts).state is (
        State.MET_LATE
    )
    sooner = seen("closed", "2026-11-19 07:00", "2026-11-20 07:00")
    assert clock(INFORMATION, [RECEIVED, sooner], "2026-11-25 08:00", **facts).state is (
        State.UNKNOWN
    )


def test_the_unit_that_held_it_when_it_fell_due_answers_for_it():
    events = [
        RECEIVED,
        event_at("assigned", "2026-11-03 09:00", "dinkes"),
        event_at("assigned", "2026-11-12 09:00", "pupr"),  # due on the 9th
    ]
    deadline = clock(INFORMATION, events, "2026-11-13 08:00")
    assert (deadline.unit, deadline.answerable) == ("pupr", "dinkes")


def at_first_import(unit="pupr", until="2026-11-16 08:00"):
    return unknown("assigned", "2026-11-02 10:00", until, unit)


@pytest.mark.parametrize(
    ("change", "answerable", "liable"),
    [
        # due on the 9th, in the interval of the assignment: it may have been anybody's by then
        (at_first_import(), None, {"pupr"}),
        (at_first_import("kominfo"), "kominfo", {"kominfo"}),
        # the import that first showed the unit was before the due time
        (at_first_import(until="2026-11-09 08:00"), "pupr", {"pupr"}),
        (seen("assigned", "2026-11-09 08:00", "2026-11-10 08:00", "pupr"), None, {"pupr"}),
        # the last import that showed no unit was after the due time
        (
            seen("assigned", "2026-11-10 08:00", "2026-11-11 08:00", "pupr"),
            "kominfo",
            {"kominfo", "pupr"},
        ),
        # the due time is the end of the 9th: whoever has the complaint then
        (event_at("assigned", "2026-11-09 23:59", "pupr"), "pupr", {"pupr"}),
        (event_at("assigned", "2026-11-10 00:01", "pupr"), "kominfo", {"kominfo", "pupr"}),
    ],
)
def test_a_missed_duty_counts_for_no_unit_if_an_interval_leaves_open_which_one_held_it(
    change, answerable, liable
):
    deadline = clock(INFORMATION, [RECEIVED, change], "2026-11-17 08:00")
    assert (deadline.state, deadline.unit) == (State.BREACHED, change.unit)
    assert deadline.answerable == answerable
    assert deadline.liable == liable


HANDED = [("assigned", "03", "dinkes"), ("returned", "12", "dinkes"), ("assigned", "13", "pupr")]


@pytest.mark.parametrize(
    ("changes", "handed_over"),
    [
        ([], None),
        (HANDED[:1], ("03", "kominfo")),
        (HANDED[:2], ("12", "dinkes")),
        (HANDED, ("13", "dinkes")),
        # a unit that gets back what it returned has had it since the first time
        ([*HANDED[:2], ("assigned", "13", "dinkes")], ("03", "kominfo")),
        ([*HANDED, ("assigned", "14", "pupr")], ("13", "dinkes")),
    ],
)
def test_a_duty_names_the_hand_over_to_its_unit_and_the_unit_before(changes, handed_over):
    events = [event_at(kind, f"2026-11-{day} 09:00", unit) for kind, day, unit in changes]
    found = clock(INFORMATION, [RECEIVED, *events], "2026-11-17 08:00").handed_over
    assert (found and (f"{found.latest.astimezone(WITA):%d}", found.before)) == handed_over


def test_the_unit_of_a_late_settlement_is_open_if_the_assignment_may_be_before_or_after_it():
    events = [RECEIVED, event_at("settled", "2026-11-12 09:00"), at_first_import()]
    deadline = clock(INFORMATION, events, "2026-11-17 08:00")
    assert (deadline.state, deadline.answerable) == (State.MET_LATE, None)


def test_a_unit_is_not_accused_if_it_had_the_complaint_only_before_the_latest_possible_due_time():
    events = [
        RECEIVED,
        seen("assigned", "2026-11-03 09:00", "2026-11-05 09:00", "dinkes"),
        event_at("assigned", "2026-11-11 09:00", "pupr"),  # due between the 10th and the 12th
    ]
    deadline = clocks(FOLLOW_UP, events, "2026-11-17 08:00")[0]
    assert (deadline.state, deadline.answerable) == (State.BREACHED, None)


def test_a_unit_that_returned_a_complaint_around_the_due_time_is_not_accused_and_nobody_else():
    after, until = "2026-11-09 08:00", "2026-11-10 08:00"
    events = [
        RECEIVED,
        event_at("assigned", "2026-11-03 09:00", "dinkes"),
        seen("returned", after, until, "dinkes"),
        seen("assigned", after, until, "pupr"),
    ]
    deadline = clock(INFORMATION, events, "2026-11-17 08:00")
    assert (deadline.state, deadline.answerable) == (State.BREACHED, None)


def test_what_a_unit_has_returned_lies_with_the_administrator_again():
    events = [
        RECEIVED,
        event_at("assigned", "2026-11-03 09:00", "dinkes"),
        event_at("returned", "2026-11-04 09:00", "dinkes"),
    ]
    assert clock(INFORMATION, events, "2026-11-05 08:00").unit == "kominfo"


def test_an_ended_complaint_starts_no_clock_before_it_is_reopened():
    ended = [
        RECEIVED,
        event_at("assigned", "2026-11-03 09:00", "dinkes"),
        event_at("settled", "2026-11-05 09:00"),
        event_at("assigned", "2026-11-06 09:00", "pupr"),
    ]
    assert len(clocks(FOLLOW_UP, ended, "2026-11-24 08:00")) == 1
    again = [
        *ended,
        event_at("reopened", "2026-11-09 09:00"),
        event_at("assigned", "2026-11-10 09:00", "pupr"),
    ]
    assert len(clocks(FOLLOW_UP, again, "2026-11-24 08:00")) == 2


def test_assigned_and_followed_up_in_one_minute_in_whatever_order_it_is_told():
    events = [
        RECEIVED,
        event_at("follow_up_published", "2026-11-03 09:00"),
        event_at("assigned", "2026-11-03 09:00", "dinkes"),
    ]
    assert clock(FOLLOW_UP, events, "2026-11-24 08:00").state is State.MET


AT_ONCE = ("settled", "paused", "resumed", "closed", "material_requested", "material_completed")


@pytest.mark.parametrize(
    ("before", "order"),
    [
        ([], ["material_requested", "material_completed", "paused", "resumed"]),
        (["paused"], ["material_requested", "material_completed", "resumed", "paused"]),
        (
            ["material_requested", "paused"],
            ["material_completed", "material_requested", "resumed", "paused"],
        ),
        (["paused", "resumed"], ["material_requested", "material_completed", "paused", "resumed"]),
    ],
)
def test_what_was_observed_at_once_is_in_one_order_whatever_look_was_read_first(before, order):
    """A pause that goes on ends before another begins; else it begins before it ends."""
    known = [RECEIVED, *(event_at(kind, f"2026-11-02 1{n}:00") for n, kind in enumerate(before, 1))]
    span = ("2026-11-03 07:00", "2026-11-04 07:00")
    for kinds in permutations(AT_ONCE):
        all_of_it = [*known, *(seen(kind, *span) for kind in kinds)]
        found = events_as_of(all_of_it, wita("2026-11-05 08:00"))[len(known) :]
        assert [event.kind for event in found] == [*order, "closed", "settled"]


def test_what_a_source_tells_for_one_minute_stays_in_its_order():
    for order in (("paused", "resumed"), ("resumed", "paused")):
        known = events_as_of(
            [event_at(kind, "2026-11-03 09:00") for kind in order], wita("2026-11-05 08:00")
        )
        assert tuple(event.kind for event in known) == order


def test_a_complainant_is_never_judged_by_the_strict_reading():
    events = [
        RECEIVED,
        seen("material_requested", "2026-11-02 10:00", "2026-11-04 07:00"),
    ]
    for as_of, state in [("2026-12-03 08:00", State.RUNNING), ("2026-12-05 08:00", State.LAPSED)]:
        deadline = clock(COMPLETION, events, as_of, Policy.STRICT, classification="complaint")
        assert deadline.state is state


# --- a unit of its own kind -----------------------------------------------------------------------


def test_a_unit_that_works_on_saturdays_is_judged_by_its_own_week():
    six = WORKING.weekly([True] * 6 + [False])
    context = EvaluationContext(LAW, WORKING, EVERY, WITA, unit_calendars={"rsud": six})
    events = [RECEIVED, event_at("assigned", "2026-11-02 10:00", "rsud")]
    facts = ComplaintFacts(classification="information_request")
    (found,) = [
        d
        for d in evaluate(facts, events, context, wita("2026-11-03 08:00"))
        if d.rule.id == INFORMATION
    ]
    assert found.due == end_of("2026-11-07")  # 3, 4, 5, 6 and Saturday the 7th


def test_a_rule_for_one_unit_applies_as_soon_as_the_unit_is_known(tmp_path):
    (tmp_path / "own.toml").write_text(
        """[regulation]
key = "own"
title = "Standar pelayanan"
citation = "SOP"
[[rule]]
id = "light"
article = "1"
label = { id = "Ringan", en = "Light" }
actor = "unit"
starts_on = ["received"]
stops_on = ["settled"]
length = 2
unit = "working_day"
certainty = "seen"
applies_when = { unit = ["desa"] }
"""
    )
    law = load([tmp_path])
    assert clocks("own/light", [RECEIVED], "2026-11-03 08:00", law=law) == []
    events = [RECEIVED, event_at("assigned", "2026-11-03 09:00", "desa")]
    assert clock("own/light", events, "2026-11-03 10:00", law=law).due == end_of("2026-11-04")


# --- provisional ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("received", "due", "provisional"),
    [
        ("2026-12-22", "2026-12-31", False),  # 23, 28, 29, 30, 31
        ("2026-12-23", "2027-01-04", True),
    ],
)
def test_a_due_day_beyond_the_last_decree_is_provisional(received, due, provisional):
    deadline = clock(INFORMATION, [event_at("received", f"{received} 10:00")], "2026-12-24 08:00")
    assert (deadline.due, deadline.provisional) == (end_of(due), provisional)


# --- what holds for every history -----------------------------------------------------------------

HOURS = st.integers(1, 24 * 28)
LOOKED_EVERY = 24  # hours


@st.composite
def histories(draw):
    """The true events of a report, and the same as a source tells that is looked at once a day."""
    pause = sorted(draw(st.lists(HOURS, min_size=0, max_size=2)))
    happened = list(zip(pause, ["paused", "resumed"], strict=False))
    if draw(st.booleans()):
        happened.append((draw(HOURS), "settled"))
    true, shown = [RECEIVED], [RECEIVED]
    for hours, kind in sorted(happened):
        at = RECEIVED.latest + timedelta(hours=hours)
        look = RECEIVED.latest + timedelta(hours=-(-hours // LOOKED_EVERY) * LOOKED_EVERY)
        before = look - timedelta(hours=LOOKED_EVERY)
        true.append(Event(kind, at, at, "truth"))
        shown.append(Event(kind, look, look, "lapor", before, Knowledge.OBSERVED))
    return true, shown


AS_OF = st.integers(1, 40).map(lambda looks: RECEIVED.latest + timedelta(days=looks))


@settings(max_examples=100)
@given(histories(), AS_OF, st.sampled_from(Policy))
def test_a_verdict_without_policy_is_the_verdict_of_the_truth(history, as_of, policy):
    true, shown = history
    verdict = clock(INFORMATION, shown, as_of, policy)
    if verdict.state in (State.MET, State.MET_LATE, State.BREACHED) and not verdict.by_policy:
        assert clock(INFORMATION, true, as_of).state is verdict.state


@settings(max_examples=100)
@given(histories(), AS_OF)
def test_with_the_benefit_of_doubt_nobody_is_late_who_was_not(history, as_of):
    true, shown = history
    if clock(INFORMATION, shown, as_of).state in (State.MET_LATE, State.BREACHED):
        assert clock(INFORMATION, true, as_of).state in (State.MET_LATE, State.BREACHED)


@settings(max_examples=100)
@given(histories(), AS_OF)
def test_by_strict_reading_nobody_is_in_time_who_was_not(history, as_of):
    true, shown = history
    if clock(INFORMATION, shown, as_of, Policy.STRICT).state is State.MET:
        assert clock(INFORMATION, true, as_of).state is State.MET
