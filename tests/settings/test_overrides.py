"""A site that replaces a national rule: what it, its doctor and its summaries then say."""

import re
from dataclasses import replace
from datetime import date

import pytest
from conftest import REPOSITORY, wita
from support.site_mistakes import assert_indonesian

from settings.errors import SettingsError
from settings.site import load_site
from sla.regulations.model import Law
from tasks.common.context import SiteContext
from tasks.monitoring.health import check
from tasks.summary import SummaryRequest, make_summary

FOLLOW_UP = "sp4n/first-follow-up"
BASIS = "Peraturan Bupati Contoh Nomor 12 Tahun 2026"
OWN_KEYS = """\
label = { id = "Tindak lanjut pertama", en = "First follow-up" }
actor = "unit"
starts_on = ["assigned"]
stops_on = ["follow_up_published"]
unit = "working_day"
"""
"""What the rule of the documentation needs if it replaces none."""


@pytest.fixture
def perbup(site_folder, tmp_path, monkeypatch):
    """The example site with the regulation of docs/regulations.md in a folder of its own."""
    monkeypatch.setenv("TENGGAT_VAR", str(tmp_path / "var"))
    page = (REPOSITORY / "docs" / "regulations.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```toml\n(\[regulation\].*?)```", page, re.DOTALL)
    (site_folder / "perbup").mkdir()
    (site_folder / "perbup" / "perbup.toml").write_text(example, encoding="utf-8")
    site = site_folder / "site.toml"
    text = site.read_text(encoding="utf-8")
    site.write_text(text.replace("[database]", 'regulations = ["perbup"]\n[database]', 1), "utf-8")
    return site_folder


def notes(site, at):
    found = {one.what: one.remedy for one in check(site, wita(at)) if one.level == "note"}
    return {what: remedy for what, remedy in found.items() if "rule " in what or "replac" in what}


def test_the_site_is_judged_by_its_own_rule_from_its_day_on(perbup):
    law = load_site(perbup).evaluation_context.law
    days = (date(2026, 12, 31), date(2027, 1, 1))
    assert [law.on(FOLLOW_UP, day).length for day in days] == [5, 3]


def test_doctor_tells_what_is_replaced_by_what_and_on_what_basis(perbup):
    site = load_site(perbup)
    what = f"rule {FOLLOW_UP} (Prosedur SP4N-LAPOR! Proses tindak lanjut) is replaced by"
    what += " Perbup 12/2026 Pasal 7{days}, on the basis of " + BASIS
    remedy = "a legal officer answers for it; it stands in perbup.toml"
    later = what.format(days=" from 2027-01-01 on")
    assert notes(site, "2026-11-24 08:00") == {later: remedy}
    assert notes(site, "2027-02-01 08:00") == {what.format(days=""): remedy}
    until = " until 2027-12-31"
    assert_indonesian(
        later, *(what.format(days=days + until) for days in ("", " from 2027-01-01 on"))
    )


@pytest.mark.parametrize(
    ("length", "unit", "laxer"),
    [(5, "working_day", False), (6, "working_day", True), (7, "day", False), (8, "day", True)],
)
def test_doctor_tells_of_a_rule_laxer_than_the_national_one(perbup, length, unit, laxer):
    file = perbup / "perbup" / "perbup.toml"
    text = file.read_text(encoding="utf-8")
    file.write_text(
        text.replace("length = 3", f'length = {length}\nunit = "{unit}"'), encoding="utf-8"
    )
    told = [what for what in notes(load_site(perbup), "2027-02-01 08:00") if "more than" in what]
    days = f"{length} {'days' if unit == 'day' else 'working days'}"
    by_nation = "more than Prosedur SP4N-LAPOR! Proses tindak lanjut (5 working days)"
    assert told == [f"rule {FOLLOW_UP} allows {days}, {by_nation}"] * laxer
    assert_indonesian(*told)


def test_doctor_tells_of_a_national_change_that_the_replacement_does_not_follow(perbup):
    """A replacement keeps what it inherited on its first day."""
    site = load_site(perbup)
    context = site.evaluation_context
    national = context.law.on(FOLLOW_UP, date(2026, 12, 31))
    versions = [
        replace(national, until=date(2027, 12, 31)),
        replace(national, since=date(2028, 1, 1), voids=frozenset({"withdrawn"}), length=4),
    ]
    others = [rule for rule in context.law.rules if rule is not national]
    site.evaluation_context = replace(context, law=Law([*others, *versions]))
    told = [what for what in notes(site, "2027-02-01 08:00") if "does not follow" in what]
    what = f"the replacement of {FOLLOW_UP} in perbup.toml does not follow Prosedur SP4N-LAPOR!"
    what += (
        " Proses tindak lanjut, which from 2028-01-01 on differs in voids from the version before"
    )
    assert told == [what]
    assert_indonesian(*told, notes(site, "2027-02-01 08:00")[told[0]])


@pytest.mark.thorough
def test_doctor_tells_of_a_rule_that_ends_and_nothing_follows(perbup):
    file = perbup / "perbup" / "perbup.toml"
    text = re.sub("overrides = .*\nbasis = .*\n", OWN_KEYS, file.read_text(encoding="utf-8"))
    ending = "in_force = { from = 2026-01-01, to = 2026-12-31 }"
    text = text.replace("in_force = { from = 2027-01-01 }", ending)
    file.write_text(text, encoding="utf-8")
    what = "rule perbup-12-2026/first-follow-up is in force until 2026-12-31, and no later version"
    assert notes(load_site(perbup), "2026-10-01 08:00") == {}
    (told,) = notes(load_site(perbup), "2026-11-24 08:00")
    assert told == f"{what} follows"
    ended = ending.replace(" }", ', ended_by = "Perbup 3/2027" }')
    file.write_text(text.replace(ending, ended), encoding="utf-8")
    assert notes(load_site(perbup), "2026-11-24 08:00") == {}


@pytest.mark.parametrize(
    ("locale", "told"),
    [
        ("id", "Tindak lanjut pertama: menggantikan {} berdasarkan {}"),
        ("en", "First follow-up: replaces {} on the basis of {}"),
    ],
)
def test_the_method_note_of_a_summary_tells_of_it(perbup, tmp_path, locale, told):
    site = perbup / "site.toml"
    text = site.read_text(encoding="utf-8").replace('locale = "id"', f'locale = "{locale}"')
    site.write_text(text, encoding="utf-8")
    office = SiteContext.open(perbup)
    told = told.format("Prosedur SP4N-LAPOR! Proses tindak lanjut", BASIS)
    for month, now, said in (
        ("2026-12", "2027-01-04 08:00", False),
        ("2027-01", "2027-02-01 08:00", True),
    ):
        moment = wita(now)
        made = make_summary(
            office,
            SummaryRequest(month, moment, mail=False, out=tmp_path, formats=("html",)),
            moment,
            "test",
        )
        page = made.path.read_text(encoding="utf-8")
        assert (told in page) is said
        assert ("Perbup 12/2026: " in page) is said
    office.close()


def test_without_its_basis_the_site_is_refused_with_file_and_line(perbup):
    file = perbup / "perbup" / "perbup.toml"
    text = file.read_text(encoding="utf-8").replace("basis = ", "# basis = ")
    file.write_text(text, encoding="utf-8")
    with pytest.raises(SettingsError) as refused:
        load_site(perbup)
    told = f"{perbup}/perbup/perbup.toml:9: rule first-follow-up: `overrides` needs a `basis`; add"
    assert str(refused.value).startswith(told)
