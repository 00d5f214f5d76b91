"""What is left of a soak: everything that is wrong, and the figures."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from itertools import pairwise
from statistics import median

from crash_tests.mail_server import Kept
from crash_tests.player import SETTLED
from sqlalchemy import select
from sqlalchemy.orm import Session

from db.engine import open_engine
from db.lives import MessageStatus
from db.models import Complaint, DeadlineRow, MessageRow
from settings.site import load_site
from soak_tests.player import Soak
from soak_tests.site import HEALTHY
from tasks.common.context import SiteContext
from tasks.evaluation.loader import load_and_evaluate

GROWTH = 1.15
"""How much more memory the last third of the cycles may need than the second."""


def wrong(soak: Soak) -> list[str]:
    """Everything that is wrong."""
    engine = open_engine(soak.database.url)
    context = SiteContext(load_site(soak.site), engine)
    try:
        with context.transaction() as session:
            return [
                *soak.soaked.wrong,
                *_complaints(soak, session, context),
                *_mails(soak, session),
                *_needs(soak),
            ]
    finally:
        engine.dispose()


def _complaints(soak: Soak, session: Session, context: SiteContext) -> Iterator[str]:
    """Each complaint of the healthy sources is there, with the deadlines of the last moment."""
    end = soak.soaked.end
    known = list(session.scalars(select(Complaint).where(Complaint.source.in_(HEALTHY))))
    tickets = {(each.source, each.ticket) for each in known}
    for office in soak.offices:
        for case in office.cases:
            ticket = (office.source, case.columns["No Register"])
            if case.passed_on <= end and ticket not in tickets:
                yield f"{ticket} is no complaint"
    stored: dict[int, Counter[tuple[str, int, str]]] = defaultdict(Counter)
    for row in session.scalars(select(DeadlineRow)):
        stored[row.complaint_id][row.rule, row.clock, row.state] += 1
    for found, evaluation in load_and_evaluate(session, context, known, end):
        complaint = found.complaint
        if evaluation.error is not None:
            yield f"{complaint.ticket} cannot be evaluated"
            continue
        due = Counter((d.rule.id, d.clock, str(d.state)) for d in evaluation.deadlines)
        if due != stored[complaint.id]:
            yield f"{complaint.ticket} has {stored[complaint.id] - due}, not {due}"
        if complaint.evaluated_at is None:
            yield f"{complaint.ticket} was never evaluated"


def _mails(soak: Soak, session: Session) -> Iterator[str]:
    """Each mail has an end; each that was sent arrived, and once unless a kill made a copy."""
    letters: dict[str, list[Kept]] = defaultdict(list)
    for kept in soak.post.mailbox:
        letters[kept.letter.key].append(kept)
    messages = list(session.scalars(select(MessageRow)))
    for message in messages:
        if message.status not in SETTLED:
            yield f"mail {message.id} is still {message.status}"
        if (message.status == MessageStatus.SENT) != bool(letters[message.message_id_header]):
            yield f"mail {message.id} is {message.status}, not as the mail server says"
    for name in letters.keys() - {message.message_id_header for message in messages}:
        yield f"{name} is no mail of ours"
    for copies in letters.values():
        for earlier, _ in pairwise(copies):
            if earlier.process not in soak.soaked.killed:
                yield f"letter {earlier.number} of {earlier.process} came again"


def _needs(soak: Soak) -> Iterator[str]:
    needs = soak.soaked.needs
    if len(needs) < 60:
        return  # too short to say anything
    third = len(needs) // 3
    for kind in ("megabytes", "files", "threads"):
        before, after = (
            median(each[kind] for each in some) for some in (needs[third:-third], needs[-third:])
        )
        limit = before * GROWTH if kind == "megabytes" else before + 1
        if after > limit:
            yield f"the worker needs more {kind}: {before:g}, later {after:g}"


def report(soak: Soak, name: str) -> Iterator[str]:
    """Yield the figures as lines."""
    soaked = soak.soaked
    copies = Counter(kept.letter.key for kept in soak.post.mailbox)
    needs = soaked.needs
    yield f"{name}: {soaked.days} days, {soaked.cycles} cycles, {len(soaked.killed)} killed"
    yield f"  mail server      {dict(soaked.weathers)}"
    yield f"  database away    {soaked.outages} times"
    yield f"  sources failed   {dict(soaked.failures)}"
    yield f"  complaints       {sum(len(office.cases) for office in soak.offices)} of two offices"
    yield f"  letters          {copies.total()}, of them {copies.total() - len(copies)} copies"
    for kind in ("megabytes", "files", "threads"):
        figures = [each[kind] for each in needs]
        shown = [figures[i * (len(figures) - 1) // 4] for i in range(5)]
        yield f"  {kind:<16} {' '.join(map(str, shown))} (at five moments), most {max(figures)}"
