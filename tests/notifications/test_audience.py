"""Who is told besides the ordinary: after a handover, under a hold, for information, in English.

See `front_desk` for the complaints and `test_queueing` for the ladder of the example site.
"""

import csv
import re
from dataclasses import replace
from datetime import date

import pytest
from conftest import ON_SQLITE_FIRST, kind_of_database, wita
from support.pipeline import (
    BREACHED,
    ESCALATED,
    MONDAY,
    REMINDED,
    at,
    decide,
    deliver,
    messages,
    notices,
    owe,
    recipients,
    register,
)
from support.servers.smtp_servers import Letter

from db import questions
from settings.errors import SettingsError
from settings.site import load_site
from sla.directory import Role
from sla.holds import Hold
from sla.ladders import Ladder
from tasks.ingest.answers import answer, meaning_of


@pytest.fixture
def database_url(request: pytest.FixtureRequest) -> str:
    """Whom a mail goes to hangs on no database; what a handover changes of what waits there may."""
    return kind_of_database(request)


def text(letter: Letter) -> str:
    return letter.mail.get_body(("plain",)).get_content()


# --- handed over ----------------------------------------------------------------------------------


def handed(number: str = "FD-1", **more: str) -> dict[str, str]:
    """The complaint of Dinas Sosial, given to Dinas Kesehatan without having been returned."""
    return at(
        "Dinas Sosial",
        number,
        **{"Unit Pengganti": "Dinas Kesehatan", "Diteruskan Kembali": "24/11/2026 09:00"} | more,
    )


def test_after_a_handover_the_new_unit_is_told_and_the_old_one_nothing_more(context, server):
    owe(context, BREACHED, at("Dinas Sosial"))
    deliver(context, BREACHED)
    owe(context, "2026-11-24 10:00", handed())
    assert deliver(context, "2026-11-24 10:00").sent == 2
    assert recipients(context) == [
        "penghubung.dinsos",
        "plt.kepala.dinsos",
        "penghubung.dinkes",
        "kepala.dinkes",
    ]
    assert notices(context) == [("breach", "sent"), ("breach", "sent")]
    assert "Yth. Kepala Dinas Kesehatan" in text(server.letters[-1])
    decide(context, "2026-11-24 11:00")
    register(context, ESCALATED, handed())
    decide(context, ESCALATED)
    assert "sekda" in recipients(context)[4:]  # three working days after the new unit was told


@ON_SQLITE_FIRST
def test_after_a_handover_superiors_hear_of_the_new_unit_when_it_has_had_its_time(context, server):
    owe(context, BREACHED, at("Dinas Sosial"))
    deliver(context, BREACHED)
    register(context, ESCALATED, at("Dinas Sosial"))
    decide(context, ESCALATED)
    deliver(context, MONDAY)
    new = handed(**{"Diteruskan Kembali": "30/11/2026 09:00"})
    owe(context, "2026-11-30 10:00", new)
    assert deliver(context, "2026-11-30 10:00").sent == 2
    assert recipients(context)[2:] == ["sekda", "penghubung.dinkes", "kepala.dinkes"]
    for day, escalations in (("2026-12-02 08:00", 0), ("2026-12-03 08:00", 1)):
        register(context, day, new)
        assert decide(context, day).notices.get("escalation", 0) == escalations


@ON_SQLITE_FIRST
def test_a_handover_before_the_mail_went_leaves_nobody_untold(context, server):
    """The secretary is not told of the old unit any more, and of the new one in its turn."""
    owe(context, BREACHED, at("Dinas Sosial"))
    deliver(context, BREACHED)
    register(context, ESCALATED, at("Dinas Sosial"))
    decide(context, ESCALATED)
    owe(context, "2026-11-27 09:30", handed(**{"Diteruskan Kembali": "27/11/2026 09:00"}))
    assert deliver(context, "2026-11-27 09:30").sent == 2
    count = deliver(context, MONDAY)
    assert (count.sent, count.cancelled, count.pending) == (0, 1, 0)
    assert [status for _, status in notices(context)].count("withdrawn") == 1
    told = [letter.recipient.partition("@")[0] for letter in server.letters]
    assert told[:2] == ["penghubung.dinsos", "plt.kepala.dinsos"]
    assert told[2:] == ["penghubung.dinkes", "kepala.dinkes"]


@pytest.mark.thorough
def test_handed_back_the_first_unit_is_not_told_the_same_twice(context, server):
    """The register does not show the hand-over any more. Until the administrator says that there
    was none, it is unknown which unit has the complaint, and nothing is taken back.
    """
    owe(context, BREACHED, at("Dinas Sosial"))
    deliver(context, BREACHED)
    owe(context, "2026-11-24 10:00", handed())
    deliver(context, "2026-11-24 10:00")
    owe(context, "2026-11-24 12:00", at("Dinas Sosial"))
    count = deliver(context, "2026-11-24 12:00")
    assert count.by_role == {"administrator": 1}
    with context.transaction() as session:
        for each in questions.open_questions(session):
            none = meaning_of(context.site, each.question, "kosong")
            answer(session, context, each.question, none, "test", wita("2026-11-24 13:00"))
    decide(context, "2026-11-24 13:00")
    count = deliver(context, "2026-11-24 13:00")
    assert count.by_role == {"head_of_unit": 1, "liaison": 1}
    last = server.letters[-2:]
    assert not [letter.recipient for letter in last if "dinkes" not in letter.recipient]
    assert all("Ralat" in str(letter.mail["Subject"]) for letter in last)


# --- held back ------------------------------------------------------------------------------------


def hold(context, *units: str, **more: object) -> None:
    context.site.holds = (Hold(units, "gempa bumi", **more),)


def test_a_unit_under_a_hold_is_left_alone_and_the_others_are_not(context, server):
    hold(context, "dinsos")
    owe(context, BREACHED, at("Dinas Sosial"), at("DLH", "FD-2"))
    assert recipients(context) == ["penghubung.dlh", "kepala.dlh"]
    assert sorted(notices(context)) == [("breach", "queued"), ("breach", "suppressed")]


@ON_SQLITE_FIRST
def test_when_a_hold_ends_what_still_stands_is_told_once(context, server):
    hold(context, "dinsos", last=date(2026, 11, 25))
    register(context, BREACHED, at("Dinas Sosial"))
    for now in (BREACHED, "2026-11-25 16:00"):
        assert decide(context, now).messages == 0
    assert decide(context, "2026-11-26 00:05").notices == {"breach": 1}
    assert notices(context) == [("breach", "queued")]
    assert deliver(context, "2026-11-26 07:30").sent == 2
    assert decide(context, "2026-11-26 09:00").messages == 0


def test_a_hold_on_one_rung_leaves_the_one_below_to_be_told(context, server):
    hold(context, "din*", rungs=("plus-*",), rules=("sp4n*",))
    owe(context, BREACHED, at("Dinas Sosial"))
    deliver(context, BREACHED)
    register(context, ESCALATED, at("Dinas Sosial"))
    decide(context, ESCALATED)
    assert sorted(notices(context)) == [("breach", "sent"), ("plus-3", "suppressed")]
    assert recipients(context) == ["penghubung.dinsos", "plt.kepala.dinsos"]


def test_while_the_notice_to_the_unit_is_held_no_superior_is_told(context, server):
    hold(context, "dinsos", rungs=("breach",))
    for day in (BREACHED, ESCALATED, "2026-12-14 08:00"):
        register(context, day, at("Dinas Sosial"))
        decide(context, day)
        deliver(context, day)
    assert sorted(notices(context)) == [("breach", "suppressed")]
    assert server.letters == []


def test_a_hold_that_is_taken_away_is_noticed_at_once(context, server):
    hold(context, "dinsos")
    owe(context, BREACHED, at("Dinas Sosial"))
    hold(context, "dlh")
    assert decide(context, "2026-11-24 09:00").messages == 2
    assert notices(context) == [("breach", "queued")]


# --- which ladder, and for information ------------------------------------------------------------


def test_a_ladder_may_be_for_some_kinds_of_unit(context):
    rest = context.site.ladders[-1]
    (breach,) = (rung for rung in rest.rungs if rung.id == "breach")
    camat = replace(breach, id="camat", to=(Role.HEAD_OF_UNIT,))
    context.site.ladders = (Ladder(("*",), (camat,), ("kecamatan",)), rest)
    owe(context, BREACHED, at("Kecamatan Bukit Contoh"), at("Dinas Sosial", "FD-2"))
    assert recipients(context) == ["camat.bukitcontoh", "penghubung.dinsos", "plt.kepala.dinsos"]


def test_who_gets_a_copy_is_told_that_it_is_for_information(context, server):
    rest = context.site.ladders[-1]
    context.site.ladders = (
        replace(
            rest,
            rungs=tuple(
                replace(rung, to=(Role.LIAISON,), cc=(Role.HEAD_OF_UNIT,)) for rung in rest.rungs
            ),
        ),
    )
    owe(context, BREACHED, at("Dinas Sosial"))
    deliver(context, BREACHED)
    first, second = server.letters
    assert "Mohon pengaduan berikut segera" in text(first)
    assert "Tembusan sebagai laporan" in text(second)
    assert "Mohon pengaduan berikut segera" not in text(second)


# --- in his own language --------------------------------------------------------------------------


def test_a_person_is_written_to_in_the_language_that_the_directory_names(context, server):
    path = context.site.folder / "officers.csv"
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        row["locale"] = "en" if row["email"].startswith("plt.kepala.dinsos") else ""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    context.site.directory = load_site(context.site.folder).directory
    owe(context, BREACHED, at("Dinas Sosial"))
    deliver(context, BREACHED)
    liaison, head = server.letters
    assert liaison.mail["Subject"] == "Pengaduan FD-1 – Dinas Sosial"
    assert head.mail["Subject"] == "Complaint FD-1 – Dinas Sosial"
    assert "Dear Acting Head of Dinas Sosial" in text(head)
    assert "Settle the request for information: due Mon 23 Nov" in text(head)


def test_a_language_that_is_not_known_is_named_with_its_line(site_folder):
    path = site_folder / "officers.csv"
    header, first, *rest = path.read_text("utf-8").splitlines()
    path.write_text("\n".join([header + ",locale", first + ",de", *rest]) + "\n", encoding="utf-8")
    with pytest.raises(SettingsError, match=re.escape("line 2: `locale` is 'de'; write id or en")):
        load_site(site_folder)


# --- what escalation.toml may say -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("added", "said"),
    [
        ('[[hold]]\nunits = ["dinsoss"]\nreason = "x"', "no unit matches 'dinsoss'; did you mean"),
        ('[[hold]]\nunits = ["dinsos"]\n', "hold #1.reason: is missing"),
        (
            '[[hold]]\nunits = ["dlh"]\nrungs = ["plus-4"]\nreason = "x"',
            "no rung matches 'plus-4'; did you mean",
        ),
        (
            '[[hold]]\nunits = ["dlh"]\nrules = ["sp5n/*"]\nreason = "x"',
            "hold 1: no rule matches 'sp5n/*'",
        ),
        (
            '[[hold]]\nunits = ["dlh"]\nfrom = 2026-12-01\nto = 2026-11-01\nreason = "x"',
            "the hold would end (2026-11-01) before it begins (2026-12-01)",
        ),
        (
            '[[ladder]]\nrules = ["*"]\nunit_kinds = ["kecamatn"]\n'
            '[[ladder.rung]]\nid = "a"\nat = "0"\nkind = "breach"\nto = ["liaison"]',
            "no unit of units.csv is of the kind 'kecamatn'; did you mean `kecamatan`?",
        ),
        (
            '[[ladder]]\nrules = ["sp4n/*"]\nunit_kinds = ["desa"]\n'
            '[[ladder.rung]]\nid = "a"\nat = "0"\nkind = "breach"\nto = ["liaison", "regent"]',
            "rung a: it tells the unit and regent at once; give the superiors a rung of their own",
        ),
    ],
)
def test_what_a_ladder_or_a_hold_names_must_exist(added, said, site_folder):
    path = site_folder / "escalation.toml"
    path.write_text(path.read_text("utf-8") + "\n" + added + "\n", encoding="utf-8")
    with pytest.raises(SettingsError, match=re.escape(said)) as error:
        load_site(site_folder)
    assert str(path) in str(error.value)


def test_a_ladder_that_would_tell_a_superior_before_the_unit_is_refused(site_folder):
    path = site_folder / "escalation.toml"
    rung = '[[ladder.rung]]\nid = "up"\nat = "+3wd"\nkind = "escalation"\nto = ["regent"]\n'
    path.write_text('[[ladder]]\nrules = ["*"]\n' + rung, encoding="utf-8")
    with pytest.raises(
        SettingsError, match="ladder 1: rung up tells superiors, and no rung before"
    ) as error:
        load_site(site_folder)
    assert "liaison or head_of_unit before it, after the deadline as well" in str(error.value)


def test_a_hold_is_read_from_the_file(site_folder):
    path = site_folder / "escalation.toml"
    path.write_text(
        path.read_text("utf-8")
        + '\n[[hold]]\nunits = ["kec-*"]\nrungs = ["half"]\nto = 2026-12-31\nreason = "banjir"\n',
        encoding="utf-8",
    )
    (found,) = load_site(site_folder).holds
    assert found == Hold(("kec-*",), "banjir", ("half",), last=date(2026, 12, 31))


def test_a_reminder_that_is_held_past_its_deadline_is_superseded_by_the_breach(context, server):
    hold(context, "dinsos", last=date(2026, 11, 23))
    register(context, REMINDED, at("Dinas Sosial"))
    decide(context, REMINDED)
    register(context, BREACHED, at("Dinas Sosial"))
    decide(context, BREACHED)
    assert sorted(notices(context)) == [
        ("breach", "queued"),
        ("day-before", "suppressed"),
        ("half", "suppressed"),
    ]
    assert len(messages(context)) == 2
    assert deliver(context, wita(BREACHED)).sent == 2
