"""The facts of an explanation as data, and the code that verifies them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from db.questions import HIDDEN
from sla.engine.explain import CountedDay, DayCounts
from sla.events import Event
from tasks.common.context import SiteContext
from tasks.evaluation.explain import ExplainedDeadline, Explanation
from tasks.text.withheld import withheld_place


def verification_code(data: Mapping[str, Any]) -> str:
    """Return the SHA-256 of the facts as canonical JSON: sorted keys, no spaces, UTF-8."""
    content = {key: value for key, value in data.items() if key != "verification_code"}
    text = json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def as_data(context: SiteContext, explanation: Explanation) -> dict[str, Any]:
    """Return the explanation as data: local times in ISO 8601, days as YYYY-MM-DD.

    The data have no text of the complaint. `verification_code` is the code of all the others.
    """
    data = _Facts(context, explanation).all()
    return data | {"verification_code": verification_code(data)}


class _Facts:
    """The facts of one explanation, with times in the zone of the site."""

    def __init__(self, context: SiteContext, explanation: Explanation) -> None:
        self._context, self._explanation = context, explanation

    def all(self) -> dict[str, Any]:
        """Return all facts of the complaint."""
        explanation = self._explanation
        complaint = explanation.complaint
        assert complaint is not None
        return {
            "ticket": complaint.ticket,
            "source": complaint.source,
            "received": self._local(complaint.received_at),
            "as_of": self._local(explanation.now),
            "classification": explanation.classification,
            "unit": explanation.unit,
            "questions": [
                {
                    "id": question.number,
                    "column": question.column,
                    "value": HIDDEN if withheld_place(question.value) else question.value,
                    "since": self._local(question.since),
                }
                for question in explanation.questions
            ],
            "undetermined": [rule.id for rule in explanation.undetermined],
            "statements": self._statements(),
            "events": [self._event(event) for event in explanation.events],
            "mails": self._mails(),
            "deadlines": [self._deadline(item) for item in explanation.deadlines],
            **self._superseded(),
        }

    def _local(self, moment: datetime | None) -> str | None:
        return self._context.local(moment).isoformat(timespec="seconds") if moment else None

    def _statements(self, *, superseded: bool = False) -> list[dict[str, Any]]:
        return [
            {
                "unit": stated.unit,
                "statement": stated.kind,
                "stated_on": self._local(stated.at),
                "text": stated.text,
                "recorded_in_source": not stated.open,
            }
            for stated in self._explanation.statements
            if stated.superseded is superseded
        ]

    def _superseded(self) -> dict[str, Any]:
        """Return what no longer counts, if there is any: codes of earlier versions stay valid."""
        events = [
            {
                **self._event(each.event),
                "superseded": self._local(each.by.recorded_at),
                "by": None if each.by.retracted else self._event(each.by),
            }
            for each in self._explanation.superseded
        ]
        found = {
            "superseded_events": events,
            "superseded_statements": self._statements(superseded=True),
        }
        return {key: values for key, values in found.items() if values}

    def _event(self, event: Event) -> dict[str, Any]:
        return {
            "kind": event.kind,
            "earliest": self._local(event.earliest),
            "latest": self._local(event.latest),
            "knowledge": event.knowledge,
            "unit": event.unit,
            "source": event.source,
            "recorded": self._local(event.recorded_at),
        }

    def _mails(self) -> list[dict[str, Any]]:
        return [
            {
                "rule": mail.rule,
                "clock": mail.clock,
                "kind": mail.kind,
                "role": mail.role,
                "in_place_of": mail.instead or None,
                "unit": mail.unit,
                "name": mail.name,
                "sent": self._local(mail.sent_at),
                "message_id": mail.message_id_header,
                "correction": mail.correction,
                "taken_back": self._local(mail.taken_back_at),
            }
            for mail in self._explanation.mails
        ]

    def _deadline(self, item: ExplainedDeadline) -> dict[str, Any]:
        deadline = item.deadline
        rule, doubt = deadline.rule, deadline.doubt
        return {
            "rule": rule.id,
            "clock": deadline.clock,
            "citation": rule.citation,
            "certainty": rule.certainty,
            "article": rule.article,
            "length": rule.length,
            "length_unit": rule.unit,
            "unit": deadline.unit,
            "answerable": deadline.answerable,
            "started": self._local(deadline.started),
            "due": self._local(deadline.due),
            "stopped": self._local(deadline.stopped),
            "state": deadline.state,
            "reasons": list(deadline.reasons),
            "days_used": deadline.days_used,
            "paused": deadline.paused,
            "provisional": deadline.provisional,
            "known_until": self._local(doubt.earliest if doubt else None),
            "unknown_since": self._local(doubt.latest if doubt else None),
            "counts": _counts(item.counts),
            "days": _days(item.days),
        }


def _counts(counts: DayCounts) -> dict[str, Any]:
    return {
        "until": counts.until.isoformat(),
        "days": counts.days,
        "working_days": counts.working_days,
        "days_paused": counts.days_paused,
        "days_late": counts.days_late,
        "working_days_late": counts.working_days_late,
    }


def _days(days: Sequence[CountedDay]) -> list[dict[str, Any]]:
    return [
        {
            "day": day.day.isoformat(),
            "mark": day.mark,
            "number": day.number,
            "name": day.name,
            "pause": day.pause,
        }
        for day in days
    ]
