"""Answers to notices as mail programs write them. Names and hosts are invented."""

from __future__ import annotations

import base64
import quopri

SENDER = "tenggat@contohkab.example"

QUOTED = """Tenggat - Pemerintah Kabupaten Contoh
1. Pengaduan FD-1 - terlambat 1 hari kerja
   Kendala: bukan bagian jawaban"""


def plain(
    text: str,
    *,
    sender: str,
    subject: str = "",
    reply_id: str = "a1@dinas.example",
    headers: str = "",
    charset: str = "utf-8",
    encoding: str = "8bit",
    kind: str = "plain",
) -> bytes:
    """An answer of one part; `headers` are further lines, each with its line end."""
    raw = text.encode(charset)
    if encoding == "quoted-printable":
        raw = quopri.encodestring(raw)
    elif encoding == "base64":
        raw = base64.encodebytes(raw)
    head = (
        f"From: {sender}\nTo: {SENDER}\nSubject: {subject}\nMessage-ID: <{reply_id}>\n"
        f"Date: Tue, 24 Nov 2026 09:10:00 +0800\nMIME-Version: 1.0\n{headers}"
        f"Content-Type: text/{kind}; charset={charset}\nContent-Transfer-Encoding: {encoding}\n\n"
    )
    return head.replace("\n", "\r\n").encode() + raw.replace(b"\n", b"\r\n")


def both(text: str, page: str, *, sender: str, subject: str = "", headers: str = "") -> bytes:
    """An answer as plain text and as HTML, in this order, as most programs write it."""
    whole = (
        f"From: Nama Palsu <{sender}>\nTo: {SENDER}\nSubject: {subject}\n"
        f"Message-ID: <both@dinas.example>\nMIME-Version: 1.0\n{headers}"
        'Content-Type: multipart/alternative; boundary="=_two"\n\n'
        f"--=_two\nContent-Type: text/plain; charset=utf-8\n\n{text}\n"
        f"--=_two\nContent-Type: text/html; charset=utf-8\n\n{page}\n--=_two--\n"
    )
    return whole.replace("\n", "\r\n").encode()


def quoted(text: str = QUOTED) -> str:
    return "\n".join(f"> {line}" for line in text.splitlines())


def gmail_page(own: str) -> str:
    return (
        f'<div dir="ltr">{own}</div><br><div class="gmail_quote"><div dir="ltr" class="gmail_attr">'
        "Pada Sel, 24 Nov 2026 pukul 08.00 Tenggat menulis:<br></div>"
        f"<blockquote><p>{QUOTED}</p></blockquote></div>"
    )


def outlook_page(own: str) -> str:
    return (
        f'<html><head><style>p{{margin:0}}</style></head><body><div class="WordSection1"><p>{own}'
        '</p></div><div id="appendonsend"></div><hr><div id="divRplyFwdMsg"><b>From:</b> Tenggat'
        f"<br><b>Sent:</b> Tuesday<br><b>Subject:</b> 1 terlambat</div><div>{QUOTED}</div></body>"
        "</html>"
    )
