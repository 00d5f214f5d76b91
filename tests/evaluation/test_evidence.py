"""The evidence about a complaint: its facts at a moment, and the code that verifies them."""

import hashlib
import json
from html import unescape

import pytest
from support.pipeline import ESCALATED, at, decide, deliver, explained, register, send_breach

from tasks.common.context import SiteContext
from tasks.evaluation.evidence import as_data, verification_code
from tasks.evaluation.explain import as_html, as_text
from tasks.reports.formats import evidence_card

LATER = "2026-12-03 08:00"
SETTLED = at("Dinas Sosial", Selesai="23/11/2026 15:00")
"""The complaint as the register shows it later: it was settled in time."""


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """The evidence does not depend on the kind of database."""
    return sqlite_url


@pytest.fixture
def late(context) -> SiteContext:
    """A site that has sent the breach of FD-1 to the liaison and the head of Dinas Sosial."""
    send_breach(context)
    return context


def evidence(context, moment):
    return as_data(context, explained(context, moment))


def test_the_evidence_names_who_was_told_of_which_duty_and_when(late):
    mails = evidence(late, ESCALATED)["mails"]
    assert {(mail["role"], mail["unit"]) for mail in mails} == {
        ("liaison", "dinsos"),
        ("head_of_unit", "dinsos"),
    }
    for mail in mails:
        assert (mail["rule"], mail["kind"]) == ("sp4n-guideline/information", "breach")
        assert mail["sent"].startswith("2026-11-24T08:0")
        assert mail["message_id"].startswith("<")
        assert (mail["correction"], mail["taken_back"]) == (False, None)
        line = f"{mail['name']}, "
        assert line in as_text(late.site, explained(late, ESCALATED))
    assert evidence(late, "2026-11-24 07:59")["mails"] == []


@pytest.mark.thorough
def test_a_notice_taken_back_is_shown_with_its_correction(late):
    register(late, LATER, SETTLED)
    decide(late, LATER)
    deliver(late, LATER)
    mails = evidence(late, "2026-12-04 08:00")["mails"]
    assert [(mail["correction"], mail["taken_back"] is not None) for mail in mails] == [
        (False, True),
        (False, True),
        (True, True),
        (True, True),
    ]
    text = as_text(late.site, explained(late, "2026-12-04 08:00"))
    assert text.count("(dinyatakan keliru pada 3 Des 2026)") == 2
    assert text.count("(koreksi)") == 2
    before = evidence(late, ESCALATED)["mails"]
    assert [mail["taken_back"] for mail in before] == [None, None]


@pytest.mark.thorough
def test_the_evidence_of_a_moment_has_the_same_code_when_it_is_made_again(late):
    first = evidence(late, ESCALATED)
    register(late, LATER, SETTLED)
    decide(late, LATER)
    deliver(late, LATER)
    again, now = evidence(late, ESCALATED), evidence(late, LATER)
    assert again == first
    assert now["verification_code"] != first["verification_code"]


def test_the_code_is_the_hash_of_the_canonical_data(late):
    data = evidence(late, ESCALATED)
    code = data.pop("verification_code")
    text = json.dumps(data, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    assert code == hashlib.sha256(text.encode()).hexdigest()
    assert verification_code({**data, "verification_code": "x"}) == code
    assert verification_code({**data, "unit": "dinkes"}) != code


def test_the_evidence_counts_to_today_and_says_how_each_event_is_known(late):
    data = evidence(late, ESCALATED)
    (information,) = (d for d in data["deadlines"] if d["rule"] == "sp4n-guideline/information")
    assert information["counts"] == {
        "until": "2026-11-27",
        "days": 11,
        "working_days": 9,
        "days_paused": 0,
        "days_late": 4,
        "working_days_late": 4,
    }
    assert (data["unit"], data["classification"]) == ("dinsos", "information_request")
    assert [(event["kind"], event["knowledge"]) for event in data["events"]] == [
        ("received", "stated"),
        ("verified", "stated"),
        ("assigned", "stated"),
        ("follow_up_published", "stated"),
    ]


def test_the_page_and_the_text_show_events_counts_and_mails(late):
    found = explained(late, ESCALATED)
    for said in (as_text(late.site, found), as_html(late.site, found)):
        assert "didisposisikan kepada perangkat daerah: Dinas Sosial (dicatat sumber data" in said
        assert "lewat batas waktu 4 hari kerja (4 hari kalender)" in said
        assert "diimpor 24 Nov 2026" in said
        assert "Pemberitahuan yang terkirim" in said


def test_a_disposition_at_the_receipt_is_said_to_be_assumed(site_folder, open_context):
    """The mapping of a register without its day may say that it has it from the receipt."""
    file = site_folder / "sources.toml"
    mapping = file.read_text("utf-8")
    stated = 'column = "Diteruskan"\nkind = "assigned"'
    assert stated in mapping
    assumed = stated.replace("Diteruskan", "Tanggal Masuk") + "\nat_receipt = true"
    file.write_text(mapping.replace(stated, assumed), "utf-8")
    context = open_context()
    register(context, ESCALATED, {"Unit": "Dinas Sosial"})
    found = explained(context, ESCALATED)
    for said in (as_text(context.site, found), as_html(context.site, found)):
        text = " ".join(said.split())
        assert "Dinas Sosial (dianggap sejak diterima: sumber data tidak mencatat" in text
        assert "Dinas Sosial (dicatat sumber data" not in text


def test_the_evidence_has_no_text_of_the_complaint(late):
    found = explained(late, ESCALATED)
    for said in (as_text(late.site, found), as_html(late.site, found), str(as_data(late, found))):
        assert "Syarat pindah alamat" not in said


def test_the_explanation_has_the_times_that_a_register_stated_before(late):
    """The register first has no settlement, then one on the 26th, then one of the 23rd, in time."""
    register(late, "2026-11-27 07:15", at("Dinas Sosial", Selesai="26/11/2026 15:00"))
    register(late, LATER, SETTLED)
    found = explained(late, "2026-12-04 08:00")
    line = (
        "Kamis, 26 November 2026 pukul 15.00 WITA: diselesaikan (dicatat sumber data; diimpor"
        " 27 Nov 2026) – diganti pada 3 Des 2026: Senin, 23 November 2026 pukul 15.00 WITA"
    )
    page = unescape(as_html(late.site, found))
    for said in (as_text(late.site, found), page, evidence_text(late, found)):
        assert "Peristiwa yang kemudian diganti atau ditarik" in said
        assert line in " ".join(said.replace("\u200b", "").split())
    (replaced,) = as_data(late, found)["superseded_events"]
    assert (replaced["latest"], replaced["superseded"], replaced["by"]["latest"]) == (
        "2026-11-26T15:00:00+08:00",
        "2026-12-03T08:00:00+08:00",
        "2026-11-23T15:00:00+08:00",
    )
    register(late, "2026-12-04 09:00", at("Dinas Sosial"))
    again = as_text(late.site, explained(late, "2026-12-05 08:00"))
    assert "– tidak lagi jelas sejak 4 Des 2026" in again
    before = explained(late, "2026-12-02 08:00")
    assert before.superseded == ()
    assert "superseded_events" not in as_data(late, before)


def evidence_text(context, explanation) -> str:
    """The content of the evidence card."""
    return evidence_card._Card(context, explanation).printed()
