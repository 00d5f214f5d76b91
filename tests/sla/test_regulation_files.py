"""Files of the law: every mistake with its line, and a site's own rules beside and over it."""

import re
import shutil
import tomllib
from datetime import date

import pytest
from conftest import REPOSITORY, WITA, wita
from support.site_mistakes import assert_indonesian

from sla.calendar import Calendar, indonesian_days_off
from sla.engine.context import ComplaintFacts, EvaluationContext
from sla.engine.deadline import State
from sla.engine.evaluate import evaluate
from sla.events import Event
from sla.fingerprint import rule_fingerprint
from sla.regulations import schema
from sla.regulations.loader import load
from sla.regulations.model import LengthUnit, RegulationError
from sla.regulations.overrides import later_versions

NATIONAL = REPOSITORY / "regulations"
FOLLOW_UP = "sp4n/first-follow-up"
COMPLAINT = "sp4n-guideline/complaint"

HEAD = """\
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
ORDER = ["[[rule]]", *RULE]
OVERRIDES = {
    "overrides": f'"{FOLLOW_UP}"',
    "basis": '"Peraturan Bupati Contoh Nomor 12 Tahun 2026"',
    "differs_in": str(list(schema.COURSE_KEYS)),
}

OVERRIDES_COMPLAINT = {
    "overrides": f'"{COMPLAINT}"',
    "basis": OVERRIDES["basis"],
    "applies_when": '{ classification = ["complaint"] }',
    "differs_in": OVERRIDES["differs_in"],
}


SHORT = {
    **OVERRIDES_COMPLAINT,
    **dict.fromkeys(["label", "actor", "starts_on", "stops_on", "unit"]),
    **dict.fromkeys(["applies_when", "differs_in"]),
}
"""An override that leaves out all that it may leave out."""


def rule(**changes):
    """The rule above as TOML, with these keys changed, added, or (None) left out."""
    keys = {key: value for key, value in (RULE | changes).items() if value is not None}
    return "[[rule]]\n" + "".join(f"{key} = {value}\n" for key, value in keys.items())


def in_force(spans, head=HEAD):
    return head + f"in_force = {{ {spans} }}\n"


@pytest.fixture
def written(tmp_path):
    """Writes a regulation file into a folder of a site and returns that."""

    def write(text, name="desa.toml", folder="own", encoding="utf-8"):
        place = tmp_path / folder
        place.mkdir(exist_ok=True)
        (place / name).write_text(text, encoding=encoding)
        return place

    return write


def mistakes(*folders, **more):
    """The lines of the error, without the last folder. Each of them has an Indonesian form."""
    with pytest.raises(RegulationError) as refused:
        load(folders, **more)
    assert_indonesian(*str(refused.value).splitlines())
    return str(refused.value).replace(f"{folders[-1]}/", "").splitlines()


# --- a file of one's own --------------------------------------------------------------------------


def test_a_site_adds_rules_in_a_file_of_its_own(written):
    law = load([NATIONAL, written(HEAD + rule())])
    light = law.on("desa/light", date(2026, 11, 24))
    assert (light.length, light.unit, light.citation) == (
        2,
        LengthUnit.WORKING_DAY,
        "SP Desa nomor 1",
    )
    assert law.ids == (*load([NATIONAL]).ids, "desa/light")


def test_only_the_folder_itself_is_law_and_not_what_lies_below(written, tmp_path):
    folder = written(HEAD + rule())
    written("this is no regulation", folder="own/cases", name="case.toml")
    assert load([folder]).ids == ("desa/light",)


@pytest.mark.parametrize("name", ["perbup.toml.txt", "perbup.TOML", "perbup.toml.TXT"])
@pytest.mark.parametrize("other", [True, False])
def test_a_file_that_windows_named_otherwise_is_not_passed_over(name, other, written):
    """The national 14 days would apply in silence."""
    if other:
        written(HEAD + rule())
    (mistake,) = mistakes(NATIONAL, written(HEAD + rule(), name=name))
    hint = "not read, because its name does not end in .toml; rename it to perbup.toml"
    assert mistake == f"{name}: {hint}"


@pytest.mark.parametrize(
    ("names", "there"), [((), "no file"), (("a.txt", "b.pdf"), "a.txt, b.pdf")]
)
def test_a_folder_without_a_regulation_is_refused(names, there, tmp_path):
    folder = tmp_path / "perbup"
    folder.mkdir()
    for name in names:
        (folder / name).touch()
    words = f"no regulation in this folder: no file ends in .toml, it has {there}"
    assert mistakes(NATIONAL, folder) == [f"{folder}: {words}"]


@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_files_as_windows_editors_save_them_are_read(written, ending):
    folder = written("", encoding="utf-8")
    text = (HEAD + rule(length="0")).replace("\n", ending)
    (folder / "desa.toml").write_bytes(b"\xef\xbb\xbf" + text.encode())
    assert mistakes(folder)[0].startswith("desa.toml:12: rule light: `length` is 0")


def test_a_promised_rule_needs_no_length(written):
    promised = rule(promised="true", length=None, unit=None)
    assert load([written(HEAD + promised)]).rules[0].promised


def test_a_site_may_use_words_of_its_own_for_events(written):
    folder = written(HEAD + rule(stops_on='["surveyed"]'))
    assert load([folder], extra_kinds=["surveyed"]).rules[0].stops_on == {"surveyed"}
    (mistake,) = mistakes(folder)
    known = "`stops_on` names the unknown event 'surveyed'; known are archived, assigned"
    assert mistake.startswith(f"desa.toml:11: rule light: {known}")


# --- mistakes of one rule -------------------------------------------------------------------------

MISTAKES = [
    # what is written instead, the key at which it is told, how
    *(({key: None}, "[[rule]]", f"`{key}` is missing; write for example {key} = ") for key in RULE),
    ({"label": '""'}, "label", "`label` is missing; write for example label = { id = "),
    ({"article": '" "'}, "article", "`article` is missing; write for example article = "),
    ({"starts_on": "[]"}, "starts_on", '`starts_on` is missing; write for example starts_on = ["'),
    ({"lenght": "2"}, "lenght", "unknown key `lenght`; known are"),
    ({"lenght": "2", "length": None}, "lenght", "unknown key `lenght`; did you mean `length`?"),
    ({"citation": '"UU"'}, "citation", "`citation` belongs in [regulation]"),
    (
        {"starts_on": '["recieved"]'},
        "starts_on",
        "`starts_on` names the unknown event 'recieved'; did you mean `received`?",
    ),
    ({"restarts_on": '["again"]'}, "restarts_on", "`restarts_on` names the unknown event 'again'"),
    ({"implied_by": '["done"]'}, "implied_by", "`implied_by` names the unknown event 'done'"),
    ({"voids": '["gone"]'}, "voids", "`voids` names the unknown event 'gone'; known are archived"),
    ({"lapse": '"gone"', "actor": '"system"'}, "lapse", "`lapse` names the unknown event 'gone'"),
    ({"lapse": '"closed"'}, "lapse", "`lapse` never comes where unit must act"),
    (
        {"stops_on": '"settled"'},
        "stops_on",
        "`stops_on` is 'settled'; it must be a list of events in quotes, as in stops_on = [",
    ),
    ({"stops_on": "[5]"}, "stops_on", "`stops_on` is 5; it must be a list of events in quotes"),
    (
        {"starts_on": '["settled"]'},
        "stops_on",
        "nothing can stop the clock: every event of `stops_on` also starts or voids it; name the",
    ),
    ({"restarts_on": '["settled"]'}, "stops_on", "nothing can stop the clock"),
    ({"voids": '["settled", "closed"]'}, "stops_on", "nothing can stop the clock"),
    (
        {"stops_on": '["settled", "closed"]', "voids": '["closed"]'},
        "stops_on",
        "'closed' both stops the clock and voids it; take it out of one list",
    ),
    (
        {"stops_on": '["settled", "received"]'},
        "stops_on",
        "'received' both stops the clock and starts it; take it out of one list",
    ),
    ({"pauses": '[["paused"]]'}, "pauses", "a pause is a pair of events, as in [["),
    ({"pauses": '["paused", "resumed"]'}, "pauses", "a pause is a pair of events, as in [["),
    (
        {"pauses": '[["paused", "resume"]]'},
        "pauses",
        "`pauses` names the unknown event 'resume'; did you mean `resumed`?",
    ),
    ({"length": "0"}, "length", "`length` is 0; it must lie between 1 and 10000"),
    ({"length": "-5"}, "length", "`length` is -5; it must lie between 1 and 10000"),
    ({"length": "10001"}, "length", "`length` is 10001; it must lie between 1 and 10000"),
    ({"length": "2.5"}, "length", "`length` is 2.5; it must be a whole number, as in length = 5"),
    ({"length": '"2"'}, "length", "`length` is '2'; it must be a whole number, as in length = 5"),
    ({"length": "true"}, "length", "`length` is true; it must be a whole number"),
    ({"promised": "true"}, "length", "a `promised` rule has its due time from the source; remove"),
    ({"unit": '"hari kerja"'}, "unit", "`unit` is 'hari kerja'; known are day, working_day"),
    ({"unit": '"workday"'}, "unit", "`unit` is 'workday'; did you mean `working_day`?"),
    ({"actor": '"mayor"'}, "actor", "`actor` is 'mayor'; known are complainant, lapor_administr"),
    ({"actor": '["unit"]'}, "actor", "`actor` is ['unit']; it must be a text in quotes, as in"),
    ({"certainty": '"sen"'}, "certainty", "`certainty` is 'sen'; did you mean `seen`?"),
    (
        {"overrides": f'"{FOLLOW_UP}"', "differs_in": '["length"]'},
        "differs_in",
        "`differs_in` names 'length'; it may name actor, starts_on, restarts_on, stops_on, impl",
    ),
    ({"differs_in": '["voids"]'}, "differs_in", "`differs_in` without `overrides`: it says in"),
    ({"roll": '"previous"'}, "roll", "`roll` is 'previous'; known are next"),
    ({"promised": '"yes"'}, "promised", "`promised` is 'yes'; it must be true or false"),
    ({"label": '{ id = "Ringan" }'}, "label", "`label` lacks an English (en) text, as in label ="),
    ({"label": '{ id = "Ringan", en = 5 }'}, "label", "`label.en` is 5; write a text in quotes"),
    ({"label": '{ id = "R", en = "L", jv = "E" }'}, "label", "`label.jv` is no language here"),
    ({"label": '"Ringan"'}, "label", "`label` is 'Ringan'; it must be a table of texts, as in"),
    ({"consequence": '{ en = "So" }'}, "consequence", "`consequence` lacks an Indonesian (id)"),
    (
        {"applies_when": '{ kategori = ["jalan"] }'},
        "applies_when",
        "`applies_when` cannot ask for 'kategori'; did you mean `category`?",
    ),
    (
        {"applies_when": '{ category = "jalan" }'},
        "applies_when",
        "`applies_when.category` is 'jalan'; it must be a list of texts, as in category = [",
    ),
    ({"applies_when": "{ category = [] }"}, "applies_when", "`applies_when.category` is []"),
    (
        {"in_force": "2027-01-01"},
        "in_force",
        "`in_force` is 2027-01-01; it must be a table of days",
    ),
    (
        {"in_force": "{ form = 2027-01-01 }"},
        "in_force",
        "unknown key `in_force.form`; did you mean",
    ),
    (
        {"in_force": "{ from = 2027-01-02, to = 2027-01-01 }"},
        "in_force",
        "`in_force` ends on 2027-01-01, before it begins on 2027-01-02; correct one of the two",
    ),
    (
        {"overrides": f'"{FOLLOW_UP}"'},
        "overrides",
        '`overrides` needs a `basis`; add basis = "Peraturan Bupati',
    ),
    (
        {"basis": '"Peraturan Bupati Nomor 12 Tahun 2026"'},
        "basis",
        "`basis` without `overrides`; add the rule that it replaces, as in overrides = ",
    ),
    (
        {"overrides": f'"{FOLLOW_UP}"', "basis": '"Peraturan Bupati"'},
        "basis",
        "`basis` is 'Peraturan Bupati'; cite it with number and year",
    ),
    (
        {"overrides": "5", "basis": "6"},
        "overrides",
        "`overrides` is 5; it must be a text in quotes",
    ),
]


@pytest.mark.parametrize(("changes", "key", "hint"), MISTAKES)
def test_a_mistake_of_a_rule_is_told_with_its_line(changes, key, hint, written):
    text = HEAD + "\n" + rule(id='"first"') + "\n" + rule(**changes)
    lines = text.splitlines()
    place = next(
        n for n in range(len(lines), 0, -1) if re.match(rf"{re.escape(key)}(?: =|$)", lines[n - 1])
    )
    name = "2" if changes.get("id", "") is None else "light"
    found = mistakes(NATIONAL, written(text))
    assert any(line.startswith(f"desa.toml:{place}: rule {name}: {hint}") for line in found), found


def test_a_key_that_was_misspelt_is_not_missing_too(written):
    assert len(mistakes(written(HEAD + rule(lenght="2", length=None)))) == 1


def test_the_line_is_that_of_the_word_within_a_list(written):
    listed = '[\n  "settled",   # ["recieved"]\n  "recieved",\n]'
    (mistake,) = mistakes(written(HEAD + rule(stops_on=listed)))
    assert mistake.startswith("desa.toml:13: rule light: `stops_on` names the unknown event")


def test_one_id_twice_in_a_file_is_refused(written):
    (mistake,) = mistakes(written(HEAD + rule() + rule(length="3")))
    hint = "rule light: `id` is that of the rule in line 6 already; give it one of its own"
    assert mistake == f"desa.toml:16: {hint}"


ODD = [
    "0",
    "-1",
    "1.5",
    "nan",
    "true",
    '""',
    '"x"',
    "'''\n[[rule]]\n'''",
    "[]",
    "[0]",
    '["x"]',
    "[[]]",
    '[["x"], ["x", "x", "x"]]',
    "[{}]",
    "{}",
    "{ id = 0 }",
    '{ id = "x", en = ["x"] }',
    "{ from = 2027-01-01 }",
    "{ from = 0, to = [], ended_by = {} }",
    "2027-01-01",
    "08:00:00",
    "2027-01-01 08:00:00Z",
]


@pytest.mark.parametrize("value", ODD)
def test_whatever_a_key_holds_is_read_or_told_and_never_fails(value, written, tmp_path):
    nation = tmp_path / "nation"  # one file of it is read faster, and as good
    nation.mkdir()
    shutil.copy(min(NATIONAL.glob("*.toml"), key=lambda file: file.stat().st_size), nation)

    def read_or_told(text):
        try:
            load([nation, written(text)])
        except RegulationError as refused:
            places = [line.partition(": ")[0] for line in str(refused).splitlines()]
            assert all(re.search(r"\.toml:[1-9]\d*$", place) for place in places), places

    for key in schema.RULE:
        read_or_told(HEAD + rule(**{key: value}))
    for key in schema.HEAD:
        kept = "".join(line for line in HEAD.splitlines(keepends=True) if not line.startswith(key))
        read_or_told(f"{kept}{key} = {value}\n{rule()}")
    for key in ("regulation", "rule", "rules"):
        read_or_told(f"{key} = {value}\n")
        read_or_told(f"{key} = {value}\n{HEAD}")
        read_or_told(f"{key} = {value}\n{rule()}")


# --- mistakes of a file ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        (
            '[regulation]\nkey = "desa"\ntitle = "T"\n',
            "1: [regulation]: `citation` is missing; write for example citation = ",
        ),
        (HEAD.replace('"SP Desa"', '""'), "4: [regulation]: `citation` is missing"),
        (HEAD.replace('"SP Desa"', "5"), "4: [regulation]: `citation` is 5; it must be a text"),
        (HEAD.replace("citation", "citaton"), "4: [regulation]: unknown key `citaton`; did you"),
        (HEAD + 'note = "N"\n', "5: [regulation]: `note` is 'N'; it must be a table of texts"),
        (HEAD + 'note = { id = "N" }\n', "5: [regulation]: `note` lacks an English (en) text"),
        (HEAD + 'author = "B"\n', "5: [regulation]: unknown key `author`; known are "),
        (HEAD + "length = 5\n", "5: [regulation]: `length` belongs in a [[rule]]"),
        (HEAD + "[[rules]]\n", "5: `rules` is neither [regulation] nor [[rule]]"),
        (HEAD + "[rule]\n", "5: a rule begins with [[rule]], in double brackets"),
        ("", "1: a file has one table [regulation], in single brackets"),
        (f"[{HEAD}".replace("]", "]]"), "1: a file has one table [regulation], in single brackets"),
        (in_force("form = 2026-01-01"), "5: [regulation]: unknown key `in_force.form`; did you"),
        (HEAD + "in_force = 2026-01-01\n", "5: [regulation]: `in_force` is 2026-01-01; it must"),
        (
            in_force('from = "2026-01-01"'),
            "5: [regulation]: `in_force.from` is '2026-01-01'; write a day without quotes, as in",
        ),
        (
            in_force("from = 2026-01-02, to = 2026-01-01"),
            "5: [regulation]: `in_force` ends on 2026-01-01, before it begins on 2026-01-02",
        ),
        (in_force('ended_by = "UU"'), "5: [regulation]: `in_force.ended_by` without a last day"),
        (HEAD + 'overrides = "sp4n"\n', "5: [regulation]: `overrides` needs a `basis`; add"),
        (
            HEAD + 'basis = "Perbup 12/2026"\noverrides = "sp4n/first-follow-up"\n',
            "6: [regulation]: `overrides` is 'sp4n/first-follow-up'; here it names a regulation",
        ),
        (
            HEAD + 'basis = "Perbup 12/2026"\n' + rule(),
            "5: [regulation]: `basis`, and nothing here overrides a rule; add `overrides`, or",
        ),
        (HEAD + "key = ", "5: the value after `=` is missing; write it, or delete the line"),
        (HEAD + "\n" + HEAD, "6: `regulation` is written twice; put all its keys in one place"),
    ],
)
def test_a_mistake_outside_the_rules_is_told_with_its_line(text, hint, written):
    found = mistakes(written(text))
    assert any(line.startswith(f"desa.toml:{hint}") for line in found), found


def test_each_national_regulation_has_its_remark_in_both_languages():
    folders = (NATIONAL, NATIONAL / "optional")
    for path in (each for folder in folders for each in sorted(folder.glob("*.toml"))):
        note = tomllib.loads(path.read_text(encoding="utf-8"))["regulation"]["note"]
        assert sorted(note) == ["en", "id"], path.name
        assert note["id"] != note["en"]


def test_a_file_in_another_encoding_is_told(written):
    folder = written(HEAD.replace('desa"', 'désa"') + rule(), encoding="cp1252")
    assert mistakes(folder) == ["desa.toml:2: not in UTF-8; save the file as UTF-8"]


def test_all_mistakes_of_all_files_are_told_at_once_in_their_order(written):
    ill = rule(length="0") + rule(id='"heavy"', unit='"week"', actor='"mayor"')
    written(HEAD + ill)
    written(HEAD.replace("citation", "cite"), name="kota.toml")
    folder = written("[", name="provinsi.toml")
    assert [line.partition(": ")[0] for line in mistakes(folder)] == [
        "desa.toml:12",
        "desa.toml:19",
        "desa.toml:23",
        "kota.toml:1",
        "kota.toml:4",
        "provinsi.toml:1",
    ]


def test_a_folder_that_is_not_there_is_told(tmp_path):
    assert mistakes(tmp_path / "hukum") == [f"{tmp_path}/hukum: no such folder of regulations"]


def test_what_may_stand_in_a_file_that_cannot_be_read_is_not_called_missing(written):
    written("[", name="perbup-a.toml", folder="first")
    folder = written(HEAD + rule(**OVERRIDES))
    found = mistakes(written("[", folder="first"), folder)
    assert not [line for line in found if "there is no such rule" in line]


# --- versions -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("one", "other", "hint"),
    [
        (
            "to = 2026-06-30",
            "from = 2026-06-30",
            "a.toml:5: rule light: desa/light is in force at the same time in b.toml:6"
            " from 2026-06-30 on; let this one end the day before: in_force.to = 2026-06-29",
        ),
        (
            "from = 2020-01-01",
            "from = 2026-07-01",  # the older was given no end
            "a.toml:5: rule light: desa/light is in force at the same time in b.toml:6"
            " from 2026-07-01 on; let this one end the day before: in_force.to = 2026-06-30",
        ),
        (
            "from = 2021-01-01, to = 2021-12-31",
            "from = 2020-01-01, to = 2026-12-31",
            "b.toml:5: rule light: desa/light is in force at the same time in a.toml:6"
            " from 2021-01-01 on; let this one end the day before: in_force.to = 2020-12-31",
        ),
        (
            "from = 2026-01-01",
            "from = 2026-01-01",
            "b.toml:5: rule light: desa/light is in force at the same time in a.toml:6;"
            " remove one, or give each days of its own by `in_force`",
        ),
    ],
)
def test_two_versions_in_force_on_one_day_are_refused(one, other, hint, written):
    written(in_force(one) + rule(), name="a.toml")
    assert mistakes(written(in_force(other) + rule(), name="b.toml")) == [hint]


def test_a_version_without_any_dates_overlaps_with_every_other(written):
    written(HEAD + rule(), name="a.toml")
    (mistake,) = mistakes(written(in_force("from = 2026-07-01") + rule(), name="b.toml"))
    assert mistake.startswith("a.toml:1: rule light: desa/light is in force at the same time")


def test_a_time_between_two_versions_is_a_gap(written):
    written(in_force("to = 2026-06-30") + rule(), name="a.toml")
    folder = written("# later\n" + in_force("from = 2026-08-01") + rule(), name="b.toml")
    (mistake,) = mistakes(folder)
    hint = "no version of desa/light is in force from 2026-07-01 to 2026-07-31, after a.toml:6"
    assert mistake.startswith(f"b.toml:6: rule light: {hint}; let it begin the day after, or, if")


def test_a_rule_that_had_really_ended_leaves_no_gap(written):
    ended = in_force('to = 2026-06-30, ended_by = "Putusan MA Nomor 1 P/HUM/2026"')
    written(ended + rule(), name="a.toml")
    law = load([written(in_force("from = 2026-08-01") + rule(), name="b.toml")])
    assert law.on("desa/light", date(2026, 7, 15)) is None
    assert law.on("desa/light", date(2026, 8, 1)) is law.last("desa/light")


def test_a_rule_that_the_next_version_of_its_text_leaves_out_has_ended(written):
    written(in_force("to = 2026-06-30") + rule() + rule(id='"heavy"'), name="a.toml")
    law = load([written(in_force("from = 2026-07-01") + rule(), name="b.toml")])
    assert law.on("desa/heavy", date(2026, 7, 1)) is None


def test_a_rule_may_come_into_force_later_than_its_text(written):
    own = rule(in_force="{ from = 2026-07-01 }")
    law = load([written(in_force("from = 2026-01-01, to = 2026-12-31") + own)])
    in_force_on = [date(2026, 6, 30), date(2026, 7, 1), date(2026, 12, 31), date(2027, 1, 1)]
    assert [law.on("desa/light", day) is not None for day in in_force_on] == [0, 1, 1, 0]


def test_a_rule_cannot_be_in_force_when_its_text_is_not(written):
    own = rule(in_force="{ from = 2025-07-01 }")
    (mistake,) = mistakes(written(in_force("from = 2026-01-01") + own))
    hint = (
        "`in_force.from` is 2025-07-01, when [regulation] is not in force; correct one of the two"
    )
    assert mistake.startswith(f"desa.toml:16: rule light: {hint}")


# --- overrides ------------------------------------------------------------------------------------


def test_a_rule_of_the_nation_is_not_replaced_in_silence(written):
    own = HEAD.replace('"desa"', '"sp4n"') + rule(id='"first-follow-up"')
    (mistake,) = mistakes(NATIONAL, written(own))
    hint = f"desa.toml:6: rule first-follow-up: {FOLLOW_UP} is a rule of sp4n.toml:26 already"
    assert mistake.startswith(f'{hint}; to replace it, write overrides = "{FOLLOW_UP}" and basis =')


def test_nor_is_it_with_days_on_which_the_national_one_is_not_in_force(written):
    head = HEAD.replace('"desa"', '"sp4n-guideline"')
    own = in_force("from = 2010-01-01, to = 2010-12-31", head) + rule(id='"complaint"')
    assert "to replace it, write overrides" in mistakes(NATIONAL, written(own))[0]


def test_what_overrides_keeps_the_id_and_cites_its_own_text(written):
    folder = written(HEAD + rule(**OVERRIDES))
    law = load([NATIONAL, folder])
    own = law.on(FOLLOW_UP, date(2026, 11, 24))
    assert (own.length, own.citation, own.overrides) == (2, "SP Desa nomor 1", FOLLOW_UP)
    assert own.basis == "Peraturan Bupati Contoh Nomor 12 Tahun 2026"
    assert law.overridden(FOLLOW_UP, date(2026, 11, 24)).citation.startswith("Prosedur SP4N-LAPOR!")
    assert law.ids == load([NATIONAL]).ids


def test_a_whole_regulation_overrides_rule_by_rule(written):
    head = HEAD + 'overrides = "sp4n"\nbasis = "Peraturan Bupati Contoh Nomor 12 Tahun 2026"\n'
    other = {"differs_in": OVERRIDES["differs_in"]}
    rules = rule(id='"verification"', stops_on='["verified"]', **other)
    rules += rule(id='"first-follow-up"', **other)
    law = load([NATIONAL, written(head + rules)])
    assert {rule.id for rule in law.overriding} == {"sp4n/verification", FOLLOW_UP}
    assert {rule.basis for rule in law.overriding} == {
        "Peraturan Bupati Contoh Nomor 12 Tahun 2026"
    }
    assert law.last("sp4n/auto-close").length == 10


def test_before_and_after_it_the_national_version_of_the_day_applies(written):
    own = in_force("from = 2025-01-01, to = 2025-12-31")
    own += rule(**OVERRIDES_COMPLAINT)
    law = load([NATIONAL, written(own)])
    cited = [law.on(COMPLAINT, date(year, 6, 1)).regulation.citation for year in (2024, 2025, 2026)]
    assert cited == ["PermenPANRB 62/2018", "SP Desa", "PermenPANRB 5/2025"]


def test_one_may_follow_another(written):
    written(in_force("from = 2026-01-01, to = 2026-12-31") + rule(**OVERRIDES), name="a.toml")
    own = in_force("from = 2027-07-01") + rule(length="3", **OVERRIDES)  # a gap is the nation's
    law = load([NATIONAL, written(own, name="b.toml")])
    days = [date(2025, 6, 1), date(2026, 6, 1), date(2027, 6, 1), date(2028, 6, 1)]
    assert [law.on(FOLLOW_UP, day).length for day in days] == [5, 2, 5, 3]


def test_a_rule_overridden_twice_is_refused(written):
    written(HEAD + rule(**OVERRIDES), name="a.toml")
    folder = written(in_force("from = 2027-01-01") + rule(**OVERRIDES), name="b.toml")
    hint = (
        f"{FOLLOW_UP} is overridden at the same time by b.toml:6 from 2027-01-01 on; let this one"
    )
    assert mistakes(NATIONAL, folder) == [
        f"a.toml:1: rule light: {hint} end the day before: in_force.to = 2026-12-31"
    ]


def test_an_override_is_for_the_same_complaints(written):
    asked = '{ classification = ["complaint"], category = ["jalan"] }'
    folder = written(HEAD + rule(**OVERRIDES_COMPLAINT | {"applies_when": asked}))
    (mistake,) = mistakes(NATIONAL, folder)
    hint = (
        f'`applies_when` is not that of {COMPLAINT} ({{ classification = ["complaint"] }}); leave'
    )
    assert mistake.startswith(f"desa.toml:17: rule light: {hint} it out, or, for some complaints")


def test_an_override_of_an_optional_rule_is_for_the_same_sources(written):
    """UU 14/2008 is for one register; its stricter replacement is not for the other sources."""
    optional = {NATIONAL / "optional" / "uu-14-2008.toml": frozenset({"ppid"})}
    own = rule(**SHORT | {"overrides": '"uu-14-2008/answer"'})
    law = load([NATIONAL, written(HEAD + own)], optional=optional)
    assert [each.applies_when for each in law.versions("uu-14-2008/answer")] == [
        {"source": {"ppid"}}
    ] * 2


def page(name):
    """The regulation file on a page of the documentation, with the rules of its other blocks."""
    text = (REPOSITORY / "docs" / name).read_text(encoding="utf-8")
    blocks = re.findall(r"```toml\n(.*?)```", text, re.DOTALL)
    return "\n".join(b for b in blocks if b.startswith(("[regulation]", "[[rule]]")))


FULL_COPY = """\
label = { id = "Penyelesaian pengaduan tidak berkadar pengawasan", en = "Settlement of a complaint without supervisory content" }
verb = { id = "selesaikan pengaduan tidak berkadar pengawasan", en = "settle the complaint without supervisory content" }
actor = "unit"
starts_on = ["received"]
restarts_on = ["reopened"]
stops_on = ["settled"]
implied_by = ["closed"]
voids = ["withdrawn", "archived"]
pauses = [["material_requested", "material_completed"], ["material_requested", "file_complete"], ["paused", "resumed"]]
unit = "working_day"
applies_when = { classification = ["complaint"] }
"""  # noqa: E501
"""The lines that an override of the settlement of a complaint had to repeat before."""


@pytest.mark.parametrize("name", ["regulations.md", "mengubah-tenggat.md"])
def test_the_pages_shorten_the_settlement_of_a_complaint_and_keep_the_duty(name, written):
    law = load([NATIONAL, written(page(name))])
    day = date(2027, 1, 4)
    own, national = law.on(COMPLAINT, day), law.overridden(COMPLAINT, day)
    assert (national.length, own.length) == (14, 10)
    for key in schema.INHERITED_KEYS:
        assert getattr(own, key) == getattr(national, key), key
    whole = page(name).replace("length = 10\n", f"length = 10\n{FULL_COPY}")
    assert whole.count("stops_on") == 1
    copied = load([NATIONAL, written(whole, folder="whole")])
    assert [rule_fingerprint(rule) for rule in copied.overriding] == [
        rule_fingerprint(rule) for rule in law.overriding
    ]
    story = [event_at("received", "2027-01-04 10:00"), event_at("paused", "2027-01-06 09:00")]
    story.append(event_at("resumed", "2027-01-08 15:00"))
    due = [judged(each, COMPLAINT, *story).due.date() for each in (law, copied)]
    assert due == [date(2027, 1, 20)] * 2


def test_a_full_copy_is_taken_as_it_is_written(written):
    """It loaded before overrides could inherit: nothing is added to it, not even a `verb`."""
    national = load([NATIONAL]).on(FOLLOW_UP, date(2026, 11, 24))
    whole = rule(
        overrides=f'"{FOLLOW_UP}"',
        basis=OVERRIDES["basis"],
        **{
            key: str(sorted(getattr(national, key)))
            for key in ("starts_on", "stops_on", "implied_by", "voids")
        },
        pauses=str([list(pair) for pair in national.pauses]),
    )
    (own,) = load([NATIONAL, written(HEAD + whole)]).overriding
    assert (own.verb, own.consequence, own.severity) == ({}, {}, 0)
    assert own.label["en"] == "Light complaint"


def test_neither_certainty_nor_length_is_inherited(written):
    short = SHORT | {"certainty": None, "length": None}
    (mistake,) = mistakes(NATIONAL, written(HEAD + rule(**short)))
    assert mistake.startswith("desa.toml:5: rule light: `certainty` is missing; write for example")
    (mistake,) = mistakes(NATIONAL, written(HEAD + rule(**short | {"certainty": '"read"'})))
    assert mistake.startswith("desa.toml:5: rule light: `length` is missing; write for example")


def test_the_sanction_of_the_national_deadline_is_not_inherited(written):
    """An earlier local day was missed, not the article for which there is a sanction."""
    target = "uu-25-2009/response"
    own = rule(**SHORT | {"overrides": f'"{target}"'})
    law = load([NATIONAL, written(HEAD + own)])
    day = date(2027, 1, 4)
    assert law.overridden(target, day).severity == 2
    assert (law.on(target, day).severity, law.on(target, day).consequence) == (0, {})


VERSIONS = (
    in_force("to = 2026-06-30") + rule(voids='["withdrawn"]'),
    in_force("from = 2026-07-01") + rule(voids='["archived"]', unit='"day"'),
)


@pytest.mark.parametrize(
    ("days", "voids", "unit", "later"),
    [
        ("to = 2026-12-31", "withdrawn", "working_day", ["voids"]),
        ("from = 2026-06-30", "withdrawn", "working_day", ["voids"]),
        ("from = 2026-06-30, to = 2026-06-30", "withdrawn", "working_day", []),
        ("from = 2026-07-01", "archived", "day", []),
    ],
)
def test_an_override_inherits_from_the_version_of_its_first_day(days, voids, unit, later, written):
    for number, text in enumerate(VERSIONS):
        national = written(text, name=f"{number}.toml", folder="national")
    own = rule(**SHORT | {"overrides": '"desa/light"'})
    folder = written(in_force(days, HEAD.replace('"desa"', '"kota"')) + own)
    law = load([national, folder])
    (found,) = law.overriding
    assert (found.voids, found.unit) == ({voids}, unit)
    assert [keys for _, keys in later_versions(law, found)] == [later] * bool(later)


def test_before_its_first_version_a_rule_gives_what_that_version_has(written):
    national = written(VERSIONS[1], folder="national")
    own = rule(**SHORT | {"overrides": '"desa/light"'})
    head = HEAD.replace('"desa"', '"kota"')
    (found,) = load([national, written(in_force("from = 2026-01-01", head) + own)]).overriding
    assert found.voids == {"archived"}
    (mistake,) = mistakes(national, written(in_force("to = 2026-06-30", head) + own))
    hint = "`overrides` names desa/light, and no version of it is in force on these days; correct"
    assert mistake.startswith(f"desa.toml:5: rule light: {hint} `in_force`")


def test_nothing_is_said_of_versions_that_may_be_in_an_unreadable_file(written):
    """The other file may have the version that is in force on these days."""
    written(VERSIONS[1], folder="national")
    national = written("[regulation", name="other.toml", folder="national")
    head = HEAD.replace('"desa"', '"kota"')
    own = in_force("to = 2026-06-30", head) + rule(**SHORT | {"overrides": '"desa/light"'})
    with pytest.raises(RegulationError) as refused:
        load([national, written(own)])
    (mistake,) = str(refused.value).splitlines()
    assert "other.toml:1: " in mistake


def test_a_key_in_differs_in_is_not_inherited(written):
    (own,) = load(
        [NATIONAL, written(HEAD + rule(**SHORT | {"differs_in": '["pauses"]'}))]
    ).overriding
    assert (own.pauses, own.voids) == ((), {"withdrawn", "archived"})


def test_what_is_inherited_is_checked_with_what_is_written(written):
    short = SHORT | {"differs_in": '["stops_on"]', "stops_on": '["archived"]'}
    (mistake,) = mistakes(NATIONAL, written(HEAD + rule(**short)))
    assert mistake.startswith("desa.toml:8: rule light: nothing can stop the clock: every event of")


def test_an_override_does_not_become_another_duty_in_silence(written):
    """The events of the first follow-up under the id of the settlement, as a clerk copied them."""
    copied = {
        "starts_on": '["assigned"]',
        "stops_on": '["follow_up_published"]',
        "voids": '["withdrawn", "archived", "returned"]',
    }
    (mistake,) = mistakes(NATIONAL, written(HEAD + rule(**SHORT | copied)))
    hint = f"desa.toml:8: rule light: another duty than {COMPLAINT}, which has: "
    hint += 'starts_on = ["received"], stops_on = ["settled"], voids = ["archived", "withdrawn"]. '
    assert mistake.startswith(f"{hint}Leave these out, and they are taken over; if your")
    named = '["starts_on", "stops_on", "voids"]'
    assert mistake.endswith(f"regulation differs in them, add differs_in = {named}")
    folder = written(HEAD + rule(**SHORT | copied | {"differs_in": named}))
    assert [each.stops_on for each in load([NATIONAL, folder]).overriding] == [
        {"follow_up_published"}
    ]


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"actor": '"system"'}, "actor"),
        ({"restarts_on": "[]"}, "restarts_on"),
        ({"stops_on": '["settled", "decided"]'}, "stops_on"),
        ({"voids": '["withdrawn"]'}, "voids"),
        ({"pauses": '[["paused", "resumed"]]'}, "pauses"),
        ({"promised": "true", "length": None}, "promised"),
    ],
)
def test_each_key_of_the_duty_counts(changes, key, written):
    national = load([NATIONAL]).on(COMPLAINT, date(2026, 11, 24))
    same = {
        "restarts_on": '["reopened"]',
        "implied_by": '["closed"]',
        "voids": '["archived", "withdrawn"]',
        "pauses": str([list(pair) for pair in reversed(national.pauses)]),
    }
    whole = {**OVERRIDES_COMPLAINT, "differs_in": None, **same}
    assert load([NATIONAL, written(HEAD + rule(**whole))]).overriding
    for written_keys in (whole, SHORT):
        (mistake,) = mistakes(NATIONAL, written(HEAD + rule(**written_keys | changes)))
        assert f"which has: {key} = " in mistake
        assert mistake.endswith(f'add differs_in = ["{key}"]')


@pytest.mark.parametrize("key", ["restarts_on", "implied_by", "voids", "pauses", "applies_when"])
def test_a_key_forgotten_in_a_full_copy_is_inherited(key, written):
    """It was refused before: now it need not be repeated."""
    national = load([NATIONAL]).on(COMPLAINT, date(2026, 11, 24))
    text = HEAD + rule(**SHORT) + re.sub(rf"^{key} = .*\n", "", FULL_COPY, flags=re.M)
    (own,) = load([NATIONAL, written(text)]).overriding
    assert getattr(own, key) == getattr(national, key)


@pytest.mark.parametrize(
    ("target", "hint"),
    [
        ("sp4n/first-folow-up", f"and there is no such rule; did you mean `{FOLLOW_UP}`?"),
        ("first-follow-up", f"and there is no such rule; did you mean `{FOLLOW_UP}`?"),
        ("desa/other", "a rule of the same folder or a later one (other.toml:5); change it there"),
        ("desa/third", "which itself overrides sp4n/verification; name that one, or change the"),
    ],
)
def test_an_override_needs_something_to_override(target, hint, written):
    written(HEAD + rule(id='"other"'), name="other.toml")
    third = {**OVERRIDES, "id": '"third"', "overrides": '"sp4n/verification"'}
    written(HEAD + rule(**third), name="third.toml")
    folder = written(HEAD + rule(**OVERRIDES | {"overrides": f'"{target}"'}))
    (mistake,) = mistakes(NATIONAL, folder)
    assert mistake.replace("'", "").startswith(
        f"desa.toml:15: rule light: `overrides` names {target}, {hint}"
    )


def test_the_national_folder_itself_cannot_override(tmp_path):
    folder = tmp_path / "regulations"
    shutil.copytree(NATIONAL, folder)
    (folder / "x.toml").write_text(HEAD + rule(**OVERRIDES), encoding="utf-8")
    (mistake,) = mistakes(folder)
    hint = "`overrides` in the first folder of the law: there is none before it; change the rule"
    assert mistake.startswith(f"x.toml:15: rule light: {hint}")


# --- cycles ---------------------------------------------------------------------------------------

SYSTEM = {"actor": '"system"', "stops_on": '["reporter_replied"]'}
ONE = SYSTEM | {"id": '"one"', "starts_on": '["paused"]', "lapse": '"closed"'}
TWO = SYSTEM | {"id": '"two"', "starts_on": '["closed"]', "lapse": '"archived"'}
THREE = SYSTEM | {"id": '"three"', "starts_on": '["archived"]', "lapse": '"paused"'}


def test_a_rule_that_starts_itself_is_refused(written):
    (mistake,) = mistakes(written(HEAD + rule(**ONE | {"lapse": '"paused"'})))
    hint = "running out brings 'paused', which starts it again, without end; take the event out of"
    assert mistake.startswith(f"desa.toml:15: rule one: {hint}")


def test_so_is_one_that_only_starts_itself_again(written):
    again = rule(**ONE, restarts_on='["closed"]')
    (mistake,) = mistakes(written(HEAD + again))
    assert mistake.startswith(
        "desa.toml:15: rule one: running out brings 'closed', which starts it"
    )


def test_rules_that_start_each_other_are_refused(written):
    written(HEAD + rule(**ONE) + rule(**TWO))
    (mistake,) = mistakes(written(HEAD + rule(**THREE), name="z.toml"))
    hint = (
        "running out brings 'closed', which starts desa/two, whose running out brings 'archived',"
    )
    hint += (
        " which starts desa/three, whose running out brings 'paused', which starts this rule again"
    )
    assert mistake.startswith(f"desa.toml:15: rule one: {hint}, without end; take the event out of")


def test_rules_that_start_one_another_in_a_row_are_a_chain_and_no_cycle(written):
    assert load([written(HEAD + rule(**ONE) + rule(**TWO))]).lapsing == {"desa/one", "desa/two"}


@pytest.mark.parametrize(
    "apart",
    [
        {"applies_when": '{ classification = ["aspiration"] }'},
        {"in_force": "{ from = 2027-01-01 }"},
    ],
)
def test_rules_that_never_meet_in_one_complaint_are_no_cycle(apart, written):
    one = ONE | {"in_force": "{ to = 2026-12-31 }"}
    one |= {"applies_when": '{ classification = ["complaint"] }'}
    law = load([written(HEAD + rule(**one) + rule(**TWO) + rule(**THREE | apart))])
    assert len(law.lapsing) == 3


def test_an_override_can_close_a_cycle(written):
    national = written(HEAD + rule(**ONE) + rule(**TWO), folder="national")
    head = HEAD.replace('"desa"', '"kota"')
    own = rule(**TWO | OVERRIDES | {"lapse": '"paused"', "overrides": '"desa/two"'})
    found = mistakes(national, written(head + own))
    assert [line for line in found if "which starts this rule again, without end" in line]


# --- before the law -------------------------------------------------------------------------------

FIRST, LAST = date(2025, 1, 1), date(2028, 12, 31)
CALENDAR = Calendar(
    FIRST, LAST, days_off=indonesian_days_off([2025, 2026])
)  # of 2027 none is known


def event_at(kind, at, unit=None):
    return Event(kind, wita(at), wita(at), "register", unit=unit)


def judged(law, rule_id, *events, as_of="2027-02-26 08:00", **facts):
    """The only deadline under this rule."""
    bench = EvaluationContext(
        law, CALENDAR, Calendar.every_day(FIRST, LAST), WITA, administrator_unit="kominfo"
    )
    asked = ComplaintFacts(**{"classification": "complaint", "system": "sp4n-lapor"} | facts)
    (found,) = (d for d in evaluate(asked, events, bench, wita(as_of)) if d.rule.id == rule_id)
    return found


def test_an_override_applies_to_clocks_that_start_from_its_day_on_and_only_to_them(written):
    own = in_force("from = 2027-01-01") + rule(**OVERRIDES_COMPLAINT | {"length": "4"})
    law = load([NATIONAL, written(own)])
    old = judged(law, COMPLAINT, event_at("received", "2026-12-31 10:00"))
    new = judged(law, COMPLAINT, event_at("received", "2027-01-04 10:00"))
    assert (old.rule.length, old.rule.regulation.citation) == (14, "PermenPANRB 5/2025")
    assert (new.rule.length, new.rule.citation) == (4, "SP Desa nomor 1")
    assert (old.due.date(), new.due.date()) == (date(2027, 1, 20), date(2027, 1, 8))


def test_a_legal_officer_changes_a_length_from_a_day_on_by_copying_the_file(tmp_path):
    folder = tmp_path / "regulations"
    shutil.copytree(NATIONAL, folder)
    old = folder / "sp4n-guideline-5-2025.toml"
    text = old.read_text(encoding="utf-8")
    begun = "in_force = { from = 2025-05-01 }"
    new = text.replace(begun, "in_force = { from = 2027-01-01 }").replace(
        "length = 14", "length = 10"
    )
    (folder / "sp4n-guideline-2027.toml").write_text(new, encoding="utf-8")
    assert {line.partition(": ")[0] for line in mistakes(folder)} == {
        "sp4n-guideline-5-2025.toml:10"
    }
    ended = text.replace(begun, "in_force = { from = 2025-05-01, to = 2026-12-31 }")
    old.write_text(ended, encoding="utf-8")
    law = load([folder])
    before = judged(law, COMPLAINT, event_at("received", "2026-12-31 23:59"))
    after = judged(law, COMPLAINT, event_at("received", "2027-01-01 00:00"))
    assert (before.rule.length, after.rule.length) == (14, 10)
    # what came before is judged by the old length however late it is judged
    settled = event_at("settled", "2027-01-20 10:00")
    assert (
        judged(law, COMPLAINT, event_at("received", "2026-12-31 23:59"), settled).state is State.MET
    )
    assert (
        judged(law, COMPLAINT, event_at("received", "2027-01-01 00:00"), settled).state
        is State.MET_LATE
    )


def test_a_site_has_a_rule_of_its_own_for_a_light_complaint(written):
    light = rule(applies_when='{ classification = ["complaint"], category = ["penerangan jalan"] }')
    law = load([NATIONAL, written(HEAD + light)])
    received = event_at("received", "2026-11-20 10:00")
    found = judged(
        law, "desa/light", received, category="penerangan jalan", as_of="2026-11-24 08:00"
    )
    assert (found.due.date(), found.state) == (date(2026, 11, 24), State.RUNNING)
    assert judged(law, COMPLAINT, received, category="penerangan jalan").rule.length == 14
    with pytest.raises(ValueError, match="not enough values"):
        judged(law, "desa/light", received, category="jembatan")


# --- the page of the documentation ----------------------------------------------------------------


def test_the_example_of_the_documentation_is_true(written):
    text = (REPOSITORY / "docs" / "regulations.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```toml\n(\[regulation\].*?)```", text, re.DOTALL)
    law = load([NATIONAL, written(example)])
    (own,) = law.overriding
    assert law.on(own.id, date(2026, 12, 31)).regulation.citation == "Prosedur SP4N-LAPOR!"
    assert law.on(own.id, date(2027, 1, 1)) is own
    assert own.length < law.overridden(own.id, date(2027, 1, 1)).length
