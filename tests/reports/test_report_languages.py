"""Who reads another language than the site's gets the report in it, with the same figures.

Of the example site, which speaks Indonesian, the inspector reads English here.
"""

import csv
import re

import pytest
from conftest import wita
from support.outgoing_mail.sent_mails import Sent
from support.pipeline import at, decide, deliver, register, since

from tasks.reports.builder import in_language, report_view
from tasks.reports.formats.sections import sections
from tasks.summary import SummaryRequest, make_summary
from tasks.text.catalog import catalog

NOW = "2026-11-30 18:00"
MORNING = "2026-12-01 07:30"
"""When the mails of a report of the evening before leave."""
STEM = "tenggat-2026-11_2026-11-30_1800"


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """Languages hang on no database: one kind is enough."""
    return sqlite_url


@pytest.fixture
def context(site_folder, open_context):
    """The example site whose inspector reads English, with two complaints of November."""
    path = site_folder / "officers.csv"
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        row["locale"] = "en" if row["role"] == "inspector" else ""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    opened = open_context()
    register(
        opened,
        NOW,
        at("Dinas Sosial", "FD-1"),
        at("DLH", "FD-2", **since("17/11/2026"), Selesai="20/11/2026 10:00"),
    )
    decide(opened, NOW)
    return opened


def made(context, **more):
    return make_summary(context, SummaryRequest("2026-11", wita(NOW), **more), wita(NOW), "summary")


def mails_of(context) -> dict[str, Sent]:
    """The mails with a report, by whom they went to."""
    sent = [Sent(path.read_bytes()) for path in (context.site.var / "mailbox").glob("*.eml")]
    return {
        re.search(r"<(\w+)", str(mail.mail["To"]))[1]: mail
        for mail in sent
        if any(name.endswith(".html") for name in mail.attached)
    }


@pytest.mark.usefixtures("plain_reports")
def test_each_reader_gets_the_files_in_his_language(context):
    summary = made(context)
    assert [path.name for path in summary.paths] == [
        *(f"{STEM}.{form}" for form in ("html", "pdf", "xlsx", "json", "csv")),
        f"{STEM}_tenggat.csv",
        *(f"{STEM}_en.{form}" for form in ("html", "pdf", "xlsx")),
    ]
    deliver(context, MORNING)
    mails = mails_of(context)
    assert {who: mail.attached for who, mail in mails.items()} == {
        "sekda": [f"{STEM}.{form}" for form in ("html", "pdf", "xlsx")],
        "inspektur": [f"{STEM}_en.{form}" for form in ("html", "pdf", "xlsx")],
    }
    for who, locale in (("sekda", "id"), ("inspektur", "en")):
        page, pdf, _ = (
            part.get_payload(decode=True) for part in mails[who].mail.iter_attachments()
        )
        page = page.decode()
        t, other = catalog(locale), catalog({"id": "en", "en": "id"}[locale])
        text = re.sub(r"<style.*?</style>|<[^>]*>", " ", page, flags=re.DOTALL)
        for key in ("report.title", "report.section.by_unit", "report.method", "report.contents"):
            assert t(key) in page
            assert other(key) not in page
        assert t("summary.counting") in text
        assert summary.view.sha256 in page
        assert t("report.title") in pdf.decode()
        assert other("report.title") not in pdf.decode()
        assert summary.view.sha256 in mails[who].text


def test_who_was_told_stands_in_the_readers_language(context):
    """FD-1 fell due on the 23rd; its unit got the mail on 1 December, its superiors later."""
    for now in ("2026-12-01 08:00", "2026-12-04 08:00", "2026-12-07 08:00", "2026-12-10 08:00"):
        register(context, now, at("Dinas Sosial", "FD-1"))
        decide(context, now)
        deliver(context, now)
    with context.transaction() as session:
        view = report_view(session, context, "2026-11", wita("2026-12-11 08:00"))
        english = in_language(session, context, view, "en")
    (cell,) = {row.cells[-1] for row in view.table("late").rows}
    assert re.fullmatch(r"(\w+ \d+ 2026-\d\d-\d\d(, )?)+", cell)
    zone = context.site.zone
    ours, theirs = (
        next(s for s in sections(v, zone, 9) if s.key == "late").lines[0].below
        for v in (view, english)
    )
    assert (ours, theirs) == (
        "Pejabat Penghubung (2 kali, terakhir 7 Des 2026), Kepala Perangkat Daerah (2 kali, "
        "terakhir 7 Des 2026), Sekretaris Daerah (7 Des 2026), Inspektur (10 Des 2026)",
        "liaison officer (2 times, last 7 Dec 2026), head of unit (2 times, "
        "last 7 Dec 2026), regional secretary (7 Dec 2026), inspector (10 Dec 2026)",
    )


def test_notes_and_names_change_their_language_and_no_figure_does(context):
    with context.transaction() as session:
        view = report_view(session, context, "2026-11", wita(NOW))
        english = in_language(session, context, view, "en")
        assert in_language(session, context, view, "id") is view
    assert (english.tables, english.sha256) == (view.tables, view.sha256)
    rule = "sp4n-guideline/information"
    assert view.names("rule", rule).text != english.names("rule", rule).text
    bases = [v.names("rule", rule).detail.partition(" · ")[0] for v in (view, english)]
    remark = " (menggantikan 62/2018 Lampiran Bab VI)"
    assert bases == [f"PermenPANRB 5/2025{remark}", "PermenPANRB 5/2025"]
    ours, theirs = (
        {r for row in v.notes.regulations for r in row.rules_to_be_confirmed}
        for v in (view, english)
    )
    assert ours
    assert not ours & theirs
    remarks, others = ({row.note for row in v.notes.regulations} for v in (view, english))
    assert len(remarks) == len(others) > 1
    assert not remarks & others


def test_the_holidays_of_the_period_are_named_in_the_language_of_the_reader(context):
    with context.transaction() as session:
        view = report_view(session, context, "2026-03", wita(NOW))
        english = in_language(session, context, view, "en")
    ours, theirs = ({name for _, name, _ in v.notes.holidays} for v in (view, english))
    assert {"Hari Suci Nyepi", "Hari Raya Idul Fitri"} < ours
    assert {"Day of Silence", "Eid al-Fitr"} < theirs
    assert not ours & theirs


@pytest.mark.usefixtures("plain_reports")
def test_a_file_too_large_for_a_mail_is_named_in_it(context, monkeypatch):
    made(context)
    monkeypatch.setattr("tasks.notifications.summary_mail.LARGEST_FILE", 2_000)
    deliver(context, MORNING)
    sent = [Sent(path.read_bytes()) for path in (context.site.var / "mailbox").glob("*.eml")]
    said = f"dapat diminta kepada administrator: {STEM}.html, {STEM}.pdf, {STEM}.xlsx."
    assert [said in " ".join(each.text.split()) for each in sent].count(True) == 1
    assert not [name for each in sent for name in each.attached if name.startswith(STEM)]


@pytest.mark.usefixtures("plain_reports")
def test_files_that_are_gone_are_made_again_in_their_language(context):
    summary = made(context)
    before = {path.name: path.read_bytes() for path in summary.paths if path.suffix == ".xlsx"}
    for path in summary.paths:
        path.unlink()
    deliver(context, MORNING)
    mails = mails_of(context)
    assert set(mails) == {"sekda", "inspektur"}
    for who, locale in (("sekda", "id"), ("inspektur", "en")):
        page = next(mails[who].mail.iter_attachments()).get_payload(decode=True).decode()
        assert catalog(locale)("report.title") in page
        assert len(mails[who].attached) == 3
    assert before == {name: (summary.path.parent / name).read_bytes() for name in before}


@pytest.mark.usefixtures("plain_reports")
def test_where_all_read_the_sites_language_nothing_else_is_made(context):
    context.site.directory.offices = tuple(
        each for each in context.site.directory.offices if each.locale is None
    )
    assert not [path for path in made(context).paths if "_en." in path.name]


@pytest.mark.usefixtures("plain_reports")
def test_a_report_made_by_hand_or_for_everybody_is_in_the_sites_language(context):
    for more in ({"mail": False}, {"mail": False, "public": True}):
        assert not [path for path in made(context, **more).paths if "_en." in path.name]
