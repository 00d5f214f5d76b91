"""What deploy/ promises: a sound unit, and nothing to reach but the proxy, by login."""

import os
import shlex
import shutil
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from conftest import REPOSITORY
from support.programs import needed
from support.services import ELSEWHERE, LOGIN

from service.environment import free_port

DEPLOY = REPOSITORY / "deploy"


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    told: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text("utf-8"))
    return told


UNITS = ("tenggat.service", "tenggat-worker.service")


@pytest.mark.parametrize("name", UNITS)
def test_systemd_finds_nothing_wrong_with_the_unit(name, tmp_path):
    needed(shutil.which("systemd-analyze"), "systemd-analyze", "apt install systemd")
    unit = tmp_path / name
    text = (DEPLOY / name).read_text("utf-8")
    unit.write_text(text.replace("/opt/tenggat/.venv/bin/tenggat", "/bin/true"), "utf-8")
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", "--recursive-errors=no", str(unit)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("name", UNITS)
def test_the_unit_calls_a_command_that_there_is(name, call_tenggat):
    (line,) = [
        line
        for line in (DEPLOY / name).read_text("utf-8").splitlines()
        if line.startswith("ExecStart=")
    ]
    program, *arguments = shlex.split(line.removeprefix("ExecStart="))
    scripts = tomllib.loads((REPOSITORY / "pyproject.toml").read_text("utf-8"))["project"][
        "scripts"
    ]
    assert Path(program).name in scripts
    code, said, _ = call_tenggat(arguments[0], "--help")
    assert code == 0
    assert all(word in said for word in arguments if word.startswith("--"))


def test_the_guide_runs_a_command_as_systemd_takes_it():
    """systemd-run looks for no program below the working directory: its path is written whole."""
    guide = (REPOSITORY / "docs" / "operations.md").read_text("utf-8").replace("\\\n", " ")
    (line,) = [line for line in guide.splitlines() if line.startswith("systemd-run ")]
    program = next(word for word in shlex.split(line)[1:] if not word.startswith("-"))
    unit = (DEPLOY / "tenggat.service").read_text("utf-8")
    assert f"ExecStart={program} up" in unit
    assert "--setenv=TENGGAT_VAR=/var/lib/tenggat" in line
    assert "Environment=TENGGAT_VAR=/var/lib/tenggat" in unit


def test_only_the_proxy_can_be_reached_from_outside(compose):
    open_ports = {name: s["ports"] for name, s in compose["services"].items() if "ports" in s}
    assert open_ports == {"proxy": ["443:443"]}
    assert compose["networks"]["inside"] == {"internal": True}
    assert compose["services"]["database"]["networks"] == ["inside"]
    caddy = (DEPLOY / "Caddyfile").read_text("utf-8")
    assert "basic_auth {" in caddy
    assert "tls internal" in caddy


def test_prefect_asks_for_the_login_and_tells_nobody_outside(compose):
    server, worker = compose["services"]["server"], compose["services"]["worker"]
    login = server["environment"]["PREFECT_SERVER_API_AUTH_STRING"]
    for part in (server, worker):
        assert part["environment"]["PREFECT_API_AUTH_STRING"] == login
        assert part["environment"]["PREFECT_SERVER_ANALYTICS_ENABLED"] == "false"
        url = part["environment"]["TENGGAT_DATABASE_URL"]
        assert url.startswith("postgresql+psycopg://")
        assert url.endswith("@database/tenggat")
    prefect = server["environment"]["PREFECT_SERVER_DATABASE_CONNECTION_URL"]
    assert prefect.startswith("postgresql+asyncpg://")
    assert prefect.endswith("@database/prefect")
    assert compose["configs"]["second_database"]["content"] == "CREATE DATABASE prefect;"
    assert worker["deploy"]["replicas"] == 2


def test_every_secret_is_asked_for_and_none_is_written(compose):
    text = (DEPLOY / "compose.yaml").read_text("utf-8")
    example = (DEPLOY / "settings.env.example").read_text("utf-8")
    secrets = ("DATABASE_PASSWORD", "LOGIN_PASSWORD", "LOGIN_HASH", "WATCH_PASSWORD", "WATCH_HASH")
    for name in secrets:
        assert f"${{{name}:?" in text
        assert f"\n{name}=\n" in example + "\n"
    names = [line.partition("=")[0] for line in example.splitlines() if "=" in line]
    assert all(f"${{{name}" in text for name in names if not name.startswith("#"))
    ignored = (REPOSITORY / ".gitignore").read_text("utf-8").splitlines()
    assert "deploy/settings.env" in ignored
    assert "deploy/settings.env" in (REPOSITORY / ".dockerignore").read_text("utf-8").splitlines()


def test_what_the_image_is_made_of_is_there(compose):
    build = compose["services"]["server"]["build"]
    assert (DEPLOY / build["context"] / build["dockerfile"]).resolve() == DEPLOY / "Dockerfile"
    for line in (DEPLOY / "Dockerfile").read_text("utf-8").splitlines():
        if line.startswith("COPY"):
            assert all((REPOSITORY / name).exists() for name in line.split()[1:-1])
    images = [s["image"] for s in compose["services"].values()]
    assert all(image == "tenggat" or (image[-1].isalnum() and ":" in image) for image in images)


def test_a_login_that_is_none_is_refused(refused, tmp_path, monkeypatch):
    """Without one in the environment the service makes its own; see test_gateway."""
    monkeypatch.setenv("PREFECT_SERVER_API_AUTH_STRING", "only-a-password")
    config, var = REPOSITORY / "examples" / "kabupaten-contoh", tmp_path / "var"
    said = refused(config, var, "--port", free_port(), "--host", ELSEWHERE)
    assert "must have the form user:password" in said


@pytest.mark.thorough
def test_with_a_login_server_and_worker_know_each_other_and_a_stranger_is_refused(neighbours):
    up = neighbours.up
    assert "did not finish well" not in up.first_said
    api = f"{up.url}/api/flow_runs/filter"
    assert httpx.get(f"{up.url}/api/admin/version").status_code == 401
    assert httpx.post(api, json={}).status_code == 403  # it has no CSRF token either
    assert httpx.post(api, json={}, auth=tuple(LOGIN.split(":"))).status_code == 403  # no token
    runs = up.prefect("flow_runs")
    assert [run for run in runs if run["state_type"] == "COMPLETED"]
    family = [up.process, *up.process.children(recursive=True)]
    listening = [c for p in family for c in p.net_connections("inet") if c.status == "LISTEN"]
    assert ELSEWHERE in {c.laddr.ip for c in listening}


# --- the installer --------------------------------------------------------------------------------


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """A throwaway root in which the installer has worked."""
    root = tmp_path / "root"
    install(root)
    return root


def install(root: Path, language: str = "id") -> str:
    """Run the installer below a folder; what it said."""
    done = subprocess.run(
        [DEPLOY / "install.sh"],
        env={"PATH": os.environ["PATH"], "ROOT": str(root), "TENGGAT_LANG": language},
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    assert done.stderr == ""
    return done.stdout


def test_the_installer_makes_private_folders_and_the_unit_of_this_program(installed):
    rights = {
        name: oct((installed / name).stat().st_mode & 0o777)
        for name in ("srv/tenggat", "var/lib/tenggat", "etc/tenggat/secrets.env")
    }
    assert rights == {
        "srv/tenggat": "0o750",
        "var/lib/tenggat": "0o700",
        "etc/tenggat/secrets.env": "0o600",
    }
    unit = (installed / "etc/systemd/system/tenggat.service").read_text("utf-8")
    assert f"ExecStart={REPOSITORY}/.venv/bin/tenggat up --site /srv/tenggat/site" in unit
    assert "/opt/tenggat" not in unit or str(REPOSITORY) == "/opt/tenggat"


def test_a_second_call_keeps_the_secrets_and_says_what_to_do_next(installed):
    secrets = installed / "etc/tenggat/secrets.env"
    secrets.write_text("TENGGAT_MAIL_URL=smtp://a:b@c:587\n", encoding="utf-8")
    assert "sudo tenggat start" in install(installed, "en")
    assert "Berikutnya" in install(installed)
    assert secrets.read_text("utf-8") == "TENGGAT_MAIL_URL=smtp://a:b@c:587\n"


def test_the_command_runs_as_the_user_of_the_service_with_its_settings(installed, tmp_path):
    tools = tmp_path / "tools"
    tools.mkdir()
    for name, does in (
        ("id", "echo 0"),
        ("runuser", "exit 0"),
        ("systemd-run", 'printf "%s\\n" "$@"'),
    ):
        (tools / name).write_text(f"#!/bin/sh\n{does}\n", encoding="utf-8")
        (tools / name).chmod(0o755)
    done = subprocess.run(
        [installed / "usr/local/bin/tenggat", "mail", "show", "7"],
        env={"PATH": f"{tools}:{os.environ['PATH']}"},
        cwd=tmp_path,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    told = done.stdout.splitlines()
    assert told[-4:] == [f"{REPOSITORY}/.venv/bin/tenggat", "mail", "show", "7"]
    assert {
        "--pipe",
        "--uid=tenggat",
        f"--working-directory={tmp_path}",
        "--property=EnvironmentFile=-/etc/tenggat/secrets.env",
        "--setenv=TENGGAT_VAR=/var/lib/tenggat",
        "--setenv=TENGGAT_SITE=/srv/tenggat/site",
    } <= set(told)
