"""The evidence card of a complaint as PDF: one page with facts, counts, mails and a code as QR."""

from __future__ import annotations

import io
from collections.abc import Sequence
from datetime import datetime
from functools import partial
from itertools import groupby
from typing import Any

import segno
import typst

from db.notices import ComplaintMail
from settings.site import Site
from sla.engine.deadline import LATE_STATES, Deadline, State
from sla.events import BY_OFFICIALS, Event, Kind
from sla.regulations.model import Actor
from tasks.common.context import SiteContext
from tasks.evaluation.evidence import as_data
from tasks.evaluation.explain import ExplainedDeadline, Explanation, knowledge_of
from tasks.reports.formats.logo import logo_svg
from tasks.reports.formats.pdf.line_breaks import breakable
from tasks.reports.formats.pdf.typesetting import printable_json, typeset
from tasks.text.catalog import catalog
from tasks.text.formats import long_day_text, moment_text, one_line, short_day_text, zone_name
from tasks.text.templates import macros
from tasks.text.titles import notified_office, superior_office

GROUP = 8
"""The characters between two spaces of the printed code."""

LONGEST_TEXT = 500

WITHOUT_CONSEQUENCE = (State.MET, State.WAIVED, State.NOT_STARTED)
"""The states of a duty in which the consequence of a breach is not printed."""

Row = dict[str, Any]


def evidence_pdf(context: SiteContext, explanation: Explanation) -> bytes:
    """Render the evidence card of an explained complaint in the language of the site.

    The same facts give the same bytes. The text and the title of the complaint are not printed.
    """
    card = _Card(context, explanation)
    logo = logo_svg(context.site.letterhead)
    try:
        return typeset("evidence.typ", card.printed(logo), explanation.now)
    except typst.TypstError:
        if not logo:
            raise
        return typeset("evidence.typ", card.printed(), explanation.now)  # a damaged picture


class _Card:
    """The texts of a card, from the same templates as the explanation."""

    def __init__(self, context: SiteContext, explanation: Explanation) -> None:
        site = context.site
        assert explanation.complaint is not None
        self._site: Site = site
        self._view, self._complaint = explanation, explanation.complaint
        self._facts = as_data(context, explanation)
        self._t = catalog(site.locale)
        self._say = macros(
            "report/explanation_parts.j2",
            locale=site.locale,
            zone=site.zone,
            known_events=frozenset(Kind),
            lapsing=site.evaluation_context.law.lapsing,
            rules={},
            officials=BY_OFFICIALS,
            knowledge_of=partial(knowledge_of, site),
            name_of=site.directory.name_of,
        )

    def printed(self, logo: str = "") -> str:
        """Return everything on the card as JSON, the input of `templates/report/evidence.typ`."""
        site, t, now = self._site, self._t, self._view.now
        head = site.letterhead
        ticket = one_line(self._complaint.ticket)
        title = t("card.title", ticket=ticket)
        code: str = self._facts["verification_code"]
        content = f"Tenggat {ticket} {self._facts['as_of']} {code}"
        page = {
            "locale": site.locale,
            "title": breakable(title, 40),
            "document": f"{title} – {site.name}",
            "site": breakable(site.name, 70),
            "as_of": t(
                "card.as_of",
                moment=moment_text(now, site.locale, site.zone, exact=True),
                zone=zone_name(now, site.zone),
            ),
            "marks": self._marks(),
            "logo": logo,
            "logo_alt": head.lines[0] if head.lines else site.name,
            "lines": [breakable(one_line(line, LONGEST_TEXT), 40) for line in head.lines],
            "address": [breakable(one_line(line, LONGEST_TEXT), 70) for line in head.address],
            "facts": self._particulars(),
            "duties": self._duties(),
            "undetermined": self._undetermined(),
            "counting": t("explain.counting"),
            "events": self._events(),
            "superseded": self._notes("superseded", self._superseded(), ""),
            "mails": self._mails(),
            "statements": self._notes("statements", self._statements(), t("card.no_statements")),
            "questions": self._notes("questions", self._questions(), ""),
            "page": t("card.page", code=code[:GROUP]),
            "page_of": t("report.page_of"),
            "code": {
                "title": t("card.code"),
                "svg": _qr_svg(content),
                "alt": t("card.code_alt", code=code),
                "text": " ".join(code[at : at + GROUP] for at in range(0, len(code), GROUP)),
                "note": t("card.code_note"),
            },
            "signature": self._signature(),
        }
        return printable_json(page)

    def _marks(self) -> list[str]:
        kinds = {"anonymous": self._complaint.anonymous, "secret": self._complaint.secret}
        return [self._t(f"privacy.{kind}") for kind, given in kinds.items() if given]

    def _particulars(self) -> list[list[str]]:
        t, view = self._t, self._view
        classification = t(f"classification.{view.classification or 'none'}")
        values = {
            "ticket": self._complaint.ticket,
            "source": self._complaint.source,
            "received": self._moment(self._complaint.received_at),
            "classification": classification,
            "unit": self._site.directory.name_of(view.unit) or "–",
        }
        return [[t(f"card.{key}"), breakable(one_line(text), 40)] for key, text in values.items()]

    def _duties(self) -> Row:
        t = self._t
        rows = [self._duty(item) for item in self._view.deadlines]
        heads = ("duty", "started", "due", "stopped", "verdict", "counts")
        return self._table("duties", heads, (29, 13, 13, 13, 14, 18), rows, t("explain.none"))

    def _duty(self, item: ExplainedDeadline) -> Row:
        t, locale, deadline = self._t, self._site.locale, item.deadline
        rule = deadline.rule
        length = self._text("length_text", rule)
        basis = f"{rule.citation_in(locale)}; {t('explain.length')} {length}"
        if rule.certainty.to_be_confirmed:
            basis += f"; {t(f'certainty.{rule.certainty}')}"
        counts = self._text("counts_text", item.counts)
        below = self._why(deadline)
        if rule.overrides:
            below.append(t("explain.overrides", basis=rule.basis))
        if rule.consequence and deadline.state not in WITHOUT_CONSEQUENCE:
            below.append(f"{t('explain.consequence').capitalize()}: {rule.consequence[locale]}")
        unit = self._site.directory.name_of(deadline.answerable)
        if deadline.answerable is None and deadline.unit is not None:
            unit = t("explain.answerable_unknown")
        if rule.actor is Actor.SUPERIOR:
            unit = superior_office(self._site.name, locale)
        return _row(
            [
                (rule.label[locale], basis),
                self._event_moment(deadline.start),
                self._due(deadline),
                self._event_moment(deadline.end) if deadline.end else "–",
                (t(f"state.{deadline.state}"), unit or ""),
                (t("card.up_to", day=self._day(item.counts.until)), counts),
            ],
            " ".join(below),
            strong=(0, 4) if deadline.state in LATE_STATES else (0,),
        )

    def _undetermined(self) -> str:
        locale = self._site.locale
        rules = [
            f"{rule.label[locale]} ({rule.citation_in(locale)})" for rule in self._view.undetermined
        ]
        if not rules:
            return ""
        return f"{self._t('explain.undetermined')}: {'; '.join(rules)}."

    def _why(self, deadline: Deadline) -> list[str]:
        """Return the reasons for a verdict, or why there is none."""
        t = self._t
        found = [self._text("reason_text", deadline, reason) for reason in deadline.reasons]
        if deadline.paused:
            found.append(f"{t('explain.paused').capitalize()}.")
        if deadline.provisional:
            found.append(f"{t('explain.provisional').capitalize()}.")
        return found

    def _due(self, deadline: Deadline) -> str:
        if deadline.due is None:
            return self._t("explain.held_up")
        exact = deadline.rule.promised
        return self._moment(deadline.due) if exact else self._day(deadline.due)

    def _events(self) -> Row:
        t, lapsing = self._t, self._site.evaluation_context.law.lapsing
        rows = []
        for event in self._view.events:
            lapsed = event.source in lapsing
            unit = self._site.directory.name_of(event.unit) if event.unit else ""
            rows.append(
                _row(
                    [
                        self._event_moment(event),
                        (self._text("event_text", event), unit or ""),
                        t("card.law")
                        if lapsed
                        else t(f"knowledge.{knowledge_of(self._site, event)}"),
                        "–" if lapsed else self._moment(event.recorded_at),
                    ]
                )
            )
        return self._table(
            "events", ("time", "event", "knowledge", "imported"), (24, 36, 22, 18), rows
        )

    def _superseded(self) -> list[str]:
        return [self._text("superseded_text", each) for each in self._view.superseded]

    def _mails(self) -> Row:
        """Return a row for each mail, with every duty that it was about."""
        rows = [self._mail(list(of_mail)) for _, of_mail in groupby(self._view.mails, _mail_key)]
        heads = ("time", "person", "about", "message_id")
        return self._table("mails", heads, (15, 28, 27, 30), rows, self._t("explain.no_mails"))

    def _mail(self, items: Sequence[ComplaintMail]) -> Row:
        t, mail = self._t, items[0]
        role = notified_office(mail.role, mail.instead, self._site.locale)
        unit = self._site.directory.name_of(mail.unit)
        office = t("explain.office", role=role, unit=unit) if mail.unit else role
        return _row(
            [
                self._moment(mail.sent_at),
                (one_line(mail.name), office),
                "\n".join(self._about(item) for item in items),
                mail.message_id_header,
            ]
        )

    def _about(self, item: ComplaintMail) -> str:
        """Return a duty that a mail was about, and what the mail said of it."""
        t, law = self._t, self._site.evaluation_context.law
        known = item.rule in law.ids
        duty = law.last(item.rule).label[self._site.locale] if known else item.rule
        kinds = [t("explain.correction") if item.correction else t(f"notice.{item.kind}")]
        if item.taken_back_at and not item.correction:
            kinds.append(t("explain.taken_back", day=self._day(item.taken_back_at)))
        return f"{duty} ({'; '.join(kinds)})"

    def _statements(self) -> list[str]:
        return [self._text("statement_text", stated) for stated in self._view.statements]

    def _questions(self) -> list[str]:
        """Return the open questions without their values: a person may have written anything."""
        return [
            self._t(
                "card.question",
                n=asked.number,
                column=one_line(asked.column),
                since=self._day(asked.since),
            )
            for asked in self._view.questions
        ]

    def _signature(self) -> Row:
        t, site = self._t, self._site
        signed = site.letterhead.signature
        if signed is None:
            blanks = [f"{t(f'card.sign_{key}')}: {'.' * 30}" for key in ("title", "name", "nip")]
            return {"note": t("card.signature"), "above": [], "below": blanks}
        day = long_day_text(self._view.now, site.locale, site.zone)
        above = [t("report.signed_on", place=signed.place, day=day), signed.on_behalf, signed.title]
        below = [signed.name, signed.rank, t("report.nip", nip=signed.nip) if signed.nip else ""]
        return {
            "note": t("card.signature"),
            "above": [breakable(one_line(line), 30) for line in above if line],
            "below": [breakable(one_line(line), 30) for line in below if line],
        }

    def _table(
        self,
        key: str,
        heads: Sequence[str],
        widths: Sequence[int],
        rows: list[Row],
        empty: str = "",
    ) -> Row:
        return {
            "title": self._t(f"card.{key}"),
            "head": [self._t(f"card.{head}") for head in heads],
            "widths": list(widths),
            "rows": rows,
            "empty": empty,
        }

    def _notes(self, key: str, notes: list[str], empty: str) -> Row:
        lines = [breakable(one_line(note, 2 * LONGEST_TEXT), 60) for note in notes]
        return {"title": self._t(f"card.{key}"), "lines": lines, "empty": empty}

    def _text(self, macro: str, *values: object) -> str:
        return " ".join(str(getattr(self._say, macro)(*values)).split())

    def _event_moment(self, event: Event) -> str:
        if event.earliest is None:
            return self._moment(event.latest)
        first, last = self._moment(event.earliest), self._moment(event.latest)
        return self._t("explain.interval", first=first, last=last)

    def _moment(self, moment: datetime) -> str:
        clock = moment.astimezone(self._site.zone).strftime(self._t("date.clock"))
        return f"{self._day(moment)} {clock}"

    def _day(self, moment: Any) -> str:
        return short_day_text(moment, self._site.locale, self._site.zone)


def _mail_key(mail: ComplaintMail) -> tuple[str, str, str]:
    return mail.message_id_header, mail.role, mail.instead


def _row(
    cells: Sequence[str | tuple[str, str]], below: str = "", *, strong: Sequence[int] = ()
) -> Row:
    """Return a row: its cells, each with a text in small letters, and a line below them.

    `strong` are the indices of the cells in bold.
    """
    pairs = [cell if isinstance(cell, tuple) else (cell, "") for cell in cells]
    return {
        "cells": [
            {"text": breakable(a, 16), "detail": breakable(b, 20), "strong": at in strong}
            for at, (a, b) in enumerate(pairs)
        ],
        "below": breakable(below, 60),
    }


def _qr_svg(content: str) -> str:
    """Return a QR code as SVG, readable with up to 15 % of it damaged."""
    file = io.BytesIO()
    segno.make(content, error="m", micro=False).save(
        file, kind="svg", xmldecl=False, omitsize=True, svgclass=None, lineclass=None
    )
    return file.getvalue().decode()
