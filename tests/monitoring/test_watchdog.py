"""The watchdog on a real Prefect server: failed runs, the automation, and the external monitor."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest
from sqlalchemy import select
from support.forked import Origin
from support.outgoing_mail.watch_mails import told
from support.ports import nobody_listens
from support.prefect_shared import Shared, Told, bare
from support.small_site import small_site
from support.wait import until

import tasks.monitoring.ping
from db.models import MessageKind, MessageRow
from service.automations import silences
from service.deployment_specs import plans
from service.environment import prefect_environment
from service.prefect_api import ask, healthy
from service.registration import register
from settings.site import Site, load_site
from tasks.common.context import SiteContext
from tasks.monitoring.ping import ping
from tasks.notifications.enqueue import enqueue_alert


class Place:
    """A site whose flows are seen by a Prefect server; they run by the real clock."""

    def __init__(self, folder: Path, api: str, origin: Origin | None = None) -> None:
        self.folder, self.var, self.api = small_site(folder / "site"), folder / "var", api
        self.origin, self.variables = origin, {}

    def run(self, flow: str) -> str:
        """Run a flow in a process of its own; what it said where it failed, else nothing."""
        call = f"from flows.{flow} import {flow}; {flow}({str(self.folder)!r})"
        environment = {
            **prefect_environment(self.var, self.api),
            "TENGGAT_VAR": str(self.var),
            **self.variables,
        }
        assert self.origin is not None
        done = self.origin.run("-c", call, **environment)
        return done.stderr if done.returncode else ""

    def context(self) -> SiteContext:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("TENGGAT_VAR", str(self.var))
            return SiteContext.open(self.folder)

    def owe(self) -> None:
        """Let a mail wait: an alert, which is always told at once."""
        context = self.context()
        with context.run(datetime.now(UTC), "a test") as run:
            enqueue_alert(run, "vacancy", {"unit": "dinsos", "role": "liaison"})
        context.close()

    def failures(self) -> list[MessageRow]:
        """The mails that tell of a failed delivery, newest first."""
        context = self.context()
        with context.transaction() as session:
            query = select(MessageRow).where(MessageRow.kind == MessageKind.ALERT)
            rows = list(session.scalars(query.order_by(MessageRow.id.desc())))
        context.close()
        return [row for row in rows if "+failed:delivery" in told(row)]


@pytest.fixture
def place(tmp_path: Path, shared: Shared, origin: Origin) -> Place:
    return Place(tmp_path, shared.api, origin)


@pytest.fixture(scope="module")
def registered(shared: Shared, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A site that is registered on a server which knows no other."""
    with bare(shared.api):
        site = load_site(small_site(tmp_path_factory.mktemp("registered") / "site"))
        for _ in register(shared.api, [site]):
            pass
        yield site


# --- failed runs ----------------------------------------------------------------------------------


@pytest.mark.thorough
def test_a_run_that_fails_is_told_once_with_a_link_and_the_reason(place, tmp_path):
    with nobody_listens() as port:
        place.variables["TENGGAT_MAIL_URL"] = f"smtp+plain://127.0.0.1:{port}"
        place.owe()
        assert "IncompleteDelivery" in place.run("delivery")
        assert place.run("watchdog") == ""
        (mail,) = place.failures()
        facts = next(each["facts"] for each in mail.detail["opened"] if each["kind"] == "failed")
        run = facts["link"].removeprefix("http://127.0.0.1:4200/runs/flow-run/")
        seen = ask(f"{place.api}/flow_runs/{run}")
        assert (seen["state_type"], seen["name"].split()[0]) == ("FAILED", "delivery")
        assert facts["error"].startswith("the mail server cannot be used: 127.0.0")
        assert facts["n"] == "1"
        context = place.context()  # the next try is in a minute
        with context.transaction() as session:
            for row in session.scalars(select(MessageRow)):
                row.next_attempt_at = datetime.now(UTC)
        context.close()
        assert "IncompleteDelivery" in place.run("delivery")
        assert place.run("watchdog") == ""
        assert len(place.failures()) == 1
    other = Place(tmp_path / "other", place.api, place.origin)  # its runs are well
    assert other.run("watchdog") == ""
    assert other.failures() == []
    shown = Told(place.api, place.folder).all("artifacts")
    (page, *_) = [a["data"] for a in shown if a["key"] == "watchdog" and facts["link"] in a["data"]]
    assert "Pengiriman surel \\(delivery\\): sebuah putaran gagal" in page


# --- the automation -------------------------------------------------------------------------------


@pytest.mark.thorough
def test_a_silence_starts_the_watchdog_once(shared, registered):
    api, site = shared.api, registered
    assert [line for line in register(api, [site]) if "automation" in line] == []  # as it shall be
    wanted = plans([site])
    ids = {p.name: ask(f"{api}/deployments/name/{p.name}")["id"] for p in wanted}
    found = {a["name"]: a for a in silences([site], wanted, ids)}
    assert set(found) == {
        "tenggat: deadlines/deadlines tidak berjalan",
        "tenggat: delivery/delivery tidak berjalan",
    }
    automation = found["tenggat: delivery/delivery tidak berjalan"]
    assert automation["trigger"]["within"] == 30 * 60
    hurried = {**automation, "name": "hurried"}
    hurried["trigger"] = {**automation["trigger"], "within": 10}
    hurried = ask(f"{api}/automations/", hurried)

    def complete(name: str) -> None:
        made = ask(f"{api}/deployments/{ids[name]}/create_flow_run", {})
        for kind in ("PENDING", "RUNNING", "COMPLETED"):
            ask(f"{api}/flow_runs/{made['id']}/set_state", {"state": {"type": kind}, "force": True})

    def asked() -> list[dict[str, Any]]:
        of_it = {"deployments": {"id": {"any_": [ids["watchdog/watchdog"]]}}}
        return [r for r in ask(f"{api}/flow_runs/filter", of_it) if not r["auto_scheduled"]]

    began = time.monotonic()
    while time.monotonic() - began < 14:  # lively for longer than the window
        complete("delivery/delivery")
        Event().wait(2)
    assert asked() == []
    complete("deadlines/deadlines")  # another flow does not stand in for it
    until(asked)
    complete("delivery/delivery")
    until(lambda: len(asked()) == 2)
    ask(f"{api}/automations/{hurried['id']}", method="DELETE")
    assert healthy(api)


@pytest.mark.thorough
def test_many_runs_that_complete_at_once_do_not_stop_the_server(shared, registered):
    """SQLite may be locked for a minute meanwhile; then it goes on."""
    api = shared.api
    ids = [ask(f"{api}/deployments/name/{name}/{name}")["id"] for name in ("deadlines", "delivery")]
    for deployment in ids * 15:  # a server that is busy for a moment is asked again
        made = ask(f"{api}/deployments/{deployment}/create_flow_run", {})
        state = {"state": {"type": "COMPLETED"}, "force": True}
        ask(f"{api}/flow_runs/{made['id']}/set_state", state)
    assert until(lambda: healthy(api))


# --- the external monitor -------------------------------------------------------------------------


class Monitor:
    """A real HTTP server that notes what it is asked for."""

    def __init__(self, status: int = 200) -> None:
        self.status, self.asked, self.silent = status, [], Event()
        outer = self

        class Answer(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.asked.append(self.path)
                if outer.status == 0:  # no answer at all
                    outer.silent.wait(20)
                    return
                self.send_response(outer.status)
                self.send_header("Location", "/elsewhere")
                self.end_headers()

            def log_message(self, *more: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
        self.url = f"http://127.0.0.1:{self.server.server_port}/ping/s3cret"


@contextmanager
def listening(status: int = 200) -> Iterator[Monitor]:
    monitor = Monitor(status)
    thread = Thread(target=monitor.server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield monitor
    finally:
        monitor.silent.set()
        monitor.server.shutdown()
        thread.join()
        monitor.server.server_close()


def test_a_monitor_hears_whether_it_is_well(monkeypatch):
    with listening() as monitor:
        assert ping(monitor.url, well=True) == ping(monitor.url, well=False) == ""
        assert monitor.asked == ["/ping/s3cret", "/ping/s3cret/fail"]
    assert ping(monitor.url, well=True) == "the monitor does not answer (ConnectError)"
    with listening(404) as monitor:
        assert ping(monitor.url, well=True) == "the monitor answers 404"
    with listening(302) as monitor:
        assert ping(monitor.url, well=True) == "the monitor answers 302"
        assert monitor.asked == ["/ping/s3cret"]  # it is not led elsewhere
    monkeypatch.setattr(tasks.monitoring.ping, "LONGEST", 0.3)
    with listening(0) as monitor:
        began = time.monotonic()
        assert ping(monitor.url, well=True) == "the monitor does not answer (ReadTimeout)"
        assert time.monotonic() - began < 5
    assert "s3cret" not in ping("https://s3cret\x00.example", well=True)


@pytest.mark.thorough
def test_a_delivery_tells_the_monitor_how_it_went_and_never_fails_by_it(place):
    with listening() as monitor:
        place.variables["TENGGAT_PING_URL"] = monitor.url
        assert place.run("delivery") == ""
        assert monitor.asked == ["/ping/s3cret"]
        place.owe()
        with nobody_listens() as port:
            place.variables["TENGGAT_MAIL_URL"] = f"smtp+plain://127.0.0.1:{port}"
            assert "IncompleteDelivery" in place.run("delivery")
        assert monitor.asked[1:] == ["/ping/s3cret/fail"]
        assert place.run("watchdog") == ""  # it knows of the failed run
        assert monitor.asked[2:] == ["/ping/s3cret/fail"]
        del place.variables["TENGGAT_MAIL_URL"]
        monitor.status = 500
        assert place.run("delivery") == ""
        assert monitor.asked[3:] == ["/ping/s3cret/fail"]

    def warned() -> list[str]:
        logs = Told(place.api, place.folder).all("logs")
        assert "s3cret" not in str(logs)
        return [log["message"] for log in logs if "monitor" in log["message"]]

    assert until(warned) == ["the monitor answers 500"]
