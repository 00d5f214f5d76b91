"""Corrupted exports: no complaint is lost in silence, nobody is accused wrongly, no name comes out.

Each seed corrupts one or two of three exports of a source, imports them with the whole cycle after
each, and compares with the history of the same exports without corruption:

- every complaint of the exports is watched, or a message names its row or its file,
- no deadline is called missed that the other history does not call missed at that time,
- no value of a column that is not mapped comes out of the folder of the exports.
"""

from __future__ import annotations

import csv
import logging
import random
import shutil
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field, replace
from datetime import timedelta
from email import message_from_bytes, policy
from functools import lru_cache
from pathlib import Path

import pytest
from conftest import REPOSITORY, wita
from hypothesis import settings
from python_calamine import CalamineWorkbook
from sqlalchemy import select
from support.corruption import Base, Corrupted, Table, corrupted
from support.import_results import dump
from support.pipeline import alerts, deliver

from db.engine import open_engine
from db.models import Complaint, DeadlineRow, QuarantineRow
from settings.mapping import SourceMapping
from sla.engine.deadline import State
from tasks.common.context import SiteContext
from tasks.deadlines import evaluate_and_notify
from tasks.ingest.exchange.writer import export
from tasks.ingest.source_count import SourceCount
from tasks.intake import ask, pull
from tasks.sources.base import SourceError
from tasks.text.templates import render

SEEDS = 3
"""How many seeds of each kind of file every run tries; `make prove` tries 1,000 in all."""

NAME, NIK = "Zulhakimah", "9999123456789012"
"""Parts of every personal value, and a number in every title."""

MISSED = (State.BREACHED, State.MET_LATE)
MORNINGS = ("2026-10-30", "2026-11-09", "2026-11-20")
CLOCK = {"register": "0715", "lapor": "0700", "kab": "0900"}
PERSONAL = ("Nama Pelapor", "Alamat", "Isi Laporan Awal")
ROWS = 12
TABLES = [(source, suffix) for source in ("register", "lapor") for suffix in ("csv", "xlsx")]


@dataclass
class Lived:
    """What a history of exports has led to, by the number of the export where it matters."""

    missed: list[set[tuple[str, str]]] = field(default_factory=list)
    tickets: set[str] = field(default_factory=set)
    quarantined: int = 0
    failures: list[str] = field(default_factory=list)
    asked: bool = False
    out: str = ""


# --- the exports ----------------------------------------------------------------------------------


def example(source: str, day: str) -> Table:
    """An export of the example site of this day, from its header on."""
    inbox = REPOSITORY / "examples" / "kabupaten-contoh" / "inbox" / source
    if source == "register":
        path = inbox / f"register_{day}_0715.csv"
        return list(csv.reader(path.read_text("utf-8-sig").splitlines(), delimiter=";"))
    book = CalamineWorkbook.from_path(inbox / f"Laporan_Ringkas_{day}_0700.xlsx")
    rows = [[str(cell) for cell in row] for row in book.get_sheet_by_index(0).to_python()]
    return rows[next(n for n, row in enumerate(rows) if row[0] == "Tracking ID") :]


def excerpt(source: str, title: str) -> tuple[Table, ...]:
    """The rows of some complaints in three exports, with planted personal values."""
    whole = [example(source, day) for day in MORNINGS]
    late = [row[0] for row in whole[-1][1:]][-100:]  # of the last months
    chosen = set(random.Random(11).sample(late, ROWS))
    tables = []
    for header, *rows in whole:
        table = [header]
        for row in (row[:] for row in rows if row[0] in chosen):
            for name in PERSONAL:
                if name in header:
                    row[header.index(name)] = f"{NAME} dari Jl. {NAME} {row[0][-2:]}"
            row[header.index(title)] += f" NIK {NIK}"
            table.append(row)
        tables.append(table)
    return tuple(tables)


@lru_cache
def tables(source: str) -> tuple[Table, ...]:
    return excerpt(source, {"register": "Perihal", "lapor": "Judul Laporan"}[source])


MORE = """
[kab]
type = "folder"
folder = "inbox/kab"
layout = "exchange"
fields = { title = "title" }
"""


@pytest.fixture
def site(site_folder: Path) -> Path:
    file = site_folder / "sources.toml"
    file.write_text(file.read_text("utf-8") + MORE, "utf-8")
    (site_folder / "inbox" / "kab").mkdir()
    return site_folder


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    return sqlite_url


@dataclass
class Bench:
    """A site that is emptied between histories."""

    context: SiteContext
    template: Path
    caught: pytest.LogCaptureFixture
    capsys: pytest.CaptureFixture[str]
    number: int = 0

    def emptied(self, base: Base) -> SiteContext:
        """The site with an empty database, without exports, reading files of this kind."""
        self.context.engine.dispose()
        site = self.context.site
        shutil.rmtree(site.var / "mailbox", ignore_errors=True)
        file = site.var.parent / "corrupted.db"
        for each in site.var.parent.glob("corrupted.db*"):
            each.unlink()
        shutil.copyfile(self.template, file)
        inbox = self.inbox(base)
        for each in inbox.iterdir():
            each.unlink()
        self.context.engine = open_engine(f"sqlite:///{file}")
        site.sources[base.source] = as_kind(site.sources[base.source], base.suffix)
        return self.context

    def inbox(self, base: Base) -> Path:
        return self.context.site.folder / "inbox" / base.source

    def live(self, base: Base, files: list[bytes]) -> Lived:
        """Import these exports with a cycle an hour after each; collect all that came out."""
        context = self.emptied(base)
        self.caught.clear()
        lived = Lived()
        shown: list[str] = []
        for day, raw in zip(MORNINGS, files, strict=False):
            clock = CLOCK[base.source]
            stem = {"lapor": "Laporan_Ringkas", "kab": "kab"}.get(base.source, base.source)
            (self.inbox(base) / f"{stem}_{day}_{clock}.{base.suffix}").write_bytes(raw)
            now = wita(f"{day} {clock[:2]}:{clock[2:]}") + timedelta(hours=1)
            count = SourceCount(base.source)
            failures: list[str] = []
            try:
                count = pull(context, base.source, now)
            except SourceError as error:
                failures.append(str(error))
            ask(context, now, f"intake {now}")
            evaluate_and_notify(context, now, f"deadlines {now}")
            if day == MORNINGS[-1]:
                deliver(context, now)
            shown.append(
                render(
                    "report/intake.md.j2",
                    locale="id",
                    zone=context.site.zone,
                    now=now,
                    sources=[asdict(count)],
                    failures=failures,
                )
            )
            lived.failures += failures
            lived.missed.append(missed(context))
        with context.transaction() as session:
            lived.tickets = set(session.scalars(select(Complaint.ticket)))
            lived.quarantined = len(session.scalars(select(QuarantineRow.id)).all())
        lived.asked = "questions" in alerts(context)
        printed = self.capsys.readouterr()
        lived.out = "\n".join(
            (
                *(*shown, *lived.failures, dump(context), self.caught.text, printed.out),
                *(printed.err, *written(context.site.var)),
            )
        )
        return lived


def as_kind(source: SourceMapping, suffix: str) -> SourceMapping:
    """The source, reading files with this suffix."""
    if suffix == "jsonl":
        return source
    name = source.observed.file_name.rpartition(".")[0]
    observed = source.observed.model_copy(update={"file_name": f"{name}.{suffix}"})
    return source.model_copy(
        update={"pattern": f"*.{suffix}", "observed": observed, "period": None}
    )


def missed(context: SiteContext) -> set[tuple[str, str]]:
    """The deadlines that are called missed now, by ticket and rule."""
    with context.transaction() as session:
        rows = session.execute(
            select(Complaint.ticket, DeadlineRow.rule)
            .join(DeadlineRow, DeadlineRow.complaint_id == Complaint.id)
            .where(DeadlineRow.state.in_(MISSED))
        )
        return {(ticket, rule) for ticket, rule in rows}


def written(var: Path) -> Iterator[str]:
    """All that is written beside the database: mails as their readers see them, and states."""
    for path in var.rglob("*"):
        if path.is_file() and path.parent.name == "mailbox":
            mail = message_from_bytes(path.read_bytes(), policy=policy.default)
            yield f"{mail['Subject']} {mail['To']}"
            for part in mail.walk():
                if part.get_content_maintype() == "text":
                    yield part.get_content()
        elif path.is_file():
            yield path.read_bytes().decode("latin-1")


@pytest.fixture
def bench(
    site: Path,
    open_context: Callable[[], SiteContext],
    sqlite_template: Path,
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
) -> Bench:
    caplog.set_level(logging.DEBUG)
    return Bench(open_context(), sqlite_template, caplog, capsys)


def exchanged(bench: Bench) -> tuple[bytes, ...]:
    """What another installation gives of the register, an hour after each of its exports."""
    base = Base("register", "csv", tables("register"))
    source = bench.context.site.sources["register"]
    files = [base.write(number, source) for number in range(len(MORNINGS))]
    texts = []
    for number, day in enumerate(MORNINGS, start=1):
        bench.live(base, files[:number])
        path = bench.context.site.var.parent / "given.jsonl"
        export(bench.context, path, wita(f"{day} 08:15"), since=None, titles=True)
        texts.append(path.read_bytes())
    return tuple(texts)


# --- the properties -------------------------------------------------------------------------------


def tried(bench: Bench, base: Base, plain: Lived, seed: int) -> list[str]:
    """Live through one corrupted history; return what is wrong, in words."""
    chance = random.Random(f"{base.source} {base.suffix} {seed}")
    source = bench.context.site.sources[base.source]
    files = [base.write(number, source) for number in range(len(MORNINGS))]
    done: dict[int, Corrupted] = {}
    for number in chance.sample(range(len(files)), chance.choice((1, 1, 2))):
        done[number] = corrupted(base, number, source, chance)
        files[number] = done[number].raw
    lived = bench.live(base, files)
    wrong = [
        *lost(base, plain, lived, files, done),
        *accused(plain, lived, done),
        *(f"{part} came out" for part in (NAME, NIK) if part in lived.out),
        *(failure for failure in lived.failures if "unexpected error" in failure),
    ]
    if lived.quarantined and not lived.asked:
        wrong.append("rows in quarantine, and nobody was told")
    how = {number: each.done for number, each in done.items()}
    return [f"{base.source} {base.suffix} seed {seed} {how}: {each}" for each in wrong]


def lost(
    base: Base, plain: Lived, lived: Lived, files: list[bytes], done: dict[int, Corrupted]
) -> list[str]:
    """The complaints that are neither watched nor named by a row or a file.

    A row cannot be named where a corruption has removed it, or the ticket in it: then there are at
    least as many rows in quarantine, or complaints with another ticket.
    """
    missing = plain.tickets - lived.tickets
    if base.suffix == "xlsx":
        whole = [table for number, table in enumerate(base.tables) if number not in done]
        shown = {row[0] for table in whole for row in table}
        missing &= shown.union(*(each.cells for each in done.values()))
    else:
        missing = {ticket for ticket in missing if any(ticket.encode() in raw for raw in files)}
    strangers = lived.tickets - plain.tickets
    if lived.failures or len(missing) <= lived.quarantined + len(strangers):
        return []
    return [f"{sorted(missing)} are neither watched nor named"]


def accused(plain: Lived, lived: Lived, done: dict[int, Corrupted]) -> list[str]:
    """The deadlines that are called missed only because of the corruption."""
    if any(each.every for each in done.values()):
        return []
    changed = set().union(*(each.changed for each in done.values()))
    found = []
    for number, (right, now) in enumerate(zip(plain.missed, lived.missed, strict=True)):
        wrong = {each for each in now - right if each[0] not in changed}
        wrong = {each for each in wrong if each[0] in plain.tickets}
        if wrong:
            found.append(f"called missed after export {number}: {sorted(wrong)}")
    return found


BASES = ("register csv", "register xlsx", "lapor csv", "lapor xlsx", "kab jsonl")


@pytest.mark.long
@pytest.mark.parametrize("kind", BASES)
def test_what_a_corrupted_export_leads_to(bench, kind):
    source, suffix = kind.split()
    tried_seeds = settings().max_examples // len(BASES) if is_long() else SEEDS
    base = Base(source, suffix, () if source == "kab" else tables(source))
    if source == "kab":
        base = replace(base, texts=exchanged(bench))
    mapping = bench.emptied(base).site.sources[source]
    plain = bench.live(base, [base.write(number, mapping) for number in range(len(MORNINGS))])
    assert (plain.failures, plain.quarantined) == ([], 0)
    assert plain.missed[-1]
    assert NAME not in plain.out
    assert NIK not in plain.out
    wrong = []
    for seed in range(tried_seeds):
        wrong += tried(bench, base, plain, seed)
    assert wrong == []


def is_long() -> bool:
    return settings().max_examples >= 1_000
