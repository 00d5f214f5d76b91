"""The evidence card of a complaint as PDF."""

import io
import re
import stat
from collections.abc import Iterator
from dataclasses import replace

import pypdf
import pytest
from conftest import wita
from support.pipeline import (
    ESCALATED,
    at,
    decide,
    deliver,
    explained,
    register,
    send_breach,
    since,
)

from db.models import Complaint
from settings.report import Letterhead, Signature
from sla.regulations.model import Actor
from tasks.common.context import SiteContext
from tasks.evaluation.evidence import as_data
from tasks.evaluation.explain import as_html, as_text
from tasks.reports.formats import evidence_card
from tasks.reports.formats.evidence_card import evidence_pdf


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """The card does not depend on the kind of database."""
    return sqlite_url


@pytest.fixture
def late(context) -> SiteContext:
    """A site that has sent the breach of FD-1 to the liaison and the head of Dinas Sosial."""
    send_breach(context)
    return context


def pages_of(pdf: bytes) -> list[str]:
    pages = pypdf.PdfReader(io.BytesIO(pdf)).pages
    return [re.sub("[\xad\u200b]", "", page.extract_text()) for page in pages]


def flat(text: str) -> str:
    return "".join(text.split())


def objects(reader: pypdf.PdfReader) -> Iterator[object]:
    for number in range(1, int(reader.trailer["/Size"])):
        yield reader.get_object(pypdf.generic.IndirectObject(number, 0, reader))


def test_the_card_has_the_facts_on_one_page(late):
    found = explained(late, ESCALATED)
    (page,) = pages_of(evidence_pdf(late, found))
    data = as_data(late, found)
    text = flat(page)
    for said in (
        "Kartu bukti pengaduan FD-1",
        "Keadaan per Jumat, 27 November 2026 pukul 08.00.00 WITA",
        "Perangkat daerah: Dinas Sosial",
        "Klasifikasi: permintaan informasi",
        "lewat batas waktu 4 hari kerja (4 hari kalender)",
        "didisposisikan kepada perangkat daerah",
        "dicatat sumber data",
        "Belum ada pernyataan.",
        "Ruang tanda tangan elektronik",
        data["verification_code"],
        *(mail["message_id"] for mail in data["mails"]),
        *(mail["name"] for mail in data["mails"]),
    ):
        assert flat(said) in text
    assert "Syaratpindahalamat" not in text


def test_the_card_is_tagged_and_fit_for_the_archive(late):
    reader = pypdf.PdfReader(io.BytesIO(evidence_pdf(late, explained(late, ESCALATED))))
    root = reader.trailer["/Root"]
    assert root["/MarkInfo"]["/Marked"]
    assert root["/StructTreeRoot"]["/K"]
    assert root["/Lang"] == "id"
    metadata = root["/Metadata"].get_object().get_data().decode()
    assert "<pdfaid:part>2</pdfaid:part><pdfaid:conformance>A</pdfaid:conformance>" in metadata
    assert "<pdfuaid:part>1</pdfuaid:part>" in metadata
    assert reader.metadata
    assert reader.metadata.title.startswith("Kartu bukti pengaduan FD-1")
    assert reader.metadata.creation_date == wita(ESCALATED)
    fonts = [
        each
        for each in objects(reader)
        if isinstance(each, dict) and each.get("/Type") == "/FontDescriptor"
    ]
    assert fonts
    assert all({"/FontFile", "/FontFile2", "/FontFile3"} & set(font) for font in fonts)


def test_the_card_made_again_is_the_same_to_the_byte(late):
    first = evidence_pdf(late, explained(late, ESCALATED))
    later = "2026-12-03 08:00"
    register(late, later, at("Dinas Sosial", Selesai="02/12/2026 09:00"))
    decide(late, later)
    deliver(late, later)
    assert evidence_pdf(late, explained(late, ESCALATED)) == first


def test_the_qr_code_has_ticket_time_and_code(late, monkeypatch):
    found, contents = explained(late, ESCALATED), []
    kept = evidence_card._qr_svg
    monkeypatch.setattr(evidence_card, "_qr_svg", lambda text: contents.append(text) or kept(text))
    evidence_pdf(late, found)
    code = as_data(late, found)["verification_code"]
    assert contents == [f"Tenggat FD-1 2026-11-27T08:00:00+08:00 {code}"]


@pytest.mark.thorough
def test_a_long_history_goes_on_to_further_pages_with_the_heads_again(late):
    found = explained(late, ESCALATED)
    (mail, _) = found.mails
    many = [mail._replace(message_id_header=f"<{n}@contohkab.example>") for n in range(60)]
    pages = pages_of(evidence_pdf(late, replace(found, mails=tuple(many))))
    assert len(pages) > 1
    assert "Message-ID" in pages[0]
    assert "Message-ID" in pages[1]
    assert "Kartu bukti pengaduan FD-1" in pages[1]
    text = flat("".join(pages))
    assert all(flat(each.message_id_header) in text for each in many)


def test_a_mail_about_two_duties_is_one_row(late):
    found = explained(late, ESCALATED)
    first, _ = found.mails
    second = first._replace(rule="sp4n/first-follow-up", kind="reminder")
    page = pages_of(evidence_pdf(late, replace(found, mails=(first, second))))[0]
    assert flat(page).count(flat(first.message_id_header)) == 1
    for about in ("Penyelesaian permintaan informasi (terlambat)", "Tindak lanjut pertama (pengi"):
        assert flat(about) in flat(page)


def test_a_secret_report_and_the_signatory_are_named(late):
    signed = Signature(place="Contoh", title="INSPEKTUR", name="Nama Contoh", nip="1" * 18)
    late.site.letterhead = Letterhead(lines=("PEMERINTAH KABUPATEN CONTOH",), signature=signed)
    with late.transaction() as session:
        session.query(Complaint).update({"secret": True, "anonymous": True})
    (page,) = pages_of(evidence_pdf(late, explained(late, ESCALATED)))
    for said in ("RAHASIA", "ANONIM", "INSPEKTUR", "Contoh, 27 November 2026", "NIP " + "1" * 18):
        assert said in page


def test_a_card_in_english(late):
    late.site.locale = "en"
    (page,) = pages_of(evidence_pdf(late, explained(late, ESCALATED)))
    for said in ("Evidence card of complaint FD-1", "late by 4 working days (4 calendar days)"):
        assert flat(said) in flat(page)


def test_no_unit_is_named_for_a_duty_if_it_is_not_known_which_one_had_it(late):
    found = explained(late, ESCALATED)
    duties = tuple(
        replace(each, deadline=replace(each.deadline, answerable=None)) for each in found.deadlines
    )
    unknown = replace(found, deadlines=duties)
    pages = " ".join(pages_of(evidence_pdf(late, unknown)))
    for text in (pages, as_text(late.site, unknown), as_html(late.site, unknown)):
        assert flat("tidak dibebankan kepada unit mana pun") in flat(text)


def test_a_duty_of_superiors_is_that_of_their_office(context):
    """UU 37/2008 gives the report on a recommendation to the superior, not to the unit."""
    recommended = since("01/09/2026") | {"Rekomendasi Ombudsman": "25/09/2026 08:30"}
    register(context, ESCALATED, at("Dinas Sosial", **recommended))
    decide(context, ESCALATED)
    found = explained(context, ESCALATED)
    own = [each for each in found.deadlines if each.deadline.rule.actor is Actor.SUPERIOR]
    alone = replace(found, deadlines=tuple(own))
    pages = " ".join(pages_of(evidence_pdf(context, alone)))
    assert flat("terlambat Bupati melalui Sekretaris Daerah") in flat(pages)
    for text in (as_text(context.site, alone), as_html(context.site, alone)):
        assert "perangkat daerah penanggung jawab" not in text
        assert "Bupati melalui Sekretaris Daerah" in text


def test_a_damaged_coat_of_arms_is_left_out(late, tmp_path):
    logo = tmp_path / "logo.png"
    logo.write_bytes(b"\x89PNG\r\n\x1a\nno picture")
    late.site.letterhead = Letterhead(logo=logo, lines=("PEMERINTAH CONTOH",))
    assert "PEMERINTAH CONTOH" in pages_of(evidence_pdf(late, explained(late, ESCALATED)))[0]


def test_the_command_writes_a_card_for_its_owner_only(late, call_tenggat, tmp_path):
    card, asked = tmp_path / "card.pdf", ("--as-of", "2026-11-27T08:00", "--site", late.site.folder)
    assert call_tenggat("explain", "FD-1", "--pdf", card, *asked)[0] == 0
    assert stat.S_IMODE(card.stat().st_mode) == 0o600
    assert card.read_bytes() == evidence_pdf(late, explained(late, ESCALATED))
    code, _, errors = call_tenggat("explain", "FD-1", "--pdf", tmp_path / "no" / "x.pdf", *asked)
    assert code == 2
    assert "name a file in a folder that exists" in errors
    assert [each.name for each in tmp_path.glob("*.p*")] == ["card.pdf"]
