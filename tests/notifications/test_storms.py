"""A run that owes far more mail than usual sends nothing until somebody says yes.

See `front_desk` for the complaints; on 24 November each unit's liaison and head are owed a mail.
"""

import pytest
from conftest import ON_BOTH, kind_of_database, wita
from support.pipeline import (
    BREACHED,
    alerts,
    at,
    decide,
    deliver,
    messages,
    notices,
    owe,
    recipients,
    register,
    since,
    statuses,
)

from db import runs
from db.models import StormStatus
from settings.site import StormSettings
from tasks.notifications import storms
from tasks.notifications.storms import NoStorm


@pytest.fixture
def database_url(request: pytest.FixtureRequest) -> str:
    """What is tested here hangs on no database but where a test is marked."""
    return kind_of_database(request)


UNITS = ("Inspektorat", "Dinas Sosial", "Dinas Kesehatan", "DLH")
EVERYWHERE = [at(unit, f"FD-{number}") for number, unit in enumerate(UNITS)]
LATER = "2026-11-24 10:00"


def limit(office, most: int, **more: float) -> None:
    mail = office.site.file.mail.model_copy(update={"storm": StormSettings(most=most, **more)})
    office.site.file = office.site.file.model_copy(update={"mail": mail})


def end(office, *, send: bool, now: str = LATER, number: int | None = None) -> int:
    _, mails = storms.decide(office, number, wita(now), "a test", send=send)
    return mails


def test_a_run_within_the_limit_is_no_storm(office, server):
    limit(office, 8)
    owe(office, BREACHED, *EVERYWHERE)
    assert statuses(office) == ["queued"] * 8
    assert deliver(office, BREACHED).sent == 8


def test_a_storm_sends_nothing_but_the_word_to_the_administrator_once(office, server):
    limit(office, 7)
    register(office, BREACHED, *EVERYWHERE)
    count = decide(office, BREACHED)
    assert (count.messages, count.storm) == (8, 1)
    assert (statuses(office), notices(office)) == (["held"] * 8, [("breach", "queued")] * 4)
    for now in (BREACHED, LATER):
        deliver(office, now)
        decide(office, now)
    assert [letter.recipient for letter in server.letters] == ["admin.lapor@contohkab.example"]
    (told,) = messages(office, "alert")
    assert told.detail == {"alert": "storm", "storm": 1, "mails": 8, "mail_limit": 7}


def test_a_run_about_too_many_complaints_is_a_storm_however_few_its_mails(office):
    limit(office, 200, complaints=9)
    many = [at("Dinas Sosial", f"FD-{number}") for number in range(10)]
    register(office, BREACHED, *many)
    count = decide(office, BREACHED)
    assert (count.messages, count.storm, statuses(office)) == (2, 1, ["held", "held"])


@ON_BOTH
def test_what_is_released_is_judged_again_and_sent(office, server):
    limit(office, 7)
    owe(office, BREACHED, *EVERYWHERE)
    done = EVERYWHERE[1] | {"Selesai": "24/11/2026 09:00"}
    register(office, "2026-11-24 09:30", EVERYWHERE[0], done, *EVERYWHERE[2:])
    assert end(office, send=True) == 8
    count = deliver(office, LATER)
    assert (count.sent, count.cancelled) == (7, 2)  # with the alert; two had one unit
    assert [status for _, status in notices(office)] == ["sent", "withdrawn", "sent", "sent"]


def test_what_is_dropped_is_never_told_of_again(office, server):
    limit(office, 7)
    owe(office, BREACHED, *EVERYWHERE)
    assert end(office, send=False) == 8
    assert (statuses(office), notices(office)) == (
        ["discarded"] * 8,
        [("breach", "discarded")] * 4,
    )
    decide(office, "2026-11-25 08:00")
    assert deliver(office, "2026-11-25 08:00").sent == 1  # the alert
    for now in ("2026-11-27 08:00", "2026-11-30 08:00"):  # the units were not told: nobody above is
        register(office, now, *EVERYWHERE)
        decide(office, now)
    assert recipients(office)[8:] == []
    register(office, "2026-12-01 08:00", *EVERYWHERE)
    decide(office, "2026-12-01 08:00")  # the repetition is a new notice
    assert len(recipients(office)[8:]) == 8


def test_after_hours_a_released_mail_waits_for_the_morning(office, server):
    limit(office, 7)
    owe(office, BREACHED, *EVERYWHERE)
    end(office, send=True, now="2026-11-24 20:00")
    assert deliver(office, "2026-11-24 20:00").sent == 1  # the alert
    assert deliver(office, "2026-11-25 07:30").sent == 8


def test_while_a_storm_waits_small_runs_go_out_and_great_ones_join_it(office, server):
    limit(office, 7)
    owe(office, BREACHED, *EVERYWHERE)
    small = at("Disdukcapil", "FD-9", **since("17/11/2026"))
    register(office, "2026-11-25 08:00", *EVERYWHERE, small)
    assert decide(office, "2026-11-25 08:00").storm is None
    assert deliver(office, "2026-11-25 08:00").sent == 3
    great = [
        e | since("18/11/2026") | {"No Register": f"FD-2{n}"} for n, e in enumerate(EVERYWHERE)
    ]
    register(office, "2026-11-26 08:00", *EVERYWHERE, small, *great)
    assert decide(office, "2026-11-26 08:00").storm == 1
    held = [message for message in messages(office, "notices") if message.status == "held"]
    assert len(held) == 8  # two matters of one person are one mail
    assert alerts(office) == ["storm"]
    assert end(office, send=True, now="2026-11-26 09:00") == 8
    assert deliver(office, "2026-11-26 09:00").sent == 8


@ON_BOTH
def test_ten_times_the_usual_is_a_storm_once_it_is_known_what_is_usual(office):
    limit(office, 200, at_least=3)
    with office.run(wita(BREACHED), "a test") as run:
        session = run.session
        assert storms.mail_limit(run) == 200
        for number in range(20):
            counts = {"messages": 2 if number % 2 else 0}
            runs.finished(
                session,
                f"run {number}",
                "deadlines",
                wita(f"2026-11-{number + 1:02} 08:00"),
                counts,
            )
        assert storms.mail_limit(run) == 200  # ten runs with mail are not twenty
        for number in range(20):
            runs.finished(
                session,
                f"more {number}",
                "deadlines",
                wita(f"2026-11-{number + 1:02} 09:00"),
                {"messages": 2},
            )
        assert storms.mail_limit(run) == 20
        limit(office, 200)
        assert storms.mail_limit(run) == 50  # a small site is not stopped by 21 mails


@ON_BOTH
def test_a_storm_is_decided_once(office):
    with pytest.raises(NoStorm, match="no storm waits"):
        end(office, send=True)
    limit(office, 7)
    owe(office, BREACHED, *EVERYWHERE)
    with pytest.raises(NoStorm, match="storm 9 does not wait"):
        end(office, send=True, number=9)
    end(office, send=True, number=1)
    with pytest.raises(NoStorm, match="no storm waits"):
        end(office, send=False)
    with office.transaction() as session:
        storm = storms.storms.found(session, 1)
        assert (storm.status, storm.decided_by) == (StormStatus.RELEASED, "a test")
