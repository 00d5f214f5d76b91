"""The answer of doctor: three groups, at most one screen, kinds that are counted."""

import pytest
from conftest import kind_of_database

from cli.doctor import SCREEN
from cli.language.words import table
from sla.regulations.model import Certainty
from tasks.monitoring.health import Finding
from tasks.text.catalog import catalog


@pytest.fixture
def database_url(request: pytest.FixtureRequest) -> str:
    return kind_of_database(request)


GOOD = [Finding("good", f"good {n}") for n in range(40)]
VACANT = [
    Finding("note", f"{n} has no liaison", "name one", counted="vacancies") for n in range(99)
]
NOTES = [Finding("note", f"note {n}", f"decide {n}") for n in range(30)]
BROKEN = [Finding("trouble", f"broken {n}", f"repair {n}") for n in range(3)]


@pytest.mark.parametrize(
    ("findings", "has", "lacks"),
    [
        (BROKEN, ["BROKEN: 3", "broken 2", "repair 2", "TO DECIDE: 0", "READY: 0"], ["more"]),
        (
            VACANT + GOOD,
            ["BROKEN: 0", "TO DECIDE: 1\n", "99 offices have no holder", "name one"],
            ["7 has no"],
        ),
        (VACANT[:1], ["0 has no liaison"], ["offices have no holder"]),
        (BROKEN + NOTES + GOOD, ["repair 2", "decide 0", "TO DECIDE: 30", "READY: 40"], []),
        (NOTES + GOOD, ["more; `tenggat doctor --all` lists all"], ["decide 29"]),
    ],
)
def test_the_answer_is_one_screen(site_folder, call_tenggat, monkeypatch, findings, has, lacks):
    monkeypatch.setattr("tasks.monitoring.health.check", lambda *of, **more: findings)
    options = ("--site", site_folder, "--lang", "en")
    code, out, _ = call_tenggat("doctor", *options)
    assert code == (1 if findings[0].level == "trouble" else 0)
    assert len(out.splitlines()) <= SCREEN
    assert [text for text in has if text not in out] == []
    assert [text for text in lacks if text in out] == []
    every = call_tenggat("doctor", "--all", *options)[1]
    assert [f.what for f in findings if f.what not in every] == []
    assert "more" not in every
    for level, heading in (("trouble", "BROKEN"), ("note", "TO DECIDE"), ("good", "READY")):
        assert f"{heading}: {sum(f.level == level for f in findings)}\n" in every


def test_the_certainty_of_a_rule_is_a_word(site_folder, call_tenggat, monkeypatch):
    found = [Finding("note", "rules of UU 25/2009 to be confirmed: a/b (carried_over), a/c (seen)")]
    monkeypatch.setattr("tasks.monitoring.health.check", lambda *of, **more: found)
    out = call_tenggat("doctor", "--site", site_folder, "--lang", "id")[1]
    assert "a/b (diambil alih dari aturan lama), a/c (dari laman atau paparan resmi)" in out
    assert found[0].what in call_tenggat("doctor", "--site", site_folder, "--lang", "en")[1]


@pytest.mark.parametrize("certainty", Certainty)
def test_a_certainty_has_the_name_that_it_has_in_the_list_of_rules(certainty):
    listed = catalog("id")(f"certainty.{certainty}")
    assert table("values")["certainty"][certainty]["id"] == listed.partition(";")[0]
