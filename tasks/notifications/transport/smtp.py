"""The SMTP client: one open connection to the mail server, through yagmail.

yagmail handles the connection (host, TLS, login); the mail itself is already composed. The method
`send` of yagmail is not used: it opens a connection for every mail and gives up without an error.
"""

from __future__ import annotations

import base64
import binascii
import selectors
import socket
import ssl
from collections.abc import Callable
from pathlib import Path
from time import monotonic
from typing import Any
from urllib.parse import unquote, urlsplit

import yagmail
from yagmail.oauth2 import generate_oauth2_string

from sla.plain_text import one_plain_line
from tasks.common.limited_socket import ReceiveLimit, limit_tls, limited_socket
from tasks.common.loopback import is_loopback
from tasks.notifications.transport.connection_errors import explained
from tasks.notifications.transport.oauth2 import Tokens
from tasks.notifications.transport.oauth2_file import NoToken
from tasks.notifications.transport.refusals import Refusal, enhanced_code, meaning, no_relay

REPLIES = 256 << 10
"""Limit of bytes in the replies of a server to the login, and to each mail."""

PATIENCE = 5
"""Limit of time for these replies, as a multiple of the timeout."""

TOO_BIG = 552
"""The only 5xx answer to MAIL about the mail itself; any other one is about our sender."""


class MailError(Exception):
    """A mail could not be sent. `code` and `answer` come from the server, if it gave any.

    The answer is one line without control characters: it is shown in logs, mails and terminals.
    """

    def __init__(self, answer: str, code: int | None = None) -> None:
        answer = one_plain_line(answer)
        super().__init__(f"{code} {answer}" if code else answer)
        self.answer, self.code = answer, code


class PermanentFailure(MailError):
    """The server refused this mail permanently (5xx): a retry is useless."""


class AddressRefused(PermanentFailure):
    """The server knows no such address: no mail to it will arrive."""

    @property
    def enhanced_code(self) -> str:
        """Return the enhanced status code of the answer, or an empty text."""
        return enhanced_code(self.answer)


class TemporaryFailure(MailError):
    """The server does not accept this mail now (4xx), or the connection broke: try again later."""


class RelayRefused(MailError):
    """The server does not relay our mail to the domain of this recipient: a fault of its settings
    or of our login. Mail to other domains may go. `server` is its address.
    """

    def __init__(self, answer: str, code: int, server: str) -> None:
        super().__init__(answer, code)
        self.server = server


class AnswerLost(TemporaryFailure):
    """The connection broke after the mail was sent and before the server answered.

    The recipient may have it. The next attempt has the same Message-ID.
    """


class Uncomposable(MailError):
    """Our own error: the mail could not be composed. It waits, and the administrators are
    notified.
    """


class ServerUnavailable(MailError):
    """No mail can be sent now: no connection, no TLS, no login, or our sender was refused.

    The text ends with the `remedy`, if it is known. `cause` is the text without it, and so is the
    `answer` that is kept with the mail.
    """

    def __init__(self, answer: str, code: int | None = None, *, remedy: str = "") -> None:
        super().__init__(answer, code)
        self.cause, self.remedy = str(self), remedy
        if remedy:
            self.args = (f"{self.cause}; {remedy}",)

    @property
    def answer_and_remedy(self) -> str:
        """Return the answer, and what to do if it is known."""
        return f"{self.answer}; {self.remedy}" if self.remedy else self.answer


class SenderLimited(ServerUnavailable):
    """Our sender has sent too much, or is restricted: every mail has to wait, often for hours."""


class QuotaReached(SenderLimited):
    """Our sender has sent as much as the provider allows for now."""


class SmtpAddress:
    """The address of the mail server with its options, read from a URL.

    `smtps://user:password@host:465` means implicit TLS, `smtp://user:password@host:587` STARTTLS
    with a verified certificate. `smtp+plain://127.0.0.1:25` is allowed to loopback only. With
    `oauth2_file` the user logs in by OAuth2, and the URL has no password. `helo_name` is the name
    by which we greet the server; empty for the machine's own name. Raises ValueError with
    the correct form for a wrong URL.
    """

    def __init__(
        self,
        url: str,
        *,
        ca_file: str | None = None,
        timeout: float = 30.0,
        oauth2_file: Path | None = None,
        helo_name: str = "",
    ) -> None:
        try:
            parts = urlsplit(url)
            known = parts.scheme in ("smtp", "smtps", "smtp+plain") and parts.hostname
            whole = parts.path in ("", "/") and not (parts.query or parts.fragment)
            port = parts.port if known and whole else None
        except ValueError:  # the error text would repeat a part of the password
            known = whole = False
        if not known or not whole or not parts.hostname:
            raise ValueError(
                "the mail URL must be smtps://user:password@host:465, smtp://user:password@host:587"
                " or, to loopback, smtp+plain://127.0.0.1:25; write / # ? @ : and % of a password"
                " as %2F %23 %3F %40 %3A %25"
            ) from None
        if parts.scheme == "smtp+plain" and not is_loopback(parts.hostname):
            raise ValueError("smtp+plain is allowed to loopback only; use smtp:// (STARTTLS)")
        self.host = parts.hostname
        self.implicit_tls = parts.scheme == "smtps"
        self.starttls = parts.scheme == "smtp"
        self.port = port or (465 if self.implicit_tls else 587 if self.starttls else 25)
        self.user = unquote(parts.username or "")
        self.password = unquote(parts.password or "")
        if not self.user.isprintable():  # it would break the login's separators
            raise ValueError("the user in the mail URL has a character that cannot be printed")
        if oauth2_file and self.password:
            raise ValueError(
                "the mail URL has a password, and [mail] oauth2_file in site.toml names another"
                " login; remove one of them"
            )
        self.ca_file, self.timeout, self.oauth2_file = ca_file, timeout, oauth2_file
        self.helo_name = helo_name

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


class _LimitedSMTP(yagmail.SMTP):  # type: ignore[misc]
    """A client of yagmail with a limit for what the server sends, from its greeting on."""

    def __init__(self, limit: ReceiveLimit, **settings: Any) -> None:
        self._limit = limit
        super().__init__(**settings)

    @property
    def connection(self) -> Any:
        """Return the class of the connection."""
        usual, limit = super().connection, self._limit

        class LimitedSession(usual):  # type: ignore[misc, valid-type]
            def _get_socket(self, *given: Any) -> socket.socket:
                connected: socket.socket = super()._get_socket(*given)
                is_secured = isinstance(connected, ssl.SSLSocket)
                return connected if is_secured else limited_socket(connected, limit)

        return LimitedSession


class Connection:
    """One connection for a batch of mails; opened again after the server has closed it.

    `clock` returns seconds, for the expiry of an access token.
    """

    def __init__(self, address: SmtpAddress, clock: Callable[[], float] = monotonic) -> None:
        self.address = address
        self._client: yagmail.SMTP | None = None
        self._limit: ReceiveLimit | None = None
        self._reply = ""
        self._is_handed_over = False
        self._tokens = None
        if address.oauth2_file:
            self._tokens = Tokens(
                address.oauth2_file, timeout=address.timeout, ca_file=address.ca_file, clock=clock
            )

    def __enter__(self) -> Connection:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def open(self) -> None:
        """Connect, secure the connection and log in; raises :class:`ServerUnavailable`."""
        address = self.address
        try:  # not for nothing: to read the machine's authorities takes longer than some mails
            secured = address.implicit_tls or address.starttls or address.ca_file
            context = ssl.create_default_context(cafile=address.ca_file) if secured else None
        except OSError as error:
            raise ServerUnavailable(f"ca_file {address.ca_file}: {_words(error)}") from None
        try:  # before connecting: a mail server does not wait long for a login
            user, token = self._tokens.login(address.user) if self._tokens else (address.user, "")
        except NoToken as error:
            raise ServerUnavailable(str(error)) from None
        more: dict[str, Any] = {"context": context} if address.implicit_tls else {}
        if address.helo_name:
            more["local_hostname"] = address.helo_name
        limit = ReceiveLimit(size=REPLIES, seconds=PATIENCE * address.timeout)
        if context is not None:
            limit_tls(context, limit)
        client = _LimitedSMTP(
            limit,
            user=address.user or "tenggat",
            password=address.password,
            host=address.host,
            port=address.port,
            smtp_ssl=address.implicit_tls,
            smtp_starttls={"context": context} if address.starttls else False,
            smtp_skip_login=bool(token) or not address.user,
            soft_email_validation=False,
            timeout=address.timeout,
            **more,
        )
        client.user = address.user  # yagmail makes 'name' into 'name@gmail.com'
        try:
            client.login()
            client.smtp.ehlo_or_helo_if_needed()  # or a refused greeting would blame a mail
            if token:
                self._show_token(client, user, token)
        except OSError as error:  # all errors of smtplib are OSErrors
            _drop(client)
            cause, remedy = explained(
                error, _words(error), port=address.port, starttls=address.starttls
            )
            raise ServerUnavailable(f"{address}: {cause}", _code(error), remedy=remedy) from None
        except ValueError:  # the error text would repeat a part of the password
            _drop(client)
            raise ServerUnavailable(f"{address}: host or login cannot be sent in ASCII") from None
        except ServerUnavailable:
            _drop(client)
            raise
        _send_at_once(client.smtp.sock)
        client.smtp.data = self._hearing(client.smtp.data)
        self._client, self._limit = client, limit

    @property
    def has_logged_in(self) -> bool:
        """Whether the address has a login, which the server accepted when it was opened."""
        return self._client is not None and bool(self.address.user)

    @property
    def offers_login(self) -> bool:
        """Whether the server offers a login on the open connection."""
        return self._client is not None and bool(self._client.smtp.has_extn("auth"))

    @property
    def is_handed_over(self) -> bool:
        """Whether the last mail was handed over, so that the server may have it."""
        return self._is_handed_over

    def _hearing(self, data: Callable[[bytes], tuple[int, bytes]]) -> Callable[[bytes], object]:
        """Wrap the command DATA to store its last reply, because `sendmail` discards it."""

        def heard(mime: bytes) -> tuple[int, bytes]:
            self._is_handed_over = True
            reply = data(mime)
            self._reply = " ".join(reply[1].decode("utf-8", "replace").split())[:500]
            return reply

        return heard

    def _show_token(self, client: yagmail.SMTP, user: str, token: str) -> None:
        """Log in by XOAUTH2; an empty line answers the server's challenge, so that it sends its
        refusal.
        """
        if "XOAUTH2" not in client.smtp.esmtp_features.get("auth", "").upper().split():
            raise ServerUnavailable(
                f"{self.address}: the server does not support login by OAuth2 (XOAUTH2)"
            )
        words = generate_oauth2_string(user, token)
        try:
            client.smtp.auth("XOAUTH2", lambda asked=None: words if asked is None else "")
        except binascii.Error:
            raise ServerUnavailable(
                f"{self.address}: an answer to the login is not base64"
            ) from None
        except OSError as error:
            code = _code(error)
            if code is None:
                raise
            said = _words(error)
            for secret in (token, base64.b64encode(words.encode()).decode()):
                said = said.partition(secret[:12])[0]  # a server may repeat the token in its answer
            raise ServerUnavailable(
                f"{self.address}: the login of {user} by OAuth2 is refused ({said}); is it the"
                " mailbox that was authorized, for sending mail by SMTP?",
                code,
            ) from None

    def send(self, sender: str, recipient: str, mime: bytes) -> str:
        """Send one mail; return the text of the server's acceptance.

        Raises :class:`PermanentFailure`, :class:`TemporaryFailure`, :class:`RelayRefused` or
        :class:`ServerUnavailable`.
        The first is :class:`AddressRefused` if the server knows no such address, and the last is
        :class:`SenderLimited` if our sender is restricted, or :class:`QuotaReached` if it has sent
        too much.
        """
        if self._client is not None and _has_hung_up(self._client):
            self.close()
        if self._client is None:
            self.open()
        assert self._client is not None
        assert self._limit is not None
        self._limit.renew(size=REPLIES, seconds=PATIENCE * self.address.timeout)
        self._is_handed_over = False
        try:
            self._client.smtp.sendmail(sender, [recipient], mime)
        except OSError as error:
            code = _code(error)
            if code is None or code == 421:
                self.close()
                lost = code is None and self._is_handed_over
                raise (AnswerLost if lost else TemporaryFailure)(_words(error), code) from None
            self._forget_half_sent()
            raise self._failure(error, code) from None
        except ValueError as error:
            self._forget_half_sent()
            raise PermanentFailure(
                f"the address or the mail cannot be sent: {type(error).__name__}"
            ) from None
        except BaseException:  # stopped by a signal: nobody waits for another answer
            client, self._client = self._client, None
            _drop(client)
            raise
        return self._reply

    def _failure(self, error: OSError, code: int) -> MailError:
        """Return the error for the answer of the server to one mail."""
        text, at_recipient = _words(error), hasattr(error, "recipients")
        if code < 500:
            if at_recipient and no_relay(text):
                return RelayRefused(text, code, str(self.address))
            return TemporaryFailure(text, code)
        refusal = meaning(code, text, at_recipient=at_recipient)
        if refusal is Refusal.QUOTA:
            return QuotaReached(f"{self.address}: {text}", code)
        if refusal is Refusal.SENDER:
            return SenderLimited(f"{self.address}: {text}", code)
        if hasattr(error, "sender") and code != TOO_BIG:
            return ServerUnavailable(f"{self.address}: {text}", code)
        if refusal is Refusal.RELAY:
            return RelayRefused(text, code, str(self.address))
        return (AddressRefused if refusal is Refusal.ADDRESS else PermanentFailure)(text, code)

    def _forget_half_sent(self) -> None:
        assert self._client is not None
        try:
            self._client.smtp.rset()
        except OSError:
            self.close()

    def close(self) -> None:
        """Close the connection, whatever the server answers."""
        client, self._client = self._client, None
        if client is not None:
            try:
                client.close()
            except OSError:
                client.is_closed = True


def _send_at_once(connected: socket.socket) -> None:
    """Switch off Nagle's algorithm, which smtplib leaves on.

    TLS sends a mail in records of 16 kB. With the algorithm the last one waits until the server
    acknowledges the one before, and a server may delay that by 40 ms.
    """
    connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


_SELECTOR = getattr(selectors, "PollSelector", selectors.DefaultSelector)
"""The selector for one look: the usual one makes a file of the system for it."""


def _has_hung_up(client: yagmail.SMTP) -> bool:
    """Check whether the server has closed the connection or announced it since the last mail."""
    if client.smtp.sock is None:
        return True
    with _SELECTOR() as selector:
        selector.register(client.smtp.sock, selectors.EVENT_READ)
        return bool(selector.select(0))


def _drop(client: yagmail.SMTP) -> None:
    client.is_closed = True
    if client.smtp is not None:
        client.smtp.close()


def _code(error: OSError) -> int | None:
    refused = getattr(error, "recipients", None)
    if isinstance(refused, dict) and refused:
        code, _ = next(iter(refused.values()))
        return int(code)
    code = getattr(error, "smtp_code", None)
    return int(code) if isinstance(code, int) and code > 0 else None


def _words(error: OSError) -> str:
    refused = getattr(error, "recipients", None)
    said = next(iter(refused.values()))[1] if isinstance(refused, dict) and refused else None
    said = said or getattr(error, "smtp_error", None) or error
    text = said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
    return " ".join(text.split())[:500] or type(error).__name__
