"""Witnesses of the time: clocks that do not depend on the clock of this machine.

A witness is silent if it cannot be asked, or if its time may come from this machine. The time of a
file on disk is no witness: the clock of this machine has stamped it.
"""

from __future__ import annotations

import ctypes
import re
import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from ipaddress import ip_address
from urllib.parse import urlsplit

import httpx
from sqlalchemy import Connection, text
from sqlalchemy.exc import SQLAlchemyError

from settings.site import Site
from tasks.common.context import SiteContext
from tasks.common.limited_http import AnswerLimit, limit_answers
from tasks.common.limited_socket import ReceiveLimit, limit_tls, limited_socket
from tasks.common.loopback import is_loopback
from tasks.notifications.transport.choose import smtp_address
from tasks.notifications.transport.smtp import SmtpAddress
from tasks.sources.registry import open_source

Clock = Callable[[], datetime]

ANSWERS_WITHIN = 3.0
"""Time limit for the answer of a web server or mail server, in seconds."""

MAX_SERVERS = 3
"""Number of web servers asked at most."""

GREETING = 4096
"""Limit of bytes in the greeting of a mail server."""

UNSYNCHRONIZED = 5
"""Result of adjtimex if nothing keeps the kernel's clock right (TIME_ERROR)."""


@dataclass(frozen=True, slots=True)
class Witness:
    """The statement of one witness.

    `time` is its time, or None if it states none. `agrees` is None if it says nothing.
    """

    name: str
    agrees: bool | None
    time: datetime | None = None


def ask_all(context: SiteContext, clock: Clock, tolerance: timedelta) -> tuple[Witness, ...]:
    """Ask every witness about the machine's clock; this takes a few seconds at most."""
    found = [database(context, clock, tolerance)]
    for url in web_servers(context.site):
        found.append(web_server(url, clock, tolerance))
    found += [mail_server(context.site, clock, tolerance), kernel(), files(context.site, clock())]
    return tuple(each for each in found if each is not None)


def compared(name: str, time: datetime, now: datetime, tolerance: timedelta) -> Witness:
    """Compare the time of a witness with ours."""
    return Witness(name, abs(time - now) <= tolerance, time)


def database(context: SiteContext, clock: Clock, tolerance: timedelta) -> Witness | None:
    """Ask the database server for its time; None for a database without a server.

    A clock with exactly our time may be the same clock, as in two containers of one machine. Then
    the server is silent.
    """
    if context.engine.dialect.name != "postgresql":
        return None
    try:
        with context.engine.connect() as connection:
            connection.execute(text("SELECT 1"))  # connecting takes longer than an answer
            return database_time(connection, clock, tolerance)
    except SQLAlchemyError:
        return Witness("database", None)


def database_time(connection: Connection, clock: Clock, tolerance: timedelta) -> Witness:
    """Compare the time of a PostgreSQL server with ours."""
    before = clock()
    theirs = connection.scalar(text("SELECT clock_timestamp()"))
    after = clock()
    assert isinstance(theirs, datetime)
    theirs = theirs.astimezone(UTC)
    if before <= theirs <= after:
        return Witness("database", None, theirs)
    return compared("database", theirs, after, tolerance)


def web_servers(site: Site) -> list[str]:
    """Return the roots of the web servers that the site uses, each host once.

    Prefect's own address (`ui_url`) is left out, because it is mostly this machine. The monitor is
    asked at its root, because a request to `ping_url` would report that all is well.
    """
    urls = [site.ping_url or ""]
    urls += [open_source(site, name).time_server() for name in site.sources]
    roots: dict[str | None, str] = {}
    for url in filter(None, urls):
        parts = urlsplit(url)
        host = parts.netloc.rpartition("@")[2]  # without a login
        roots.setdefault(parts.hostname, f"{parts.scheme}://{host}/")
    return list(roots.values())[:MAX_SERVERS]


def web_server(url: str, clock: Clock, tolerance: timedelta) -> Witness:
    """Ask a web server for its time, the header `Date` of any answer."""
    name = urlsplit(url).hostname or ""
    if is_loopback(name):
        return Witness(name, None)
    try:
        with httpx.Client(timeout=ANSWERS_WITHIN) as client:
            limit_answers(client, AnswerLimit(ANSWERS_WITHIN))
            with client.stream("GET", url) as answer:
                if _is_this_machine(answer):
                    return Witness(name, None)
                theirs = answer_time(answer.headers)
    except (httpx.HTTPError, httpx.InvalidURL):
        return Witness(name, None)
    return Witness(name, None) if theirs is None else compared(name, theirs, clock(), tolerance)


def answer_time(headers: httpx.Headers) -> datetime | None:
    """Return the time of an answer; its age counts if it comes from a cache."""
    try:
        made = parsedate_to_datetime(headers["Date"])
        age = timedelta(seconds=int(headers.get("Age", "0")))
        return made.replace(tzinfo=made.tzinfo or UTC).astimezone(UTC) + age
    except (KeyError, ValueError, TypeError, OverflowError):
        return None


def mail_server(site: Site, clock: Clock, tolerance: timedelta) -> Witness | None:
    """Ask the mail server for the time in its greeting; None if it is no server of its own.

    Not every server greets with a time. The connection ends without a login.
    """
    if site.keeps_mail:
        return None
    try:
        with smtp_address(site, timeout=ANSWERS_WITHIN) as address:
            theirs = None if is_loopback(address.host) else greeting_time(_greeting(address))
    except (OSError, ValueError):
        return Witness("mail_server", None)
    if theirs is None:
        return Witness("mail_server", None)
    return compared("mail_server", theirs, clock(), tolerance)


def _greeting(address: SmtpAddress) -> str:
    """Return the lines with which a mail server greets, or '' if it is on this machine."""
    limit = ReceiveLimit(size=GREETING, seconds=ANSWERS_WITHIN)
    plain = socket.create_connection((address.host, address.port), ANSWERS_WITHIN)
    if address.implicit_tls:
        tls = ssl.create_default_context(cafile=address.ca_file)
        limit_tls(tls, limit)
        connected: socket.socket = tls.wrap_socket(plain, server_hostname=address.host)
    else:
        connected = limited_socket(plain, limit)
    with connected, connected.makefile("rb") as lines:
        if is_own_end(connected):
            return ""
        found = [lines.readline(GREETING)]
        while found[-1].startswith(b"220-"):
            found.append(lines.readline(GREETING))
    return b"".join(found).decode("ascii", "replace")


def is_own_end(connected: socket.socket) -> bool:
    """Check whether both ends of a connection are on this machine."""
    return bool(connected.getpeername()[0] == connected.getsockname()[0])


_GREETED_AT = re.compile(
    r"\b(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), +\d{1,2} [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d"
    r" +(?:[+-]\d{4}|GMT|UTC)\b"
)


def greeting_time(greeting: str) -> datetime | None:
    """Return the time in the greeting of a mail server, if it has one with a zone."""
    found = _GREETED_AT.search(greeting) if greeting.startswith("220") else None
    try:
        made = parsedate_to_datetime(found[0]) if found else None
        return made and made.replace(tzinfo=made.tzinfo or UTC).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _is_this_machine(answer: httpx.Response) -> bool:
    stream = answer.extensions.get("network_stream")
    if stream is None:
        return False
    ends = [stream.get_extra_info(each) for each in ("server_addr", "client_addr")]
    try:
        server, client = (ip_address(end[0]) for end in ends)
    except (TypeError, ValueError, IndexError):
        return False
    return server == client or server.is_loopback


def kernel() -> Witness | None:
    """Ask the kernel whether a time service (NTP) keeps its clock right; None without Linux.

    The kernel forgets it as soon as a person or a program sets the clock.
    """
    try:
        adjust = ctypes.CDLL(None, use_errno=True).adjtimex
    except (AttributeError, OSError):
        return None
    state = adjust(ctypes.create_string_buffer(1024))  # all zero: it reads and changes nothing
    return Witness("kernel", True if 0 <= state < UNSYNCHRONIZED else None)


def files(site: Site, now: datetime) -> Witness | None:
    """Look for an export of today, by the times in the names of the files; None if there are none.

    The program that wrote a name is mostly on another machine. A name with another day says
    nothing.
    """
    stated = [time for name in site.sources for time in open_source(site, name).stated_times()]
    if not stated:
        return None
    today = now.astimezone(site.zone).date()
    of_today = [time for time in stated if time.astimezone(site.zone).date() == today]
    return Witness("files", True if of_today else None, max(of_today, default=max(stated)))
