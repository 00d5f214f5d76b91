"""HTTP client with retries for passing failures, strict limits and no secrets in the log."""

from __future__ import annotations

import logging
import random
import ssl
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from time import sleep
from urllib.parse import quote, quote_plus

import httpx

from settings.proxies import proxy_for
from tasks.common.limited_http import AnswerLimit, limit_answers
from tasks.common.time_budget import TimeBudget
from tasks.sources.base import SourceError

PASSING = frozenset({429, 500, 502, 503, 504})
"""HTTP status codes after which the same question may be asked again."""

LONGEST_WAIT = 300.0
"""Longest wait in seconds on a server's request. If it asks for more, the next run tries again."""

LONGEST_BACK_OFF = 60.0

MOST_REDIRECTS = 5

SLOWEST = 10
"""Limit for a whole answer with its headers as a multiple of the timeout, even if data arrives
steadily."""

LOGGERS = (
    "httpx",
    "httpcore.connection",
    "httpcore.http11",
    "httpcore.http2",
    "httpcore.proxy",
    "httpcore.socks",
)
"""Loggers known to write full addresses, secrets included."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A server's answer; `place` is the address without secrets."""

    place: str
    status: int
    kind: str
    body: bytes


class _Stumbled(Exception):
    """A failure likely to pass; `wait` is the server's requested wait in seconds."""

    def __init__(self, why: str, wait: float | None = None) -> None:
        super().__init__(why)
        self.why, self.wait = why, wait


class _Hidden(logging.Filter):
    """Log filter against secrets."""

    def __init__(self, secrets: Iterable[str]) -> None:
        super().__init__()
        self._secrets = tuple(secrets)

    def filter(self, record: logging.LogRecord) -> bool:
        text = record.getMessage()
        if any(secret in text for secret in self._secrets):
            record.msg, record.args = _without(text, self._secrets), ()
        return True


class HttpClient:
    """A server, asked with GET, one question after the other.

    After a passing failure the question is asked again, up to `attempts` times in all. The wait
    grows each time, or is the one the server asks for. `now` is compared with a date in Retry-After
    if the answer has no Date header. `most_seconds` limits all questions together. `secrets` appear
    in no message and no log.
    """

    def __init__(
        self,
        *,
        now: datetime,
        timeout: float,
        attempts: int,
        most_mb: int,
        most_seconds: float = 3600.0,
        secrets: Iterable[str] = (),
        ca_file: str | None = None,
    ) -> None:
        self.now, self.timeout, self.attempts, self.most_mb = now, timeout, attempts, most_mb
        self._secrets = _spellings(secrets)
        self._hidden = _Hidden(self._secrets)
        try:
            context = ssl.create_default_context(cafile=ca_file)
        except OSError as error:
            raise SourceError(f"ca_file {ca_file}: cannot be read ({error.strerror})") from None
        self._client = httpx.Client(
            timeout=timeout,
            verify=context,
            headers={"User-Agent": "tenggat", "Accept-Encoding": "gzip"},
        )
        self._limit = AnswerLimit()
        limit_answers(self._client, self._limit)
        self._budget = TimeBudget(most_seconds)

    def __enter__(self) -> HttpClient:
        for name in LOGGERS:
            logging.getLogger(name).addFilter(self._hidden)
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()
        for name in LOGGERS:
            logging.getLogger(name).removeFilter(self._hidden)

    def hide(self, text: str) -> str:
        """Return the text without secrets."""
        return _without(text, self._secrets)

    def get(self, url: httpx.URL, params: dict[str, str]) -> Answer:
        """Return the answer to a question; raises :class:`SourceError` if there is none."""
        full = url.copy_merge_params(params)
        place = plain(url)
        for attempt in range(1, self.attempts + 1):
            if not self._budget.left:
                raise SourceError(
                    f"{place}: not finished within {self._budget.seconds / 60:g} minutes"
                    " (max_minutes); the next run continues"
                )
            try:
                return self._follow(full)
            except _Stumbled as stumbled:
                why = f"{place}: {self.hide(stumbled.why)}"
                if attempt == self.attempts:
                    raise SourceError(f"{why}; asked {attempt} times") from None
                if stumbled.wait is not None and stumbled.wait > LONGEST_WAIT:
                    asked = f"asks us to wait {stumbled.wait:.0f} s; the next run tries again"
                    raise SourceError(f"{why}, and {asked}") from None
                sleep(_pause(attempt, stumbled.wait))
        raise AssertionError  # the last attempt returned or raised

    def _follow(self, url: httpx.URL) -> Answer:
        """Make one attempt; follow redirects within the host."""
        begun = url
        for _ in range(MOST_REDIRECTS + 1):
            self._limit.budget = TimeBudget(SLOWEST * self.timeout)
            try:
                with self._client.stream("GET", url) as response:
                    if not response.has_redirect_location:
                        return self._read(response)
                    url = self._within(url, response.headers["location"])
            except httpx.InvalidURL:
                raise SourceError(f"{plain(url)}: redirects to no address at all") from None
            except httpx.TimeoutException:
                if not self._limit.budget.left:
                    raise _Stumbled(_too_slow(self.timeout)) from None
                raise _Stumbled(f"no answer within {self.timeout:g} s (timeout_seconds)") from None
            except (httpx.TransportError, httpx.DecodingError) as error:
                raise self._failed(url, error) from None
        raise SourceError(f"{plain(begun)}: redirects more than {MOST_REDIRECTS} times")

    def _read(self, response: httpx.Response) -> Answer:
        if response.status_code in PASSING:
            raise _Stumbled(f"HTTP {response.status_code}", self._stated_wait(response))
        place = plain(response.url)
        body = bytearray()
        for chunk in response.iter_bytes():
            body += chunk
            if len(body) > self.most_mb << 20:
                raise SourceError(
                    f"{place}: the answer is larger than {self.most_mb} MB (max_answer_mb);"
                    " ask for less at once (window_days, page_size)"
                )
            if not self._limit.budget.left:
                raise _Stumbled(_too_slow(self.timeout))
        kind = response.headers.get("content-type", "")
        return Answer(place, response.status_code, kind, bytes(body))

    def _within(self, url: httpx.URL, location: str) -> httpx.URL:
        """Return the target of a redirect; it must be the same host and not less secure."""
        target = url.join(location)
        same = target.host == url.host and _port(target) == _port(url)
        secured = (
            target.host == url.host
            and (url.scheme, _port(url)) == ("http", 80)
            and (target.scheme, _port(target)) == ("https", 443)
        )
        if not (same and target.scheme == url.scheme) and not secured:
            raise SourceError(
                f"{plain(url)}: redirects elsewhere, to {target.scheme}://{_host(target)}; if that"
                " is right, write it as `url`"
            )
        if not target.query:
            target = target.copy_with(query=url.query)
        return target.copy_with(userinfo=url.userinfo)

    def _failed(self, url: httpx.URL, error: httpx.RequestError) -> Exception:
        """Translate a connection error; an untrusted certificate is not tried again."""
        cause: BaseException | None = error
        while cause is not None:
            if isinstance(cause, ssl.SSLCertVerificationError):
                return SourceError(
                    f"{plain(url)}: the server's certificate (TLS) is not trusted:"
                    f" {cause.verify_message}; is it the right server? `ca_file` names the"
                    " certificate of an authority of your own"
                )
            if isinstance(cause, ssl.SSLError):
                return _Stumbled(f"no secure connection (TLS): {cause.reason or cause.strerror}")
            cause = cause.__cause__ or cause.__context__
        proxy = proxy_for(str(url))
        through = (
            f" through the proxy {proxy.host}:{proxy.port} of {proxy.variable}" if proxy else ""
        )
        return _Stumbled(f"the connection{through} failed ({_reason(error)})")

    def _stated_wait(self, response: httpx.Response) -> float | None:
        """Return Retry-After in seconds; the server writes a number or a date."""
        stated = response.headers.get("retry-after", "").strip()
        if stated.isascii() and stated.isdigit():
            return float(stated[:9])
        until = _http_date(stated)
        if until is None:
            return None
        current = _http_date(response.headers.get("date", "")) or self.now
        return max(0.0, (until - current).total_seconds())


def _reason(error: httpx.RequestError) -> str:
    """Return why a connection failed; texts of the HTTP library are left out."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, OSError) and cause.strerror:
            return cause.strerror
        cause = cause.__cause__ or cause.__context__
    if isinstance(error, httpx.RemoteProtocolError) and "location" in str(error):
        return "an invalid URL in its redirect"
    if isinstance(error, httpx.DecodingError):
        return "the answer cannot be unpacked"
    if isinstance(error, httpx.ProxyError):
        return "the proxy refuses"
    return "it was broken off" if isinstance(error, httpx.RemoteProtocolError) else "no connection"


def _too_slow(timeout: float) -> str:
    return f"the answer takes longer than {SLOWEST * timeout:g} s"


def plain(url: httpx.URL) -> str:
    """Return an address safe to show: without query, user and password."""
    return f"{url.scheme}://{_host(url)}{url.path}"


def _host(url: httpx.URL) -> str:
    return url.netloc.decode("ascii")


def _port(url: httpx.URL) -> int | None:
    return url.port or {"http": 80, "https": 443}.get(url.scheme)


def _pause(attempt: int, stated: float | None) -> float:
    """Return the seconds to wait; a random part keeps refused clients from returning together."""
    if stated is not None:
        return stated + random.uniform(0, 1)  # noqa: S311
    return min(2.0 ** (attempt - 1), LONGEST_BACK_OFF) * random.uniform(0.5, 1)  # noqa: S311


def _http_date(text: str) -> datetime | None:
    try:
        found = parsedate_to_datetime(text)
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _spellings(secrets: Iterable[str]) -> tuple[str, ...]:
    """Return the secrets in every form possible in an address, the longest first."""
    found = {
        form
        for secret in secrets
        if secret
        for form in (secret, quote(secret), quote(secret, safe=""), quote_plus(secret))
    }
    return tuple(sorted(found, key=len, reverse=True))


def _without(text: str, secrets: Iterable[str]) -> str:
    for secret in secrets:
        text = text.replace(secret, "[…]")
    return text
