"""What an administrator sees and does in the browser, with a real service, worker and mail server.

The site's first cycle has met all kinds of trouble (`services.Troubled`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from conftest import REPOSITORY
from sqlalchemy import select
from support.browser import browsing
from support.servers.smtp_servers import Server
from support.services import FLOWS, REFUSAL, Troubled, Up
from support.small_site import FAR_HOUR, NAME
from support.web_pages import Pages

from db.models import AuditRow, MessageRow

pytestmark = pytest.mark.browser


@dataclass
class Desk:
    """An administrator's desk: the service, the screen on it, and the mail server elsewhere."""

    up: Up
    pages: Pages
    server: Server
    trouble: Troubled

    def first(self, flow: str) -> str:
        """The name of the first run of this flow."""
        return str(self.runs(flow)[0]["name"])

    def runs(self, flow: str) -> list[dict]:
        return [run for run in self.up.begun() if run["name"].startswith(flow)]

    def open_run(self, name: str) -> None:
        self.pages.open("/runs")
        self.pages.click(name)
        self.pages.reads("Logs", "Task Runs", name)


@pytest.fixture(scope="module")
def pages(
    tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[Pages]:
    """The screen; where there is no browser no service is started for it."""
    with browsing(tmp_path_factory.mktemp("desk") / "profile") as browser:
        trouble: Troubled = request.getfixturevalue("troubled_once")
        pages = Pages(browser, trouble.up.url, zone="Asia/Makassar")
        pages.open("/")
        pages.reads("Login")
        pages.focus("input")
        browser.type(trouble.up.login())
        pages.click("Login")
        pages.reads("Dashboard")
        yield pages


@pytest.fixture
def desk(pages: Pages, troubled: Troubled) -> Iterator[Desk]:
    yield Desk(troubled.up, pages, troubled.server, troubled)
    pages.leave()


@pytest.mark.thorough
def test_the_page_that_opens_lists_the_deployments_and_asks_nobody_outside(desk):
    desk.pages.open("/")
    desk.pages.reads("Dashboard", "Flow Runs")
    desk.pages.click("Deployments")
    desk.pages.reads("7 Deployments", *FLOWS)
    assert desk.pages.hosts() == {f"127.0.0.1:{desk.up.port}"}


@pytest.mark.thorough
def test_each_deployment_tells_when_it_runs_and_how_it_is_asked_for(desk):
    noon = "AM" if FAR_HOUR < 12 else "PM"
    for name, schedule in (
        ("delivery", f"At {FAR_HOUR % 12 or 12:02}:09 {noon} every day"),
        ("summary", "last-month"),
    ):
        desk.pages.open("/deployments")
        desk.pages.click(name)
        desk.pages.reads("Schedules", schedule, "Concurrency Limit 1")
    desk.pages.click("Run")
    desk.pages.click("Custom run")
    desk.pages.reads("Folder situs", "masa yang biasa bagi situs", "Validate parameters")


@pytest.mark.thorough
def test_a_report_is_asked_for_by_its_form_and_stands_in_a_table(desk):
    desk.pages.open("/deployments")
    desk.pages.click("summary")
    desk.pages.click("Run")
    desk.pages.click("Custom run")
    desk.pages.write("Masa laporan (Optional)", "2026-11")
    desk.pages.submit("Validate parameters")
    desk.pages.leave()
    desk.up.until(lambda: any(r["state_type"] == "COMPLETED" for r in desk.runs("summary")))
    desk.open_run(desk.first("summary"))
    desk.pages.click("Artifacts")
    desk.pages.reads("TABLE", "summary-units", "Pemerintah Kabupaten Contoh")
    desk.pages.click_card("TABLE summary-units")
    desk.pages.reads(
        "Perangkat daerah",
        "Kewajiban tepat waktu (%)",
        "Dinas Komunikasi, Informatika dan Statistik",
    )


def test_a_completed_run_shows_its_tasks_and_its_artifact_in_words(desk):
    held, notices = len(desk.trouble.held), desk.trouble.notices
    desk.open_run(desk.first("deadlines"))
    owed = notices["queued"]
    counts = f"4 complaints evaluated, {owed} notices, {held} mails queued"
    desk.pages.reads("Completed", counts, "1 Task run")
    desk.pages.click("Task Runs")
    desk.pages.reads("evaluate and queue")
    desk.pages.click("Artifacts")
    desk.pages.click_card("MARKDOWN deadlines")
    words = desk.pages.reads("Pengaduan terlambat per perangkat daerah", " pukul ")
    superseded = notices.get("superseded", 0)
    told = f"4 pengaduan dinilai, {superseded} pemberitahuan digantikan yang lebih tinggi"
    assert told in words
    assert f"Surel ditahan: {held}. Menunggu keputusan administrator." in words
    assert "Dinas Komunikasi, Informatika dan Statistik 2" in words
    assert NAME not in words


@pytest.mark.thorough
def test_a_failed_run_says_what_the_mail_server_said_and_what_to_do(desk):
    desk.open_run(desk.first("delivery"))
    words = desk.pages.reads(
        "Failed",
        f"127.0.0.1:{desk.server.port}: {REFUSAL[4:]}. Mails that wait for it: ",
        "`tenggat doctor` tests the connection to it",
    )
    assert re.search(r"Mails that wait for it: [1-9]\d*\. `tenggat doctor`", words)
    desk.pages.click("Artifacts")
    desk.pages.click_card("MARKDOWN delivery")
    desk.pages.reads("Server surel tidak dapat dipakai: ", REFUSAL[4:], "setelah server pulih")


@pytest.mark.thorough
def test_a_source_whose_folder_is_gone_is_named_and_the_others_are_read(desk):
    (run,) = [run for run in desk.up.first_runs if run["name"].startswith("intake")]
    desk.pages.open(f"/runs/flow-run/{run['id']}")
    gone = desk.trouble.gone
    desk.pages.reads("Failed", f"{gone}: no such folder; correct `folder` of register")
    desk.pages.click("Artifacts")
    desk.pages.click_card("MARKDOWN intake")
    desk.pages.reads("Sumber tidak dapat dibaca: register", "lapor 2 4 1 3 1")


@pytest.mark.thorough
def test_the_question_of_a_storm_is_answered_in_its_form_and_the_mails_go(desk):
    held = desk.trouble.held
    roles = {mail["role"] for mail in held}
    assert {"administrator", "liaison"} <= roles
    desk.up.until(lambda: any(run["state_type"] == "PAUSED" for run in desk.runs("storm")))
    (asked,) = desk.runs("storm")
    assert asked["state_name"] == "Suspended"
    resume = f"flow_runs/{asked['id']}/resume"
    answer = {"run_input": {"decision": "mungkin", "by": "Rahmadsyah"}}
    assert desk.up.ask(resume, answer)["status"] == "REJECT"  # a word that is no choice
    desk.server.greeting = ""  # by now it is well
    desk.open_run("storm 1")
    desk.pages.click("Resume")
    desk.pages.reads(f"Satu putaran hendak mengirim {len(held)} surel; batasnya 1.", "Keputusan")
    desk.pages.click("Submit")  # nothing is chosen yet
    desk.pages.reads("'decision' is a required property", "'by' is a required property")
    desk.pages.write("Keputusan", "kirim")
    desk.pages.write("Diputuskan oleh", "Rahmadsyah")
    desk.pages.submit("Diputuskan oleh")
    desk.pages.leave()
    desk.up.until(lambda: desk.runs("storm")[0]["state_type"] == "COMPLETED")
    with desk.up.context() as context, context.transaction() as session:
        assert "Prefect UI: Rahmadsyah" in set(session.scalars(select(AuditRow.actor)))

    run = desk.up.ask_for("delivery")
    assert desk.up.ends(run) == "COMPLETED"
    with desk.up.context() as context, context.transaction() as session:
        sent = select(MessageRow.role, MessageRow.recipient).where(MessageRow.status == "sent")
        found = session.execute(sent).all()
    assert roles <= {role for role, _ in found}
    arrived = sorted(letter.recipient for letter in desk.server.letters)
    assert arrived == sorted(recipient for _, recipient in found)


@pytest.mark.thorough
def test_behind_the_proxy_both_user_interfaces_work_and_ask_nobody_outside(desk):
    (line,) = [
        line
        for line in Path(REPOSITORY / "deploy" / "Caddyfile").read_text("utf-8").splitlines()
        if "Content-Security-Policy" in line
    ]
    policy = line.split('"')[1]
    with desk.pages.under(policy) as refused:
        desk.pages.open("/runs")
        desk.pages.reads(desk.first("deadlines"))
        assert refused() == []
        desk.pages.open("/v2/runs")
        desk.pages.reads(desk.first("deadlines"))
        desk.pages.until(refused, "a refusal")
        assert all("amplitude.com" in address for address in refused())
        assert desk.pages.hosts() == {f"127.0.0.1:{desk.up.port}"}
