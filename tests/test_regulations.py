"""The law as data: the shipped regulations, and every mistake that a file can hold."""

from datetime import date

import pytest
from conftest import REPOSITORY

from sla.lawbook import load
from sla.regulations import Actor, Certainty, RegulationError, Unit

LAW = load([REPOSITORY / "regulations"])

# --- the shipped law ------------------------------------------------------------------------------

RULES = [
    # rule, who must act, starts on, stops on, length, unit, certainty
    ("uu-25-2009/filing", "complainant", "service_received", "received", 30, "day", "recalled"),
    ("uu-25-2009/response", "unit", "received", "responded", 14, "day", "recalled"),
    ("uu-25-2009/completion", "complainant", "material_requested", "material_completed", 30, "day",
     "recalled"),
    ("uu-25-2009/decision", "unit", "file_complete", "decided", 60, "day", "secondary"),
    ("uu-25-2009/delivery", "unit", "decided", "delivered", 14, "day", "recalled"),
    ("sp4n/verification", "lapor_administrator", "received", "verified", 3, "working_day", "seen"),
    ("sp4n/first-follow-up", "unit", "assigned", "follow_up_published", 5, "working_day", "seen"),
    ("sp4n/auto-close", "system", "follow_up_published", "reporter_replied", 10, "working_day",
     "seen"),
    ("sp4n-guideline/information", "unit", "received", "settled", 5, "working_day", "carried_over"),
    ("sp4n-guideline/aspiration", "unit", "received", "settled", 5, "working_day", "carried_over"),
    ("sp4n-guideline/complaint", "unit", "received", "settled", 14, "working_day", "carried_over"),
    ("sp4n-guideline/supervisory", "unit", "received", "settled", 60, "working_day",
     "carried_over"),
    ("uu-37-2008/clarification", "unit", "clarification_requested", "clarification_sent", 14, "day",
     "recalled"),
    ("uu-37-2008/recommendation", "unit", "recommendation_received", "recommendation_reported", 60,
     "day", "recalled"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("rule_id", "actor", "starts", "stops", "length", "unit", "certainty"), RULES
)
def test_a_rule_of_the_law(rule_id, actor, starts, stops, length, unit, certainty):
    rule = LAW.on(rule_id, date(2026, 11, 24))
    assert (rule.actor, rule.length, rule.unit) == (Actor(actor), length, Unit(unit))
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


def test_all_that_was_not_seen_is_to_be_confirmed():
    assert {c for c in Certainty if not c.to_be_confirmed} == {Certainty.SEEN}


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


# --- a file of one's own --------------------------------------------------------------------------

HEAD = """
[regulation]
key = "desa"
title = "Standar pelayanan desa"
citation = "SP Desa"
"""

RULE = {
    "id": '"light"',
    "article": '"nomor 1"',
    "label": '{ id = "Pengaduan ringan", en = "Light complaint" }',
    "actor": '"unit"',
    "starts_on": '["received"]',
    "stops_on": '["settled"]',
    "length": "2",
    "unit": '"working_day"',
    "certainty": '"seen"',
}


def rule(**changes):
    """The rule above as TOML, with these keys changed, added, or (None) left out."""
    keys = {key: value for key, value in (RULE | changes).items() if value is not None}
    return "\n[[rule]]\n" + "".join(f"{key} = {value}\n" for key, value in keys.items())


@pytest.fixture
def written(tmp_path):
    """Writes a regulation file and returns its folder."""

    def write(text, name="desa.toml", encoding="utf-8"):
        (tmp_path / name).write_text(text, encoding=encoding)
        return tmp_path

    return write


def mistakes(folder, **more):
    with pytest.raises(RegulationError) as refused:
        load([folder], **more)
    return str(refused.value).splitlines()


def test_a_site_adds_rules_in_a_file_of_its_own(written):
    law = load([REPOSITORY / "regulations", written(HEAD + rule())])
    light = law.on("desa/light", date(2026, 11, 24))
    assert (light.length, light.unit, light.citation) == (2, Unit.WORKING_DAY, "SP Desa nomor 1")
    assert law.ids[:-1] == LAW.ids


def test_an_editors_mark_at_the_beginning_does_not_matter(written):
    assert load([written(HEAD + rule(), encoding="utf-8-sig")]).ids == ("desa/light",)


def test_a_promised_rule_needs_no_length(written):
    promised = rule(promised="true", length=None, unit=None)
    assert load([written(HEAD + promised)]).rules[0].promised


def test_a_site_may_use_words_of_its_own_for_events(written):
    text = HEAD + rule(stops_on='["surveyed"]')
    assert load([written(text)], extra_kinds=["surveyed"]).rules[0].stops_on == {"surveyed"}
    (mistake,) = mistakes(written(text))
    assert "`stops_on` names the unknown event 'surveyed'; known are archived, assigned" in mistake


@pytest.mark.parametrize(
    ("changes", "mistake"),
    [
        *(({key: None}, f"`{key}` is missing") for key in RULE if key != "id"),
        ({"label": '""'}, "`label` is missing"),
        ({"starts_on": "[]"}, "`starts_on` is missing"),
        ({"lenght": "2"}, "`lenght` is not a key of a rule"),
        ({"starts_on": '["recieved"]'}, "`starts_on` names the unknown event 'recieved'"),
        ({"restarts_on": '["again"]'}, "`restarts_on` names the unknown event 'again'"),
        ({"implied_by": '["done"]'}, "`implied_by` names the unknown event 'done'"),
        ({"voids": '["gone"]'}, "`voids` names the unknown event 'gone'"),
        ({"lapse": '"gone"'}, "`lapse` names the unknown event 'gone'"),
        ({"stops_on": '"settled"'}, "`stops_on` is 'settled'; it must be a list"),
        ({"starts_on": '["settled"]'}, "an event cannot both start and stop the clock"),
        ({"pauses": '[["paused"]]'}, "a pause is a pair of known events [begins, ends]"),
        ({"pauses": '[["paused", "unpaused"]]'}, "a pause is a pair of known events"),
        ({"pauses": '["paused", "resumed"]'}, "a pause is a pair of known events"),
        ({"length": "0"}, "`length` is 0; it must be a whole number of 1 or more"),
        ({"length": "-5"}, "`length` is -5; it must be a whole number"),
        ({"length": "2.5"}, "`length` is 2.5; it must be a whole number"),
        ({"length": '"2"'}, "`length` is 2; it must be a whole number"),
        ({"length": "true"}, "`length` is True; it must be a whole number"),
        ({"unit": '"hari kerja"'}, "`unit` is 'hari kerja'; it must be one of day, working_day"),
        ({"actor": '"mayor"'}, "`actor` is 'mayor'; it must be one of unit, lapor_administrator"),
        ({"actor": '["unit"]'}, "`actor` is ['unit']; it must be a text in quotes"),
        ({"certainty": '"sure"'}, "`certainty` is 'sure'; it must be one of seen, secondary"),
        ({"label": '{ id = "Ringan" }'}, "`label` needs an Indonesian (id) and an English (en)"),
        ({"label": '"Ringan"'}, "`label` is 'Ringan'; it must be a table"),
        ({"applies_when": '{ age = ["old"] }'}, "`applies_when` cannot ask for 'age'; it may ask"),
        (
            {"applies_when": '{ category = "jalan" }'},
            "`applies_when` asks for category 'jalan'; it must be a list, as in ['jalan']",
        ),
        ({"roll": '"previous"'}, "`roll` is 'previous'; it can only be 'next', or be left out"),
        ({"promised": '"yes"'}, "`promised` is 'yes'; it must be true or false"),
    ],
)
def test_a_mistake_is_told_with_file_and_rule(changes, mistake, written):
    folder = written(HEAD + rule(**changes))
    told = mistakes(folder)
    assert [line for line in told if line.startswith(f"{folder}/desa.toml: rule light: {mistake}")]


def test_a_rule_without_an_id_goes_by_its_number(written):
    folder = written(HEAD + rule() + rule(id=None))
    assert mistakes(folder) == [f"{folder}/desa.toml: rule 2: `id` is missing"]


@pytest.mark.parametrize(
    ("text", "mistake"),
    [
        ('[regulation]\nkey = "desa"\ntitle = "T"\n', "[regulation] lacks `citation`"),
        (HEAD + 'author = "B"\n', "[regulation] does not know `author`"),
        (HEAD + "[[rules]]\n", "`rules` is neither [regulation] nor [[rule]]"),
        (HEAD + "[rule]\n", "a rule begins with [[rule]], in double brackets"),
        (HEAD + "in_force = { form = 2026-01-01 }\n", "[regulation] in_force does not know `form`"),
        (HEAD + "in_force = 2026-01-01\n", "[regulation] in_force is datetime.date(2026, 1, 1)"),
        (
            HEAD + 'in_force = { from = "2026-01-01" }\n',
            "[regulation] in_force `from` is '2026-01-01'; write a day",
        ),
        (
            HEAD + "in_force = { from = 2026-01-02, to = 2026-01-01 }\n",
            "[regulation] in_force ends on 2026-01-01, before it begins on 2026-01-02",
        ),
        ("key = ", "Invalid value"),
    ],
)
def test_a_mistake_outside_the_rules_is_told_with_the_file(text, mistake, written):
    folder = written(text)
    assert any(line.startswith(f"{folder}/desa.toml: {mistake}") for line in mistakes(folder))


def test_a_file_in_another_encoding_is_told(written):
    folder = written(HEAD.replace('desa"', 'désa"') + rule(), encoding="cp1252")
    (mistake,) = mistakes(folder)
    assert mistake.startswith(f"{folder}/desa.toml: not in UTF-8")


def test_all_mistakes_of_all_files_are_told_at_once(written):
    written(HEAD + rule(length="0") + rule(id='"heavy"', unit='"week"', actor='"mayor"'))
    written(HEAD.replace("citation", "cite"), name="kota.toml")
    folder = written("[", name="provinsi.toml")
    told = mistakes(folder)
    assert [line.split(": ")[0].removeprefix(f"{folder}/") for line in told] == [
        "desa.toml", "desa.toml", "desa.toml", "kota.toml", "kota.toml", "provinsi.toml",
    ]  # fmt: skip


def test_a_folder_that_is_not_there_is_told(tmp_path):
    assert mistakes(tmp_path / "hukum") == [f"{tmp_path}/hukum: no such folder of regulations"]


# --- versions -------------------------------------------------------------------------------------


def version(spans):
    return HEAD + f"in_force = {{ {spans} }}\n" + rule()


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("to = 2026-06-30", "from = 2026-06-30"),
        ("from = 2020-01-01", "from = 2026-07-01"),  # the older was given no end
        ("", "from = 2026-07-01"),
        ("from = 2020-01-01, to = 2026-12-31", "from = 2021-01-01, to = 2021-12-31"),
    ],
)
def test_two_versions_in_force_on_one_day_are_refused(one, other, written):
    written(version(one), name="a.toml")
    (mistake,) = mistakes(written(version(other), name="b.toml"))
    assert "b.toml: rule desa/light is in force at the same time as in a.toml" in mistake
    assert "let `in_force.to` of the older end the day before" in mistake


def test_one_id_twice_in_a_file_is_refused(written):
    (mistake,) = mistakes(written(HEAD + rule() + rule()))
    assert "rule desa/light is in force at the same time" in mistake


def test_between_two_versions_there_may_be_a_time_without_the_rule(written):
    written(version("to = 2026-06-30"), name="a.toml")
    law = load([written(version("from = 2026-08-01"), name="b.toml")])
    assert law.on("desa/light", date(2026, 7, 15)) is None
    assert law.on("desa/light", date(2026, 8, 1)) is law.last("desa/light")
