"""`tenggat run` says when the mails that wait leave, and what to do about held ones."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from conftest import kind_of_database

from cli import service
from cli.language import words
from db.lives import MessageStatus
from db.models import MessageRow

NOW = datetime(2026, 11, 29, 4, tzinfo=UTC)
MONDAY = datetime(2026, 11, 29, 23, 30, tzinfo=UTC)  # 07:30 in Makassar


@pytest.fixture
def database_url(request: pytest.FixtureRequest) -> str:
    return kind_of_database(request)


QUEUED, HELD = MessageStatus.QUEUED, MessageStatus.HELD


def message(number: int, status: MessageStatus, at: datetime | None) -> MessageRow:
    return MessageRow(
        message_id_header=f"<{number}@contohkab.example>",
        kind="notices",
        created_at=NOW,
        recipient="a@contohkab.example",
        recipient_name="A",
        role="liaison",
        run_id="r",
        status=status,
        next_attempt_at=at,
        detail={},
    )


@pytest.mark.parametrize(
    ("lang", "mails", "expected"),
    [
        ("id", [], []),
        ("id", [(MessageStatus.SENT, None)], []),
        (
            "id",
            [(QUEUED, MONDAY + timedelta(days=1)), (QUEUED, MONDAY)],
            [
                "surel menunggu: 2 berangkat mulai Senin, 30 November 2026 pukul 07.30 WITA",
            ],
        ),
        ("id", [(QUEUED, NOW)], ["surel menunggu: 1 berangkat pada putaran berikutnya"]),
        (
            "en",
            [(QUEUED, MONDAY), (HELD, None), (HELD, None)],
            [
                "mails waiting: 1 leave from Monday, 30 November 2026, 07:30 WITA",
                "mails held: 2 see `tenggat mail list --status held`, then `tenggat mail release`",
            ],
        ),
    ],
)
def test_a_run_says_when_waiting_mails_leave(context, lang, mails, expected):
    with context.transaction() as session:
        session.add_all(message(number, *each) for number, each in enumerate(mails))
    words.use_language(lang)
    rows = service.waiting_rows(context.site, NOW)
    words.use_language("en")
    assert [f"{label}: {number} {text}" for label, number, text in rows] == expected


def test_an_idle_run_says_so_too(context, call_tenggat, monkeypatch):
    monkeypatch.setattr("flows.idle.idle_cycle", lambda folder, moment: {"delivery": "No mail."})
    with context.transaction() as session:
        session.add(message(1, QUEUED, datetime(2099, 12, 31, tzinfo=UTC)))
    code, out, errors = call_tenggat("--lang", "en", "run", "--site", context.site.folder)
    assert (code, errors) == (0, "")
    assert out.splitlines()[0] == "delivery: No mail."
    assert out.splitlines()[1].startswith("mails waiting: 1 leave from Thursday, 31 December 2099")
