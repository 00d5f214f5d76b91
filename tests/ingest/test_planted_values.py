"""Values of complainants, planted in 66 places through all kinds of source but a mailbox.

Each is sought in all that leaves inbox and database. test_imap_source plants them in mails. A name
in an open title, in a ticket or in the name of a file cannot be recognized, and is not planted.
"""

from __future__ import annotations

import json
import logging
import os
import sqlite3
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter
from conftest import wita
from support.outputs import printed, read
from support.pipeline import BEGUN, begin, deliver, dump, write_register
from support.servers.open311_server import GeoServer, raw, serving
from support.small_site import DAY, PRIVACY, REPORT, TICKET, TITLE

from flows.intake import intake
from tasks.common.context import SiteContext
from tasks.deadlines import evaluate_and_notify
from tasks.ingest.exchange.writer import export
from tasks.intake import ask, pull
from tasks.sources.base import SourceError
from tasks.summary import SummaryRequest, make_summary


@pytest.fixture
def database_url(sqlite_url):
    """What comes out depends on no kind of database."""
    return sqlite_url


class Plants:
    """Values that nobody outside the inbox and the database may read, by their place."""

    def __init__(self) -> None:
        self.by_place: dict[str, str] = {}

    def name(self, place: str) -> str:
        """A name of its own for a place."""
        letters = "".join(chr(ord("a") + int(n)) for n in f"{len(self.by_place):03}")
        self.by_place[place] = f"Rahasiawan{letters}"
        return self.by_place[place]

    def phone(self, place: str) -> str:
        self.by_place[place] = f"08123456{len(self.by_place):04}"
        return self.by_place[place]

    def mail(self, place: str) -> str:
        self.by_place[place] = f"{self.name(place).lower()}@warga.example"
        return self.by_place[place]

    def found(self, texts: Iterable[str]) -> set[str]:
        """Return the places of the values that are in one of these texts."""
        whole = "\n".join(texts).lower()
        return {place for place, value in self.by_place.items() if value.lower() in whole}


FORMATS = {"html", "xlsx", "json", "csv"}
"""PDF has the same texts, and takes long."""

SOURCES = """
[kab]
type = "folder"
folder = "inbox/kab"
layout = "exchange"

[meja]
type = "sql"
url_variable = "TENGGAT_DESK_URL"
query = "SELECT * FROM laporan"
layout = "history"
zone = "Asia/Makassar"
fields = {{ ticket = "nomor", received = "masuk", title = "perihal", privacy = "sifat" }}
events = [{{ column = "selesai", kind = "settled" }}]

[kota]
type = "open311"
url = "{url}"
first_day = 2026-11-01
"""


def before(path: Path) -> Path:
    """Let a file be an hour old, so that it is complete."""
    then = wita("2026-11-24 06:30").timestamp()
    os.utime(path, (then, then))
    return path


def plant_registers(context: SiteContext, plants: Plants) -> None:
    """Cells, headers, names and preambles of CSV files."""
    name, phone, mail = plants.name, plants.phone, plants.mail
    folder = context.site.folder / "inbox" / "register"
    open_title = f"Jalan rusak, HP {phone('number in a title')}, {mail('address in a title')}"
    write_register(
        context,
        wita("2026-11-24 06:00"),
        {"No Register": "FD-1", "Perihal": open_title, "Nama Pelapor": name("unmapped cell")},
        {"No Register": "FD-2", "Perihal": name("title, anonymous"), "Kerahasiaan": "Anonim"},
        {"No Register": "FD-3", "Perihal": name("title, secret"), "Kerahasiaan": "Rahasia"},
        {"No Register": "FD-4", "Kategori": f"{name('category')} {phone('number, category')}"},
        {"No Register": "FD-5", "Kategori": name("category, secret"), "Kerahasiaan": "Rahasia"},
        {"No Register": "FD-6", "Kanal": name("channel")},
        {"No Register": f"<{mail('ticket that is an address')}>"},
        {"No Register": "FD-8", "Tanggal Masuk": "rusak", "Kategori": name("shifted cell")},
        {"No Register": "FD-9", "Tanggal Masuk": "99/99/2026 08:30", "Alamat": name("bad row")},
        {"No Register": "FD-10", "Tanggal Masuk": f"99/99/2026 {name('a date')}"},
        {"No Register": "FD-11", "Klasifikasi": phone("classification")},
        {"No Register": "FD-12", "Diverifikasi": f"besok {name('time of an event')}"},
        {
            "No Register": "FD-13",
            "Kerahasiaan": name("privacy"),
            "Perihal": name("title, privacy?"),
        },
        *({"No Register": f"FD-{n}"} for n in range(20, 40)),
    )
    for file, text in {
        f"{phone('name of a file')}.csv": f"a;{name('header cell')}\n1;{name('its row')}\n",
        f"register {mail('address, name of a file')}.csv": f"{name('text, no table')}\n",
        "register_2026-11-24_0610.csv": f"No Register;{name('header, no date')};Klasifikasi\n"
        f"FD-1;{name('row, no date')};x\n",
        "register_2026-11-24_0620.csv": f'No Register;"{name("open quote")}\n1;2\n' * 3,
    }.items():
        (folder / file).write_text(text, encoding="utf-8")
        before(folder / file)


def plant_workbooks(inbox: Path, plants: Plants) -> None:
    """Cells, sheets and properties of workbooks."""
    name, phone = plants.name, plants.phone
    for at, header in {
        "0630": list(REPORT),
        "0640": [name("header cell, workbook"), TICKET[:5]],
    }.items():
        path = inbox / "lapor" / f"Laporan_Ringkas_2026-11-24_{at}.xlsx"
        with xlsxwriter.Workbook(path) as book:
            book.set_properties({"author": name(f"author {at}"), "comments": name(f"comment {at}")})
            book.add_worksheet(name(f"sheet {at}")).write(0, 0, name(f"cell of another sheet {at}"))
            sheet = book.add_worksheet("Laporan Ringkas")
            sheet.write_row(0, 0, [name(f"preamble {at}"), phone(f"preamble, number {at}")])
            sheet.write_row(2, 0, header)
            rows = (
                {TICKET: "1", "Nama Pelapor": name(f"reporter {at}")},
                {TICKET: "2", "Isi Laporan Awal": name(f"text {at}")},
                {TICKET: "3", TITLE: name(f"title, anonymous {at}"), PRIVACY: "Anonim"},
                {TICKET: "4", DAY: name(f"day {at}")},
                {TICKET: "5", "Sumber Laporan": name(f"channel {at}")},
            )
            for number, row in enumerate(rows, start=3):
                sheet.write_row(number, 0, list((REPORT | row).values()))


def plant_exchange(inbox: Path, plants: Plants) -> None:
    """Keys and values of exchange files, and a line that is no JSON."""
    name = plants.name
    (inbox / "kab").mkdir()
    lines = [
        {"source": name("source of an exchange file"), "as_of": name("time of an exchange file")},
        {"ticket": "9", name("key of an exchange file"): name("value of an exchange file")},
    ]
    texts = [*map(json.dumps, lines), f'{{"ticket": "{name("broken line")}"']
    for number, text in enumerate(texts):
        before_file = inbox / "kab" / f"{number}.jsonl"
        before_file.write_text(f"{text}\n", encoding="utf-8")
        before(before_file)


def plant_database(path: Path, plants: Plants) -> None:
    """Cells of another system's database."""
    name, phone = plants.name, plants.phone
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE laporan (nomor, masuk, selesai, perihal, sifat, pelapor)")
        connection.executemany(
            "INSERT INTO laporan VALUES (?, ?, ?, ?, ?, ?)",
            [
                ("S-1", "2026-11-20 08:00:00", None, "x", "", name("unmapped column, SQL")),
                ("S-2", name("date, SQL"), None, name("title of a bad row, SQL"), "", ""),
                ("S-3", "2026-11-20 08:00:00", None, phone("number, SQL"), "", ""),
                ("S-4", "2026-11-20 08:00:00", name("event, SQL"), "x", "", ""),
                ("S-5", "2026-11-20 08:00:00", None, name("secret title, SQL"), "Rahasia", ""),
            ],
        )


def plant_city(city: GeoServer, plants: Plants) -> list[Any]:
    """Fields of requests, and of the error with which the server answers first."""
    name = plants.name
    city.requests = [
        {
            "service_request_id": "1",
            "status": "open",
            "service_name": name("service, Open311"),
            "service_code": "x",
            "description": f"{plants.phone('number, Open311')} {plants.mail('address, Open311')}",
            "address": name("address field, Open311"),
            "account_id": name("account, Open311"),
            "requested_datetime": "2026-11-19T09:00:00+08:00",
            "updated_datetime": "2026-11-19T09:30:00+08:00",
        },
        {
            "service_request_id": "2",
            "status": "open",
            "service_name": "Lampu",
            "service_code": "x",
            "description": "",
            "requested_datetime": "2026-11-19T09:00:00+08:00",
            "updated_datetime": name("time, Open311"),
        },
    ]
    error = {"code": 400, "description": f"{name('error, Open311')} " * 20}
    return [raw(json.dumps([error]).encode(), status=400)]


class AtOnce:
    """A task that runs when it is called or submitted."""

    def __init__(self, run: Callable[..., Any]) -> None:
        self.run = run

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        return self.run(*arguments, **named)

    def submit(self, *arguments: Any, **named: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(self(*arguments, **named))
        except Exception as error:
            future.set_exception(error)
        return future


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The artifacts of the intake flow, which runs without Prefect here."""
    shown: list[str] = []
    monkeypatch.setattr("flows.intake.pull_task", AtOnce(pull))
    monkeypatch.setattr("flows.intake.ask_task", ask)
    monkeypatch.setattr("flows.intake.get_run_logger", lambda: logging.getLogger("run"))
    monkeypatch.setattr(
        "flows.run_context.create_markdown_artifact", lambda text, **_: shown.append(text)
    )
    monkeypatch.setattr("tasks.sources.open311.client.sleep", lambda seconds: None)
    return shown


def run(context: SiteContext, now: str) -> str:
    """Run the intake flow; return the text of its error, which is the state of the run."""
    try:
        intake.fn(str(context.site.folder), wita(now))
    except SourceError as error:
        return str(error)
    return ""


@pytest.mark.usefixtures("plain_reports")
def test_no_planted_value_leaves_inbox_and_database(
    site_folder, open_context, shown, monkeypatch, tmp_path, caplog
):
    plants, inbox = Plants(), site_folder / "inbox"
    monkeypatch.setenv("TENGGAT_DESK_URL", f"sqlite:///{tmp_path / 'desk.db'}")
    caplog.set_level(logging.DEBUG)
    with serving() as city:
        sources = site_folder / "sources.toml"
        sources.write_text(sources.read_text("utf-8") + SOURCES.format(url=city.url), "utf-8")
        context = open_context()
        for source in context.site.sources:
            begin(context, source, wita(BEGUN))
        plant_registers(context, plants)
        plant_workbooks(inbox, plants)
        plant_exchange(inbox, plants)
        plant_database(tmp_path / "desk.db", plants)
        city.tricks = plant_city(city, plants)
        errors = [run(context, "2026-11-24 07:00"), run(context, "2026-11-24 07:30")]
    for morning in ("2026-11-24 08:00", "2026-12-02 08:00"):
        evaluate_and_notify(context, wita(morning), morning)
        deliver(context, morning)
    now, made = wita("2026-12-02 09:30"), []
    for public in (False, True):
        out = tmp_path / f"public {public}"
        out.mkdir()
        made += make_summary(
            context,
            SummaryRequest("2026-11", now, public=public, out=out, formats=FORMATS),
            now,
            "summary",
        ).paths
    deliver(context, "2026-12-02 09:30")
    export(context, tmp_path / "given.jsonl", now, since=None, titles=True)
    mails = [read(path.read_bytes()) for path in (context.site.var / "mailbox").iterdir()]
    questions = [mail for mail in mails if "tenggat questions" in mail]
    assert 0 < len(questions) < len(mails)
    outputs = {
        "errors": errors,
        "artifacts": shown,
        "log": [caplog.text],
        "audit": [str(dump(context)["audit"])],
        "parameters and counts of runs": [str(dump(context)["flow_run"])],
        "names of files": [str([*context.site.var.rglob("*")])],
        "reports": map(printed, made),
        "export": [(tmp_path / "given.jsonl").read_text("utf-8")],
        "mails with questions": questions,
        "other mails": (mail for mail in mails if mail not in questions),
    }
    assert len(plants.by_place) == 66
    assert {name: found for name, texts in outputs.items() if (found := plants.found(texts))} == {
        "mails with questions": {"time of an event", "event, SQL"},
        "other mails": {"category"},  # of an open report, with its title, to its unit
    }
