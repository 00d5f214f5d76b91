"""Sites of tests are live: a new site is in trial, and then nobody but the administrator gets mail.

Importing this module lets every `SiteContext.open` of this process end the trial of a new database,
by the function of `tenggat start`, or by the row that it leaves where there is no complaint. Tests
of the trial go back to it with :func:`back_to_trial`.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Engine, delete, insert, select
from sqlalchemy.orm import Session

from db import audit
from db.decisions import mode
from db.models import Complaint, ModeChange
from tasks.common.context import SiteContext

IN_TRIAL = "TENGGAT_TESTS_IN_TRIAL"
"""Environment variable of a process whose new sites stay in trial, as those of a user."""

LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
open_site = SiteContext.open.__func__  # type: ignore[attr-defined]


def set_live(engine: Engine) -> None:
    """End the trial of a site of which nobody has said anything; the audit has no row of it."""
    with Session(engine, info=audit.session_info(None)) as session, session.begin():
        if session.scalar(select(ModeChange.id).limit(1)) is not None:
            return
        if session.scalar(select(Complaint.id).limit(1)) is not None:
            mode.start(session, LONG_AGO, "tests", effective_from=LONG_AGO)
            return
        times = dict.fromkeys(("decided_at", "effective_from", "activated_at"), LONG_AGO)
        session.execute(insert(ModeChange).values(mode=mode.Mode.LIVE, decided_by="tests", **times))


def back_to_trial(context: SiteContext) -> None:
    """Let the site be as one of which `tenggat start` was never said."""
    with context.transaction() as session:
        session.execute(delete(ModeChange))


def _open_live(cls: type[SiteContext], folder: Path | str | None = None) -> SiteContext:
    context: SiteContext = open_site(cls, folder)
    if IN_TRIAL not in os.environ:
        set_live(context.engine)
    return context


SiteContext.open = classmethod(_open_live)  # type: ignore[method-assign, assignment]
