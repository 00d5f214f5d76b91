"""A site that has sent a mail of every kind, to look at each as it arrives.

The mails are taken from the built-in mailbox after real runs, so they are whole: headers, text,
HTML and what is attached.
"""

from __future__ import annotations

import shutil
from contextlib import closing
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from functools import cached_property
from pathlib import Path

import pytest
from conftest import BLANK_PDF, REPOSITORY, wita

from db.models import MessageKind
from support.pipeline import BREACHED, ESCALATED, REMINDED, at, decide, deliver, register, since
from tasks.common.context import SiteContext
from tasks.summary import SummaryRequest, make_summary

WEEKLY = "2026-11-30 08:00"
"""The Monday of the superiors' weekly mail."""

KINDS = {
    "reminder": (REMINDED, "penghubung.dinsos", MessageKind.NOTICES),
    "breach": (BREACHED, "penghubung.dinsos", MessageKind.NOTICES),
    "late and coming": (BREACHED, "penghubung.rsud", MessageKind.NOTICES),
    "long": (BREACHED, "kepala.dlh", MessageKind.NOTICES),
    "escalation": (WEEKLY, "sekda", MessageKind.NOTICES),
    "alert": (BREACHED, "admin.lapor", MessageKind.ALERT),
    "summary": (ESCALATED, "inspektur", MessageKind.SUMMARY),
}
"""When each goes out, to whom, and what it is in the outbox."""

TITLE = "Syarat pindah alamat"
"""What the reports are about; it stands in the bodies of mails only."""

ENTRIES = (
    at("Dinas Sosial"),
    *(at("DLH", f"FD-{n}", Kategori="Persampahan") for n in range(100, 160)),
    at("Dinas Perhubungan", "FD-2"),  # has no head: an alert
    at("RSUD Contoh Sehat", "FD-3", Kerahasiaan="Rahasia", Perihal=""),
    at("RSUD Contoh Sehat", "FD-4", Kerahasiaan="Anonim", Perihal=""),
    at("RSUD Contoh Sehat", "FD-5", **since("18/11/2026")),  # due on the 25th
)


@dataclass(frozen=True)
class Sent:
    """A mail as it arrived."""

    raw: bytes

    @cached_property
    def mail(self) -> EmailMessage:
        found = message_from_bytes(self.raw, policy=policy.default)
        assert isinstance(found, EmailMessage)
        assert found.defects == []
        return found

    @property
    def subject(self) -> str:
        return str(self.mail["Subject"]).strip()

    @property
    def html(self) -> str:
        return self._body("html")

    @property
    def text(self) -> str:
        return self._body("plain")

    @property
    def attached(self) -> list[str]:
        """The names of the files that go with it."""
        return [part.get_filename() or "" for part in self.mail.iter_attachments()]

    def _body(self, kind: str) -> str:
        body = self.mail.get_body((kind,))
        assert body is not None
        return str(body.get_content())


def send_each_kind(folder: Path, locale: str, *, plain: bool = False) -> dict[str, Sent]:
    """The mail of each kind, in this language.

    Of the report that goes with a summary the PDF is an empty page, which no client and no filter
    looks into; `plain` leaves its plots out as well.
    """
    context = _context(folder, locale)
    with closing(context), pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            "tasks.reports.formats.pdf.report.report_pdf", lambda view, zone, drawn: BLANK_PDF
        )
        if plain:
            patch.setattr("tasks.reports.formats.plots.plots", lambda view, zone: {})
        for now in (REMINDED, BREACHED, ESCALATED, WEEKLY):
            register(context, now, *ENTRIES)
            decide(context, now)
            if now == ESCALATED:
                make_summary(context, SummaryRequest("2026-11", wita(now)), wita(now), "summary")
            deliver(context, now)
        return {kind: _kept(context, *told) for kind, told in KINDS.items()}


def _context(folder: Path, locale: str) -> SiteContext:
    site = folder / "site"
    shutil.copytree(
        REPOSITORY / "examples" / "kabupaten-contoh", site, ignore=shutil.ignore_patterns("inbox")
    )
    for source in ("lapor", "register"):
        (site / "inbox" / source).mkdir(parents=True)
    settings = site / "site.toml"
    text = settings.read_text(encoding="utf-8")
    for was, becomes in (
        ('locale = "id"', f'locale = "{locale}"'),
        ('ticket_link = ""', 'ticket_link = "https://contohkab.example/laporan/{ticket}"'),
    ):
        assert was in text
        text = text.replace(was, becomes)
    settings.write_text(text, encoding="utf-8")
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("TENGGAT_VAR", str(folder / "var"))
        environment.setenv("TENGGAT_DATABASE_URL", f"sqlite:///{folder}/tenggat.db")
        return SiteContext.open(site)


def _kept(context: SiteContext, now: str, to: str, kind: MessageKind) -> Sent:
    """The mail to this person of that moment; a person may have a summary beside the notices."""
    paths = (context.site.var / "mailbox").glob(f"{wita(now):%Y-%m-%d_%H%M}_{to}@*.eml")
    (found,) = (
        sent
        for sent in (Sent(path.read_bytes()) for path in paths)
        if (kind == MessageKind.SUMMARY) == any(n.endswith(".html") for n in sent.attached)
    )
    return found
