"""Errors of a connection to a mail server, with the remedy where it can be known."""

from __future__ import annotations

import re
import ssl

IMPLICIT_TLS_PORT = 465

OPENSSL = re.compile(r"^\[SSL: \w+\] |^_ssl\.c:\d+: | \(_ssl\.c:\d+\)$")
"""Notes of OpenSSL for programmers, around the words of an error."""

OTHER_NAME = (62, 64)
"""Codes of OpenSSL for a certificate of another host or IP address."""

UNKNOWN_AUTHORITY = (2, 18, 19, 20, 21)
"""Codes of OpenSSL for a certificate whose authority is not known on this machine."""


def with_remedy(error: OSError, text: str, *, port: int, starttls: bool) -> str:
    """Return the text of an error of connecting with its remedy, if there is one.

    `port` and `starttls` are those of the address; the error may come from a wrong combination.
    """
    text = OPENSSL.sub("", OPENSSL.sub("", text))
    remedy = _remedy(error, port, starttls)
    return f"{text.rstrip('.')}; {remedy}" if remedy else text


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
    return ""


def _remedy_of_certificate(code: int) -> str:
    if code in OTHER_NAME:
        return "write the host in the mail URL as it is in the certificate"
    if code in UNKNOWN_AUTHORITY:
        return "if the authority is your own, name its certificate by ca_file under [mail]"
    return "the server needs another certificate"
