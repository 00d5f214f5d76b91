"""A run that owes far more mail than usual sends nothing until somebody says yes.

See `front_desk` for the complaints; on 24 November each unit's liaison and head are owed a mail.
"""

import pytest
from conftest import ON_SQLITE_FIRST, kind_of_database, wita
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


def limit(context, most: int, **more: float) -> None:
    mail = context.site.file.mail.model_copy(update={"storm": StormSettings(most=most, **more)})
    context.site.file = context.site.file.model_copy(update={"mail": mail})


def end(context, *, send: bool, now: str = LATER, number: int | None = None) -> int:
    _, mails = storms.decide(context, number, wita(now), "a test", send=send)
    return mails


@pytest.mark.thorough
def test_a_run_within_the_limit_is_no_storm(context, server):
    limit(context, 8)
    owe(context, BREACHED, *EVERYWHERE)
    assert statuses(context) == ["queued"] * 8
    assert deliver(context, BREACHED).sent == 8


def test_a_storm_sends_nothing_but_the_word_to_the_administrator_once(context, server):
    limit(context, 7)
    register(context, BREACHED, *EVERYWHERE)
    count = decide(context, BREACHED)
    assert (count.messages, count.storm) == (8, 1)
    assert (statuses(context), notices(context)) == (["held"] * 8, [("breach", "queued")] * 4)
    for now in (BREACHED, LATER):
        deliver(context, now)
        decide(context, now)
    assert [letter.recipient for letter in server.letters] == ["admin.lapor@contohkab.example"]
    (told,) = messages(context, "alert")
    assert told.detail == {"alert": "storm", "storm": 1, "mails": 8, "mail_limit": 7}


def test_a_run_about_too_many_complaints_is_a_storm_however_few_its_mails(context):
    limit(context, 200, complaints=9)
    many = [at("Dinas Sosial", f"FD-{number}") for number in range(10)]
    register(context, BREACHED, *many)
    count = decide(context, BREACHED)
    assert (count.messages, count.storm, statuses(context)) == (2, 1, ["held", "held"])


@ON_SQLITE_FIRST
def test_what_is_released_is_judged_again_and_sent(context, server):
    limit(context, 7)
    owe(context, BREACHED, *EVERYWHERE)
    done = EVERYWHERE[1] | {"Selesai": "24/11/2026 09:00"}
    register(context, "2026-11-24 09:30", EVERYWHERE[0], done, *EVERYWHERE[2:])
    assert end(context, send=True) == 8
    count = deliver(context, LATER)
    assert (count.sent, count.cancelled) == (7, 2)  # with the alert; two had one unit
    assert [status for _, status in notices(context)] == ["sent", "withdrawn", "sent", "sent"]


@ON_SQLITE_FIRST
def test_what_is_released_leaves_in_one_mail_with_what_waited_beside_it(context, server):
    """A later run is no storm, so its mails wait outside the storm; both are due together."""
    limit(context, 7)
    owe(context, BREACHED, *EVERYWHERE)
    limit(context, 200)
    owe(context, "2026-11-24 09:00", *EVERYWHERE, at("Dinas Sosial", "FD-9"))
    assert statuses(context) == ["held"] * 8 + ["queued"] * 2
    end(context, send=True)
    assert deliver(context, LATER).sent == 9  # with the alert
    assert statuses(context) == ["sent"] * 8 + ["cancelled"] * 2
    assert [status for _, status in notices(context)] == ["sent"] * 5
    items = [len(each.items) for each in messages(context, "notices") if "dinsos" in each.recipient]
    assert items == [2, 2, 0, 0]
    told = [str(letter.mail) for letter in server.letters if "dinsos" in letter.recipient]
    assert ["FD-9" in text for text in told] == [True, True]


def test_what_is_dropped_is_never_told_of_again(context, server):
    limit(context, 7)
    owe(context, BREACHED, *EVERYWHERE)
    assert end(context, send=False) == 8
    assert (statuses(context), notices(context)) == (
        ["discarded"] * 8,
        [("breach", "discarded")] * 4,
    )
    decide(context, "2026-11-25 08:00")
    assert deliver(context, "2026-11-25 08:00").sent == 1  # the alert
    for now in ("2026-11-27 08:00", "2026-11-30 08:00"):  # the units were not told: nobody above is
        register(context, now, *EVERYWHERE)
        decide(context, now)
    assert recipients(context)[8:] == []
    register(context, "2026-12-01 08:00", *EVERYWHERE)
    decide(context, "2026-12-01 08:00")  # the repetition is a new notice
    assert len(recipients(context)[8:]) == 8


def test_after_hours_a_released_mail_waits_for_the_morning(context, server):
    limit(context, 7)
    owe(context, BREACHED, *EVERYWHERE)
    end(context, send=True, now="2026-11-24 20:00")
    assert deliver(context, "2026-11-24 20:00").sent == 1  # the alert
    assert deliver(context, "2026-11-25 07:30").sent == 8


def test_while_a_storm_waits_small_runs_go_out_and_great_ones_join_it(context, server):
    limit(context, 7)
    owe(context, BREACHED, *EVERYWHERE)
    small = at("Disdukcapil", "FD-9", **since("17/11/2026"))
    register(context, "2026-11-25 08:00", *EVERYWHERE, small)
    assert decide(context, "2026-11-25 08:00").storm is None
    assert deliver(context, "2026-11-25 08:00").sent == 3
    great = [
        e | since("18/11/2026") | {"No Register": f"FD-2{n}"} for n, e in enumerate(EVERYWHERE)
    ]
    register(context, "2026-11-26 08:00", *EVERYWHERE, small, *great)
    assert decide(context, "2026-11-26 08:00").storm == 1
    held = [message for message in messages(context, "notices") if message.status == "held"]
    assert len(held) == 8  # two matters of one person are one mail
    assert alerts(context) == ["storm"]
    assert end(context, send=True, now="2026-11-26 09:00") == 8
    assert deliver(context, "2026-11-26 09:00").sent == 8


@ON_SQLITE_FIRST
def test_ten_times_the_usual_is_a_storm_once_it_is_known_what_is_usual(context):
    limit(context, 200, at_least=3)
    with context.run(wita(BREACHED), "a test") as run:
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
        limit(context, 200)
        assert storms.mail_limit(run) == 50  # a small site is not stopped by 21 mails


@ON_SQLITE_FIRST
def test_a_storm_is_decided_once(context):
    with pytest.raises(NoStorm, match="no storm waits"):
        end(context, send=True)
    limit(context, 7)
    owe(context, BREACHED, *EVERYWHERE)
    with pytest.raises(NoStorm, match="storm 9 does not wait"):
        end(context, send=True, number=9)
    end(context, send=True, number=1)
    with pytest.raises(NoStorm, match="no storm waits"):
        end(context, send=False)
    with context.transaction() as session:
        storm = storms.storms.found(session, 1)
        assert (storm.status, storm.decided_by) == (StormStatus.RELEASED, "a test")
