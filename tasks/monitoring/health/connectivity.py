"""Check connections of a site: mail server, mailbox for bounces, sources, libraries."""

from __future__ import annotations

import ctypes
import os
import socket
from collections.abc import Iterator
from urllib.parse import urlsplit

from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from settings import Site
from settings.sources import FolderSource, Open311Source, Source, SqlSource
from tasks.monitoring.health.finding import Finding
from tasks.notifications.transport.choose import mail_way
from tasks.notifications.transport.oauth2_file import open_to_all
from tasks.notifications.transport.smtp import Connection, MailError

ANSWERS_WITHIN = 5.0
"""Timeout in seconds for an answer of a server."""

PORTS = {"http": 80, "https": 443, "postgresql": 5432, "mysql": 3306, "mariadb": 3306}
PORTS |= {"imap": 143, "imaps": 993}

LIBRARIES = (
    "libgobject-2.0.so.0",
    "libpango-1.0.so.0",
    "libharfbuzz.so.0",
    "libfontconfig.so.1",
    "libpangoft2-1.0.so.0",
)
"""Libraries loaded by WeasyPrint. If all are found, WeasyPrint itself need not be loaded, which is
slow."""


def mail(site: Site) -> Iterator[Finding]:
    """Log in to the mail server; no mail is sent."""
    if site.mail_url == "mailbox:":
        yield Finding(
            "note", "mail stays in the built-in mailbox", "set TENGGAT_MAIL_URL to send it"
        )
        return
    login = site.oauth2_file
    if login and open_to_all(login):
        yield Finding("note", f"every user of the machine may read {login}", f"chmod o= {login}")
    try:
        with (
            mail_way(site, timeout=ANSWERS_WITHIN) as way,
            Connection(way) as connection,
        ):
            connection.open()
            yield Finding("good", f"mail server {way} answers and takes the login")
    except (MailError, ValueError) as error:
        yield Finding(
            "trouble",
            f"mail server: {error}",
            "check TENGGAT_MAIL_URL and the server's certificate"
            + (f", and the login in {login}" if login else ""),
        )


def returned_mail(site: Site) -> Iterator[Finding]:
    """Check whether the mailbox for bounces can be read."""
    if site.bounces_url:
        from tasks.notifications.bounces.mailbox import mailbox_trouble  # noqa: PLC0415 - takes long to load

        trouble = mailbox_trouble(site, ANSWERS_WITHIN)
        if trouble:
            yield Finding("trouble", trouble, "until then bounced mail goes unnoticed")
        else:
            yield Finding("good", "the mailbox for returned mail can be read")
    elif site.mail_url != "mailbox:":
        yield Finding(
            "note",
            "mails that come back are not looked for",
            "set TENGGAT_BOUNCES_URL to the sender's mailbox, imaps://user:password@host/INBOX",
        )


def source(site: Site, name: str) -> Iterator[Finding]:
    """Check whether a source is available: its folder, or a server at its address."""
    told = site.sources[name]
    if isinstance(told, FolderSource):
        folder = told.place(site.folder)
        if not folder.is_dir():
            what = f"the folder of source {name} is not there: {folder}"
            yield Finding("trouble", what, "make it, or correct `folder` in sources.toml")
        elif not os.access(folder, os.R_OK | os.X_OK):
            what = f"the folder of source {name} cannot be read: {folder}"
            yield Finding("trouble", what, "let the user of the service read it")
        else:
            yield Finding("good", f"the folder of source {name} is there")
        return
    variable = told.url_variable
    url = (os.environ.get(variable, "") if variable else "").strip()
    if not url and isinstance(told, Open311Source):
        url = told.url
    if not url:
        yield Finding(
            "trouble", f"source {name}: {variable} is not set", "set it in the environment"
        )
        return
    yield from _place(name, told, url, variable or "url in sources.toml")


def _place(name: str, told: Source, url: str, key: str) -> Iterator[Finding]:
    """Check whether a server listens at the address of a URL."""
    try:
        if isinstance(told, SqlSource):
            parsed = make_url(url)
            scheme, host, port = parsed.get_backend_name(), parsed.host, parsed.port
            if scheme == "sqlite":
                host = "localhost"
        else:
            parts = urlsplit(url)
            scheme, host, port = parts.scheme, parts.hostname, parts.port
    except (ValueError, ArgumentError):  # its text would repeat a part of the password
        yield Finding("trouble", f"source {name}: {key} is no URL", "correct it")
        return
    if scheme == "sqlite" or not host:
        return
    place = (host, port or PORTS.get(scheme, 443))
    try:
        socket.create_connection(place, timeout=ANSWERS_WITHIN).close()
    except OSError as error:
        yield Finding(
            "trouble",
            f"source {name}: nobody answers at {place[0]}:{place[1]} ({error.strerror or error})",
            f"check {key}, the network and the server",
        )
    else:
        yield Finding("good", f"source {name} answers at {place[0]}:{place[1]}")


def reports() -> Iterator[Finding]:
    """Check whether reports can be made as PDF."""
    try:
        for library in LIBRARIES:
            ctypes.CDLL(library)
    except OSError:  # missing, or installed under another name
        from tasks.reports.formats.pdf_support import REMEDY, pdf_trouble  # noqa: PLC0415

        trouble = pdf_trouble()
        if trouble:
            yield Finding("note", trouble.partition(";")[0], REMEDY)
