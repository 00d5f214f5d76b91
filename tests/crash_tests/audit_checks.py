"""Whether the audit tells every decision of a run, and none that was undone."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from itertools import pairwise

from crash_tests.evidence import Findings
from crash_tests.expected_mails import Key
from db import audit_verify
from db.lives import NoticeStatus

OWED = {NoticeStatus.SENT, NoticeStatus.QUEUED}
"""What an owed notice is until something else is decided: that it was sent is no decision."""


def the_audit_is_one_unbroken_chain(found: Findings) -> Iterator[str]:
    """Whoever was killed while appending, and whoever appended at the same time."""
    fault = audit_verify.verify(found.views.session.connection()).fault
    if fault is not None:
        yield f"row {fault.seq} of the audit: {fault.wrong}"


def every_decision_is_in_the_audit(found: Findings) -> Iterator[str]:
    """Each notice stands as the audit has told of it last; nothing is told twice in a row."""
    told: dict[Key, list[str]] = defaultdict(list)
    for row in reversed(audit_verify.rows(found.views.session.connection())):
        if row["kind"].startswith("notice.") and row["kind"] != "notice.taken_back":
            about = json.loads(row["subject"])
            key = Key(row["complaint_id"], *(about[name] for name in Key._fields[1:]))
            told[key].append(row["kind"].removeprefix("notice."))
    for key in told.keys() | found.notices.keys():
        notice, words = found.notices.get(key), told.get(key, [])
        if notice is None or not words:
            yield f"{key} is in the audit as {words}, on record is {notice and notice.status}"
            continue
        if words[-1] != ("queued" if notice.status in OWED else notice.status):
            yield f"{key} is {notice.status}, the audit has {words}"
        if any(before == after for before, after in pairwise(words)):
            yield f"{key} is told twice in the audit: {words}"
