"""What a site's files may have wrong with them, and what the administrator then reads."""

import re
from collections import Counter
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
import yaml
from conftest import REPOSITORY
from support.site_mistakes import mistakes

from settings.schedules import Schedules
from settings.site import DatabaseSettings, load_site
from sla.directory import Role
from sla.ladders import OffsetUnit

CONFIG = REPOSITORY / "examples" / "kabupaten-contoh"
UNIT = "{unit},Camat Contoh,kecamatan,{parent},\n"
OFFICE = "camat,{role},Nama,{email},{since},{until},{deputy}\n"


def change(file: Path, old: str, new: str) -> None:
    text = file.read_text(encoding="utf-8")
    assert old in text, f"{file.name} no longer holds {old!r}"
    file.write_text(text.replace(old, new, 1), encoding="utf-8")


def without_comments(file: Path) -> None:
    lines = file.read_text(encoding="utf-8").splitlines()
    file.write_text("\n".join(x for x in lines if not x.startswith("#")), encoding="utf-8")


def test_the_example_site_and_the_boston_site_load():
    example, boston = load_site(CONFIG), load_site(REPOSITORY / "examples" / "boston")
    assert (example.zone.key, set(example.sources)) == ("Asia/Makassar", {"lapor", "register"})
    assert (boston.zone.key, set(boston.sources)) == ("America/New_York", {"boston311"})


def test_each_ladder_of_the_example_reminds_whoever_must_act_on_the_last_day():
    """A duty due today causes a mail; a rung before it would name it days earlier only."""
    ladders = load_site(CONFIG).ladders
    found = {
        ladder.rules: [rung.to for rung in ladder.rungs if rung.at.unit is OffsetUnit.DUE_DAY]
        for ladder in ladders
    }
    assert found == {
        ("uu-37-2008/recommendation",): [(Role.REGIONAL_SECRETARY,)],
        ("uu-37-2008/*",): [(Role.LIAISON, Role.HEAD_OF_UNIT)],
        ("sp4n/verification",): [(Role.ADMINISTRATOR,)],
        ("*",): [(Role.LIAISON,)],
    }


def test_the_example_directory_shows_what_a_real_one_has():
    directory = load_site(CONFIG).directory
    tops = [unit.id for unit in directory.units.values() if unit.parent is None]
    assert len(directory.units) >= 14
    assert tops == ["kab"]
    without_head = [
        unit for unit, role in directory.vacancies(date(2026, 11, 24)) if role is Role.HEAD_OF_UNIT
    ]
    assert len(without_head) == 1
    (deputy,) = [office for office in directory.offices if office.deputy]
    assert deputy.since is not None
    assert deputy.until is not None
    acting = directory.holders(deputy.role, deputy.unit, deputy.since).offices
    assert acting == (deputy,)


MISTAKES = """
site.toml        | locale =                  | lokale =
  lokale: unknown key; did you mean `locale`?
site.toml        | locale = "id"             | locale = "jv"
  locale: 'jv' is no locale of Tenggat; write id or en
site.toml        | Asia/Makassar             | Asia/Makasar
  zone: 'Asia/Makasar' is no time zone; write for example Asia/Makassar
site.toml        | "Asia/Makassar"           | ""
  zone: '' is no time zone; write for example Asia/Makassar
site.toml        | give_up_after_hours =     | give_up_after_hour =
  mail.give_up_after_hour: unknown key; did you mean `give_up_after_hours`?
site.toml        | sender =                  | # sender =
  mail.sender: is missing
site.toml        | "mon",                    | "monday",
  calendar.work_days: 'monday' is no day; write mon, tue, wed, thu, fri, sat, sun
site.toml        | country = "ID"            | country = "XX"
  calendar.country: 'XX' is no country code; write for example ID
site.toml        | last_year = 2035          | last_year = 2014
  calendar: last_year 2014 lies before first_year 2015
site.toml        | period = "last-week"      | period = "last-weak"
  summary.period: 'last-weak' is no period; write 2026,
site.toml        | "diskominfo"              | "diskomifo"
  administrator_unit: no unit 'diskomifo' in units.csv; did you mean `diskominfo`?
sources.toml     | classification =          | clasification =
  lapor.fields.clasification: unknown key; did you mean `classification`?
sources.toml     | enter = ["verified"]      | enter = ["verifed"]
  lapor.status #2.enter #1: no event 'verifed'; did you mean `verified`?
sources.toml     | kind = "paused"           | kind = "pause"
  register.events #12.kind: no event 'pause'; did you mean `paused`?
sources.toml     | zone = "UTC"              | zone = "WITA"
  lapor.zone: 'WITA' is no time zone; write for example Asia/Makassar
sources.toml     | %d/%m/%Y %H:%M            | %d/%m/%Q
  register.dates #1: '%d/%m/%Q' is no format of a time; write for example %d/%m/%Y %H:%M
sources.toml     | %d/%m/%Y %H:%M            | dd/mm/yyyy
  register.dates #1: 'dd/mm/yyyy' is no format of a time; write for example %d/%m/%Y %H:%M
sources.toml     | %d/%m/%Y %H:%M            | %d/%m %H:%M
  register.dates #1: '%d/%m %H:%M' is no format of a time; write for example %d/%m/%Y %H:%M
site.toml        | ticket_link = ""          | ticket_link = "laporan/{ticket}"
  ticket_link: it must begin with http:// or https:// and have {ticket}
site.toml        | ticket_link = ""          | ticket_link = "https://a.go.id/{nomor}"
  ticket_link: it must begin with http:// or https:// and have {ticket}
sources.toml     | layout = "history"        | layout = "snapshot"
  register: a snapshot needs `fields.status` and at least one [[status]]
escalation.toml  | "-3wd"                    | "-3wx"
  rung last-days: '-3wx' is no offset; write
escalation.toml  | "-1wd"                    | "+1wd"
  rung day-before: a reminder cannot come after the deadline ('+1wd')
escalation.toml  | "regent"]                 | "regnt"]
  ladder #1.rung #2.to #2: Input should be 'liaison', 'head_of_unit',
escalation.toml  | repeat =                  | repeats =
  ladder #1.rung #4.repeats: unknown key; did you mean `repeat`?
holidays.toml    | decree =                  | decre =
  add #1.decre: unknown key; did you mean `decree`?
holidays.toml    | [[add]]                   | [[remove]]
  2026-10-12 cannot be removed: it is no holiday
"""


def cases() -> list[tuple[str, ...]]:
    rows = MISTAKES.strip().splitlines()
    pairs = zip(rows[::2], rows[1::2], strict=True)
    return [(*(part.strip() for part in row.split(" | ")), line.strip()) for row, line in pairs]


@pytest.mark.parametrize(("file", "old", "new", "line"), cases())
def test_a_mistake_is_named_with_file_key_and_remedy(site_folder, file, old, new, line):
    without_comments(site_folder / "holidays.toml")
    change(site_folder / file, old, new)
    found = mistakes(site_folder)
    assert any(mistake.startswith(f"{file}: {line}") for mistake in found), found


@pytest.mark.parametrize(
    ("file", "old", "new", "line"),
    [
        ("site.toml", "\nzone =", "\nzona =", "zona: unknown key; did you mean `zone`?"),
        ("site.toml", "sender =", "sendr =", "mail.sendr: unknown key; did you mean `sender`?"),
        ("sources.toml", "ticket =", "tiket =", "lapor.fields.tiket: unknown key; did you mean"),
    ],
)
def test_a_misspelt_required_key_has_one_line(site_folder, file, old, new, line):
    change(site_folder / file, old, new)
    (found,) = mistakes(site_folder)
    assert found.startswith(f"{file}: {line}")


RUNG = '[[ladder.rung]]\nid = "late"\nat = "0"\nkind = "breach"\nto = ["liaison"]\n'


@pytest.mark.parametrize(
    ("ladder", "before"),
    [
        ('rules = ["sp4n/first-follow-up"]', 4),
        ('rules = ["sp4n/verification"]\nunit_kinds = ["dinas", "kecamatan"]', 3),
    ],
)
def test_a_ladder_that_no_rule_reaches_is_refused(site_folder, ladder, before):
    file = site_folder / "escalation.toml"
    text = file.read_text("utf-8")
    file.write_text(f"{text}\n[[ladder]]\n{ladder}\n{RUNG}", encoding="utf-8")
    (found,) = mistakes(site_folder)
    assert found == (
        f"escalation.toml: ladder 5: no rule uses it, because ladder {before} is before it and"
        f" names the same rules; move it above ladder {before}"
    )


@pytest.mark.parametrize(
    ("meaning", "end"),
    [
        ("information", "no classification 'information'; did you mean `information_request`?"),
        ("pengaduan", "no classification 'pengaduan'; known are aspiration, complaint, "),
        ("whistleblowing", None),
        ("", None),
    ],
)
def test_a_classification_that_no_rule_knows_is_a_mistake(site_folder, meaning, end):
    """With it a complaint has none of the duties of its kind, and nobody sees that."""
    change(site_folder / "sources.toml", '= "information_request"', f'= "{meaning}"')
    key = "sources.toml: lapor.values.classification.Permintaan Informasi: "
    if end is None:
        assert load_site(site_folder).sources
    else:
        assert [each.startswith(f"{key}{end}") for each in mistakes(site_folder)] == [True]


@pytest.mark.parametrize(
    ("row", "line"),
    [
        ({"role": "liason"}, "line {n}: no role 'liason'; did you mean `liaison`?"),
        (
            {"email": "camat@"},
            "line {n}: 'camat@' is no mail address: a part before or after the @ is missing;"
            " write name@domain",
        ),
        (
            {"email": "<a@b.example>"},
            "line {n}: '<a@b.example>' is no mail address: '<' U+003C (less-than sign) at"
            " place 1 cannot stand before the @",
        ),
        (
            {"email": "camat@dinsos"},
            "line {n}: 'camat@dinsos' is no mail address: its domain has no dot; write the whole"
            " one, as in name@kab.go.id",
        ),
        ({"since": "1/2/2026"}, "line {n}: `from` is '1/2/2026'; write a date as 2026-11-24"),
        ({"since": "2026-02-31"}, "line {n}: `from` is '2026-02-31'; write a date as 2026-11-24"),
        (
            {"since": "2026-02-01", "until": "2026-01-01"},
            "line {n}: the tenure ends (2026-01-01) before it begins (2026-02-01)",
        ),
        ({"deputy": "ya"}, "line {n}: `deputy` is 'ya'; write yes or leave it empty"),
        ({"parent": "kabu"}, "unit camat: no parent 'kabu'; did you mean `kab`?"),
        ({"parent": "camat"}, "unit camat is its own superior; correct `parent`"),
        (
            {"parent": "kab", "unit": "superior"},
            "line {n}: reports have the duties of superiors under the id 'superior'; use another",
        ),
    ],
)
def test_a_wrong_line_of_the_directory(site_folder, row, line):
    given = {
        "unit": "camat",
        "parent": "kab",
        "role": "liaison",
        "email": "camat@contohkab.example",
    }
    rest = {"since": "", "until": "", "deputy": ""}
    number = {}
    for name, form in (("units.csv", UNIT), ("officers.csv", OFFICE)):
        text = (site_folder / name).read_text(encoding="utf-8").rstrip("\n") + "\n"
        added = form.format_map({**given, **rest, **row})
        (site_folder / name).write_text(text + added, encoding="utf-8")
        number[name] = text.count("\n") + 1
    name = "units.csv" if "parent" in row else "officers.csv"
    line = f"{name}{', ' if line.startswith('line') else ': '}{line.format(n=number[name])}"
    assert line in mistakes(site_folder)


def test_two_units_may_not_share_a_spelling(site_folder):
    file = site_folder / "units.csv"
    file.write_text(file.read_text("utf-8").replace("|Diskominfo", "|DINSOS"), encoding="utf-8")
    assert any("means both diskominfo and dinsos" in line for line in mistakes(site_folder))


def test_two_units_over_each_other_are_found(site_folder):
    with (site_folder / "units.csv").open("a", encoding="utf-8") as file:
        file.write("\na,Unit A,dinas,b,\nb,Unit B,dinas,a,\n")
    found = mistakes(site_folder)
    assert found == [
        "units.csv: unit a is its own superior; correct `parent`",
        "units.csv: unit b is its own superior; correct `parent`",
    ]


@pytest.mark.parametrize(
    "file", ["site.toml", "sources.toml", "escalation.toml", "units.csv", "officers.csv"]
)
def test_a_missing_file_is_named_with_its_purpose(site_folder, file):
    (site_folder / file).unlink()
    (line,) = mistakes(site_folder)
    assert line.startswith(f"{file}: no such file; ")


def test_holidays_may_be_missing(site_folder):
    (site_folder / "holidays.toml").unlink()
    assert load_site(site_folder).evaluation_context.calendar.counts(date(2026, 10, 12))


def test_a_missing_folder_of_regulations_is_named(site_folder):
    change(site_folder / "site.toml", "[database]", 'regulations = ["perbup"]\n[database]')
    assert mistakes(site_folder) == ["perbup: no such folder of regulations"]


OPTIONAL = "[optional_regulations]\nuu-14-2008 = [{sources}]\n[database]"


def test_an_optional_regulation_applies_only_to_the_sources_of_the_site_that_names_it(site_folder):
    answer = "uu-14-2008/answer"
    assert answer not in load_site(site_folder).evaluation_context.law.ids
    change(site_folder / "site.toml", "[database]", OPTIONAL.format(sources='"register"'))
    rule = load_site(site_folder).evaluation_context.law.last(answer)
    assert (rule.length, rule.unit) == (10, "working_day")
    assert rule.applies_to({"source": "register"})
    assert not rule.applies_to({"source": "lapor"})


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ("uu-14", "uu-15", "site.toml: optional_regulations: no optional regulation 'uu-15-2008'"),
        ("regis", "rgis", "site.toml: optional_regulations.uu-14-2008: no source 'rgister' in"),
        ('"register"', "", "site.toml: optional_regulations.uu-14-2008: "),
    ],
)
def test_a_mistake_in_an_optional_regulation_is_named(site_folder, old, new, line):
    wrong = OPTIONAL.format(sources='"register"').replace(old, new)
    change(site_folder / "site.toml", "[database]", wrong)
    (mistake,) = mistakes(site_folder)
    assert mistake.startswith(line)


def test_all_mistakes_of_all_files_are_told_at_once(site_folder):
    change(site_folder / "site.toml", "locale =", "lokale =")
    change(site_folder / "site.toml", "Asia/Makassar", "WITA")
    change(site_folder / "sources.toml", 'kind = "paused"', 'kind = "pause"')
    change(site_folder / "sources.toml", 'zone = "UTC"', 'zone = "WIB"')
    change(site_folder / "escalation.toml", '"-1wd"', '"+1wd"')
    change(site_folder / "officers.csv", ",regent,", ",regnt,")
    files = Counter(line.partition(":")[0].partition(",")[0] for line in mistakes(site_folder))
    assert files == {"site.toml": 2, "sources.toml": 2, "escalation.toml": 1, "officers.csv": 1}


def test_mistakes_of_law_and_calendar_are_told_at_once(site_folder):
    change(site_folder / "site.toml", "[database]", 'regulations = ["perbup"]\n[database]')
    without_comments(site_folder / "holidays.toml")
    change(site_folder / "holidays.toml", "[[add]]", "[[ad]]")
    found = mistakes(site_folder)
    assert found == [
        "perbup: no such folder of regulations",
        "holidays.toml: ad: unknown key; did you mean `add`?",
    ]


def broken(file: Path) -> None:
    file.write_text(file.read_text(encoding="utf-8") + "\n= 5\n", encoding="utf-8")


def legacy(file: Path) -> None:
    file.write_bytes(file.read_bytes() + "\n# café\n".encode("cp1252"))


@pytest.mark.parametrize("spoil", [broken, legacy])
@pytest.mark.parametrize("file", ["site.toml", "sources.toml", "escalation.toml", "holidays.toml"])
def test_a_file_that_is_no_toml_is_named(site_folder, file, spoil: Callable[[Path], None]):
    spoil(site_folder / file)
    (line,) = mistakes(site_folder)
    assert line.startswith(f"{file}: ")


def test_files_as_windows_programs_save_them_are_read(site_folder):
    for name in ("site.toml", "sources.toml", "units.csv", "officers.csv"):
        file = site_folder / name
        file.write_bytes(b"\xef\xbb\xbf" + file.read_bytes())
    assert load_site(site_folder).name == "Pemerintah Kabupaten Contoh"


def test_a_directory_with_semicolons_is_read(site_folder):
    rows = "unit;name;kind;parent;aliases\ndiskominfo;Dinas Kominfo, Contoh;dinas;;\n"
    (site_folder / "units.csv").write_text(rows, encoding="utf-8")
    rows = "unit;role;name;email;from;to;deputy\n"
    rows += "diskominfo;administrator;Nama;a@contohkab.example;;;\n"
    (site_folder / "officers.csv").write_text(rows, encoding="utf-8")
    assert load_site(site_folder).directory.name_of("diskominfo") == "Dinas Kominfo, Contoh"


def test_a_directory_in_a_legacy_encoding_is_refused_with_the_remedy(site_folder):
    legacy(site_folder / "units.csv")
    assert mistakes(site_folder) == ["units.csv: not in UTF-8; save it as 'CSV UTF-8'"]


def test_a_unit_that_only_a_mapping_knows_is_found(site_folder):
    with (site_folder / "sources.toml").open("a", encoding="utf-8") as file:
        file.write('\n[register.values.unit]\n"PU" = "pu"\n')
    (line,) = mistakes(site_folder)
    assert line.startswith("sources.toml: register.values.unit.PU: no unit 'pu' in units.csv; ")


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("postgresql://u:geheim@h/t", "write postgresql+psycopg:// in place of postgresql://"),
        ("postgres://u:geheim@h/t", "write postgresql+psycopg:// in place of postgres://"),
        ("postgresql+psycopg2://u:geheim@h/t", "in place of postgresql+psycopg2://"),
        ("mysql://u:geheim@h/t", "the database is SQLite or PostgreSQL"),
    ],
)
def test_another_driver_is_refused_with_the_right_words(site_folder, monkeypatch, url, says):
    monkeypatch.setenv("TENGGAT_DATABASE_URL", url)
    (line,) = mistakes(site_folder)
    assert line.startswith("TENGGAT_DATABASE_URL: ")
    assert says in line
    assert "geheim" not in line


@pytest.mark.parametrize("sender", ["", "pengaduan", "a b@kab.example", "pengaduan@"])
def test_a_sender_that_is_no_address_is_refused(site_folder, sender):
    file = site_folder / "site.toml"
    text = re.sub(r"(?m)^sender = .*$", f'sender = "{sender}"', file.read_text("utf-8"))
    file.write_text(text, encoding="utf-8")
    (line,) = mistakes(site_folder)
    assert line.startswith("site.toml: mail.sender: ")
    assert "is no mail address" in line


def test_addresses_come_from_the_environment_before_the_file(site_folder, monkeypatch):
    monkeypatch.setenv("TENGGAT_DATABASE_URL", "sqlite:///elsewhere.db")
    monkeypatch.setenv("TENGGAT_MAIL_URL", "smtp://mail.example:25")
    site = load_site(site_folder)
    assert (site.database_url, site.mail_url) == (
        f"sqlite:///{site_folder.resolve()}/elsewhere.db",
        "smtp://mail.example:25",
    )


@pytest.mark.parametrize("url", ["sqlite:////srv/a.db", "sqlite:///:memory:", "sqlite://"])
def test_only_a_relative_file_begins_at_the_folder_of_the_site(tmp_path, monkeypatch, url):
    monkeypatch.chdir(tmp_path)
    assert DatabaseSettings(url=url).address(None, tmp_path, Path("situs")) == url
    address = DatabaseSettings(url="sqlite:///data/a.db").address(None, tmp_path, Path("situs"))
    assert address == f"sqlite:///{tmp_path}/situs/data/a.db"


def test_prefect_yaml_has_the_default_schedules():
    """`prefect deploy --all` and `tenggat up` plan the same runs for a site with no schedules."""
    specs = yaml.safe_load((REPOSITORY / "prefect.yaml").read_text("utf-8"))["deployments"]
    default = Schedules()
    for spec in specs:
        schedules = spec.get("schedules", [])
        name = spec["name"]
        if name == "summary":
            found = {each["parameters"]["period"]: each["cron"] for each in schedules}
            assert found == default.summary
            assert [each["slug"] for each in schedules] == list(found)
        elif name in Schedules.model_fields:
            assert tuple(each["cron"] for each in schedules) == default.of(name)
        else:
            assert (name, schedules) == ("storm", [])  # started by another flow
