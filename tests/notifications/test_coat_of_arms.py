"""The coat of arms of report.toml in mails: a small picture that the mail brings along."""

import base64
import struct
import zlib
from email import message_from_bytes, policy
from email.message import EmailMessage

import pytest
from conftest import REPOSITORY
from support.pipeline import BREACHED, at, owe

from db.models import MessageRow
from settings.report import Letterhead
from tasks.common.context import RunContext
from tasks.notifications.coat_of_arms import HEIGHT, WIDEST, coat_of_arms
from tasks.notifications.composing.compose import compose

LOGO = REPOSITORY / "examples" / "kabupaten-contoh" / "logo.svg"


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """A picture does not depend on the database."""
    return sqlite_url


def png(width: int, height: int) -> bytes:
    """A black PNG of this size."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        checksum = zlib.crc32(kind + data)
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", checksum)

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    rows = zlib.compress((b"\0" + b"\0" * width) * height)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("name", "content", "size"),
    [
        ("logo.svg", LOGO.read_bytes(), (27, HEIGHT)),
        ("logo.png", png(300, 400), (24, HEIGHT)),
        ("logo.png", png(1000, 100), (WIDEST, 13)),  # a banner
        ("logo.png", b"no picture", None),
        ("logo.svg", b"<svg", None),
        ("logo.svg", b'<!DOCTYPE a [<!ENTITY b "c">]><svg/>', None),
    ],
)
def test_a_logo_becomes_a_small_png(name, content, size, tmp_path):
    logo = tmp_path / name
    logo.write_bytes(content)
    coat = coat_of_arms(Letterhead(logo=logo))
    assert (coat and (coat.width, coat.height)) == size
    if coat:
        assert coat.png.startswith(b"\x89PNG")
        assert len(coat.png) < 20_000


def test_without_a_logo_there_is_no_picture(tmp_path):
    assert coat_of_arms(Letterhead()) is None
    assert coat_of_arms(Letterhead(logo=tmp_path / "gone.png")) is None


def test_a_changed_logo_is_drawn_anew(tmp_path):
    logo = tmp_path / "logo.png"
    logo.write_bytes(png(300, 400))
    first = coat_of_arms(Letterhead(logo=logo))
    logo.write_bytes(png(400, 400))
    later = coat_of_arms(Letterhead(logo=logo))
    assert first is not None
    assert later is not None
    assert (first.width, later.width) == (24, HEIGHT)
    assert first.cid != later.cid


def test_an_svg_reads_no_other_file(tmp_path):
    (tmp_path / "secret.png").write_bytes(png(80, 96))
    square = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 8 8">{}</svg>'
    drawn = []
    for name, inside in (("a", ""), ("b", '<image href="secret.png" width="8" height="8"/>')):
        logo = tmp_path / f"{name}.svg"
        logo.write_text(square.format(inside), encoding="utf-8")
        coat = coat_of_arms(Letterhead(logo=logo))
        assert coat is not None
        drawn.append(coat.png)
    assert drawn[0] == drawn[1]


def first_mail(context) -> EmailMessage:
    owe(context, BREACHED, at("Dinas Sosial"))
    with context.transaction() as session:
        message = session.query(MessageRow).order_by(MessageRow.id).first()
        raw = compose(RunContext(context, session, message.created_at, "run"), message)
    mail = message_from_bytes(raw, policy=policy.default)
    assert isinstance(mail, EmailMessage)
    return mail


def test_the_mail_shows_the_picture_that_it_brings(context):
    mail = first_mail(context)
    (picture,) = (part for part in mail.walk() if part.get_content_maintype() == "image")
    cid = picture["Content-ID"].strip("<>")
    page = mail.get_body(("html",)).get_content()
    assert page.count("<img ") == page.count(f'<img src="cid:{cid}" width="27" height="32"') == 1
    assert 'alt="Lambang Pemerintah Kabupaten Contoh"' in page
    assert picture.get_content_disposition() == "inline"
    coat = coat_of_arms(context.site.letterhead)
    assert base64.b64decode(picture.get_payload()) == coat.png
    text = mail.get_body(("plain",)).get_content()
    assert text.startswith("PEMERINTAH KABUPATEN CONTOH")
    assert "cid:" not in text
    assert [part.get_filename() for part in mail.iter_attachments()] == ["tenggat.ics"]


def test_a_site_without_a_logo_sends_mails_without_a_picture(context, monkeypatch):
    monkeypatch.setattr(context.site, "letterhead", Letterhead())
    mail = first_mail(context)
    assert not [part for part in mail.walk() if part.get_content_maintype() == "image"]
    assert "<img" not in mail.get_body(("html",)).get_content()
