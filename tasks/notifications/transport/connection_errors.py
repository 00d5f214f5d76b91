"""Errors of a connection to a mail server, with the remedy where it can be known."""

from __future__ import annotations

import re
import socket
import ssl

IMPLICIT_TLS_PORT = 465

OPENSSL = re.compile(r"^\[SSL: \w+\] |^_ssl\.c:\d+: | \(_ssl\.c:\d+\)$")
"""Notes of OpenSSL for programmers, around the words of an error."""

OTHER_NAME = (62, 64)
"""Codes of OpenSSL for a certificate of another host or IP address."""

UNKNOWN_AUTHORITY = (2, 18, 19, 20, 21)
"""Codes of OpenSSL for a certificate whose authority is not known on this machine."""


LOGIN_REFUSED = (530, 534, 535, 538)
"""The answers to a login that is refused for good (RFC 4954)."""

LOGIN = (
    "write the user and the password of the mailbox in TENGGAT_MAIL_URL; some providers want a"
    " password made for programs"
)
HOST = "correct the host in TENGGAT_MAIL_URL; if it is right, this machine cannot resolve names"
PORT = "correct host and port in TENGGAT_MAIL_URL: 587 with smtp:// or 465 with smtps://"
FIREWALL = "check host and port in TENGGAT_MAIL_URL, and whether a firewall closes this port"


def explained(error: OSError, text: str, *, port: int, starttls: bool) -> tuple[str, str]:
    """Return the cause of an error of connecting, and its remedy: empty if it is not known.

    `text` is the text of the error. `port` and `starttls` are those of the address; the error may
    come from a wrong combination.
    """
    text = OPENSSL.sub("", OPENSSL.sub("", text))
    if getattr(error, "smtp_code", 0) in LOGIN_REFUSED:
        return f"the server does not accept the user or the password ({text})", LOGIN
    if isinstance(error, socket.gaierror):
        return "no server has the name in the mail URL", HOST
    if isinstance(error, ConnectionRefusedError):
        return "no server listens at this host and port", PORT
    remedy = _remedy(error, port, starttls)
    return (text.rstrip(".") if remedy else text), remedy


def _remedy(error: OSError, port: int, starttls: bool) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return _remedy_of_certificate(error.verify_code)
    if isinstance(error, ssl.SSLError) and error.reason in ("WRONG_VERSION_NUMBER", "HTTP_REQUEST"):
        return "the port has no TLS from the beginning: write smtp:// for STARTTLS"
    if str(error).startswith("STARTTLS extension not supported"):
        return "use a port with TLS: 587 with smtp:// or 465 with smtps://"
    if str(error).startswith("SMTP AUTH extension not supported"):
        return "use the port for logins (587 or 465), or a mail URL without login"
    closed = str(error).startswith("Connection unexpectedly closed")
    if (closed or isinstance(error, TimeoutError)) and starttls and port == IMPLICIT_TLS_PORT:
        return "port 465 has TLS from the beginning: write smtps://"
    return FIREWALL if isinstance(error, TimeoutError) else ""


def _remedy_of_certificate(code: int) -> str:
    if code in OTHER_NAME:
        return "write the host in the mail URL as it is in the certificate"
    if code in UNKNOWN_AUTHORITY:
        return "if the authority is your own, name its certificate by ca_file under [mail]"
    return "the server needs another certificate"
