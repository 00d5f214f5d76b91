"""Login by OAuth2: get an access token with the data of an OAuth2 file.

The OAuth2 code of yagmail is not used. Without the file it asks at the keyboard. It supports only
Google and has no timeout. It accepts a refused login as a success. If STARTTLS should verify
certificates, it skips STARTTLS and sends the token unencrypted.
"""

from __future__ import annotations

import json
import re
import ssl
from collections.abc import Callable
from pathlib import Path
from time import monotonic
from typing import Any

import httpx

from tasks.common.limited_http import AnswerLimit, limit_answers
from tasks.common.loopback import is_loopback
from tasks.notifications.transport.oauth2_file import Grant, NoToken, keep, read_grant

MARGIN = 60.0
"""Seconds before its expiry at which an access token is no longer used."""

LARGEST_ANSWER = 1 << 20

TOLD = {
    "invalid_grant": "the refresh token is void: it was withdrawn, or has expired; authorize the"
    " mailbox again and write the new refresh_token into the file",
    "invalid_client": "client_id or client_secret is wrong, or the secret has expired",
    "unauthorized_client": "this client may not ask for tokens; check its permissions",
    "invalid_scope": "the provider does not know this scope",
    "unsupported_grant_type": "the provider gives no tokens for refresh tokens",
    "invalid_request": "something is missing in the file (client_secret, scope?)",
    "interaction_required": "a person must sign in and authorize the mailbox again",
    "temporarily_unavailable": "the next run tries again",
}
"""The meaning of each refusal, with advice. The provider's own sentence is not shown, because it
may repeat a secret.
"""


class Tokens:
    """The access tokens of one batch of mails: each is used until its expiry and then replaced.

    `timeout` is in seconds. `ca_file` is trusted in addition to the certificates of the machine.
    `clock` returns seconds.
    """

    def __init__(
        self,
        file: Path,
        *,
        timeout: float,
        ca_file: str | None = None,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self.file, self.timeout, self.ca_file, self._clock = file, timeout, ca_file, clock
        self._token, self._until, self._mailbox = "", 0.0, ""

    def login(self, user: str) -> tuple[str, str]:
        """Return user and access token; without a user, the email_address of the file.

        Raises :class:`NoToken`.
        """
        if not (self._token and self._clock() < self._until):
            self._get(user)
        return user or self._mailbox, self._token

    def _get(self, user: str) -> None:
        grant = read_grant(self.file)  # read each time: another run may have stored a newer token
        if not (user or grant.email_address):
            raise NoToken(
                f"{self.file}: whose mailbox? Name the user in the mail URL, smtp://user@host:587,"
                " or write email_address"
            )
        begun = self._clock()
        answer = self._ask(grant, begun)
        token, renewed = _token(answer, "access_token"), _token(answer, "refresh_token")
        if not token:
            raise self._trouble(grant, "answers without an access token; is token_url right?")
        if renewed and renewed != grant.refresh_token:
            self._keep(grant, renewed)
        self._token, self._until = token, begun + _seconds(answer.get("expires_in")) - MARGIN
        self._mailbox = grant.email_address or ""

    def _ask(self, grant: Grant, begun: float) -> dict[str, Any]:
        body = bytearray()
        try:
            context = ssl.create_default_context()
            if self.ca_file:
                context.load_verify_locations(self.ca_file)
            # a proxy of the environment must not see the unencrypted request to loopback
            trust_env = not is_loopback(grant.provider)
            client = httpx.Client(timeout=self.timeout, verify=context, trust_env=trust_env)
            limit_answers(client, AnswerLimit(self.timeout))
            with (
                client,
                client.stream(
                    "POST",
                    grant.token_url,
                    data=grant.form(),
                    headers={"Accept": "application/json", "User-Agent": "tenggat"},
                ) as response,
            ):
                for chunk in response.iter_bytes():
                    body += chunk
                    if len(body) > LARGEST_ANSWER:
                        raise self._trouble(grant, "answers without end; is token_url right?")
                    if self._clock() - begun > self.timeout:
                        raise httpx.ReadTimeout("it drips")
        except httpx.TimeoutException:
            why = f"gives no answer within {self.timeout:g} s (timeout_seconds)"
            raise self._trouble(grant, why) from None
        except (httpx.RequestError, OSError) as error:
            why = f"cannot be asked for an access token ({error or type(error).__name__})"
            raise self._trouble(grant, why) from None
        answer = _json(bytes(body))
        if response.status_code != httpx.codes.OK:
            raise self._trouble(grant, _refusal(response.status_code, answer))
        return answer

    def _keep(self, grant: Grant, renewed: str) -> None:
        """Store the new refresh token of the provider; the old one is void or will be."""
        try:
            keep(self.file, renewed)
        except OSError as error:
            raise self._trouble(
                grant,
                f"gives a new refresh token, which cannot be written there ({error.strerror});"
                " let the user of the service write the file and its folder",
            ) from None

    def _trouble(self, grant: Grant, why: str) -> NoToken:
        return NoToken(f"{self.file}: {grant.provider} {why}")


def _json(body: bytes) -> dict[str, Any]:
    try:
        answer = json.loads(body)
    except ValueError:
        return {}
    return answer if isinstance(answer, dict) else {}


def _token(answer: dict[str, Any], name: str) -> str:
    """Return a token from the answer, or '' if it has no usable one."""
    value = answer.get(name)
    return value if isinstance(value, str) and re.fullmatch(r"[!-~]+", value) else ""


def _refusal(status: int, answer: dict[str, Any]) -> str:
    """Explain a refusal; quote only provider texts that cannot contain a secret."""
    error = answer.get("error")
    if isinstance(error, str) and error in TOLD:
        number = re.match(r"AADSTS\d{1,9}\b", str(answer.get("error_description")))
        code = f"{error}, {number[0]}" if number else error  # Microsoft's, for a look-up
        return f"refuses an access token ({code}): {TOLD[error]}"
    if status >= 500 or status == httpx.codes.TOO_MANY_REQUESTS:
        return f"answers HTTP {status}; the next run tries again"
    return f"answers HTTP {status}; is token_url right?"


def _seconds(value: object) -> float:
    """Return the lifetime of a token in seconds; 0 (one login only) if the answer has none."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return 0.0
    try:
        return float(value)
    except (ValueError, OverflowError):
        return 0.0
