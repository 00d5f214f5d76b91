"""The flows on a real Prefect server: what an administrator sees there, and what nobody may."""

import json
import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from conftest import REPOSITORY, wita
from prefect.logging import disable_run_logger
from sqlalchemy import select
from support.forked import PLAIN_REPORTS, SILENT, Origin
from support.prefect_shared import Shared, Told
from support.small_site import NAME, export, small_site
from support.wait import until

from db.models import MessageKind, MessageRow
from flows.deadlines import show_evaluated
from flows.delivery import show_composed
from flows.intake import show_read
from flows.run_context import SAY, flow_run_context
from service.environment import prefect_environment
from service.prefect_api import every
from tasks.common.context import ClockInThePast, SiteContext
from tasks.text.translation import translated

NOW = "2026-11-24T08:00"


def call(
    origin: Origin, shared: Shared, site: Path, *command: str, **more: str
) -> subprocess.CompletedProcess[str]:
    """Run a command on a site, its flows seen by the server; working files beside the site."""
    environment = {**shared.seen(site.parent / "var"), "TENGGAT_SITE": str(site), **SILENT}
    return origin.run(*command, **environment, **more)


@pytest.fixture(scope="module")
def lived(shared: Shared, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small site on which one cycle has run, at 08:00 on 24 November 2026.

    It runs as the command of a user does, in a Python begun from nothing.
    """
    site = small_site(tmp_path_factory.mktemp("lived") / "lived")
    environment = {**shared.seen(site.parent / "var"), "TENGGAT_SITE": str(site)}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TENGGAT_VAR", environment["TENGGAT_VAR"])
        SiteContext.open(site).close()  # its trial ends
    done = subprocess.run(
        [sys.executable, "-m", "cli", "run", "--now", NOW, "--json"],
        cwd=REPOSITORY,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == "intake ...\ndeadlines ...\ndelivery ...\n"  # no logs of Prefect
    counts = json.loads(done.stdout)
    assert counts["intake"]["sources"][0]["new"] == 4
    assert counts["deadlines"]["notices"] == {"breach": 2}  # the unit first
    assert counts["delivery"]["sent"] > 0
    return site


@pytest.fixture(scope="module")
def prefect(shared: Shared, lived: Path) -> Told:
    """What the server tells of that cycle."""
    return Told(shared.api, lived)


@pytest.fixture
def context(lived: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SiteContext]:
    monkeypatch.setenv("TENGGAT_VAR", str(lived.parent / "var"))
    context = SiteContext.open(lived)
    yield context
    context.close()


# --- what an administrator sees -------------------------------------------------------------------


def test_runs_say_what_ran_for_which_time(prefect, lived):
    runs = prefect.states()
    for flow in ("intake", "deadlines", "delivery"):
        assert runs[f"{flow} 2026-11-24 08:00"] == "COMPLETED"


def test_a_run_is_made_of_a_few_tasks_each_for_a_batch(prefect, lived):
    names = {run["name"].rsplit("-", 1)[0] for run in prefect.all("task_runs")}
    assert {"pull lapor", "pull register", "evaluate and queue", "send what is owed"} <= names
    assert len(names) < 10


def test_every_flow_leaves_an_artifact_in_the_language_of_the_site(prefect, lived):
    told = {artifact["key"]: artifact["data"] for artifact in prefect.all("artifacts")}
    assert "## Penerimaan – Selasa, 24 November 2026 pukul 08.00 WITA" in told["intake"]
    assert "tanggal tidak mungkin: 1" in told["intake"]
    assert "| terlambat |" in told["deadlines"]
    assert "| Dinas Komunikasi, Informatika dan Statistik | 2 |" in told["deadlines"]
    assert "## Pengiriman surel" in told["delivery"]
    assert (
        "| Administrator Pengaduan | 3 |" in told["delivery"]
    )  # of the verification, and two alerts


def test_a_missed_deadline_is_an_event_that_automations_can_use(prefect, lived):
    def breached() -> list[dict[str, Any]]:
        ours = ("tenggat.deadline.breached", "tenggat.site.lived")
        return [
            e
            for e in prefect.events()
            if (e["event"], e["resource"]["prefect.resource.id"]) == ours
        ]

    event = until(breached)[0]
    assert event["payload"]["count"] == 2


def test_no_complainant_is_named_anywhere_in_prefect(prefect, lived):
    """Not of this site, nor of any other whose runs this server has seen."""
    until(lambda: prefect.all("logs"))
    logs = every(prefect.api, "logs")
    assert any("complaints evaluated" in log["message"] for log in logs)
    told = {
        "logs": logs,
        "events": prefect.events(),
        **{kind: every(prefect.api, kind) for kind in ("flow_runs", "task_runs", "artifacts")},
    }
    for kind, found in told.items():
        assert found, kind
        assert NAME not in json.dumps(found), kind
    kept = prefect_environment(lived.parent / "var")["PREFECT_HOME"]
    for file in [*Path(kept).rglob("*"), *(lived.parent / "var" / "mailbox").iterdir()]:
        assert not file.is_file() or NAME.encode() not in file.read_bytes(), file


# --- when something is wrong ----------------------------------------------------------------------


FAULT = """
from tasks.ingest.row_parser import RowParser
record = RowParser.record
def faulty(self, cells, observed):
    if self.name == "register":
        raise ZeroDivisionError(str(cells))
    return record(self, cells, observed)
RowParser.record = faulty
"""
"""To run before: no row of the register can be read, because of an unexpected error."""
UNEXPECTED = (
    r"register_2026-11-24_0715\.csv, read up to line 2: unexpected error \(ZeroDivisionError"
)
"""In English for the command line, and in the language of the site for its artifact."""

TAK_TERDUGA = (
    r"register_2026-11-24_0715\.csv, dibaca sampai baris 2: galat tak terduga \(ZeroDivisionError"
)


def test_a_failing_intake_keeps_nothing_else_from_running(origin, shared, tmp_path):
    """A file is broken, another source has an unexpected error, and a third file waits."""
    site = small_site(tmp_path / "site")
    broken = site / "inbox" / "lapor" / "Laporan_Ringkas_2026-11-22_0700.xlsx"
    broken.write_bytes(b"PK, but no workbook")
    export(site, "2026-11-25 07:00", {})
    register = site / "inbox" / "register" / "register_2026-11-24_0715.csv"
    header = next((REPOSITORY / "examples" / "kabupaten-contoh" / "inbox" / "register").iterdir())
    columns = header.read_text("utf-8-sig").splitlines()[0]
    rest = ";" * (columns.count(";") - 1)
    register.write_text(f"{columns}\nFD-1;23/11/2026 08:30{rest}\n", "utf-8")
    run = ("-m", "cli", "run", "--now", "2026-11-24T09:00", "--json")
    done = call(origin, shared, site, *run, before=FAULT)
    counts = json.loads(done.stdout)
    assert re.search(f"register: {UNEXPECTED} at ", done.stderr)
    assert NAME not in done.stderr
    lapor = next(each for each in counts["intake"]["sources"] if each["source"] == "lapor")
    later = "Laporan_Ringkas_2026-11-25_0700.xlsx"
    assert (lapor["new"], [each["name"] for each in lapor["waiting"]]) == (4, [later])
    shown = {each["key"]: each["data"] for each in Told(shared.api, site).all("artifacts")}
    artifact = shown["intake"].replace("\\", "")
    assert later in artifact
    assert re.search(TAK_TERDUGA, artifact)
    for source, words in (("register", UNEXPECTED), ("lapor", re.escape(later))):
        check = ("-m", "cli", "source", "check", source, "--now", "2026-11-24T09:00")
        checked = call(origin, shared, site, *check, before=FAULT)
        assert re.search(words, checked.stdout)
    assert done.returncode == 1
    assert "failed: intake: lapor: " in done.stderr
    assert broken.name in done.stderr
    assert "Traceback" not in done.stderr
    assert counts["deadlines"]["evaluated"] == 4
    assert counts["delivery"]["sent"] > 0
    runs = Told(shared.api, site).states()
    assert runs["intake 2026-11-24 09:00"] == "FAILED"
    assert runs["deadlines 2026-11-24 09:00"] == "COMPLETED"
    assert runs["delivery 2026-11-24 09:00"] == "COMPLETED"


def hang_up_after(mails: Path, listener: socket.socket) -> None:
    """Serve a mailbox that says nothing until a mail has gone out, and then hangs up."""
    with listener.accept()[0]:
        until(lambda: any(mails.rglob("*.eml")))


def test_a_mailbox_that_cannot_be_read_keeps_no_mail_from_going_out(origin, shared, tmp_path):
    site = small_site(tmp_path / "site")
    with socket.create_server(("127.0.0.1", 0)) as listener, ThreadPoolExecutor(1) as threads:
        served = threads.submit(hang_up_after, tmp_path / "var" / "mailbox", listener)
        url = f"imap+plain://tenggat:s3cret@127.0.0.1:{listener.getsockname()[1]}/INBOX"
        command = ("-m", "cli", "run", "--now", "2026-11-24T10:00", "--json")
        hasty = "import flows.delivery; flows.delivery.HEAD_START = 0.1"
        done = call(origin, shared, site, *command, before=hasty, TENGGAT_BOUNCES_URL=url)
        served.result()
    assert done.returncode == 0, done.stderr
    counts = json.loads(done.stdout)["delivery"]
    assert counts["sent"] > 0
    assert counts["mailbox"]["trouble"].startswith("mail/bounces: the mail server broke off")
    prefect = Told(shared.api, site)
    artifacts = [a["data"] for a in prefect.all("artifacts") if a["key"] == "delivery"]
    told = "Kotak surat untuk surel yang kembali tidak dapat dibaca: mail/bounces: server surel"
    assert any(told in data for data in artifacts)
    logs = until(
        lambda: [log for log in prefect.all("logs") if "the mailbox is not" in log["message"]]
    )
    assert "s3cret" not in json.dumps([artifacts, logs, prefect.all("task_runs")]) + done.stderr


@pytest.mark.parametrize("flow", ["intake", "deadlines", "delivery"])
def test_no_flow_runs_at_a_time_before_its_last_run(context, flow):
    earlier = wita("2026-11-24 07:59")
    says = f"it is 2026-11-24 07:59, but {flow} has already run at 2026-11-24 08:00"
    with (
        pytest.raises(ClockInThePast, match=says),
        flow_run_context(flow, str(context.site.folder), earlier),
    ):
        pytest.fail("the flow ran")


def test_a_time_without_a_zone_is_refused(context):
    naive = wita("2026-11-24 09:00").replace(tzinfo=None)
    with pytest.raises(ValueError, match="needs a zone"), flow_run_context("intake", None, naive):
        pytest.fail("the flow ran")


def test_a_summary_made_twice_is_owed_once(origin, shared, prefect, lived, context):
    twice = """
from datetime import datetime
from flows.summary import summary
for hour in (9, 10):
    now = datetime.fromisoformat(f"2026-11-24T{hour:02}:00+08:00")
    made = summary(SITE, now, "2026-11", datetime.fromisoformat("2026-11-24T08:00+08:00"))
    print(made["sha256"], made["made_before"])
"""
    done = call(origin, shared, lived, "-c", f"SITE = {str(lived)!r}{twice}", before=PLAIN_REPORTS)
    assert done.returncode == 0, done.stderr
    first, second = (line.split() for line in done.stdout.splitlines())
    assert first[0] == second[0]
    assert (first[1], second[1]) == ("False", "True")
    with context.transaction() as session:
        query = select(MessageRow.role).where(MessageRow.kind == MessageKind.SUMMARY)
        assert sorted(session.scalars(query)) == ["inspector", "regional_secretary"]
    artifact = next(a for a in prefect.all("artifacts") if a["key"] == "summary")
    assert "November 2026" in artifact["data"]


def test_the_person_who_started_a_cycle_reads_how_far_a_long_run_is():
    said: list[str] = []
    before = SAY.set(said.append)
    with disable_run_logger():
        show_read("desk", 20_000)
        show_evaluated(20_000, 70_000)
        show_composed(3, 34)
    SAY.reset(before)
    assert said == [
        "desk: 20000 rows read",
        "20000 of 70000 complaints evaluated",
        "3 of 34 mails composed",
    ]
    assert [translated(each, "id") for each in said] == [
        "desk: 20000 baris sudah dibaca",
        "20000 dari 70000 pengaduan sudah dinilai",
        "3 dari 34 surel sudah disusun",
    ]
