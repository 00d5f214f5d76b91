"""Who is told when: the rungs of a ladder on the days of a calendar."""

from datetime import date, time, timedelta

import pytest
from conftest import REPOSITORY, WITA, wita
from hypothesis import given, settings
from hypothesis import strategies as st

from sla.calendar import Calendar, indonesian_days_off
from sla.directory import Role
from sla.due_days import working_days_between
from sla.engine.context import ComplaintFacts, EvaluationContext
from sla.engine.deadline import State
from sla.engine.evaluate import evaluate
from sla.escalation import next_action_at, reached
from sla.events import Event
from sla.fair_notice import NOT_NOTIFIED, AcceptedNotices
from sla.ladders import Ladder, LadderError, NoticeKind, Offset, OffsetUnit, Rung, ladder_for
from sla.mail_hours import MailHours, next_weekly
from sla.regulations.loader import load

FIRST, LAST = date(2025, 1, 1), date(2029, 12, 31)
BENCH = EvaluationContext(
    load([REPOSITORY / "regulations", REPOSITORY / "examples" / "boston" / "regulations"]),
    Calendar(FIRST, LAST, days_off=indonesian_days_off(range(2025, 2030))),
    Calendar.every_day(FIRST, LAST),
    WITA,
)
INFORMATION = "sp4n-guideline/information"  # 5 working days
RESPONSE = "uu-25-2009/response"  # 14 days
COMPLETION = "uu-25-2009/completion"  # 30 days, the complainant's
PROMISE = "boston/promise"


def rung(at, kind, repeat=None, to=Role.LIAISON, name=None):
    return Rung(
        name or at,
        Offset.parse(at),
        NoticeKind(kind),
        to=(to,),
        repeat=Offset.parse(repeat) if repeat else None,
    )


LADDER = Ladder(
    ("*",),
    (
        rung("50%", "reminder"),
        rung("-1wd", "reminder"),
        rung("0", "breach"),
        rung("+3wd", "escalation"),
        rung("+7wd", "escalation"),
        rung("+14wd", "escalation", repeat="5wd"),
    ),
)


def event_at(kind, at):
    at = wita(at) if isinstance(at, str) else at
    return Event(kind, at, at, "register")


def deadline(rule, events, as_of, **facts):
    """The only clock of a rule on a request for information, or on what `facts` make of it."""
    asked = ComplaintFacts(**({"classification": "information_request"} | facts))
    as_of = wita(as_of) if isinstance(as_of, str) else as_of
    (found,) = [d for d in evaluate(asked, events, BENCH, as_of) if d.rule.id == rule]
    return found


def rungs(rule, events, as_of, ladder=LADDER, notified=NOT_NOTIFIED, **facts):
    """What is reached: (rung, repeat, local time)."""
    found = reached(deadline(rule, events, as_of, **facts), ladder, BENCH, wita(as_of), notified)
    return [(r.rung.id, r.repeat, f"{r.at.astimezone(WITA):%Y-%m-%d %H:%M}") for r in found]


def turn(rule, events, as_of, ladder=LADDER, notified=NOT_NOTIFIED, **facts):
    """The next look, in local time."""
    found = deadline(rule, events, as_of, **facts)
    found = next_action_at(found, ladder, BENCH, wita(as_of), notified)
    return found and f"{found.astimezone(WITA):%Y-%m-%d %H:%M}"


# --- offsets --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "amount", "unit", "after_due"),
    [
        ("50%", 50, OffsetUnit.PERCENT, False),
        ("-3wd", -3, OffsetUnit.WORKING_DAY, False),
        ("-1d", -1, OffsetUnit.DAY, False),
        ("0d", 0, OffsetUnit.DUE_DAY, False),
        ("0", 0, OffsetUnit.DAY, True),
        ("+3wd", 3, OffsetUnit.WORKING_DAY, True),
        ("7d", 7, OffsetUnit.DAY, True),
        (" +14 wd ", 14, OffsetUnit.WORKING_DAY, True),
    ],
)
def test_an_offset_is_read(text, amount, unit, after_due):
    offset = Offset.parse(text)
    assert (offset.amount, offset.unit, offset.after_due) == (amount, unit, after_due)


@pytest.mark.parametrize(
    "text", ["", "soon", "3", "1.5d", "+3w", "wd", "--1d", "+99999d", "1wd 2d"]
)
def test_what_is_no_offset_is_refused_with_the_remedy(text):
    with pytest.raises(LadderError, match=r"write 50%, -3wd, -1d, 0d, 0 or \+7wd"):
        Offset.parse(text)


@pytest.mark.parametrize("text", ["0%", "100%", "-50%", "150%"])
def test_a_percentage_lies_within_the_time(text):
    with pytest.raises(LadderError, match="between 1% and 99%"):
        Offset.parse(text)


# --- which ladder ---------------------------------------------------------------------------------


def test_the_first_ladder_that_names_a_rule_is_climbed():
    ombudsman, rest = Ladder(("uu-37-2008/*",), ()), Ladder(("sp4n/*", "sp4n-guideline/*"), ())
    assert ladder_for("uu-37-2008/clarification", [ombudsman, rest, LADDER]) is ombudsman
    assert ladder_for("sp4n-guideline/complaint", [ombudsman, rest, LADDER]) is rest
    assert ladder_for("sp4n/verification", [LADDER, rest]) is LADDER


def test_a_rule_that_no_ladder_names_tells_nobody():
    assert ladder_for("desa/light", [Ladder(("sp4n/*",), ())]) is None
    running = deadline(INFORMATION, [RECEIVED], "2026-11-06 08:00")
    assert reached(running, None, BENCH, wita("2026-11-06 08:00")) == []


# --- rungs before and after the deadline ----------------------------------------------------------

RECEIVED = event_at("received", "2026-11-02 10:00")  # due Monday the 9th: 3, 4, 5, 6, 9 November


@pytest.mark.parametrize(
    ("as_of", "expected"),
    [
        ("2026-11-04 23:59", []),
        ("2026-11-05 00:00", [("50%", 0, "2026-11-05 00:00")]),  # the third of five days
        ("2026-11-06 00:00", [("50%", 0, "2026-11-05 00:00"), ("-1wd", 0, "2026-11-06 00:00")]),
        ("2026-11-09 23:59", [("50%", 0, "2026-11-05 00:00"), ("-1wd", 0, "2026-11-06 00:00")]),
        # late: no reminder any more
        ("2026-11-10 00:00", [("0", 0, "2026-11-10 00:00")]),
        ("2026-11-11 23:59", [("0", 0, "2026-11-10 00:00")]),
        ("2026-11-12 00:00", [("0", 0, "2026-11-10 00:00"), ("+3wd", 0, "2026-11-12 00:00")]),
    ],
)
def test_rungs_are_reached_one_after_the_other(as_of, expected):
    assert rungs(INFORMATION, [RECEIVED], as_of) == expected


def test_after_an_outage_all_rungs_are_known_and_the_highest_is_last():
    names = [name for name, *_ in rungs(INFORMATION, [RECEIVED], "2026-11-27 08:00")]
    assert names == ["0", "+3wd", "+7wd", "+14wd"]


@pytest.mark.parametrize(
    ("as_of", "repeat", "at"),
    [
        ("2026-12-03 23:59", 0, "2026-11-27 00:00"),
        ("2026-12-04 00:00", 1, "2026-12-04 00:00"),
        ("2026-12-11 00:00", 2, "2026-12-11 00:00"),
        ("2026-12-21 08:00", 3, "2026-12-18 00:00"),
        # 21, 22, 23, 28, 29 December: Christmas is not counted
        ("2026-12-29 00:00", 4, "2026-12-29 00:00"),
    ],
)
def test_a_repeated_rung_is_given_once_with_its_last_repetition(as_of, repeat, at):
    notified = AcceptedNotices(decided={"+14wd": wita("2026-11-27 08:00")})
    assert rungs(INFORMATION, [RECEIVED], as_of, notified=notified)[-1] == ("+14wd", repeat, at)


def test_repetitions_are_counted_from_the_first_notice_and_not_from_the_deadline():
    """The first import of an old case: due on 9 November, first told on Thursday 3 December."""
    late = Ladder(("*",), (rung("0", "breach", repeat="5wd"),))
    assert rungs(INFORMATION, [RECEIVED], "2026-12-03 08:00", late)[-1][:2] == ("0", 0)
    told_now = AcceptedNotices(decided={"0": wita("2026-12-03 08:00")})
    for as_of, repeat in (("2026-12-09 23:59", 0), ("2026-12-10 00:00", 1)):
        assert rungs(INFORMATION, [RECEIVED], as_of, late, told_now)[-1][:2] == ("0", repeat)
    assert turn(INFORMATION, [RECEIVED], "2026-12-03 08:00", late, told_now) == "2026-12-10 00:00"


def test_on_a_day_off_nobody_is_told_before_the_next_working_day():
    received = event_at("received", "2026-11-06 10:00")  # due Friday the 13th
    saturday = deadline(INFORMATION, [received], "2026-11-14 00:00")
    assert saturday.state is State.BREACHED
    assert rungs(INFORMATION, [received], "2026-11-15 23:59") == []
    assert rungs(INFORMATION, [received], "2026-11-16 00:00") == [("0", 0, "2026-11-16 00:00")]


def test_a_week_of_holidays_puts_a_rung_off_to_its_end():
    received = event_at("received", "2026-03-04 10:00")  # 14 days: due 18 March, before Nyepi
    facts = {"classification": "complaint"}
    assert rungs(RESPONSE, [received], "2026-03-24 23:59", **facts) == []
    assert rungs(RESPONSE, [received], "2026-03-25 00:00", **facts) == [
        ("0", 0, "2026-03-25 00:00")
    ]


def test_a_pause_moves_the_rungs_with_the_deadline():
    events = [
        RECEIVED,
        event_at("paused", "2026-11-04 09:00"),
        event_at("resumed", "2026-11-10 09:00"),  # 3, 4, 11, 12, 13
    ]
    assert rungs(INFORMATION, events, "2026-11-10 23:59") == []
    assert rungs(INFORMATION, events, "2026-11-12 00:00") == [
        ("50%", 0, "2026-11-11 00:00"),
        ("-1wd", 0, "2026-11-12 00:00"),
    ]


def test_half_of_a_promised_time_is_half_to_the_second():
    promised = {"promised_due": wita("2026-11-04 10:00")}
    assert rungs(PROMISE, [RECEIVED], "2026-11-03 09:59", **promised) == [
        ("-1wd", 0, "2026-11-03 00:00")
    ]
    assert rungs(PROMISE, [RECEIVED], "2026-11-03 10:00", **promised) == [
        ("-1wd", 0, "2026-11-03 00:00"),
        ("50%", 0, "2026-11-03 10:00"),
    ]


def test_a_promise_is_late_from_the_next_moment_on():
    promised = {"promised_due": wita("2026-11-04 10:00")}
    assert turn(PROMISE, [RECEIVED], "2026-11-04 10:00", **promised) == "2026-11-04 10:00"
    late = wita("2026-11-04 10:00") + timedelta(microseconds=1)
    breached = deadline(PROMISE, [RECEIVED], late, **promised)
    assert [r.rung.id for r in reached(breached, LADDER, BENCH, late)] == ["0"]


# --- who is never told ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "end",
    [
        event_at("settled", "2026-11-12 09:00"),  # met late
        event_at("closed", "2026-11-12 09:00"),  # settled by then, unknown when
        event_at("withdrawn", "2026-11-12 09:00"),
        event_at("paused", "2026-11-12 09:00"),  # late, and standing still
    ],
    ids=lambda event: event.kind,
)
def test_a_clock_that_has_ended_or_stands_still_tells_nobody(end):
    assert rungs(INFORMATION, [RECEIVED, end], "2026-11-24 08:00") == []
    assert turn(INFORMATION, [RECEIVED, end], "2026-11-24 08:00") is None


def test_a_paused_clock_reminds_nobody():
    events = [RECEIVED, event_at("paused", "2026-11-04 09:00")]
    assert rungs(INFORMATION, events, "2026-11-06 08:00") == []
    assert turn(INFORMATION, events, "2026-11-06 08:00") is None


def test_a_pause_that_begins_on_the_last_day_stops_no_deadline_but_every_mail():
    events = [RECEIVED, event_at("paused", "2026-11-09 09:00")]  # that day still counts
    assert deadline(INFORMATION, events, "2026-11-09 10:00").state is State.PAUSED
    assert turn(INFORMATION, events, "2026-11-09 10:00") == "2026-11-10 00:00"
    late = deadline(INFORMATION, events, "2026-11-10 00:00")
    assert (late.state, late.paused) == (State.BREACHED, True)
    assert rungs(INFORMATION, events, "2026-11-24 08:00") == []
    assert turn(INFORMATION, events, "2026-11-10 00:00") is None


def test_what_may_yet_be_shown_as_settled_tells_nobody_until_it_is_certain():
    lapor = {"shown_later": {"settled": 10}}
    assert rungs(INFORMATION, [RECEIVED], "2026-11-23 23:59", **lapor) == []
    assert turn(INFORMATION, [RECEIVED], "2026-11-12 08:00", **lapor) == "2026-11-24 00:00"
    assert rungs(INFORMATION, [RECEIVED], "2026-11-26 00:00", **lapor) == [
        ("0", 0, "2026-11-24 00:00"),
        ("+3wd", 0, "2026-11-26 00:00"),
    ]


@pytest.mark.parametrize("as_of", ["2026-11-20 08:00", "2026-12-02 23:59", "2026-12-24 08:00"])
def test_the_deadline_of_a_complainant_tells_nobody(as_of):
    events = [RECEIVED, event_at("material_requested", "2026-11-02 11:00")]
    assert rungs(COMPLETION, events, as_of, classification="complaint") == []


def test_but_it_is_looked_at_when_it_lapses():
    events = [RECEIVED, event_at("material_requested", "2026-11-02 11:00")]
    complaint = {"classification": "complaint"}
    assert turn(COMPLETION, events, "2026-11-20 08:00", **complaint) == "2026-12-03 00:00"
    assert turn(COMPLETION, events, "2026-12-03 08:00", **complaint) is None


# --- the next look --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("as_of", "expected"),
    [
        ("2026-11-02 10:00", "2026-11-05 00:00"),
        ("2026-11-05 00:00", "2026-11-06 00:00"),
        ("2026-11-06 08:00", "2026-11-10 00:00"),
        ("2026-11-10 00:00", "2026-11-12 00:00"),
        ("2026-11-18 00:00", "2026-11-27 00:00"),
        (
            "2026-12-29 08:00",
            "2027-01-07 00:00",
        ),  # 30, 31 December, 4, 6, 7 January (5: Isra Mikraj)
    ],
)
def test_the_next_look_is_at_the_next_rung(as_of, expected):
    notified = AcceptedNotices(decided={"+14wd": wita("2026-11-27 08:00")})
    assert turn(INFORMATION, [RECEIVED], as_of, notified=notified) == expected


# --- the last day, and Monday ---------------------------------------------------------------------


def test_the_last_day_itself_has_a_reminder_of_its_own():
    last = Ladder(("*",), (rung("0d", "reminder"), rung("0", "breach")))
    assert rungs(INFORMATION, [RECEIVED], "2026-11-08 23:59", last) == []
    assert rungs(INFORMATION, [RECEIVED], "2026-11-09 00:00", last) == [
        ("0d", 0, "2026-11-09 00:00")
    ]
    assert rungs(INFORMATION, [RECEIVED], "2026-11-10 00:00", last)[0][0] == "0"


@pytest.mark.parametrize(
    ("moment", "last", "turn"),
    [
        ("2026-11-26 08:00", None, "Mon 30 Nov 07:30"),
        ("2026-11-30 00:05", None, "Mon 30 Nov 07:30"),
        ("2026-11-30 00:05", "2026-11-23 07:30", "Mon 30 Nov 07:30"),
        ("2026-11-30 07:30", None, "Mon 30 Nov 07:30"),
        ("2026-11-30 10:05", "2026-11-23 07:30", "Mon 30 Nov 10:05"),  # decided on the day itself
        ("2026-11-30 10:05", "2026-11-30 07:30", "Mon 07 Dec 07:30"),  # this Monday's mail has gone
        ("2026-12-01 10:05", "2026-12-01 07:30", "Mon 07 Dec 07:30"),  # a day late: server down
        ("2026-11-30 17:00", None, "Mon 07 Dec 07:30"),  # the mail hours are over
        ("2026-12-01 08:00", None, "Mon 07 Dec 07:30"),
        # Monday 23 and Tuesday 24 March are cuti bersama
        ("2026-03-20 08:00", None, "Wed 25 Mar 07:30"),
        ("2026-03-24 08:00", None, "Wed 25 Mar 07:30"),
        ("2026-03-25 09:00", None, "Wed 25 Mar 09:00"),
        ("2026-03-25 09:00", "2026-03-25 07:30", "Mon 30 Mar 07:30"),
        ("2026-03-26 09:00", None, "Mon 30 Mar 07:30"),
    ],
)
def test_weekly_mail_goes_out_once_on_its_day_or_the_next_working_day(moment, last, turn):
    hours, before = MailHours(time(7, 30), time(17)), wita(last) if last else None
    found = next_weekly(0, wita(moment), hours, BENCH, before)
    assert f"{found.astimezone(WITA):%a %d %b %H:%M}" == turn


def test_weekly_mail_without_mail_hours_leaves_at_midnight_of_a_working_day():
    assert next_weekly(0, wita("2026-03-20 08:00"), None, BENCH) == wita("2026-03-25 00:00")
    assert next_weekly(0, wita("2026-11-30 20:00"), None, BENCH) == wita("2026-11-30 20:00")


@pytest.mark.parametrize(
    ("begin", "end", "hours"),
    [
        ("2026-11-24 08:00", "2026-11-24 10:30", 2.5),
        ("2026-11-24 16:00", "2026-11-25 08:30", 2),  # a night
        ("2026-11-27 16:50", "2026-11-30 07:30", 1 / 6),  # a weekend
        ("2027-03-05 16:00", "2027-03-16 07:30", 1),  # Lebaran: ten days
        ("2026-11-28 08:00", "2026-11-29 20:00", 0),
        ("2026-11-24 08:00", "2026-11-24 07:00", 0),
    ],
)
def test_only_the_mail_hours_count_as_time_to_leave(begin, end, hours):
    every, span = MailHours(time(7, 30), time(17)), timedelta(hours=hours)
    assert every.open_time(wita(begin), wita(end), BENCH) == span
    if span:
        last = every.opened_before(wita(end), span, BENCH)
        assert every.open_time(last, wita(end), BENCH) == span
        assert last >= wita(begin)


# --- superiors after the unit ---------------------------------------------------------------------

FAIR = Ladder(
    ("*",),
    (
        rung("50%", "reminder"),
        rung("0", "breach", repeat="5wd"),
        rung("+3wd", "escalation", to=Role.REGIONAL_SECRETARY),
        rung("+7wd", "escalation", to=Role.INSPECTOR),
        rung("+14wd", "escalation", to=Role.REGENT, repeat="5wd"),
    ),
)


def test_as_long_as_the_unit_was_not_told_no_superior_is():
    assert [name for name, *_ in rungs(INFORMATION, [RECEIVED], "2027-02-01 08:00", FAIR)] == ["0"]
    decided = AcceptedNotices(decided={"0": wita("2026-11-10 07:30")})
    found = rungs(INFORMATION, [RECEIVED], "2026-12-31 08:00", FAIR, decided)
    assert {name for name, *_ in found} == {"0"}
    reminded = AcceptedNotices(accepted={"50%": wita("2026-11-05 07:30")})  # that it is late is new
    found = rungs(INFORMATION, [RECEIVED], "2026-12-31 08:00", FAIR, reminded)
    assert {name for name, *_ in found} == {"0"}


@pytest.mark.parametrize(
    ("accepted", "secretary", "inspector", "regent"),
    [
        # due on Monday the 9th and told the day after: 11, 12, 13 November
        ("2026-11-10 07:30", "2026-11-13", "2026-11-19", "2026-11-30"),
        # first import three weeks later, on a Monday: 1, 2, 3 December
        ("2026-11-30 07:30", "2026-12-03", "2026-12-09", "2026-12-18"),
        # told on a Friday
        ("2026-11-13 16:59", "2026-11-18", "2026-11-24", "2026-12-03"),
    ],
)
def test_superiors_follow_at_the_distances_of_the_ladder_after_the_unit_was_told(
    accepted, secretary, inspector, regent
):
    notified = AcceptedNotices(accepted={"0": wita(accepted)})
    for name, day in (("+3wd", secretary), ("+7wd", inspector), ("+14wd", regent)):
        before = wita(f"{day} 00:00") - timedelta(microseconds=1)
        found = deadline(INFORMATION, [RECEIVED], before)
        assert name not in [each.rung.id for each in reached(found, FAIR, BENCH, before, notified)]
        steps = rungs(INFORMATION, [RECEIVED], f"{day} 00:00", FAIR, notified)
        at = {rung_id: when for rung_id, _, when in steps}
        assert at[name] == f"{day} 00:00"
    assert turn(INFORMATION, [RECEIVED], accepted, FAIR, notified) == f"{secretary} 00:00"


def test_a_pause_is_not_counted_as_time_of_the_unit():
    """Told on the 10th, paused from the 11th (it counts) to the 20th: then 23, 24 November."""
    events = [
        RECEIVED,
        event_at("paused", "2026-11-11 09:00"),
        event_at("resumed", "2026-11-20 09:00"),
    ]
    notified = AcceptedNotices(accepted={"0": wita("2026-11-10 07:30")})
    assert "+3wd" not in [
        n for n, *_ in rungs(INFORMATION, events, "2026-11-23 23:59", FAIR, notified)
    ]
    assert "+3wd" in [n for n, *_ in rungs(INFORMATION, events, "2026-11-24 00:00", FAIR, notified)]


def test_a_superior_on_the_same_day_as_the_unit_waits_for_its_mail_alone():
    at_once = Ladder(
        ("*",),
        (
            rung("0", "breach"),
            rung("0", "escalation", to=Role.INSPECTOR, name="inspector"),
        ),
    )
    late = "2026-11-10 08:00"
    assert [name for name, *_ in rungs(INFORMATION, [RECEIVED], late, at_once)] == ["0"]
    notified = AcceptedNotices(accepted={"0": wita("2026-11-10 07:30")})
    found = rungs(INFORMATION, [RECEIVED], late, at_once, notified)
    assert found[-1] == ("inspector", 0, "2026-11-10 07:30")


def test_a_superior_hears_at_once_of_a_duty_of_his_own():
    own = rung("0", "breach", to=Role.REGENT)
    ladder = Ladder(("*",), (own,))
    asked = [event_at("recommendation_received", "2026-08-03 10:00")]
    found = deadline("uu-37-2008/recommendation", asked, "2026-11-24 08:00", classification=None)
    steps = reached(found, ladder, BENCH, wita("2026-11-24 08:00"))
    assert [step.rung for step in steps] == [own]


SUPERIORS = st.lists(
    st.builds(
        lambda n, unit: rung(f"+{n}{unit}", "escalation", to=Role.REGENT, name=f"up {n}{unit}"),
        st.integers(0, 20),
        st.sampled_from(["wd", "d"]),
    ),
    min_size=1,
    max_size=3,
    unique_by=lambda each: each.id,
)


@settings(max_examples=100)
@given(
    superiors=SUPERIORS,
    waited=st.integers(0, 90 * 24),
    told_after=st.none() | st.integers(0, 90 * 24),
)
def test_no_superior_is_told_before_the_unit_was_and_had_its_time(superiors, waited, told_after):
    """No outage, late import or late mail changes that; the unit itself is told at once."""
    ladder = Ladder(("*",), (rung("0", "breach"), *superiors))
    late = wita("2026-11-10 00:00")
    as_of = late + timedelta(hours=waited)
    accepted = None if told_after is None else late + timedelta(hours=told_after)
    known = {} if accepted is None or accepted > as_of else {"0": accepted}
    found = reached(
        deadline(INFORMATION, [RECEIVED], as_of), ladder, BENCH, as_of, AcceptedNotices(known)
    )
    assert "0" in [each.rung.id for each in found]
    for each in found:
        if each.rung.id == "0":
            continue
        assert known
        passed = BENCH.day(as_of) - BENCH.day(known["0"])
        assert passed >= each.rung.at.amount
        if each.rung.at.unit is OffsetUnit.WORKING_DAY:
            days = working_days_between(BENCH.calendar, BENCH.day(known["0"]), BENCH.day(as_of))
            assert days >= each.rung.at.amount


LATE = st.builds(
    lambda n, unit, repeat: rung(f"+{n}{unit}", "escalation", repeat),
    st.integers(0, 12),
    st.sampled_from(["wd", "d"]),
    st.sampled_from([None, "1d", "3d", "1wd", "5wd"]),
)
EARLY = st.builds(
    rung,
    st.one_of(
        st.integers(1, 99).map("{}%".format),
        st.integers(1, 8).map("-{}wd".format),
    ),
    st.just("reminder"),
)
LADDERS = st.lists(st.one_of(EARLY, LATE), max_size=4, unique_by=lambda r: r.id).map(
    lambda found: Ladder(("*",), tuple(found))
)
HOURS = st.integers(0, 24 * 60)


@settings(max_examples=100)
@given(
    ladder=LADDERS,
    received=HOURS,
    waited=HOURS,
    pause=st.tuples(HOURS, HOURS),
    lag=st.sampled_from([0, 10]),
    part=st.floats(0, 1, exclude_max=True),
    heard=HOURS,
    above=st.sampled_from(["+0wd", "+3wd", "+7d"]),
)
def test_nothing_is_new_before_the_next_look_and_something_is_new_at_it(
    ladder, received, waited, pause, lag, part, heard, above
):
    start = wita("2026-02-01 00:00") + timedelta(hours=received)
    held = start + timedelta(hours=pause[0])
    events = [
        event_at("received", start),
        event_at("paused", held),
        event_at("resumed", held + timedelta(hours=pause[1])),
    ]
    as_of = start + timedelta(hours=waited)
    events = [event for event in events if event.latest <= as_of]  # nothing happens after
    first = min(as_of, start + timedelta(hours=heard))  # a mail about each rung of the unit
    notifications = {each.id: first for each in ladder.rungs}
    notified = AcceptedNotices(notifications, notifications)
    superior = rung(above, "escalation", "5wd", to=Role.INSPECTOR, name="superior")
    ladder = Ladder(("*",), (*ladder.rungs, superior))

    def standing(moment):
        found = deadline(INFORMATION, events, moment, shown_later={"settled": lag})
        rungs = [(r.rung.id, r.repeat) for r in reached(found, ladder, BENCH, moment, notified)]
        return found.state, rungs, next_action_at(found, ladder, BENCH, moment, notified)

    state, told_now, look = standing(as_of)
    if look is None:
        assert standing(as_of + timedelta(days=365))[:2] == (state, told_now)
        return
    assert look > as_of
    last = look - timedelta(microseconds=1)
    for moment in (min(as_of + (look - as_of) * part, last), last):
        assert standing(moment) == (state, told_now, look)
    assert standing(look)[:2] != (state, told_now)
