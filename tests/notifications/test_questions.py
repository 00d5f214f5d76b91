"""The mail to the administrator about values and rows that could not be read."""

import re
from dataclasses import replace
from email import message_from_bytes, policy

import pytest
from conftest import kind_of_database, wita
from sqlalchemy import select
from support.import_results import take
from support.pipeline import REMINDED, alerts, at, deliver, messages, owe, recipients
from support.small_site import DAY, STATUS, TICKET, UNIT, export

from db import questions
from db.lives import MessageStatus
from db.models import OpenQuestion, QuarantineRow
from flows.backfill import live_through
from settings.mapping import StatusWord
from sla.regulations.model import Law
from tasks.common.context import SiteContext
from tasks.ingest.answers import answer, meaning_of
from tasks.intake import ask
from tasks.monitoring.health import check
from tasks.notifications.questions import examples_of, leave_duties_unknown, meaning_key
from tasks.notifications.render import questions_mail
from tasks.notifications.views import AskedQuestion, QuestionsMail, RejectedGroup
from tasks.text.catalog import catalog

NOW = "2026-11-03 08:00"


@pytest.fixture
def database_url(request: pytest.FixtureRequest) -> str:
    """SQLite, except where a test is marked."""
    return kind_of_database(request)


def intake(context: SiteContext, now: str, *reports: dict[str, str]) -> None:
    """One run of the intake with a new export."""
    export(context.site.folder, now, *reports)
    take(context, now)
    ask(context, wita(now), f"intake {now}")


def texts(context: SiteContext, now: str) -> list[str]:
    """The mails that a delivery at this moment sends to the administrator."""
    deliver(context, now)
    files = sorted((context.site.var / "mailbox").glob(f"{wita(now):%Y-%m-%d_%H%M}_admin*"))
    return [plain_text(file.read_bytes()) for file in files]


def plain_text(mail: bytes) -> str:
    body = message_from_bytes(mail, policy=policy.default).get_body(("plain",))
    assert body is not None
    return str(body.get_content()).replace("\r\n", "\n")


@pytest.mark.thorough
def test_a_run_asks_about_all_new_values_in_one_mail_and_once(context):
    strange = {STATUS: "Entah", UNIT: "Dinas Lama"}
    intake(context, "2026-11-03 07:00", strange, strange | {TICKET: "2"})
    assert alerts(context) == ["questions"]
    (text,) = texts(context, "2026-11-03 08:00")
    assert "Kolom: Status Laporan\n  Isi: Entah\n  2 pengaduan menunggu" in text
    assert "Isi: Dinas Lama" in text
    assert "tenggat questions answer NOMOR MAKNA" in text
    intake(context, "2026-11-04 07:00", strange, strange | {TICKET: "2"})
    assert alerts(context) == ["questions"]
    intake(context, "2026-11-05 07:00", {STATUS: "Baru"}, strange | {TICKET: "2"})
    assert alerts(context) == ["questions"] * 2
    (text,) = texts(context, "2026-11-05 08:00")
    assert ("Isi: Baru" in text, "Isi: Entah" in text) == (True, False)


def test_the_mail_about_a_unit_says_who_gets_the_reminders(context):
    """The clocks of a complaint with an unknown unit run on."""
    owe(context, REMINDED, at("Dinas Entah"))
    ask(context, wita(REMINDED), "intake")
    (text,) = texts(context, REMINDED)
    flat = " ".join(text.split())
    assert "unit yang tertulis sebelumnya menangani pengaduannya dan menerima pengingat" in flat
    assert "bila belum pernah ada, unit administrator" in flat
    assert "tidak dikirim, kecuali bila hanya unitnya yang belum terbaca" in flat
    assert "tidak ada pengingat" not in flat
    assert recipients(context) == ["penghubung.diskominfo"]


@pytest.mark.parametrize("locale", ["id", "en"])
@pytest.mark.parametrize(
    ("roles", "waits"),
    [
        (["category", "place"], False),
        (["category", "status"], True),
        (["receipt"], True),
        (["channel"], True),
    ],
)
def test_only_values_that_deadlines_depend_on_are_said_to_delay_them(context, locale, roles, waits):
    law = context.site.evaluation_context.law
    by_channel = [replace(rule, applies_when={"channel": frozenset({"SMS"})}) for rule in law.rules]
    said = leave_duties_unknown(roles, Law(by_channel))
    assert said is waits
    assert leave_duties_unknown(["channel"], law) is False
    asked = tuple(AskedQuestion(1, "lapor", "K", "v", role, 2, wita(NOW)) for role in roles)
    view = QuestionsMail("Kabupaten", "Siti", wita(NOW), asked, (), (), said)
    mail = questions_mail(view, locale, wita(NOW).tzinfo)
    words = catalog(locale)
    for text in (mail.text, mail.html):
        flat = " ".join(text.split())
        assert (words("questions.text") in flat) is waits
        assert (words("questions.text_words") in flat) is not waits


def test_a_morning_run_in_hindsight_asks_as_the_scheduled_intake_does(context):
    export(context.site.folder, "2026-11-03 07:00", {STATUS: "Entah"})
    live_through.fn(context, wita("2026-11-03 08:00"))
    assert alerts(context) == ["questions"]


@pytest.mark.thorough
def test_open_questions_are_listed_again_after_a_week(context):
    intake(context, "2026-11-03 07:00", {STATUS: "Entah"})
    texts(context, "2026-11-03 08:00")
    for day in (9, 10, 11, 16, 17):  # each file shows more complaints, and leaves out none
        more = [{TICKET: str(number)} for number in range(9, day + 1)]
        intake(context, f"2026-11-{day:02} 07:00", {STATUS: "Entah"}, *more)
    sent = [message.created_at for message in messages(context, "alert")]
    assert sent == [wita(f"2026-11-{day:02} 07:00") for day in (3, 10, 17)]
    (text, _) = texts(context, "2026-11-17 08:00")
    assert "MASIH TERBUKA" in text


@pytest.mark.thorough
def test_rows_in_quarantine_are_told_once_for_each_new_group(context):
    bad = {TICKET: "9", DAY: "31 Feb 2026"}
    good = [{TICKET: str(n)} for n in range(20, 24)]
    intake(context, "2026-11-03 07:00", {}, bad, *good)
    (text,) = texts(context, "2026-11-03 08:00")
    assert "* lapor: 1 baris, tanggal tidak mungkin (Tanggal Laporan Masuk)" in text
    assert "Laporan_Ringkas_2026-11-03_0700.xlsx, baris 5 (nomor 9)" in text
    intake(context, "2026-11-04 07:00", {}, bad, bad | {TICKET: "10"}, *good)
    assert alerts(context) == ["questions"]
    intake(context, "2026-11-05 07:00", {}, {TICKET: ""}, {TICKET: "11"}, *good)
    assert alerts(context) == ["questions"] * 2
    with context.transaction() as session:
        assert all(row.notified_at for row in session.scalars(select(QuarantineRow)))


@pytest.mark.parametrize(
    ("reasons", "texts_only", "repair"),
    [
        (["text_line"], True, False),
        (["bad_date"], False, True),
        (["bad_date", "text_line"], True, True),
        (["secrecy_line"], False, False),
    ],
)
def test_a_signature_below_a_register_needs_no_repair(reasons, texts_only, repair):
    groups = tuple(
        RejectedGroup("register", each, "", 4, "buku.xlsx", (12, 13), ("A-6",)) for each in reasons
    )
    view = QuestionsMail("Kabupaten", "Siti", wita(NOW), (), (), groups, duties_wait=False)
    mail = questions_mail(view, "id", wita(NOW).tzinfo)
    assert len(re.findall("(?m)^[*] register", mail.text)) == len(reasons)
    assert len(re.findall(r"(?m)\(nomor A-6\)$", mail.text)) == len(reasons)
    for text in (mail.text, mail.html):
        flat = " ".join(text.split())
        assert ("Baris ini tidak dapat dipantau." in flat) is repair
        assert (catalog("id")("questions.text_lines") in flat) is texts_only


@pytest.mark.parametrize("locale", ["id", "en"])
def test_a_text_among_dates_is_named_with_its_column_and_what_to_write(locale):
    for column, is_named in (("Tgl Selesai", True), ("", False)):
        group = RejectedGroup("register", "torn_row", column, 1, "buku.xlsx", (7,))
        view = QuestionsMail("Kabupaten", "Siti", wita(NOW), (), (), (group,), duties_wait=False)
        mail = questions_mail(view, locale, wita(NOW).tzinfo)
        t = catalog(locale)
        for text in (mail.text, mail.html):
            flat = " ".join(text.replace("&#39;", "'").split())
            assert (t("questions.misplaced_text") in flat) is is_named
            assert (f"{t('questions.misplaced')} (Tgl Selesai)" in flat) is is_named
            assert (t("quarantine.torn_row") in flat) is not is_named


def test_a_mail_whose_questions_are_answered_is_not_sent(context):
    intake(context, "2026-11-03 07:00", {STATUS: "Entah"})
    with context.transaction() as session:
        (asked,) = questions.open_questions(session)
        answer(session, context, asked.question, "Terverifikasi", "test", wita("2026-11-03 07:30"))
    assert texts(context, "2026-11-03 08:00") == []
    assert [message.status for message in messages(context, "alert")] == [MessageStatus.CANCELLED]


def test_the_detail_of_the_mail_has_no_value(context):
    intake(context, "2026-11-03 07:00", {STATUS: "Zulaikha Tandibone"})
    (message,) = messages(context, "alert")
    assert "Zulaikha" not in str(message.detail)


def test_the_mail_is_in_the_language_of_its_reader(site_folder, open_context):
    file = site_folder / "site.toml"
    file.write_text(file.read_text("utf-8").replace('locale = "id"', 'locale = "en"'), "utf-8")
    context = open_context()
    intake(context, "2026-11-03 07:00", {STATUS: "Entah"}, {TICKET: ""})
    (text,) = texts(context, "2026-11-03 08:00")
    assert "1 complaint waits (5010653), since Tuesday, 3 November 2026" in text
    assert "Answer with `tenggat questions answer NUMBER MEANING`" in text


def test_the_doctor_names_the_number(context):
    intake(context, "2026-11-03 07:00", {STATUS: "Entah"})
    told = [finding.what for finding in check(context.site, wita("2026-11-03 08:00"))]
    assert "1 open questions about values of the sources" in told


def test_a_question_names_the_first_complaints_that_wait(context):
    """A clerk corrects a cell at its source, and must find its row."""
    many = [{TICKET: str(number), STATUS: "Entah"} for number in range(9, 13)]
    intake(context, "2026-11-03 07:00", {TICKET: "7", UNIT: "Dinas Lama"}, *many)
    (text,) = texts(context, "2026-11-03 08:00")
    assert "1 pengaduan menunggu (7), sejak" in text
    assert "4 pengaduan menunggu (9, 10, 11, …), sejak" in text


@pytest.mark.parametrize(
    ("role", "column", "value", "key"),
    [
        ("step", "Selesai", "", "vanished"),
        ("step", "Selesai", "46331.25", "number"),
        ("step", "Selesai", "46331", "number"),
        ("step", "Selesai", "31/02/2026", "step"),
        ("step", "Selesai", "03/11/2026 10:00", "step"),
        ("status", "Status Laporan", "12", "status"),
        ("unit", "Instansi Terdisposisi", "", "lost_unit"),
        ("unit", "Instansi Terdisposisi", "Dinas", "unit"),
        ("unit", "Unit", "", "unit"),
    ],
)
def test_a_question_says_what_is_wrong_with_the_value(context, role, column, value, key):
    question = OpenQuestion(source="lapor", role=role, column=column, value=value)
    assert meaning_key(context.site, question) == key
    for locale in ("id", "en"):
        assert catalog(locale)(f"questions.meaning.{key}", example="")


@pytest.mark.parametrize(
    ("role", "value"),
    [("status", "Menunggu"), ("unit", "Dinas Lama"), ("classification", "Lainnya")],
)
def test_the_examples_of_a_question_are_answers_to_it(context, role, value):
    words = ("Diterima", "Sedang Ditangani", "Rampung")
    entered = ((), ("verified",), ("settled",))
    status = [StatusWord(word=w, enter=e) for w, e in zip(words, entered, strict=True)]
    source = context.site.sources["lapor"].model_copy(update={"status": tuple(status)})
    context.site.sources = {**context.site.sources, "lapor": source}
    question = OpenQuestion(source="lapor", role=role, column="K", value=value)
    examples = examples_of(context.site, question)
    assert examples
    for example in examples:
        assert meaning_of(context.site, question, example)
    if role == "status":
        assert examples == ("Sedang Ditangani", "Rampung")


def test_the_mail_has_a_word_of_the_source_as_an_example(context):
    intake(context, "2026-11-03 07:00", {STATUS: "Entah"})
    (text,) = texts(context, "2026-11-03 08:00")
    words = [each.word for each in context.site.sources["lapor"].status]
    (first, second) = re.search(
        r"misalnya (\S+|\".*?\") atau (\S+|\".*?\")\. Ejaannya", " ".join(text.split())
    ).groups()
    assert {first.strip('"'), second.strip('"')} <= set(words)
