"""Real IMAP servers on free ports of 127.0.0.1: pymap, in memory, and Debian's Dovecot."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from urllib.parse import quote

import trustme
from imapclient import IMAPClient

from service.environment import free_port

DOVECOT = shutil.which("dovecot", path="/usr/sbin:/usr/local/sbin:/usr/bin")
USER, PASSWORD = "aduan@contohkab.example", "p/w@Rahasia:1"
LIMIT = 30
STARTS_WITHIN = 120
"""Seconds. On a busy machine pymap may be loading its modules for half a minute."""
PYMAP = """
from pymap.main import main
from pysasl.hashing import BuiltinHash
BuiltinHash.__init__.__kwdefaults__["rounds"] = 1  # half a million cost each login 0.2 s of CPU
main()
"""


@dataclass(frozen=True)
class Server:
    """A server with one account, and the certificate authority that it is known by."""

    kind: str
    port: int
    tls_port: int | None
    authority: Path

    def url(self, folder: str, scheme: str = "imap+plain", host: str = "127.0.0.1") -> str:
        port = self.tls_port if scheme == "imaps" else self.port
        user, password = quote(USER, safe=""), quote(PASSWORD, safe="")
        return f"{scheme}://{user}:{password}@{host}:{port}/{quote(folder)}"

    @contextmanager
    def client(self) -> Iterator[IMAPClient]:
        with IMAPClient("127.0.0.1", self.port, ssl=False, timeout=LIMIT) as client:
            client.login(USER, PASSWORD)
            yield client

    def deliver(self, folder: str, *mails: tuple[bytes, datetime]) -> None:
        """Lay mails into a folder, each as if it had arrived at this moment."""
        with self.client() as client:
            if not client.folder_exists(folder):
                client.create_folder(folder)
            for raw, arrived in mails:
                client.append(folder, raw, msg_time=arrived)


@contextmanager
def pymap() -> Iterator[Server]:
    """It needs nothing but Python, speaks STARTTLS, and no TLS from the start."""
    with tempfile.TemporaryDirectory(prefix="tenggat-pymap-") as name:
        folder = Path(name)
        server = Server("pymap", free_port(), None, folder / "authority.pem")
        _certificate(folder)
        command = [
            sys.executable,
            "-c",
            PYMAP,
            "--host",
            "127.0.0.1",
            "--port",
            str(server.port),
            "--cert",
            f"{folder}/chain.pem",
            "--key",
            f"{folder}/key.pem",
            "dict",
            "--demo-user",
            USER,
            "--demo-password",
            PASSWORD,
        ]
        with _running(command, server, folder / "log"):
            yield server


@contextmanager
def dovecot() -> Iterator[Server]:
    """What most mailboxes of a government are served by; it is started as root."""
    assert DOVECOT is not None
    with tempfile.TemporaryDirectory(prefix="tenggat-dovecot-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        server = Server("dovecot", free_port(), free_port(), folder / "authority.pem")
        _certificate(folder)
        (folder / "mail").mkdir()
        shutil.chown(folder / "mail", "nobody", "nogroup")
        (folder / "dovecot.conf").write_text(
            f"""
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/log
protocols = imap
listen = 127.0.0.1
disable_plaintext_auth = no
auth_failure_delay = 0
service anvil {{
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
ssl = yes
ssl_cert = <{folder}/chain.pem
ssl_key = <{folder}/key.pem
mail_location = maildir:{folder}/mail/%u
first_valid_uid = 1
first_valid_gid = 1
passdb {{
  driver = static
  args = password={PASSWORD}
}}
userdb {{
  driver = static
  args = uid=nobody gid=nogroup home={folder}/mail/%u
}}
service imap-login {{
  inet_listener imap {{
    port = {server.port}
  }}
  inet_listener imaps {{
    port = {server.tls_port}
    ssl = yes
  }}
}}
""",
            encoding="utf-8",
        )
        with _running([DOVECOT, "-F", "-c", f"{folder}/dovecot.conf"], server, folder / "log"):
            yield server


def _certificate(folder: Path) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(folder / "authority.pem"))
    issued = authority.issue_cert("127.0.0.1")
    issued.private_key_pem.write_to_path(str(folder / "key.pem"))
    for blob in issued.cert_chain_pems:
        blob.write_to_path(str(folder / "chain.pem"), append=True)


@contextmanager
def _running(command: list[str], server: Server, log: Path) -> Iterator[None]:
    with log.open("a") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output)
    try:
        end = time.monotonic() + STARTS_WITHIN
        while True:
            with suppress(OSError), server.client():
                break
            if process.poll() is not None or time.monotonic() > end:
                raise RuntimeError(log.read_text(encoding="utf-8")[-2000:])
            time.sleep(0.05)
        yield
    finally:
        process.terminate()
        process.wait(LIMIT)


def can_run_dovecot() -> bool:
    """Whether Dovecot is there and these tests may start it."""
    return DOVECOT is not None and os.geteuid() == 0
