"""Views: plain values for the templates, in the reader's time zone and with keys of the texts.

A view contains nothing that its reader may not see, for example no title of an anonymous or secret
report.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from tasks.common.notified import Notified
from tasks.text.incidents import IncidentView


@dataclass(frozen=True, slots=True)
class Duty:
    """One deadline of a complaint in a mail.

    `working_days_left` is negative if late. `exact` means a promised time of day; otherwise the
    deadline is the end of a day. `uid` is a permanent identifier of the deadline, for calendars.
    """

    rule: str
    citation: str
    to_be_confirmed: bool
    consequence: str
    due: datetime
    exact: bool
    working_days_left: int
    late: bool
    by_policy: bool
    told: tuple[Notified, ...]
    uid: str = ""


@dataclass(frozen=True, slots=True)
class StandIn:
    """The reader gets a notice in the place of another office, vacant or out of reach.

    `role` is that office, and `reader` the reader's own office, as keys of the texts.
    """

    role: str
    unit: str
    reader: str
    vacant: bool


@dataclass(frozen=True, slots=True)
class Correction:
    """A deadline that an earlier mail to this reader called late, and that was not late.

    `state` is its present state, a key of the texts; empty if the rule no longer applies.
    """

    ticket: str
    unit: str
    rule: str
    citation: str
    state: str


@dataclass(frozen=True, slots=True)
class ReplyLinks:
    """The ways to state something about a complaint by mail.

    `address` and `token` are for readers without links: the token is the subject. `choices` are
    three pairs of label and mailto address: done, not ours, obstacle.
    """

    address: str
    token: str
    choices: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Statement:
    """The newest statement of the unit about a complaint; it changes no deadline.

    `kind` is a key of the texts. `text` is empty or the unit's own words, masked and cut.
    """

    kind: str
    at: datetime
    text: str


@dataclass(frozen=True, slots=True)
class NoticeItem:
    """One complaint at one unit in a mail, with its deadlines, most urgent first.

    `privacy` is '', 'anonymous' or 'secret'; `classification` is a key of the texts. `inherited`
    means that it was late before the first import of its source.
    """

    ticket: str
    title: str
    category: str
    classification: str
    privacy: str
    unit: str
    received: datetime
    duties: tuple[Duty, ...]
    link: str
    inherited: bool = False
    complaint: int = 0
    """The key of the complaint."""
    unit_id: str = ""
    reply_links: ReplyLinks | None = None
    statement: Statement | None = None

    @property
    def worst(self) -> Duty:
        """Return the most urgent deadline; it ranks the complaint."""
        return self.duties[0]


@dataclass(frozen=True, slots=True)
class NoticeMail:
    """A mail to one recipient: the late complaints first, then the coming ones.

    `late_count` and `coming_count` count all complaints, including those left out of the body.
    `copied` means that the recipient gets the mail for information only (cc). `units` lists the
    units with their number of complaints in this mail and of late ones, most late first; it is
    empty if there is only one. `corrections` take back what earlier mails called late. `stand_ins`
    are the offices in the place of which the reader gets the mail.
    """

    site: str
    recipient: str
    role: str
    unit: str
    now: datetime
    late: tuple[NoticeItem, ...]
    coming: tuple[NoticeItem, ...]
    late_count: int
    coming_count: int
    administrator: str
    copied: bool = False
    units: tuple[tuple[str, int, int], ...] = ()
    corrections: tuple[Correction, ...] = ()
    stand_ins: tuple[StandIn, ...] = ()

    @property
    def inherited_count(self) -> int:
        """Number of complaints in the body that were late before the first import."""
        return sum(item.inherited for item in self.late)

    @property
    def shown(self) -> int:
        """Number of complaints listed in the body."""
        return len(self.late) + len(self.coming)

    @property
    def not_shown(self) -> int:
        """Number of complaints left out of the body."""
        return self.late_count + self.coming_count - self.shown

    def cut(self, most: int) -> NoticeMail:
        """Return the same mail with at most `most` complaints in its body, the first ones."""
        coming = self.coming[: max(0, most - len(self.late))]
        return replace(self, late=self.late[:most], coming=coming)

    @property
    def any_to_be_confirmed(self) -> bool:
        """Check whether a legal officer has yet to confirm any rule in the body."""
        return any(
            duty.to_be_confirmed for item in (*self.late, *self.coming) for duty in item.duties
        )


def by_unit(items: Iterable[NoticeItem]) -> tuple[tuple[str, int, int], ...]:
    """Return each unit with its number of complaints and of late ones; empty if it is only one."""
    counts: dict[str, tuple[int, int]] = {}
    for item in items:
        all_of_it, late = counts.get(item.unit, (0, 0))
        counts[item.unit] = (all_of_it + 1, late + item.worst.late)
    ranked = sorted(counts.items(), key=lambda entry: (-entry[1][1], -entry[1][0], entry[0]))
    return tuple((unit, *numbers) for unit, numbers in ranked) if len(ranked) > 1 else ()


@dataclass(frozen=True, slots=True)
class AlertMail:
    """A mail to the administrator about a problem of the pipeline.

    `alert` is a key of the texts (dead_message, vacancy, ...). `facts` are pairs of label and
    value, with keys of the texts as labels.
    """

    site: str
    recipient: str
    now: datetime
    alert: str
    facts: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class WatchMail:
    """A mail to the administrator about the incidents found by the watchdog.

    `new` incidents are reported for the first time, `again` ones continue since an earlier mail,
    and `well` ones are resolved.
    """

    site: str
    recipient: str
    now: datetime
    opened: tuple[IncidentView, ...]
    ongoing: tuple[IncidentView, ...]
    resolved: tuple[IncidentView, ...]


@dataclass(frozen=True, slots=True)
class AskedQuestion:
    """An open question for display; `complaints` is the number of complaints that wait for it."""

    number: int
    source: str
    column: str
    value: str
    role: str
    complaints: int
    since: datetime


@dataclass(frozen=True, slots=True)
class RejectedGroup:
    """Rows in quarantine of one source with the same reason in the same column.

    `lines` are the first line numbers in `file`.
    """

    source: str
    reason: str
    column: str
    rows: int
    file: str
    lines: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class QuestionsMail:
    """A mail to the administrator about values and rows that could not be read.

    `new` questions are asked for the first time, `again` ones are still open since an earlier mail.
    """

    site: str
    recipient: str
    now: datetime
    new: tuple[AskedQuestion, ...]
    again: tuple[AskedQuestion, ...]
    rejected: tuple[RejectedGroup, ...]
