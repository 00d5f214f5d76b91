"""A mail has the parts that the standard library would write, and lines that any server takes."""

from email import message_from_bytes
from email.header import Header
from email.message import EmailMessage
from hashlib import sha256

import pytest

from tasks.notifications.coat_of_arms import CoatOfArms
from tasks.notifications.message import POLICY, Attachment, as_mime
from tasks.notifications.transport.encoding import encode_header

HEADERS = {
    "From": "Tenggat <tenggat@contohkab.example>",
    "Subject": "=?utf-8?q?1_terlambat?=\r\n =?utf-8?q?_=E2=80=93_Dinas?=",
    "Message-ID": "<1@contohkab.example>",
}
COAT = CoatOfArms(bytes(range(256)) * 4, 20, 32, "coat@tenggat.invalid")
FILES = [
    Attachment(
        'agenda – "baru".ics',
        "text",
        "calendar",
        b"BEGIN:VCALENDAR\r\nEND\r\n",
        (("method", "PUBLISH"),),
    ),
    Attachment("daftar.xlsx", "application", "octet-stream", bytes(range(256))),
    Attachment("kosong.txt", "text", "plain", b""),
]
TEXTS = [
    "",
    "Yth. Bapak\n\n--=_ .\nFrom the beginning\n",
    "Jumat – pukul 08.00\n" * 30,
    "satu baris yang panjang " * 60,
    "ujung\rbaris\r\nlain\x0b\x0cdi sini \n",
    "日本" * 400,
    "".join(f"{'x' * size}{end}\n" for size in range(73, 82) for end in ("", " ", "\t", "=", "é=")),
    "".join(f"{'=' * size}é {'x' * 9} \n" for size in range(40)) + "\x7f\x1c\x85 akhir\t",
]
HEADERS_OF_PEOPLE = [
    "2 terlambat – Dinas",
    "Réné " * 40,
    "“Dinas Lingkungan Hidup”, 3 pengaduan hari ini, 12 pengaduan terlambat – Perumahan",
    "日本" * 60,
    "😀é" * 40,
    "x" * 200 + "é",
]


def by_standard_library(text, html, files, coat):
    mail = EmailMessage(policy=POLICY)
    for name, value in HEADERS.items():
        mail[name] = value
    mail.set_content(text)
    mail.add_alternative(html, subtype="html")
    if coat is not None:
        mail.get_payload(1).add_related(coat.png, "image", "png", cid=f"<{coat.cid}>")
    for each in files:
        text = {"charset": "utf-8"} if each.maintype == "text" else {}
        mail.add_attachment(
            each.content,
            maintype=each.maintype,
            subtype=each.subtype,
            filename=each.name,
            params=text | dict(each.parameters),
        )
    mark = sha256(HEADERS["Message-ID"].encode()).hexdigest()[:32]
    for number, part in enumerate(part for part in mail.walk() if part.is_multipart()):
        part.set_boundary(f"=_{mark}_{number}")
    return mail.as_bytes()


def parts_of(mail):
    """Headers, boundary and content of each part; how the content is encoded is left out."""
    found = []
    for part in message_from_bytes(mail).walk():
        headers = [each for each in part.items() if each[0] != "Content-Transfer-Encoding"]
        found.append((headers, part.get_boundary(), part.get_payload(decode=True)))
    return found


@pytest.mark.parametrize("coat", [None, COAT], ids=["plain", "coat"])
@pytest.mark.parametrize("files", [[], FILES[:1], FILES], ids=["none", "one", "three"])
def test_parts_are_put_together_as_the_standard_library_does(files, coat):
    for text in TEXTS:
        for html in TEXTS:
            mail = as_mime(HEADERS, text, html, files, coat)
            assert parts_of(mail) == parts_of(by_standard_library(text, html, files, coat))
            leaves = (p for p in message_from_bytes(mail).walk() if not p.is_multipart())
            assert (
                max(len(line) for leaf in leaves for line in leaf.get_payload().split("\r\n")) <= 78
            )
            assert mail.isascii()
            bare = mail.replace(b"\r\n", b"")
            assert b"\r" not in bare
            assert b"\n" not in bare


@pytest.mark.parametrize("name", ["To", "Subject", "A-header-with-a-name-as-long-as-a-line-" * 2])
def test_a_header_is_encoded_as_the_standard_library_does(name):
    for text in HEADERS_OF_PEOPLE:
        expected = Header(text, "utf-8", header_name=name).encode(linesep="\r\n")
        assert encode_header(text, name) == expected
