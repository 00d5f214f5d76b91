"""`tenggat run` says when the mails that wait leave, and what to do about held ones."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import asdict
from datetime import UTC, date, datetime, timedelta

import pytest
from conftest import kind_of_database
from support.live_sites import back_to_trial, open_site

from cli import service
from cli.language import words
from db.lives import MessageStatus
from db.models import MessageRow
from flows.cycle import Cycle
from tasks.common.context import SiteContext
from tasks.notifications.sender import DeliveryCount, IncompleteDelivery
from tasks.notifications.trial.start import start_site

NOW = datetime(2026, 11, 29, 4, tzinfo=UTC)
MONDAY = datetime(2026, 11, 29, 23, 30, tzinfo=UTC)  # 07:30 in Makassar


@pytest.fixture
def database_url(request: pytest.FixtureRequest) -> str:
    return kind_of_database(request)


QUEUED, HELD = MessageStatus.QUEUED, MessageStatus.HELD


def message(
    number: int, status: MessageStatus, at: datetime | None, kind: str = "notices"
) -> MessageRow:
    return MessageRow(
        message_id_header=f"<{number}@contohkab.example>",
        kind=kind,
        created_at=NOW,
        recipient="a@contohkab.example",
        recipient_name="A",
        role="liaison",
        run_id="r",
        status=status,
        next_attempt_at=at,
        detail={},
    )


@pytest.fixture
def trial(context, monkeypatch):
    """The site before anybody has said `tenggat start`, for the commands as well."""
    monkeypatch.setattr(SiteContext, "open", classmethod(open_site))
    back_to_trial(context)
    return context


def waiting(context, lang: str, mails: list[tuple]) -> list[str]:
    """The rows about waiting mails if the outbox has these."""
    with context.transaction() as session:
        session.add_all(message(number, *each) for number, each in enumerate(mails))
    words.use_language(lang)
    rows = service.waiting_rows(context, NOW)
    words.use_language("en")
    return [f"{label}: {number} {text}" for label, number, text in rows]


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
    assert waiting(context, lang, mails) == expected


@pytest.mark.parametrize(
    ("lang", "mails", "expected"),
    [
        (
            "id",
            [(QUEUED, MONDAY)],
            [
                "surel uji coba: 1 diperlihatkan kepada administrator saja,"
                " mulai Senin, 30 November 2026 pukul 07.30 WITA",
            ],
        ),
        (
            "en",
            [(QUEUED, NOW), (QUEUED, MONDAY, "alert"), (HELD, None)],
            [
                "mails waiting: 1 leave from Monday, 30 November 2026, 07:30 WITA",
                "mails of the trial: 1 shown to the administrator only, with the next run",
                "mails held: 1 see `tenggat mail list --status held`, then `tenggat mail release`",
            ],
        ),
    ],
)
def test_in_trial_mails_to_officials_are_only_shown(trial, lang, mails, expected):
    assert waiting(trial, lang, mails) == expected


@pytest.mark.parametrize(
    ("first_day", "expected"),
    [
        (date(2026, 11, 30), "mails waiting: 1 leave from Monday, 30 November 2026, 07:30 WITA"),
        (date(2026, 12, 1), "mails of the trial: 1 shown to the administrator only, from Monday"),
    ],
)
def test_a_start_that_is_announced_counts_from_its_day(trial, first_day, expected):
    start_site(trial, NOW, "a test", first_day=first_day)
    (row,) = waiting(trial, "en", [(QUEUED, MONDAY)])
    assert row.startswith(expected)


def test_a_failed_step_has_its_name_in_the_language_of_the_site(context, call_tenggat, monkeypatch):
    done = Cycle(failed="lapor: no readable CSV (x)", failed_flow="intake")
    monkeypatch.setattr("flows.cycle.run_cycle", lambda *site, **more: done)
    monkeypatch.setattr("service.prefect_server.prefect_api", lambda folder: nullcontext())
    at = ("--site", context.site.folder, "--now", "2026-11-29T12:00")
    code, _, errors = call_tenggat("--lang", "id", "run", *at)
    assert (code, errors) == (1, "gagal: pengambilan: lapor: CSV tidak dapat dibaca (x)\n")


def test_an_idle_run_says_so_too(context, call_tenggat, monkeypatch):
    monkeypatch.setattr("flows.idle.idle_cycle", lambda folder, moment: {"delivery": "No mail."})
    with context.transaction() as session:
        session.add(message(1, QUEUED, datetime(2099, 12, 31, tzinfo=UTC)))
    code, out, errors = call_tenggat("--lang", "en", "run", "--site", context.site.folder)
    assert (code, errors) == (0, "")
    assert out.splitlines()[0] == "delivery: No mail."
    assert out.splitlines()[1].startswith("mails waiting: 1 leave from Thursday, 31 December 2099")


def test_a_delivery_that_the_server_ends_shows_what_was_sent(context, call_tenggat, monkeypatch):
    def stopped(*site):
        count = DeliveryCount(sent=2, by_role={"liaison": 2}, trouble="5.4.5 Daily limit")
        raise IncompleteDelivery("the mail server cannot be used", asdict(count))

    monkeypatch.setattr("flows.cycle.STEPS", {"delivery": stopped})
    monkeypatch.setattr("service.prefect_server.prefect_api", lambda folder: nullcontext())
    at = ("--site", context.site.folder, "--now", "2026-11-29T12:00")
    code, out, err = call_tenggat("--lang", "en", "run", *at)
    assert code == 1
    line = next(line for line in out.splitlines() if line.startswith("mails sent"))
    assert line.split()[2:4] == ["2", "2"]
    assert "the mail server cannot be used" in err
