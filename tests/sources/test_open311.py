"""An Open311 server as a source, asked over a real connection: what it tells, and how it fails.

The server is a city in a zone eight hours ahead of UTC; November 2026 has no holiday.
"""

import gzip
import json
import logging
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path

import httpx
import pytest
import trustme
from conftest import ON_SQLITE_FIRST, WITA, kind_of_database, wita
from sqlalchemy import select
from support.pipeline import alerts
from support.ports import nobody_listens
from support.servers.open311_server import (
    GeoServer,
    Request,
    cut,
    dripping,
    endless,
    moment,
    raw,
    serving,
    silent,
)
from support.servers.smtp_servers import certificate, trusted

from db import imports
from db.models import Base, Complaint, EventRow, MessageRow, QuarantineRow
from settings.errors import SettingsError
from settings.sources import read_sources
from tasks.common.context import SiteContext
from tasks.ingest.source_count import SourceCount
from tasks.intake import pull
from tasks.sources.base import SourceError
from tasks.sources.open311 import client, clock, parser

NOW = "2026-11-24 08:00"
LIGHT: Request = {
    "service_request_id": "1",
    "status": "open",
    "status_notes": None,
    "service_name": "Lampu jalan",
    "service_code": "lampu",
    "description": "",
    "agency_responsible": "Dinas Sosial",
    "requested_datetime": "2026-11-19T09:00:00+08:00",
    "updated_datetime": "2026-11-19T09:30:00+08:00",
    "expected_datetime": "2026-11-26T09:00:00+08:00",
}
CLOSED = {"status": "closed", "updated_datetime": "2026-11-23T15:00:00+08:00"}


@pytest.fixture
def database_url(request: pytest.FixtureRequest) -> str:
    """What a server answers is recorded alike in both kinds; some tests look at both."""
    return kind_of_database(request)


@pytest.fixture
def city() -> Iterator[GeoServer]:
    with serving() as server:
        server.requests = [dict(LIGHT)]
        yield server


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long was waited between attempts; nobody really waits."""
    slept: list[float] = []
    monkeypatch.setattr(client, "sleep", slept.append)
    return slept


@pytest.fixture
def connect(
    site_folder: Path, open_context: Callable[[], SiteContext], waits: list[float]
) -> Callable[..., SiteContext]:
    """Opens the example site with the city's server as a source, by a small table."""

    def connected(city: GeoServer, table: str = "", first_day: str = "2026-11-01") -> SiteContext:
        site = f'[city]\ntype = "open311"\nurl = "{city.url}"\nfirst_day = {first_day}\n{table}\n'
        (site_folder / "sources.toml").write_text(site, encoding="utf-8")
        return open_context()

    return connected


def take(context: SiteContext, now: str = NOW) -> SourceCount:
    return pull(context, "city", wita(now))


def tickets(context: SiteContext) -> set[str]:
    with context.transaction() as session:
        return set(session.scalars(select(Complaint.ticket)))


def known(context: SiteContext, ticket: str = "1") -> Complaint:
    with context.transaction() as session:
        return session.scalars(select(Complaint).where(Complaint.ticket == ticket)).one()


def history(context: SiteContext, ticket: str = "1") -> list[str]:
    """The events of a complaint: kind, local day and hour, knowledge, unit."""
    with context.transaction() as session:
        query = select(EventRow).join(Complaint, Complaint.id == EventRow.complaint_id)
        rows = session.scalars(query.where(Complaint.ticket == ticket).order_by(EventRow.id)).all()
    told = []
    for row in rows:
        moments = [m.astimezone(WITA) for m in (row.earliest, row.latest) if m is not None]
        when = " - ".join(f"{each:%d %H:%M}" for each in moments)
        told.append(" ".join(part for part in (row.kind, when, row.knowledge, row.unit) if part))
    return told


def quarantine(context: SiteContext) -> list[tuple[str, str, str]]:
    with context.transaction() as session:
        rows = session.scalars(select(QuarantineRow).order_by(QuarantineRow.id))
        return [(row.reason, row.column, row.value) for row in rows]


def dump(context: SiteContext, *without: str) -> str:
    """Every row of every table but these as text."""
    with context.transaction() as session:
        return "\n".join(
            f"{table.name}: {tuple(row)}"
            for table in Base.metadata.sorted_tables
            if table.name not in without
            for row in session.execute(select(table).order_by(*table.primary_key))
        )


def cursor(context: SiteContext) -> str | None:
    with context.transaction() as session:
        return imports.cursor(session, "city")


def many(number: int, first: str = "2026-11-02T08:00:00+08:00", step: int = 60) -> list[Request]:
    """So many requests, one each `step` minutes."""
    begin = datetime.fromisoformat(first)
    return [
        LIGHT
        | {
            "service_request_id": str(each),
            "requested_datetime": (begin + timedelta(minutes=each * step)).isoformat(),
            "updated_datetime": None,
        }
        for each in range(number)
    ]


# --- what it tells --------------------------------------------------------------------------------


@ON_SQLITE_FIRST
@pytest.mark.parametrize("form", ["json", "xml"])
def test_a_small_table_is_enough(city, connect, form):
    city.requests.append(LIGHT | CLOSED | {"service_request_id": "2"})
    context = connect(city, f'format = "{form}"')
    assert take(context).new == 2
    complaint = known(context)
    assert complaint.received_at == wita("2026-11-19 09:00")
    assert complaint.promised_due == wita("2026-11-26 09:00")
    assert (complaint.category, complaint.state) == ("Lampu jalan", "open")
    assert history(context) == ["received 19 09:00 stated"]
    assert history(context, "2") == ["received 19 09:00 stated", "closed 23 15:00 stated"]
    assert city.paths[0] == f"/v2/requests.{form}"


def test_what_closes_and_opens_again_is_seen_by_looking_again(city, connect):
    context = connect(city, '[city.fields]\nunit = "agency_responsible"')
    take(context, "2026-11-20 08:00")
    city.requests[0] |= CLOSED
    assert take(context, "2026-11-24 08:00").updated == 1
    city.requests[0] |= {"status": "open", "updated_datetime": "2026-11-24T10:00:00+08:00"}
    take(context, "2026-11-24 12:00")
    assert history(context) == [
        "received 19 09:00 stated",
        "assigned 19 09:00 - 20 08:00 unknown dinsos",
        "closed 23 15:00 stated",
        "reopened 24 08:00 - 24 12:00 observed",
    ]


def test_a_closing_without_a_time_is_observed_between_two_looks(city, connect):
    context = connect(city)
    take(context, "2026-11-20 08:00")
    city.requests[0] |= {"status": "closed", "updated_datetime": None}
    take(context, "2026-11-24 08:00")
    assert history(context)[-1] == "closed 20 08:00 - 24 08:00 observed"


def test_what_is_new_on_a_later_page_is_observed_as_well(city, connect):
    context = connect(city, 'page_size = 10\n[city.fields]\nunit = "agency_responsible"')
    take(context, "2026-11-19 08:00")
    city.requests = many(25, "2026-11-20T08:00:00+08:00")
    take(context)
    told = {history(context, str(each))[1].rsplit(" ", 2)[1] for each in range(25)}
    assert told == {"observed"}


@pytest.mark.parametrize(
    ("text", "local"),
    [
        ("2026-11-19T09:00:00+08:00", "2026-11-19 09:00:00"),
        ("2026-11-19T01:00:00Z", "2026-11-19 09:00:00"),
        ("2026-11-19T01:00:00.123456Z", "2026-11-19 09:00:00"),
        ("2026-11-19T09:00:00.5+08:00", "2026-11-19 09:00:00"),
        ("2026-11-19T09:00:00+0800", "2026-11-19 09:00:00"),
        ("2026-11-19 09:00:00 +0800", "2026-11-19 09:00:00"),
        ("2026-11-19 01:00:00 UTC", "2026-11-19 09:00:00"),
        ("2026-11-19T09:00:00", "2026-11-19 09:00:00"),  # in the zone of the table
        ("2026-11-19T09:00", "2026-11-19 09:00:00"),
        ("2026-11-19", "2026-11-19 00:00:00"),
        ("19/11/2026 09:00", "2026-11-19 09:00:00"),  # its own form
    ],
)
def test_a_time_is_read_in_every_form(city, connect, text, local):
    city.tricks = [raw(json.dumps([LIGHT | {"requested_datetime": text}]).encode())]
    table = 'zone = "Asia/Makassar"\ndates = ["%d/%m/%Y %H:%M"]'
    context = connect(city, table)
    take(context)
    assert known(context).received_at == wita(local)


def test_what_is_promised_for_a_day_is_in_time_until_it_is_over(city, connect):
    city.requests[0]["expected_datetime"] = "2026-11-26"
    context = connect(city, 'zone = "Asia/Makassar"')
    take(context)
    assert known(context).promised_due == wita("2026-11-26 23:59:59")


QUIRKS = {
    "one object": LIGHT,
    "a list within an object": {"service_requests": [LIGHT]},
    "a list within two": {"service_requests": {"request": [LIGHT]}},
    "each within an object": [{"request": LIGHT}],
    "numbers and truth values": [LIGHT | {"service_request_id": 1, "service_code": 7, "ok": True}],
    "nulls": [
        dict.fromkeys(LIGHT)
        | {
            name: LIGHT[name]
            for name in ("service_request_id", "status", "service_name", "requested_datetime")
        }
    ],
    "only what must be": [
        {
            name: LIGHT[name]
            for name in ("service_request_id", "status", "service_name", "requested_datetime")
        }
    ],
    "another letter case": [LIGHT | {"status": "OPEN"}],
    "odd characters": [LIGHT | {"service_name": "Lampu\0 jalan", "description": "\ud800"}],
    "more than the standard knows": [LIGHT | {"notes": [{"a": 1}], "extended_attributes": {}}],
    "the same twice": [LIGHT, LIGHT],
}


@pytest.mark.parametrize("answer", QUIRKS.values(), ids=QUIRKS)
def test_servers_take_liberties(city, connect, answer):
    city.tricks = [raw(json.dumps(answer).encode())]
    context = connect(city)
    take(context)
    assert (tickets(context), quarantine(context)) == ({"1"}, [])
    assert known(context).category == "Lampu jalan"


def test_a_large_number_keeps_every_digit(city, connect):
    number = "9" * 30
    city.tricks = [raw(json.dumps([LIGHT]).replace('"1"', number).encode())]
    context = connect(city)
    take(context)
    assert number in tickets(context)


def test_xml_takes_liberties_too(city, connect):
    fields = (
        "<service_request_id>1</service_request_id><status> open </status><status_notes/>"
        "<requested_datetime>2026-11-19T09:00:00+08:00</requested_datetime><extra><a>1</a></extra>"
    )
    for number, body in enumerate(
        (
            f"<service_requests><request>{fields}</request></service_requests>",
            f"<requests xmlns='urn:x'><service_request>{fields}</service_request></requests>",
            f"<request>{fields}</request>",
        )
    ):
        city.tricks = [raw(body.encode(), "text/xml")]
        context = connect(city, 'format = "xml"')
        assert take(context, f"2026-11-24 08:0{number}").rows >= 1
        assert quarantine(context) == []
    assert history(context) == ["received 19 09:00 stated"]


def test_what_cannot_be_read_waits_with_its_reason_and_the_rest_is_in(city, connect):
    bad = (
        {"service_request_id": None},
        {"requested_datetime": ""},
        {"requested_datetime": "yesterday"},
        {"status": "in limbo"},
        CLOSED | {"updated_datetime": "2026-11-18T09:00:00Z"},
        {"requested_datetime": "2026-12-24T09:00:00Z"},
    )
    rows = [LIGHT | {"service_request_id": f"B{n}"} | more for n, more in enumerate(bad)]
    unlike = LIGHT | {"service_request_id": "2"}
    twice = [unlike, unlike | {"service_name": "Jalan"}]
    city.tricks = [raw(json.dumps([*rows, LIGHT, *twice, None]).encode()), raw(b"[]")]
    context = connect(city)
    count = take(context)
    assert count.new == 4
    assert [reason for reason, _, _ in quarantine(context)] == [
        "missing_ticket",
        "missing_date",
        "bad_date",
        "in_the_future",
        "duplicate_ticket",
        "missing_ticket",
    ]
    assert tickets(context) == {"1", "2", "B3", "B4"}
    assert count.questions == {"status": 1, "updated_datetime": 1}


@pytest.mark.parametrize("order", [1, -1])
def test_of_a_request_that_is_there_twice_the_latest_status_counts(city, connect, order):
    opened = LIGHT | {"updated_datetime": None}
    city.tricks = [raw(json.dumps([opened, LIGHT | CLOSED, LIGHT][::order]).encode())]
    context = connect(city)
    count = take(context)
    assert (count.rows, count.new, quarantine(context)) == (1, 1, [])
    assert history(context) == ["received 19 09:00 stated", "closed 23 15:00 stated"]


def test_of_a_request_without_a_number_the_token_is_shown(city, connect):
    city.requests = [LIGHT | {"service_request_id": None, "token": "T-77"}]
    context = connect(city)
    assert take(context).new == 0
    assert quarantine(context) == [("missing_ticket", "service_request_id", "T-77")]


EIGHT = timedelta(hours=8)
DAILY = [wita(f"2026-11-{day} 08:00") for day in (16, 17, 18, 19)]


@pytest.mark.parametrize(
    ("leads", "expected"),
    [
        ([EIGHT] * 4, True),
        ([EIGHT, timedelta(hours=7), timedelta(hours=3), timedelta(minutes=20)], True),
        ([EIGHT, EIGHT, EIGHT, timedelta(minutes=5)], False),
        ([EIGHT] * 3, False),
        ([-EIGHT, -EIGHT - timedelta(minutes=9), -EIGHT, -EIGHT], True),
        ([-EIGHT, -EIGHT, -EIGHT, timedelta(hours=-9)], False),
        ([timedelta(minutes=-2)] * 4, False),
        ([timedelta(days=300) - timedelta(days=day) for day in range(4)], False),  # one wrong date
    ],
)
def test_times_ahead_or_behind_by_the_zone_are_noticed(leads, expected):
    known: tuple[clock.NewestTime, ...] = ()
    for now, lead in zip(DAILY, leads, strict=False):
        known = clock.remembered(known, now, now + lead)
    assert clock.is_wrong(known, EIGHT) is expected


def test_the_administrator_is_asked_once_about_clock_or_zone(city, connect):
    context = connect(city)
    city.requests.clear()
    for day in range(16, 22):
        received = {"requested_datetime": f"2026-11-{day}T15:30:00Z", "updated_datetime": None}
        city.requests.append(LIGHT | received | {"service_request_id": f"Z{day}"})
        take(context, f"2026-11-{day} 15:35")
        assert alerts(context) == (["source_clock"] if day > 19 else [])
    with context.transaction() as session:
        (detail,) = session.scalars(select(MessageRow.detail))
    assert detail["our_time"] == "2026-11-20T15:35+08:00"
    assert detail["newest_time"] == "2026-11-20T23:30+08:00"


# --- windows, pages, and going on -----------------------------------------------------------------


def test_the_past_is_asked_for_in_windows_that_leave_nothing_out(city, connect):
    context = connect(city, first_day="2026-01-01")
    take(context)
    spans = sorted({(each["start_date"], each["end_date"]) for each in city.asked})
    windows = [(moment(start), moment(end)) for start, end in spans]
    assert windows[0][0] == moment("2026-01-01T00:00:00Z")
    assert windows[-1][1] == wita(NOW)
    assert all(end - start <= timedelta(days=90) for start, end in windows)
    assert all(before[1] > after[0] for before, after in pairwise(windows))


@pytest.mark.parametrize(
    ("pages", "most"),
    [(True, 1000), (True, 7), (False, 1000), (False, 25)],
    ids=["pages", "smaller pages than asked for", "no pages", "no pages, and cut off"],
)
def test_every_request_comes_in_however_the_server_pages(city, connect, pages, most):
    city.requests, city.pages, city.most = many(130), pages, most
    context = connect(city, "page_size = 50")
    count = take(context)
    assert (count.new, len(tickets(context))) == (130, 130)
    assert len(city.asked) < 60


@ON_SQLITE_FIRST
def test_a_failure_later_loses_nothing_of_what_is_in(city, connect):
    city.requests = [
        LIGHT | {"service_request_id": f"{month}", "requested_datetime": f"2026-{month:02}-15"}
        for month in range(1, 12)
    ]
    for request in city.requests:
        request["requested_datetime"] += "T00:00:00Z"
    context = connect(city, "window_days = 30\nattempts = 1", first_day="2026-01-01")

    def fail(server, handler):
        return 500, {}, b""

    city.tricks = [_pass] * 4 + [fail]
    with pytest.raises(SourceError, match="HTTP 500"):
        take(context, "2026-11-23 08:00")
    assert tickets(context) == {"1", "2"}
    kept = cursor(context)
    city.asked.clear()
    city.requests[0] |= CLOSED
    assert take(context).new == 9
    assert kept != cursor(context)
    assert history(context)[-1] == "closed 23 15:00 stated"  # what is in was looked at first
    assert sum(each["start_date"] == "2026-01-01T00:00:00Z" for each in city.asked) == 2


def _pass(server: GeoServer, handler: object) -> object:
    return server.answer(server.paths[-1], server.asked[-1])


def test_days_on_which_nothing_came_are_in_as_well(city, connect):
    city.requests = []
    context = connect(city, "window_days = 1", first_day="2026-11-18")
    assert (take(context).files, take(context, "2026-11-24 09:00").files) == (7, 1)


def test_a_server_that_heeds_no_question_is_found_out(city, connect):
    city.tricks = [raw(json.dumps(many(20)).encode())] * 9
    with pytest.raises(SourceError, match="heeds neither start_date and end_date nor page"):
        take(connect(city, first_day="2026-06-01"))


@ON_SQLITE_FIRST
def test_half_a_look_is_none(city, connect):
    """Or the other half would be called late for what nobody had looked at."""
    context = connect(city, "page_size = 10\nattempts = 1")
    take(context, "2026-11-23 08:00")
    before = dump(context)
    city.requests = many(25)
    city.tricks = [_pass, raw(b"", status=503)]
    with pytest.raises(SourceError, match="HTTP 503"):
        take(context)
    assert dump(context) == before
    assert take(context).new == 24


def test_without_updates_what_may_still_change_is_asked_for_again(city, connect):
    city.requests = [
        LIGHT | {"requested_datetime": "2026-01-15T00:00:00Z"},
        LIGHT | CLOSED | {"service_request_id": "2", "requested_datetime": "2026-05-15T00:00:00Z"},
    ]
    context = connect(city, "window_days = 30", first_day="2026-01-01")
    take(context, "2026-11-23 08:00")
    city.asked.clear()
    city.requests[0] |= CLOSED
    assert take(context).updated == 1
    starts = sorted({each["start_date"][:10] for each in city.asked})
    assert starts[0] == "2026-01-01"
    assert all(start > "2026-07-15" for start in starts[1:])


def test_with_updates_only_what_changed_is_asked_for(city, connect):
    city.updates_by = "updated_after"
    city.requests = [LIGHT | {"requested_datetime": "2026-01-15T00:00:00Z"}]
    context = connect(city, 'updates_by = "updated_after"', first_day="2026-01-01")
    take(context, "2026-11-23 08:00")
    city.asked.clear()
    city.requests[0] |= CLOSED
    fresh = {"service_request_id": "2", "requested_datetime": "2026-11-23T20:00:00Z"}
    city.requests.append(LIGHT | fresh | {"updated_datetime": None})
    count = take(context)
    assert (count.files, count.new, count.updated) == (1, 1, 1)
    asked = [{*each} - {"page", "page_size"} for each in city.asked]
    assert asked == [{"updated_after"}] * 2 + [{"start_date", "end_date"}] * 2
    assert city.asked[0]["updated_after"] == "2026-11-22T00:00:00Z"


def test_a_server_that_does_not_heed_the_parameter_is_found_out(city, connect):
    context = connect(city, 'updates_by = "updated_after"')
    take(context, "2026-11-23 08:00")
    with pytest.raises(SourceError, match="does not heed `updated_after`; take updates_by out"):
        take(context)


def test_updates_that_may_be_cut_off_are_not_relied_upon(city, connect):
    city.updates_by, city.pages = "updated_after", False
    city.requests = many(40)
    context = connect(city, 'updates_by = "updated_after"')
    take(context, "2026-11-23 08:00")
    for request in city.requests:
        request.update(CLOSED)
    city.most = 15
    assert take(context).updated == 40


def test_what_changes_while_we_look_is_left_for_the_next_look(city, connect):
    """Closed a minute after `now`: as of `now` it was open."""
    old = {"requested_datetime": "2026-01-15T00:00:00Z"}
    late = {"updated_datetime": "2026-11-24T08:01:00+08:00", "status": "closed"}
    city.requests = [LIGHT | old | late, LIGHT | late | {"service_request_id": "2"}]
    context = connect(city, "window_days = 30", first_day="2026-01-01")
    assert take(context).rows == 0
    assert quarantine(context) == []
    assert take(context, "2026-11-24 09:00").new == 2
    assert history(context)[-1] == "closed 24 08:01 stated"


def test_an_earlier_first_day_brings_what_lies_before(city, connect):
    city.requests.append(LIGHT | {"service_request_id": "2"})
    city.requests[1]["requested_datetime"] = "2026-03-15T00:00:00Z"
    assert take(connect(city), "2026-11-23 08:00").new == 1
    context = connect(city, first_day="2026-01-01")
    assert take(context).new == 1
    assert tickets(context) == {"1", "2"}


@ON_SQLITE_FIRST
def test_the_same_answer_twice_changes_nothing(city, connect):
    city.requests += [LIGHT | CLOSED | {"service_request_id": "2"}, LIGHT | {"status": "?"}]
    city.requests[2]["service_request_id"] = "3"
    context = connect(city, "page_size = 2")
    take(context, "2026-11-24 08:00")
    before = dump(context)
    assert take(context, "2026-11-24 08:00").files == 0  # at this moment all has been seen
    assert dump(context) == before
    count = take(context, "2026-11-24 09:00")
    assert (count.new, count.updated, count.quarantined) == (0, 0, 0)
    with context.transaction() as session:
        for row in session.scalars(select(Complaint)):
            row.seen_at = wita("2026-11-24 08:00")
        for held in session.scalars(select(QuarantineRow)):
            held.last_seen_at = held.last_observed_at = wita("2026-11-24 08:00")
    changing = ("source_import", "cursor")
    kept = "\n".join(line for line in before.splitlines() if not line.startswith(changing))
    assert dump(context, *changing) == kept


# --- when it fails --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("trick", "least", "most"),
    [
        (raw(b"", status=429, Retry_After="7"), 7, 8),
        (
            raw(
                b"",
                status=503,
                Retry_After="Tue, 24 Nov 2026 00:00:09 GMT",
                Date="Tue, 24 Nov 2026 00:00:02 GMT",
            ),
            7,
            8,
        ),
        (raw(b"", status=503, Retry_After="Tue, 24 Nov 2026 00:00:09 GMT"), 9, 10),
        (raw(b"", status=503, Retry_After="Mon, 23 Nov 2026 00:00:00 GMT"), 0, 1),
        (raw(b"", status=503, Retry_After="soon"), 0.5, 1),
        (raw(b"", status=500), 0.5, 1),
        (raw(b"", status=502), 0.5, 1),
        (raw(b"", status=504), 0.5, 1),
        (silent, 0.5, 1),
        (cut, 0.5, 1),
        (raw(b"no gzip", Content_Encoding="gzip"), 0.5, 1),
    ],
    ids=[
        "429",
        "503 date",
        "503 no clock",
        "503 past",
        "503 odd",
        "500",
        "502",
        "504",
        "silent",
        "cut",
        "gzip",
    ],
)
def test_what_may_pass_is_asked_again_after_a_while(city, connect, waits, trick, least, most):
    city.tricks = [trick]
    context = connect(city, f"timeout_seconds = {1 if trick is silent else 10}")
    assert take(context).new == 1
    assert len(waits) == 1
    assert least <= waits[0] <= most


LEAST = (0.5, 1, 2, 4)


def test_each_wait_is_longer_and_the_last_attempt_says_why(city, connect, waits):
    city.tricks = [raw(b"", status=500)] * 5
    with pytest.raises(SourceError, match=r"/v2/requests.json: HTTP 500; asked 5 times"):
        take(connect(city))
    assert len(waits) == 4
    assert all(
        least <= wait <= 2 * least for wait, least in zip(waits, (0.5, 1, 2, 4), strict=True)
    )


def test_a_server_that_wants_to_be_left_alone_for_long_is(city, connect, waits):
    city.tricks = [raw(b"", status=429, Retry_After="3600")]
    with pytest.raises(SourceError, match="HTTP 429, and asks us to wait 3600 s; the next run"):
        take(connect(city))
    assert (waits, len(city.asked)) == ([], 1)


def test_no_answer_in_time_names_the_setting(city, connect):
    city.tricks = [silent]
    with pytest.raises(SourceError, match=r"no answer within 0.2 s \(timeout_seconds\)"):
        take(connect(city, "timeout_seconds = 0.2\nattempts = 1"))


def test_headers_that_never_end_are_given_up(city, connect, monkeypatch):
    monkeypatch.setattr(client, "SLOWEST", 2)
    city.tricks = [dripping]
    with pytest.raises(SourceError, match=r"the answer takes longer than 1 s; asked 1 times"):
        take(connect(city, "timeout_seconds = 0.5\nattempts = 1"))


def test_all_questions_together_have_a_limit_of_time(city, connect, monkeypatch):
    monkeypatch.setattr(client.TimeBudget, "left", property(lambda self: 0.0))
    with pytest.raises(SourceError, match=r"not finished within 60 minutes \(max_minutes\)"):
        take(connect(city))


def test_nobody_there_is_told(city, connect):
    context = connect(city, 'attempts = 1\nurl_variable = "TENGGAT_CITY_URL"')
    with serving() as gone:
        url = gone.url
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TENGGAT_CITY_URL", url)
        with pytest.raises(SourceError, match="the connection failed"):
            take(context)
    assert take(context).new == 1


BOMB = (
    b'<?xml version="1.0"?><!DOCTYPE r [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]>'
    b"<service_requests><request><service_request_id>&b;</service_request_id></request>"
    b"</service_requests>"
)
FILE = (
    b'<?xml version="1.0"?><!DOCTYPE r [<!ENTITY f SYSTEM "file:///etc/passwd">]>'
    b"<service_requests><request><service_request_id>&f;</service_request_id></request>"
    b"</service_requests>"
)
PAGE = b"<!DOCTYPE html><html><title>Masuk</title></html>"


@pytest.mark.parametrize(
    ("form", "trick", "told"),
    [
        ("json", raw(PAGE, "text/html"), r"web page \(HTML\) where JSON was asked for; correct"),
        ("json", raw(b"\n " + PAGE), r"web page \(HTML\)"),
        ("xml", raw(PAGE, "text/html"), r"web page \(HTML\) where XML"),
        ("json", raw(b'[{"service_request_id": '), "broken JSON .*line 1, column 25"),
        ("json", raw(b"[" * 200_000), r"broken JSON \(nested too deep\)"),
        ("json", raw("[é]".encode("latin-1")), r"broken JSON \(not in UTF-8\)"),
        ("json", raw(b""), "empty answer"),
        ("json", raw(b"7"), "no list of requests"),
        ("json", raw(b'{"version": 2}'), "no list of requests"),
        ("xml", raw(b"<service_requests><request>"), "broken XML"),
        ("xml", raw(b"[]"), "broken XML"),
        ("xml", raw(b"<rss/>"), "begins with <rss> and has no list of requests"),
        ("xml", raw(BOMB), "the XML declares entities, which are refused"),
        ("xml", raw(FILE), "the XML declares entities, which are refused"),
        ("json", raw(b"", status=404), "HTTP 404; correct `url`"),
        ("json", raw(PAGE, "text/html", 401), "HTTP 401; see `key_variable`"),
        (
            "json",
            raw(b'[{"code": 400, "description": "jurisdiction_id was not provided"}]', status=400),
            r"HTTP 400 \(code 400, a text of 32 characters about jurisdiction_id, not repeated",
        ),
        (
            "xml",
            raw(
                b"<errors><error><code>403</code><description>no key</description></error>"
                b"</errors>",
                status=403,
            ),
            r"HTTP 403 \(code 403, a text of 6 characters, not repeated here\); see `key_variable`",
        ),
        (
            "json",
            raw(b'[{"code": 1, "description": "busy"}]'),
            "refuses: code 1, a text of 4",
        ),
        ("json", raw(b'{"error": "busy"}'), "the server refuses: a text of 4 characters"),
        (
            "json",
            raw(b'{"errors": [{"code": 1, "description": "x"}]}'),
            "code 1, a text of 1 char",
        ),
        ("xml", raw(b"<error>busy</error>"), "the server refuses: a text of 4 characters"),
        ("json", endless, r"larger than 1 MB \(max_answer_mb\)"),
    ],
)
def test_an_answer_that_is_none_says_so_at_once(city, connect, waits, form, trick, told):
    city.tricks = [trick]
    context = connect(city, f'format = "{form}"\nmax_answer_mb = 1')
    with pytest.raises(SourceError, match=told) as error:
        take(context)
    assert "page_size" not in str(error.value).replace("(window_days, page_size)", "")
    assert (waits, tickets(context), cursor(context)) == ([], set(), None)


def test_a_packed_answer_is_measured_unpacked(city, connect):
    city.tricks = [raw(gzip.compress(b" " * (3 << 20)), Content_Encoding="gzip")]
    with pytest.raises(SourceError, match="larger than 1 MB"):
        take(connect(city, "max_answer_mb = 1"))


def test_nearly_all_bad_and_nothing_of_the_window_is_taken(city, connect):
    bad = [each | {"requested_datetime": "yesterday"} for each in many(25)]
    city.tricks = [raw(json.dumps(bad).encode()), raw(b"[]")]
    context = connect(city)
    with pytest.raises(SourceError, match="25 of 25 rows cannot be read"):
        take(context)
    assert cursor(context) is None


# --- redirects, keys, certificates ----------------------------------------------------------------


def test_a_redirect_on_the_same_host_is_followed_with_the_question(city, connect):
    city.tricks = [raw(b"", status=301, Location="/v2/requests.json")]
    assert take(connect(city)).new == 1
    assert city.asked[1] == city.asked[0]


def test_a_redirect_elsewhere_is_not_followed(city, connect, monkeypatch):
    monkeypatch.setenv("CITY_KEY", "s3cret")
    with serving() as other:
        city.tricks = [raw(b"", status=302, Location=f"{other.url}/requests.json?x=1")]
        with pytest.raises(SourceError, match="redirects elsewhere, to http://127") as error:
            take(connect(city, 'key_variable = "CITY_KEY"'))
        assert other.asked == []
    assert "x=1" not in str(error.value)


@pytest.mark.parametrize(
    ("place", "told"),
    [
        ("/v2/requests.json", "redirects more than 5 times"),
        ("http://127.0.0.1:x/", "an invalid URL in its redirect"),
        ("ftp://127.0.0.1/", "redirects elsewhere, to ftp://127"),
    ],
)
def test_a_redirect_that_leads_nowhere_ends(city, connect, place, told):
    city.tricks = [raw(b"", status=302, Location=place)] * 9
    with pytest.raises(SourceError, match=told):
        take(connect(city))


KEY = "k3y/with+odd&signs"


def test_the_key_is_sent_and_stands_nowhere(city, connect, monkeypatch, caplog):
    caplog.set_level(logging.DEBUG)
    monkeypatch.setenv("CITY_KEY", KEY)
    table = 'key_variable = "CITY_KEY"\njurisdiction = "contoh.go.id"\nattempts = 2'
    context = connect(city, table)
    refused = json.dumps([{"code": 403, "description": f"the key {KEY} is not known"}]).encode()
    tricks = (
        [raw(b"", status=500, Location=f"/?api_key={KEY}")],
        [raw(refused, status=403)],
        [raw(b"", status=302, Location="http://127.0.0.1:9/?api_key=k3y%2Fwith%2Bodd%26signs")],
        [raw(b"", status=500)] * 2,
        [raw(PAGE, "text/html")],
    )
    errors = []
    for number, trick in enumerate(tricks):
        city.tricks = list(trick)
        try:
            take(context, f"2026-11-24 08:0{number}")
        except SourceError as error:
            errors.append(str(error))
    assert len(errors) == 4
    assert (city.asked[0]["api_key"], city.asked[0]["jurisdiction_id"]) == (KEY, "contoh.go.id")
    assert "HTTP Request: GET" in caplog.text
    assert "k3y" not in caplog.text + dump(context) + "".join(errors)


def test_a_missing_key_is_named(city, connect):
    with pytest.raises(SourceError, match=r"key_variable of city: .* no variable CITY_KEY"):
        take(connect(city, 'key_variable = "CITY_KEY"'))
    assert city.asked == []


def test_an_address_that_is_none_is_named_by_its_variable(city, connect, monkeypatch):
    monkeypatch.setenv("CITY_URL", "s3cret")
    with pytest.raises(SourceError, match="CITY_URL of city: no address of a server") as error:
        take(connect(city, 'url_variable = "CITY_URL"'))
    assert "s3cret" not in str(error.value)


def test_user_and_password_are_sent_and_not_shown(city, connect, monkeypatch, caplog):
    caplog.set_level(logging.DEBUG)
    heard = []

    def listen(server, handler):
        heard.append(handler.headers["Authorization"])
        return 500, {}, b""

    monkeypatch.setenv("CITY_URL", city.url.replace("//", "//ani:s3cret@"))
    city.tricks = [listen] * 2
    with pytest.raises(SourceError, match="HTTP 500") as error:
        take(connect(city, 'url_variable = "CITY_URL"\nattempts = 2'))
    assert heard == [f"Basic {httpx.BasicAuth('ani', 's3cret')._auth_header[6:]}"] * 2
    assert "s3cret" not in caplog.text + str(error.value)


def test_a_certificate_that_nobody_vouches_for_is_said_to_be_so(connect, waits, site_folder):
    authority = trustme.CA()
    with serving(certificate(authority)) as city:
        city.requests = [dict(LIGHT)]
        with pytest.raises(SourceError, match=r"certificate \(TLS\) is not trusted: .*issuer"):
            take(connect(city))
        assert waits == []
        trusted(authority, site_folder)
        assert take(connect(city, 'ca_file = "authority.pem"')).new == 1
        with pytest.raises(SourceError, match=r"ca_file .*none.pem: cannot be read"):
            take(connect(city, 'ca_file = "none.pem"'), "2026-11-24 09:00")


def test_a_server_without_tls_is_said_to_have_none(city, connect):
    context = connect(city, 'attempts = 1\nurl_variable = "CITY_URL"')
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CITY_URL", city.url.replace("http:", "https:"))
        with pytest.raises(SourceError, match=r"no secure connection \(TLS\)"):
            take(context)


# --- whom it concerns -----------------------------------------------------------------------------

PERSON = "Budi Rahasiawan"


def test_what_a_complainant_wrote_is_found_nowhere(city, connect, caplog):
    caplog.set_level(logging.DEBUG)
    said = {"description": f"Saya {PERSON}", "status_notes": PERSON, "address": PERSON}
    city.requests = [
        LIGHT | said,
        LIGHT | said | {"service_request_id": "", "status": "?"},
        LIGHT | said | {"service_request_id": "3", "first_name": PERSON, "notes": [PERSON]},
    ]
    context = connect(city)
    assert take(context).quarantined == 1
    city.tricks = [raw(json.dumps(city.requests).encode()[:-2])]
    with pytest.raises(SourceError) as error:
        take(context, "2026-11-24 09:00")
    assert "Rahasiawan" not in dump(context) + caplog.text + str(error.value)


def test_a_description_is_kept_where_a_mapping_asks_for_it(city, connect):
    city.requests[0]["description"] = "Lampu padam, hubungi 0812-0000-1234"
    context = connect(city, '[city.fields]\ntitle = "description"')
    take(context)
    assert known(context).title == "Lampu padam, hubungi [telepon]"


# --- the table ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ('[city.fields]\nunit = "agency_responsable"', "did you mean `agency_responsible`"),
        ('url = "ftp://kota.example"', "city.url"),
        ("window_days = 91", "city.window_days"),
        ('updates_by = "a&b"', "city.updates_by"),
        ('updated_by = "a"', "did you mean `updates_by`"),
    ],
)
def test_a_wrong_table_is_refused_before_anything_is_asked(tmp_path, line, told):
    file = tmp_path / "sources.toml"
    url = "" if line.startswith("url") else 'url = "https://kota.example/open311/v2"\n'
    file.write_text(f'[city]\ntype = "open311"\nfirst_day = 2026-01-01\n{url}{line}\n')
    with pytest.raises(SettingsError, match=told):
        read_sources(file)


def test_a_column_of_the_servers_own_can_be_mapped_by_name(city, connect):
    city.requests[0]["channel"] = "Aplikasi"
    context = connect(city, 'extra_columns = ["channel"]\n[city.fields]\nchannel = "channel"')
    take(context)
    assert known(context).channel == "Aplikasi"


def test_a_past_that_has_not_begun_is_named(city, connect):
    with pytest.raises(SourceError, match="first_day of city lies ahead"):
        take(connect(city, first_day="2027-01-01"))


def test_a_failed_connection_names_the_proxy_that_it_used(city, connect, monkeypatch):
    context = connect(city)
    with nobody_listens() as port:
        monkeypatch.setenv("http_proxy", f"http://budi:rahasia@127.0.0.1:{port}")
        with pytest.raises(SourceError) as error:
            take(context)
    told = str(error.value)
    assert f"the connection through the proxy 127.0.0.1:{port} of HTTP_PROXY failed" in told
    assert "rahasia" not in told
    monkeypatch.setenv("no_proxy", "localhost,127.0.0.1")
    assert take(context).new == 1


# --- two real servers' answers --------------------------------------------------------------------


@pytest.mark.real_data
@pytest.mark.parametrize("unit", ["", '[city.fields]\nunit = "agency_responsible"'])
@pytest.mark.parametrize(
    ("file", "first_day"),
    [("chicago_requests.json", "2014-06-01"), ("toronto_requests.xml", "2018-06-01")],
)
def test_two_real_answers_are_taken_in_whole(city, connect, real_data, file, first_day, unit):
    path = real_data / "open311" / file
    city.tricks = [raw(path.read_bytes(), "text/xml" if path.suffix == ".xml" else "text/json")]
    city.requests = []
    context = connect(city, f'format = "{path.suffix[1:]}"\n{unit}', first_day)
    count = take(context)
    assert (count.rows, count.new, quarantine(context)) == (2, 2, [])
    assert set(count.questions) == ({"agency_responsible"} if unit else set())
    told = parser.requests_in(client.Answer("", 200, "", path.read_bytes()), path.suffix[1:], "")
    assert tickets(context) == {each["service_request_id"] for each in told}
    if not unit:
        for each in told:
            complaint = known(context, each["service_request_id"])
            assert complaint.received_at == moment(each["requested_datetime"])
            expected = each.get("expected_datetime")
            assert complaint.promised_due == (moment(expected) if expected else None)
