"""The law as data: the shipped regulations, and which version of a rule applies when."""

from dataclasses import replace
from datetime import date

import pytest
from conftest import REPOSITORY

from sla.regulations.loader import load
from sla.regulations.model import Actor, Certainty, Law, LengthUnit

LAW = load([REPOSITORY / "regulations"])
FOLLOW_UP = "sp4n/first-follow-up"

# --- the shipped law ------------------------------------------------------------------------------

RULES = [
    # rule, who must act, starts on, stops on, length, unit, certainty
    ("uu-25-2009/filing", "complainant", "service_received", "received", 30, "day", "read"),
    ("uu-25-2009/response", "unit", "received", "responded", 14, "day", "read"),
    (
        "uu-25-2009/completion",
        "complainant",
        "material_requested",
        "material_completed",
        30,
        "day",
        "read",
    ),
    ("uu-25-2009/decision", "unit", "file_complete", "decided", 60, "day", "read"),
    ("uu-25-2009/delivery", "unit", "decided", "delivered", 14, "day", "read"),
    ("sp4n/verification", "lapor_administrator", "received", "verified", 3, "working_day", "seen"),
    ("sp4n/first-follow-up", "unit", "assigned", "follow_up_published", 5, "working_day", "seen"),
    (
        "sp4n/auto-close",
        "system",
        "follow_up_published",
        "reporter_replied",
        10,
        "working_day",
        "seen",
    ),
    ("sp4n-guideline/information", "unit", "received", "settled", 5, "working_day", "carried_over"),
    ("sp4n-guideline/aspiration", "unit", "received", "settled", 5, "working_day", "carried_over"),
    ("sp4n-guideline/complaint", "unit", "received", "settled", 14, "working_day", "carried_over"),
    (
        "sp4n-guideline/supervisory",
        "unit",
        "received",
        "settled",
        60,
        "working_day",
        "carried_over",
    ),
    (
        "uu-37-2008/clarification",
        "unit",
        "clarification_requested",
        "clarification_sent",
        14,
        "day",
        "read",
    ),
    (
        "uu-37-2008/second-clarification",
        "unit",
        "second_clarification_requested",
        "clarification_sent",
        14,
        "day",
        "read",
    ),
    (
        "ombudsman-58-2023/report",
        "unit",
        "findings_received",
        "findings_reported",
        30,
        "working_day",
        "read",
    ),
    (
        "uu-37-2008/recommendation",
        "superior",
        "recommendation_received",
        "recommendation_reported",
        60,
        "day",
        "read",
    ),
]


@pytest.mark.parametrize(
    ("rule_id", "actor", "starts", "stops", "length", "unit", "certainty"), RULES
)
def test_a_rule_of_the_law(rule_id, actor, starts, stops, length, unit, certainty):
    rule = LAW.on(rule_id, date(2026, 11, 24))
    assert (rule.actor, rule.length, rule.unit) == (Actor(actor), length, LengthUnit(unit))
    assert (rule.starts_on, rule.stops_on) == ({starts}, {stops})
    assert rule.certainty is Certainty(certainty)


def test_the_law_has_these_rules_and_no_others():
    assert set(LAW.ids) == {rule_id for rule_id, *_ in RULES}


@pytest.mark.parametrize("rule_id", [rule for rule, *_ in RULES if rule.startswith("sp4n-guide")])
def test_the_guideline_of_2018_had_the_same_lengths_and_was_seen(rule_id):
    old, new = LAW.on(rule_id, date(2025, 4, 30)), LAW.on(rule_id, date(2025, 5, 1))
    assert old.regulation.citation == "PermenPANRB 62/2018"
    assert new.regulation.citation == "PermenPANRB 5/2025"
    assert (old.length, old.certainty) == (new.length, Certainty.SEEN)
    assert LAW.last(rule_id) is new
    assert len(LAW.versions(rule_id)) == 2


@pytest.mark.parametrize(
    ("rule_id", "day", "in_force"),
    [
        ("uu-25-2009/response", date(2009, 7, 17), False),
        ("uu-25-2009/response", date(2009, 7, 18), True),
        ("uu-37-2008/clarification", date(2008, 10, 6), False),
        ("uu-37-2008/clarification", date(2008, 10, 7), True),
        ("sp4n/verification", date(2016, 1, 1), True),
        ("uu-25-2009/no-such-rule", date(2026, 1, 1), False),
    ],
)
def test_a_rule_is_in_force_from_its_day_on(rule_id, day, in_force):
    assert (LAW.on(rule_id, day) is not None) is in_force


def test_running_out_has_a_consequence_where_nobody_of_the_government_is_late():
    assert {rule.id: rule.lapse for rule in LAW.rules if rule.lapse} == {
        "uu-25-2009/completion": "withdrawn",
        "sp4n/auto-close": "closed",
    }


@pytest.mark.parametrize(
    ("rule_id", "severity", "articles"),
    [
        ("uu-25-2009/response", 2, ("Pasal 54 ayat (5)", "Pasal 44 ayat (3)", "Pasal 57")),
        ("uu-25-2009/delivery", 2, ("Pasal 54 ayat (5)", "Pasal 50 ayat (2)", "Pasal 57")),
        ("uu-25-2009/decision", 3, ("Pasal 54 ayat (7)", "Pasal 50 ayat (1)", "Pasal 57")),
        ("uu-37-2008/clarification", 1, ("Pasal 33 ayat (2)",)),
        ("uu-37-2008/second-clarification", 2, ("Pasal 33 ayat (3)",)),
        ("uu-37-2008/recommendation", 3, ("Pasal 38 ayat (4)", "Pasal 39")),
        ("ombudsman-58-2023/report", 2, ("Pasal 54",)),
    ],
)
def test_a_duty_names_the_consequence_in_the_law(rule_id, severity, articles):
    rule = LAW.last(rule_id)
    assert rule.severity == severity
    for article in articles:
        assert article in rule.consequence["id"]
        english = article.replace("Pasal", "art.").replace(" ayat ", "")
        assert english in rule.consequence["en"]


def test_all_that_was_not_read_seen_or_confirmed_is_to_be_confirmed():
    confirmed = {c for c in Certainty if not c.to_be_confirmed}
    assert confirmed == {Certainty.READ, Certainty.SEEN, Certainty.CONFIRMED}


def test_every_rule_is_cited_and_named_in_both_languages():
    for rule in LAW.rules:
        assert rule.citation == f"{rule.regulation.citation} {rule.article}"
        assert rule.label["id"]
        assert rule.label["en"]
        assert not rule.consequence or rule.consequence.keys() == {"id", "en"}


def test_a_rule_asks_for_every_fact_that_it_names():
    supervisory = LAW.last("sp4n-guideline/supervisory")
    assert supervisory.applies_to({"classification": "supervisory_complaint"})
    assert not supervisory.applies_to({"classification": "complaint"})
    assert not supervisory.applies_to({"classification": None})
    assert not supervisory.applies_to({})
    assert LAW.last("sp4n/verification").applies_to({})


# --- versions and overrides -----------------------------------------------------------------------


def version(length, since=None, until=None, overrides=None):
    return replace(
        LAW.last(FOLLOW_UP), length=length, since=since, until=until, overrides=overrides
    )


def lengths(*versions):
    return [(s.first, s.last, s.rule.length) for s in Law(versions).spans(FOLLOW_UP)]


def test_without_dates_a_version_applies_always():
    assert lengths(version(5)) == [(date.min, date.max, 5)]


def test_what_overrides_applies_while_it_is_in_force_and_the_rest_before_and_after():
    assert lengths(
        version(5), version(3, date(2027, 1, 1), date(2027, 12, 31), overrides=FOLLOW_UP)
    ) == [
        (date.min, date(2026, 12, 31), 5),
        (date(2027, 1, 1), date(2027, 12, 31), 3),
        (date(2028, 1, 1), date.max, 5),
    ]


def test_what_overrides_goes_on_over_a_change_of_what_it_overrides():
    assert lengths(
        version(5, until=date(2026, 12, 31)),
        version(7, since=date(2027, 1, 1)),
        version(3, since=date(2026, 7, 1), overrides=FOLLOW_UP),
    ) == [(date.min, date(2026, 6, 30), 5), (date(2026, 7, 1), date.max, 3)]


def test_between_its_end_and_a_later_version_no_rule_applies():
    ended, later = version(5, until=date(2026, 6, 30)), version(7, since=date(2026, 8, 1))
    law = Law([ended, later])
    assert [law.on(FOLLOW_UP, date(2026, month, 1)) for month in (6, 7, 8)] == [ended, None, later]
    assert law.last(FOLLOW_UP) is later
    assert law.versions(FOLLOW_UP) == (ended, later)


def test_what_is_overridden_is_still_known():
    plain, own = version(5), version(3, since=date(2027, 1, 1), overrides=FOLLOW_UP)
    law = Law([plain, own])
    assert law.overridden(FOLLOW_UP, date(2027, 1, 4)) is plain
    assert law.on(FOLLOW_UP, date(2027, 1, 4)) is law.last(FOLLOW_UP) is own
    assert (law.ids, law.overriding) == ((FOLLOW_UP,), (own,))


def test_a_version_that_ended_for_good_and_what_came_back_after_an_override():
    """An override that ends leaves the national rule, for a label too."""
    plain, own = version(5), version(3, until=date(2026, 12, 31), overrides=FOLLOW_UP)
    assert Law([plain, own]).last(FOLLOW_UP) is plain
