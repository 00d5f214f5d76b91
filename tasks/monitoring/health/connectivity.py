"""Check connections of a site: mail server, mailbox for bounces, sources."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from socket import getfqdn

from settings.proxies import Proxy, ignored, proxy_for, without_proxy
from settings.site import Site
from tasks.common.loopback import is_loopback
from tasks.monitoring.health.finding import Finding
from tasks.notifications.transport.choose import smtp_address
from tasks.notifications.transport.oauth2_file import NoToken, open_to_all, read_grant
from tasks.notifications.transport.smtp import Connection, MailError, ServerUnavailable
from tasks.sources.registry import open_source

ANSWERS_WITHIN = 5.0
"""Timeout in seconds for an answer of a server."""


def mail(site: Site) -> Iterator[Finding]:
    """Log in to the mail server; no mail is sent."""
    if site.keeps_mail:
        yield Finding(
            "note", "mail stays in the built-in mailbox", "set TENGGAT_MAIL_URL to send it"
        )
        return
    login = site.oauth2_file
    if login and open_to_all(login):
        yield Finding("note", f"every user of the machine may read {login}", f"chmod o= {login}")
    try:
        with (
            smtp_address(site, timeout=ANSWERS_WITHIN) as address,
            Connection(address) as connection,
        ):
            connection.open()
            yield _login(connection)
            yield from greeting(site.file.mail.helo_name or getfqdn(), address.host)
    except ServerUnavailable as error:
        remedy = error.remedy or _check_url(login)
        yield Finding("trouble", f"mail server: {error.cause}", remedy)
    except (MailError, ValueError) as error:
        yield Finding("trouble", f"mail server: {error}", _check_url(login))


def _check_url(login: Path | None) -> str:
    """Return the remedy for an error of the mail server of which no better one is known."""
    return "check TENGGAT_MAIL_URL" + (f" and the login in {login}" if login else "")


def _login(connection: Connection) -> Finding:
    """Report a login that the server accepted; without one in the URL nothing is known about it."""
    address = connection.address
    if connection.has_logged_in:
        return Finding("good", f"mail server {address} answers and takes the login")
    if not connection.offers_login:
        return Finding("good", f"mail server {address} answers, and offers no login")
    return Finding(
        "note",
        f"mail server {address} answers and offers a login, and the mail URL has none",
        "if it refuses mail, write user:password@ before the host in TENGGAT_MAIL_URL",
    )


def greeting(name: str, host: str) -> Iterator[Finding]:
    """Report a name without a dot by which this machine would greet the mail server `host`."""
    if "." not in name and not is_loopback(host):
        yield Finding(
            "note",
            f"this machine greets the mail server without a full name ({name}); some servers then"
            " refuse mail",
            "write helo_name under [mail] in site.toml, for example tenggat.example.go.id",
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
    elif not site.keeps_mail:
        yield Finding(
            "note",
            "mails that come back are not looked for",
            "set TENGGAT_BOUNCES_URL to the sender's mailbox, imaps://user:password@host/INBOX",
        )


def source(site: Site, name: str) -> Iterator[Finding]:
    """Check whether a source is available: its folder, or a server at its address."""
    for result in open_source(site, name).check(ANSWERS_WITHIN):
        yield Finding("good" if result.ok else "trouble", result.text, result.remedy)


def proxies(site: Site) -> Iterator[Finding]:
    """Report which proxy is used for what; nothing if the environment names none."""
    for variable in ignored():
        yield Finding(
            "trouble",
            f"{variable} names a proxy that Tenggat cannot use (SOCKS, or no address); it is"
            " ignored",
            "set HTTPS_PROXY and HTTP_PROXY to http://host:port",
        )
    uses: dict[Proxy, list[str]] = {}
    direct = []
    for what, url in _web_addresses(site):
        try:
            proxy = proxy_for(url)
        except ValueError:  # the check of the source reports it
            continue
        if proxy is None:
            direct.append(what)
        else:
            uses.setdefault(proxy, []).append(what)
    for proxy, users in uses.items():
        yield Finding(
            "good", f"proxy {proxy.host}:{proxy.port} ({proxy.variable}) for: {', '.join(users)}"
        )
    if without_proxy(os.environ):
        always = ["Prefect's API", "this machine", "mail servers, mailboxes and databases"]
        yield Finding("good", f"without a proxy: {', '.join([*direct, *always])}")


def _web_addresses(site: Site) -> Iterator[tuple[str, str]]:
    for name in site.sources:
        if url := open_source(site, name).time_server():
            yield f"source {name}", url
    if site.ping_url:
        yield "the external monitor", site.ping_url
    if site.oauth2_file:
        with suppress(NoToken):
            yield "the OAuth2 login", read_grant(site.oauth2_file).token_url
