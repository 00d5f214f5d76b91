"""What docs/threat-model.md says: loopback by default, and an audit that pretends nothing."""

from __future__ import annotations

import inspect
import re
from urllib.parse import urlsplit

import psutil
import pytest
import yaml
from conftest import REPOSITORY
from support.code_files import EVERYTHING

from cli.service import up
from scripts.audit_dependencies import judged
from tasks.notifications.transport.local_mailbox import local_mailbox

EVERYWHERE = re.compile(r"""['"](0\.0\.0\.0|::)['"]""")


def listening(*family: psutil.Process) -> set[tuple[str, int]]:
    """Where these processes listen."""
    found = (each for process in family for each in process.net_connections("inet"))
    return {(each.laddr.ip, each.laddr.port) for each in found if each.status == "LISTEN"}


def test_the_mailbox_listens_on_loopback_only(tmp_path):
    before = listening(psutil.Process())
    with local_mailbox(tmp_path):
        assert {ip for ip, _ in listening(psutil.Process()) - before} == {"127.0.0.1"}


def test_the_server_of_a_single_command_listens_on_loopback_only(shared):
    """That it ends with the command is seen in test_demo."""
    port = urlsplit(shared.api).port
    servers = [each for each in psutil.Process().children() if str(port) in each.cmdline()]
    family = [each for one in servers for each in (one, *one.children(recursive=True))]
    assert listening(*family) == {("127.0.0.1", port)}


def test_the_service_listens_on_loopback_unless_told_otherwise():
    """That it does is seen in test_service; here that nothing else is its default."""
    assert inspect.signature(up).parameters["host"].default == "127.0.0.1"
    named = [
        path.relative_to(REPOSITORY).as_posix()
        for path in EVERYTHING
        if EVERYWHERE.search(path.read_text("utf-8"))
    ]
    assert named == ["service/prefect_server.py"], "which tells such an address from others"


def test_in_the_compose_file_only_the_proxy_can_be_reached():
    text = (REPOSITORY / "deploy" / "compose.yaml").read_text("utf-8")
    services = yaml.safe_load(text)["services"]
    assert [name for name, each in services.items() if "ports" in each] == ["proxy"]
    assert all("network_mode" not in each for each in services.values())


GOOD = {"name": "a", "version": "1", "vulns": []}
BAD = {"name": "b", "version": "2", "vulns": [{"id": "CVE-1", "fix_versions": ["3"]}]}
UNKNOWN = {"name": "c", "skip_reason": "Dependency not found: c (1)"}


@pytest.mark.parametrize(
    ("answer", "code", "said"),
    [
        ({"dependencies": [GOOD]}, 0, "1 packages audited, 0 vulnerable"),
        ({"dependencies": [GOOD, BAD]}, 1, "VULNERABLE: b 2: CVE-1 (3 mends it)"),
        ({"dependencies": [GOOD, UNKNOWN]}, 3, "NOT AUDITED: 1 of 2 packages: Dependency not"),
        ({"dependencies": [BAD, UNKNOWN]}, 1, "NOT AUDITED: 1 of 2"),
        ("no network", 3, "NOT AUDITED: no network"),
    ],
)
def test_what_could_not_be_audited_is_not_called_good(answer, code, said):
    lines, found = judged(answer)
    assert found == code
    assert any(line.startswith(said) for line in lines), lines
