"""The front desk of the example site: complaints that tests register, pull and judge.

An entry is a request for information on Dinas Sosial, received Monday 16 November 2026 at 08:30,
whose other duties are done: one clock runs, 5 working days to Monday 23 November. Its reminders
fall on the 19th, the 20th and the 23rd, its breach on the 24th. If the unit gets the mail about the
breach that day, its escalations fall on the 27th and so on; the first one waits for Monday.
"""

from __future__ import annotations

import csv
import tomllib
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from conftest import REPOSITORY, WITA, wita
from sqlalchemy import select

from db.models import Base, MessageKind, MessageRow, NoticeRow, SourceImport
from tasks.common.context import SiteContext
from tasks.deadlines import EvaluationCount, evaluate_and_notify
from tasks.delivery import send_owed
from tasks.evaluation.explain import Explanation, explanations
from tasks.intake import pull
from tasks.notifications.rate_limit import RunClock
from tasks.notifications.sender import DeliveryCount

ENTRY = {
    "No Register": "FD-1",
    "Tanggal Masuk": "16/11/2026 08:30",
    "Klasifikasi": "Permintaan Informasi",
    "Kategori": "Kependudukan",
    "Perihal": "Syarat pindah alamat",
    "Kerahasiaan": "",
    "Kanal": "Tatap Muka",
    "Diverifikasi": "16/11/2026 08:40",
    "Unit": "Dinas Sosial",
    "Diteruskan": "16/11/2026 08:45",
    "Tindak Lanjut Pertama": "16/11/2026 09:00",
}
SAMPLES = tomllib.loads((REPOSITORY / "scripts" / "make_samples.toml").read_text("utf-8"))
NO_STEPS = {*list(ENTRY)[:7], "Nama Pelapor", "Alamat"}
REGISTER_STEPS = tuple(name for name in SAMPLES["register"]["header"] if name not in NO_STEPS)
"""All columns of the register with a step of a complaint."""

STEPS = tuple(step for step in REGISTER_STEPS if step not in ENTRY)
"""The steps that `ENTRY` leaves empty."""

REMINDED, BREACHED, ESCALATED = "2026-11-20 08:00", "2026-11-24 08:00", "2026-11-27 08:00"
MONDAY = "2026-11-30 07:30"
"""The weekly mail goes out."""

BEGUN = "2026-01-05 08:00"
"""The register was first read then, when it was empty: no complaint of a test is inherited."""


def register(
    context: SiteContext, now: str, *entries: dict[str, str], begun: str | None = BEGUN
) -> Path:
    """Write today's register and pull it; each entry tells what it has unlike `ENTRY`.

    `begun` is the first import of this source, and None makes this import the first.
    """
    if begun is not None:
        begin(context, "register", wita(begun))
    path = write_register(context, wita(now), *entries)
    count = pull(context, "register", wita(now))
    assert count.quarantined == 0, count.reasons
    return path


def write_register(context: SiteContext, moment: datetime, *entries: dict[str, str]) -> Path:
    """Write the register of a moment into the inbox."""
    name = f"register_{moment.astimezone(WITA):%Y-%m-%d_%H%M}.csv"
    path = context.site.folder / "inbox" / "register" / name
    blank = ENTRY | dict.fromkeys(STEPS, "")
    with path.open("w", encoding="utf-8", newline="") as file:
        named = dict.fromkeys(name for entry in (blank, *entries) for name in entry)
        writer = csv.DictWriter(file, list(named), restval="", delimiter=";")
        writer.writeheader()
        writer.writerows(blank | entry for entry in entries)
    return path


def begin(context: SiteContext, source: str, moment: datetime) -> None:
    """Record an empty first import of a source: no complaint imported later is inherited."""
    with context.transaction() as session:
        if session.scalar(select(SourceImport.id).where(SourceImport.source == source)):
            return
        empty = {"rows": 0, "new": 0, "updated": 0, "unchanged": 0, "quarantined": 0}
        row = SourceImport(
            source=source,
            name="first.csv",
            sha256="0" * 64,
            observed_at=moment,
            recorded_at=moment,
            **empty,
        )
        session.add(row)


def at(office_unit: str, number: str = "FD-1", **more: str) -> dict[str, str]:
    """An entry for this unit."""
    return {"No Register": number, "Unit": office_unit, **more}


UNITS = (
    "Inspektorat",
    "Diskominfo",
    "Dinas Sosial",
    "Disdukcapil",
    "Dinas Kesehatan",
    "RSUD Contoh Sehat",
    "Disdikbud",
    "DLH",
    "Satpol PP",
    "Dinas Perkim",
    "DPMPTSP",
)

EVERYWHERE = [at(unit, f"FD-{number}") for number, unit in enumerate(UNITS)]
"""A complaint of each of these units."""


def since(day: str) -> dict[str, str]:
    """The dates of an entry that came in on another day: '02/11/2026'."""
    return {key: value.replace("16/11/2026", day) for key, value in ENTRY.items() if "/" in value}


def decide(context: SiteContext, now: str, run_id: str = "") -> EvaluationCount:
    """A deadline run at this local moment."""
    return evaluate_and_notify(context, wita(now), run_id or f"deadlines {now}")


def deliver(context: SiteContext, now: str | datetime) -> DeliveryCount:
    """A delivery run at this moment."""
    moment = wita(now) if isinstance(now, str) else now
    return send_owed(context, moment, f"delivery {moment}", Hurried)


def send_breach(context: SiteContext) -> None:
    """Send the breach of FD-1 to the liaison and the head of Dinas Sosial."""
    register(context, BREACHED, at("Dinas Sosial"))
    decide(context, BREACHED)
    assert deliver(context, BREACHED).sent == 2


def explained(context: SiteContext, moment: str) -> Explanation:
    """The explanation of FD-1 as known at this moment."""
    with context.transaction() as session:
        (found,) = explanations(session, context, "FD-1", wita(moment))
    return found


class Hurried(RunClock):
    """A clock by which only waiting takes time, and none of ours: it jumps ahead."""

    def __init__(self, now: datetime) -> None:
        super().__init__(now)
        self.now = now

    def moment(self) -> datetime:
        return self.now

    def wait(self, span: timedelta) -> None:
        self.now += span


def owe(context: SiteContext, now: str, *entries: dict[str, str]) -> None:
    """Register these, and let a deadline run queue the mail for them."""
    register(context, now, *entries)
    decide(context, now)


def messages(context: SiteContext, kind: str = "") -> list[MessageRow]:
    """All mails of the outbox, or those of a kind, oldest first."""
    with context.transaction() as session:
        rows = session.scalars(select(MessageRow).order_by(MessageRow.id)).all()
        found = [row for row in rows if kind in ("", row.kind)]
        for row in found:
            assert all(item.notice for item in row.items)
            assert row.attempts is not None
        return found


def statuses(context: SiteContext, kind: str = MessageKind.NOTICES) -> list[str]:
    return [message.status for message in messages(context, kind)]


def recipients(context: SiteContext, kind: str = MessageKind.NOTICES) -> list[str]:
    """To whom mails of a kind are owed, without the domain."""
    return [message.recipient.partition("@")[0] for message in messages(context, kind)]


def alerts(context: SiteContext) -> list[str]:
    return [message.detail["alert"] for message in messages(context, MessageKind.ALERT)]


def notices(context: SiteContext) -> list[tuple[str, str]]:
    """Each notice by rung, with repeat if any, and what became of it."""
    with context.transaction() as session:
        rows = session.scalars(select(NoticeRow).order_by(NoticeRow.id))
        return [(f"{n.rung}#{n.repeat}" if n.repeat else n.rung, n.status) for n in rows]


def dump(context: SiteContext, *without: str) -> dict[str, Any]:
    """Every row of every table but these."""
    with context.transaction() as session:
        return {
            table.name: [
                tuple(row)
                for row in session.execute(select(table).order_by(*table.primary_key.columns))
            ]
            for table in Base.metadata.sorted_tables
            if table.name not in without
        }


INFORMATION = "sp4n-guideline/information"
PERBUP = f"""
[regulation]
key = "perbup-3-2026"
title = "Peraturan Bupati Contoh Nomor 3 Tahun 2026"
citation = "Perbup 3/2026"
in_force = {{ from = 2026-11-18 }}

[[rule]]
id = "information"
overrides = "{INFORMATION}"
basis = "Peraturan Bupati Contoh Nomor 3 Tahun 2026"
article = "Pasal 4"
label = {{ id = "Penyelesaian permintaan informasi", en = "Settlement of a request" }}
actor = "unit"
starts_on = ["received"]
restarts_on = ["reopened"]
stops_on = ["settled"]
implied_by = ["closed"]
voids = ["withdrawn", "archived"]
pauses = [
    ["material_requested", "material_completed"],
    ["material_requested", "file_complete"],
    ["paused", "resumed"],
]
length = 3
unit = "working_day"
certainty = "read"
applies_when = {{ classification = ["information_request"] }}
"""


def change_law(site_folder: Path, begins: str = "2026-11-18") -> None:
    """Let requests for information end in 3 working days from a day on, and not in 5."""
    (site_folder / "perbup").mkdir()
    regulation = PERBUP.replace("2026-11-18", begins)
    (site_folder / "perbup" / "perbup.toml").write_text(regulation, encoding="utf-8")
    file = site_folder / "site.toml"
    text = file.read_text("utf-8").replace("[database]", 'regulations = ["perbup"]\n[database]', 1)
    file.write_text(text, encoding="utf-8")
