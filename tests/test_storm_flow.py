"""A storm in a running service: the question waits in the UI, and the answer is acted on."""

import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from test_service import Up


@pytest.fixture
def up(tmp_path: Path) -> Iterator[Up]:
    """A service whose first cycle owes more mails than its site allows."""
    running = Up(tmp_path, most_mails=1)
    try:
        running.until(running.waits_for_its_schedule)
        yield running
    finally:
        running.kill()


def mails(up: Up) -> list[str]:
    return sorted(path.name for path in (up.var / "mailbox").glob("*.eml"))


def test_a_storm_waits_in_the_ui_and_its_form_lets_the_mails_go(up):
    def run() -> dict:
        return next(run for run in up.prefect("flow_runs") if run["name"].startswith("storm"))

    up.until(lambda: any(r["state_type"] == "PAUSED" for r in up.prefect("flow_runs")))
    asked = run()
    assert (asked["name"], asked["state_name"]) == ("storm 1", "Suspended")
    keyset = asked["state"]["state_details"]["run_input_keyset"]
    inputs = f"{up.url}/api/flow_runs/{asked['id']}/input"
    schema = httpx.get(f"{inputs}/{keyset['schema']}").json()
    assert schema["$defs"]["choice"]["enum"] == ["kirim", "buang"]
    description = httpx.get(f"{inputs}/{keyset['description']}").json()
    assert "hendak mengirim" in description
    (alone,) = mails(up)  # to the administrator
    assert "admin.lapor" in alone

    resume = f"{up.url}/api/flow_runs/{asked['id']}/resume"
    wrong = httpx.post(resume, json={"run_input": {"decision": "mungkin", "by": "Rahmadsyah"}})
    assert wrong.json()["status"] == "REJECT"
    answer = {"decision": "kirim", "by": "Rahmadsyah"}
    assert httpx.post(resume, json={"run_input": answer}).json()["status"] == "ACCEPT"
    up.until(lambda: run()["state_type"] == "COMPLETED")
    done = up.tenggat("mail", "list", "--json")
    assert {mail["status"] for mail in json.loads(done)} == {"queued", "sent"}
    up.tenggat("run")
    assert len(mails(up)) > 2
