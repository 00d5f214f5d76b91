"""Connect to an IMAP server: URL from the environment, encrypted, read-only."""

from __future__ import annotations

import logging
import os
import re
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import unquote, urlsplit

from imapclient import IMAPClient
from imapclient.exceptions import IMAPClientAbortError, IMAPClientError, LoginError
from imapclient.imap4 import IMAP4WithTimeout

from tasks.common.limited_socket import (
    OutOfTime,
    ReceiveLimit,
    TooMuchReceived,
    limit_tls,
    limited_socket,
)
from tasks.common.loopback import is_loopback
from tasks.sources.base import SourceError

logging.getLogger("imapclient").setLevel(logging.WARNING)  # below, it logs users and subjects


SHORT_ANSWERS = 4 << 20
"""Limit of bytes for the greeting, the login and the other commands with a short answer."""


class ImapSettings(Protocol):
    """The settings of a site for a mailbox: variable with the URL, CA certificate, timeout."""

    @property
    def url_variable(self) -> str:
        """The environment variable with the URL."""

    @property
    def ca_file(self) -> str | None:
        """The certificate of the mailbox's certificate authority, in the site's folder."""

    @property
    def ca_key(self) -> str:
        """The settings key of that file, for error messages."""

    @property
    def timeout_seconds(self) -> float:
        """The timeout for an answer."""

    @property
    def most_seconds(self) -> float:
        """The limit of time for the whole conversation."""


@dataclass(frozen=True, slots=True)
class ImapAddress:
    """The address and the login of a mailbox."""

    scheme: str
    host: str
    port: int
    user: str
    password: str
    folder: str


def way_to(name: str, access: ImapSettings) -> ImapAddress:
    """Read the URL from the environment; raises :class:`SourceError` as :func:`way_by` does."""
    variable = access.url_variable
    value = os.environ.get(variable, "").strip()
    if not value:
        raise SourceError(f"{name}: {variable} is not set; it holds the URL of the mailbox")
    return way_by(value, name, variable)


def way_by(value: str, name: str, variable: str) -> ImapAddress:
    """Parse a URL; raises :class:`SourceError` with the expected form and no part of the URL."""
    try:
        parts = urlsplit(value)
        port = parts.port
    except ValueError:  # its text would repeat a part of the password
        parts, port = urlsplit(""), None
    usual = {"imaps": 993, "imap": 143, "imap+plain": 143}
    if (
        parts.scheme not in usual
        or not (parts.hostname and parts.username and parts.password)
        or parts.query
        or parts.fragment
    ):
        raise SourceError(
            f"{name}: {variable} must be imaps://user:password@host/INBOX, imap://... (STARTTLS)"
            " or, to loopback, imap+plain://...; write / # ? @ : and % of a password as %2F %23"
            " %3F %40 %3A %25"
        )
    if parts.scheme == "imap+plain" and not is_loopback(parts.hostname):
        raise SourceError(
            f"{name}: {variable}: imap+plain is allowed to loopback only; use imaps:// or imap://"
        )
    user, password = unquote(parts.username), unquote(parts.password)
    if re.search(r"[\0\r\n]", user + password) or not (user + password).isascii():
        raise SourceError(f"{name}: user and password in {variable} must be in ASCII")
    return ImapAddress(
        parts.scheme,
        parts.hostname,
        port or usual[parts.scheme],
        user,
        password,
        unquote(parts.path.lstrip("/")) or "INBOX",
    )


class LimitedClient(IMAPClient):  # type: ignore[misc, unused-ignore]
    """An IMAP client with a limit for what the server sends, from its greeting on.

    `limit` is renewed for each command with a long answer.
    """

    def __init__(self, limit: ReceiveLimit, *given: Any, **settings: Any) -> None:
        self.limit = limit
        super().__init__(*given, **settings)

    def _create_IMAP4(self) -> Any:  # noqa: N802 - the name is of the library
        if self.ssl:
            return super()._create_IMAP4()
        limit = self.limit

        class Limited(IMAP4WithTimeout):  # type: ignore[misc, unused-ignore]
            def _create_socket(self, timeout: float | None = None) -> socket.socket:
                return limited_socket(super()._create_socket(timeout), limit)

        return Limited(self.host, self.port, getattr(self._timeout, "connect", None))


@contextmanager
def opened(
    site: Path, way: ImapAddress, name: str, access: ImapSettings
) -> Iterator[LimitedClient]:
    """Open an encrypted connection and log in; close it at the end of the block."""
    context = None
    limit = ReceiveLimit(size=SHORT_ANSWERS, seconds=access.most_seconds)
    if way.scheme != "imap+plain":
        try:
            ca_file = None if access.ca_file is None else str(site / access.ca_file)
            context = ssl.create_default_context(cafile=ca_file)
        except OSError as error:
            raise SourceError(
                f"{name}: {access.ca_key} {access.ca_file}: {error.strerror}"
            ) from None
    if context is not None:
        limit_tls(context, limit)
    client = LimitedClient(
        limit,
        way.host,
        way.port,
        ssl=way.scheme == "imaps",
        ssl_context=context,
        timeout=access.timeout_seconds,
    )
    client.normalise_times = False  # moments keep their zone
    try:
        if way.scheme == "imap":
            if not client.has_capability("STARTTLS"):
                raise SourceError(
                    f"{name}: the mail server offers no STARTTLS; write imaps:// in"
                    f" {access.url_variable}"
                )
            client.starttls(context)
        client.login(way.user, way.password)
        yield client
    finally:
        with suppress(Exception):  # the server may refuse the logout; the work is done
            limit.renew(size=SHORT_ANSWERS, seconds=access.timeout_seconds)
            client.logout()
        with suppress(Exception):
            client.shutdown()


def examined(
    client: IMAPClient, way: ImapAddress, name: str, access: ImapSettings
) -> tuple[int, int | None]:
    """Open the mailbox read-only; returns its UIDVALIDITY and the UID of the next mail."""
    try:
        state = client.select_folder(way.folder, readonly=True)
    except IMAPClientAbortError:
        raise
    except IMAPClientError:
        raise SourceError(
            f"{name}: the server has no such mailbox; correct the folder at the end of"
            f" {access.url_variable}"
        ) from None
    if not isinstance(state.get(b"UIDVALIDITY"), int):
        raise SourceError(f"{name}: the server does not number its mails (UIDVALIDITY)")
    return state[b"UIDVALIDITY"], state.get(b"UIDNEXT")


@contextmanager
def explained(name: str, access: ImapSettings) -> Iterator[None]:
    """Replace errors of the server by our own text: the server's may repeat a login or a mail."""
    variable = access.url_variable
    try:
        yield
    except LoginError:
        raise SourceError(
            f"{name}: the mail server refuses the login; correct user and password in {variable}"
        ) from None
    except ssl.SSLCertVerificationError as error:
        raise SourceError(
            f"{name}: the mail server's certificate cannot be trusted ({error.verify_message});"
            f" see `{access.ca_key}` and the host in {variable}"
        ) from None
    except ssl.SSLError as error:
        raise SourceError(
            f"{name}: no secure connection to the mail server ({error.reason}); see {variable}"
        ) from None
    except OutOfTime:
        raise SourceError(
            f"{name}: the conversation with the mail server takes longer than"
            f" {access.most_seconds:g} seconds; the next run continues"
        ) from None
    except TooMuchReceived:
        raise SourceError(f"{name}: the mail server sends more than it was asked for") from None
    except TimeoutError:
        raise SourceError(
            f"{name}: the mail server does not answer within {access.timeout_seconds:g} seconds"
            " (timeout_seconds)"
        ) from None
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise SourceError(
            f"{name}: the mail server cannot be reached ({reason}); see {variable}"
        ) from None
    except MemoryError:
        raise SourceError(
            f"{name}: the mail server announces a mail that is too large for the memory"
        ) from None
    except IMAPClientAbortError:
        raise SourceError(f"{name}: the mail server broke off the connection") from None
    except IMAPClientError as error:
        raise SourceError(
            f"{name}: the mail server answers what is not understood ({type(error).__name__})"
        ) from None
