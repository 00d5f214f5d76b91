"""The same looks teach the same: in whatever order, in whatever parts, and read however often.

Random histories of a few complaints, exported day by day as a snapshot and as a register, are read
in order, and then again in another way. What is known in the end must not tell the two apart.
"""

import shutil
import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from conftest import ON_SQLITE_FIRST, REPOSITORY, wita
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from support.programs import sized

from db import complaints
from db.engine import open_engine
from db.migrate import migrate
from db.models import Complaint, QuarantineRow, SourceImport, StateSpanRow
from settings.site import load_site
from sla.events import ABSENT, Event, history_as_of
from tasks.common.context import SiteContext
from tasks.evaluation.loader import load_and_evaluate
from tasks.ingest.snapshot_diff import OBSERVED
from tasks.intake import pull
from tasks.sources.base import SourceError

FIRST, DAYS = wita("2026-11-02 07:00"), 6
END = wita("2026-11-24 08:00")
WORDS = (
    "Belum Terverifikasi",
    "Terverifikasi",
    "Menunggu Kelengkapan Informasi",
    "Ditutup oleh Admin",
    "Ditutup oleh Sistem",
)
UNITS = ("", "Dinas Sosial", "Disdukcapil")
STEPS = ("Diverifikasi", "Diteruskan", "Selesai", "Dibuka Kembali")
SNAPSHOT = (
    "Tracking ID",
    "Tanggal Laporan Masuk",
    "Waktu Laporan Masuk",
    "Klasifikasi Laporan",
    "Kategori",
    "Judul Laporan",
    "Tipe Laporan (Anonim/Rahasia)",
    "Sumber Laporan",
    "Instansi Terdisposisi",
    "Status Laporan",
)
MODEST = settings(
    max_examples=sized(10, 100),
    phases=(Phase.explicit, Phase.generate),  # an example takes too long to look for a smaller one
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@dataclass(frozen=True)
class File:
    """An export: its path in the inbox of its source, and its text."""

    source: str
    name: str
    text: str


@st.composite
def snapshots(draw: st.DrawFn) -> list[File]:
    """Exports in the order in which they were made; some moments have a second, partial one."""
    received = draw(st.lists(st.integers(-30, 24 * (DAYS - 1)), min_size=1, max_size=3))
    files = []
    for day in range(draw(st.integers(2, DAYS))):
        made = FIRST + timedelta(days=day)
        rows = []
        for number, hours in enumerate(received):
            came = FIRST + timedelta(hours=hours)
            if came > made or draw(st.integers(0, 5)) == 0:  # not yet there, or left out
                continue
            utc = came - timedelta(hours=8)
            kind = draw(st.sampled_from(("Aspirasi", "Permintaan Informasi")))
            rows.append(
                (
                    str(number),
                    f"{utc:%d %b %Y}",
                    f"{utc:%H:%M:%S}",
                    kind,
                    "",
                    "",
                    "",
                    "",
                    draw(st.sampled_from(UNITS)),
                    draw(st.sampled_from(WORDS)),
                )
            )
        name = f"Laporan_Ringkas_{made:%Y-%m-%d_%H%M}.csv"
        files.append(_snapshot(f"whole/{name}", made, rows))
        if draw(st.booleans()):
            part = [row for row in rows if draw(st.booleans())]
            files.append(_snapshot(f"delta/{name}", made, part))
    return files


def _snapshot(name: str, made: datetime, rows: Iterable[Sequence[str]]) -> File:
    above = f"Tanggal Generate;{made:%F %H:%M};{name}"
    return File("lapor", name, "\n".join([above, ";".join(SNAPSHOT), *map(";".join, rows), ""]))


@st.composite
def registers(draw: st.DrawFn, header: Sequence[str]) -> list[File]:
    """The register of each day: steps are filled in and corrected.

    No row shows a reopening without an end, or loses a date: that raises a question, and since when
    a complaint is in doubt depends on the order of reading (see `told`).
    """
    number = draw(st.integers(1, 3))
    entries: list[dict[str, str]] = [{} for _ in range(number)]
    files = []
    for day in range(draw(st.integers(2, DAYS))):
        made = FIRST + timedelta(days=day, minutes=15)
        rows = []
        for ticket, entry in enumerate(entries):
            entry["Klasifikasi"] = draw(st.sampled_from(("Aspirasi", "Permintaan Informasi")))
            for step in draw(st.lists(st.sampled_from(STEPS), max_size=2)):
                hours = draw(st.integers(-24, 24 * day))
                moment = FIRST + timedelta(hours=hours)
                if step != "Dibuka Kembali" or entry.get("Selesai"):
                    entry[step] = f"{moment:%d/%m/%Y %H:%M}"
            if draw(st.integers(0, 5)):
                known = {"No Register": f"FD-{ticket}", "Tanggal Masuk": "01/11/2026 07:00"}
                rows.append([(known | entry).get(name, "") for name in header])
        lines = [f"Dibuat;{made:%F %H:%M}", ";".join(header), *map(";".join, rows), ""]
        name = f"register_{made:%Y-%m-%d_%H%M}.csv"
        files.append(File("register", f"whole/{name}", "\n".join(lines)))
    return files


@pytest.fixture(scope="module")
def header() -> list[str]:
    """The columns of the example site's register."""
    sample = next(
        (REPOSITORY / "examples" / "kabupaten-contoh" / "inbox" / "register").glob("*.csv")
    )
    return sample.read_bytes().decode("utf-8-sig").splitlines()[0].split(";")


class Desk:
    """A site whose inbox and database can be emptied."""

    def __init__(self, folder: Path) -> None:
        shutil.copytree(
            REPOSITORY / "examples" / "kabupaten-contoh",
            folder,
            ignore=shutil.ignore_patterns("inbox"),
        )
        sources = folder / "sources.toml"
        text = sources.read_text(encoding="utf-8")
        for old in ('pattern = "*.xlsx"', 'pattern = "*.csv"'):
            assert old in text
            text = text.replace(old, 'pattern = "*/*.csv"')
        sources.write_text(text.replace("%H%M.xlsx", "%H%M.csv"), encoding="utf-8")
        self.site = load_site(folder)
        self.inbox = folder / "inbox"
        engine = open_engine(f"sqlite:///{folder}/empty.db")
        migrate(engine)
        engine.dispose()
        self._empty = sqlite3.connect(folder / "empty.db")

    def read(self, parts: Iterable[Sequence[File]]) -> list[object]:
        """What is known at the end when the parts are dropped and pulled one after another."""
        shutil.rmtree(self.inbox, ignore_errors=True)
        for source in ("lapor", "register"):
            (self.inbox / source).mkdir(parents=True)
        engine = open_engine("sqlite://")
        with engine.connect() as connection:
            self._empty.backup(connection.connection.driver_connection)
        context = SiteContext(self.site, engine)
        now = FIRST + timedelta(days=DAYS)
        for part in parts:
            now += timedelta(hours=1)
            self.pull(context, part, now)
        found = told(context)
        engine.dispose()
        return found

    def pull(self, context: SiteContext, part: Sequence[File], now: datetime) -> None:
        for file in part:
            path = self.inbox / file.source / file.name
            path.parent.mkdir(exist_ok=True)
            path.write_text(file.text, encoding="utf-8")
        for source in self.site.sources:
            pull(context, source, now)


def in_doubt(event: Event) -> bool:
    """Whether an event is a doubt about a step of a register."""
    return event.is_doubt and not event.source_field.startswith((OBSERVED, ABSENT))


def told(context: SiteContext) -> list[object]:
    """What is known, without when it was learnt: complaints, events by effect, verdicts.

    The rows of a register are not kept. So the time since which a step is in doubt depends on the
    order of reading, and with it the verdicts of such a complaint: they are left out.
    """
    with context.transaction() as session:
        rows = complaints.everything(session, END)
        keys = {row.id: row.ticket for row in rows}
        events = complaints.events_of(session, keys)
        facts = [
            (
                row.ticket,
                row.received_at,
                row.classification,
                row.unit,
                row.state,
                row.shown_since,
                row.first_seen_at,
                row.seen_at,
                row.absent_since,
                row.content_hash,
                [
                    (e.kind, e.earliest, e.latest, e.knowledge, e.unit)
                    for each in history_as_of(events[row.id], END)
                    for e in each
                    if not in_doubt(e)
                ],
            )
            for row in rows
        ]
        verdicts = [
            (
                known.complaint.ticket,
                deadline.rule.id,
                deadline.clock,
                deadline.state,
                deadline.started,
                deadline.due,
                deadline.stopped,
                deadline.by_policy,
            )
            for known, judged in load_and_evaluate(session, context, rows, END)
            for deadline in judged.deadlines
            if not any(map(in_doubt, known.history.events))
        ]
        looks = [
            (look.source, look.observed_at, look.sha256)
            for look in session.scalars(select(SourceImport))
        ]
        runs = [
            (keys[s.complaint_id], s.state, s.unit, s.first_at, s.last_at)
            for s in session.scalars(select(StateSpanRow))
        ]
        waiting = [(q.source, q.reason, q.ticket) for q in session.scalars(select(QuarantineRow))]
    return [sorted(part, key=repr) for part in (facts, verdicts, looks, runs, waiting)]


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("TENGGAT_VAR", str(tmp_path_factory.mktemp("var")))
        yield Desk(tmp_path_factory.mktemp("desk") / "site")


def in_parts(data: st.DataObject, files: Sequence[File]) -> list[list[File]]:
    """The files in any order, cut into any parts."""
    order = data.draw(st.permutations(files), label="order")
    cuts = data.draw(st.sets(st.integers(1, max(1, len(order) - 1))), label="cuts")
    ends = [*sorted(cuts), len(order)]
    return [list(order[start:end]) for start, end in zip([0, *ends], ends, strict=False)]


@pytest.mark.thorough
@pytest.mark.long
@MODEST
@given(st.data())
def test_exports_read_in_any_order_and_in_any_parts_teach_the_same(desk, data):
    files = data.draw(snapshots(), label="files")
    expected = desk.read([file] for file in files)
    assert desk.read(in_parts(data, files)) == expected


@pytest.mark.thorough
@pytest.mark.long
@MODEST
@given(st.data())
def test_registers_read_in_any_order_and_in_any_parts_teach_the_same(desk, header, data):
    files = data.draw(registers(header), label="files")
    expected = desk.read([file] for file in files)
    assert desk.read(in_parts(data, files)) == expected


@pytest.mark.thorough
@pytest.mark.long
@MODEST
@given(st.data())
def test_reading_again_and_under_other_names_changes_nothing(desk, header, data):
    files = data.draw(snapshots()) + data.draw(registers(header))
    expected = desk.read([files])
    again = [File(f.source, f.name.replace("/", "/salinan "), f.text) for f in files]
    parts = in_parts(data, files)
    parts.insert(data.draw(st.integers(0, len(parts))), [])
    read = [file for part in parts for file in part]
    some = data.draw(st.lists(st.sampled_from(again), unique=True))
    copies = [file for file in some if file.name.replace("salinan ", "") in {f.name for f in read}]
    assert desk.read([*parts, copies, copies]) == expected


@pytest.mark.thorough
@pytest.mark.long
@MODEST
@given(files=snapshots())
def test_a_partial_export_beside_a_whole_one_teaches_nothing_more(desk, files):
    whole = [file for file in files if file.name.startswith("whole")]
    facts, verdicts, _, runs, _ = desk.read([whole])
    also = desk.read([files])
    assert (facts, verdicts, runs) == (also[0], also[1], also[3])


@ON_SQLITE_FIRST
@pytest.mark.parametrize("at_once", [2, 3])
def test_pulls_at_once_end_in_the_same_database(context, at_once):
    """Of runs that meet, one may fail and is then repeated; the end is that of one alone."""
    folder = context.site.folder / "inbox" / "register"
    sample = next(
        (REPOSITORY / "examples" / "kabupaten-contoh" / "inbox" / "register").glob("*.csv")
    )
    header = sample.read_bytes().decode("utf-8-sig").splitlines()[0].split(";")
    for day in range(4):
        made = FIRST + timedelta(days=day, minutes=15)
        rows = []
        for number in range(60 + 10 * day):
            entry = {"No Register": f"FD-{number}", "Tanggal Masuk": "01/11/2026 07:00"}
            if number < 20 * day:
                entry["Diverifikasi"] = "01/11/2026 09:00"
            rows.append(";".join(entry.get(name, "") for name in header))
        path = folder / f"register_{made:%Y-%m-%d_%H%M}.csv"
        path.write_text("\n".join([";".join(header), *rows, ""]), encoding="utf-8")
    now = FIRST + timedelta(days=DAYS)

    def one() -> bool:
        try:
            pull(context, "register", now)
        except SourceError:
            return False
        return True

    with ThreadPoolExecutor(at_once) as pool:
        done = [run.result() for run in [pool.submit(one) for _ in range(at_once)]]
    assert any(done)
    pull(context, "register", now)
    with context.transaction() as session:
        rows = session.scalars(select(Complaint).where(Complaint.source == "register")).all()
        events = complaints.events_of(session, [row.id for row in rows])
        looks = session.scalars(select(SourceImport)).all()
    assert len(rows) == len({row.ticket for row in rows}) == 90
    assert [look.observed_at for look in looks] == sorted({look.observed_at for look in looks})
    steps = Counter(event.kind for each in events.values() for event in each)
    assert steps == {"received": 90, "verified": 60}
