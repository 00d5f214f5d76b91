"""The OAuth2 file: JSON with the credentials to use a mailbox; it contains secrets."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Annotated, Any

import httpx
from pydantic import AfterValidator, Field, ValidationError, ValidationInfo, field_validator

from settings.errors import Strict, explained
from tasks.common.loopback import is_loopback
from tasks.common.whole_files import whole_file

GOOGLE = "https://oauth2.googleapis.com/token"

YAGMAIL_NAMES = {f"google_{name}": name for name in ("client_id", "client_secret", "refresh_token")}


class NoToken(Exception):
    """There is no access token; the text says what was wrong, where, and what to do."""


def _printable(value: str) -> str:
    value = value.strip()
    if not (value and value.isascii() and value.isprintable()):
        raise ValueError("must be a word of printable ASCII characters")
    return value


Word = Annotated[str, AfterValidator(_printable)]


class Grant(Strict):
    """The content of an OAuth2 file; yagmail's key names (`google_client_id`) mean the same.

    `client_secret` may be missing for a provider other than Google that supports clients without
    one.
    """

    client_id: Word
    refresh_token: Word = Field(repr=False)
    token_url: Word = GOOGLE
    client_secret: Word | None = Field(None, repr=False, validate_default=True)
    scope: Word | None = None
    email_address: Word | None = None

    @field_validator("token_url")
    @classmethod
    def _secured(cls, value: str) -> str:
        try:
            url = httpx.URL(value)
        except httpx.InvalidURL:
            url = httpx.URL()
        secured = url.scheme == "https" or (url.scheme == "http" and is_loopback(url.host))
        if not (secured and url.host) or url.userinfo or url.query or url.fragment:
            raise ValueError(
                "must be https://host/path and no more (http:// is allowed to loopback only)"
            )
        return value

    @field_validator("client_secret")
    @classmethod
    def _google_wants_it(cls, value: str | None, info: ValidationInfo) -> str | None:
        if value is None and info.data.get("token_url") == GOOGLE:
            raise ValueError("is missing")
        return value

    @property
    def provider(self) -> str:
        """Return the host of the token provider."""
        return httpx.URL(self.token_url).host

    def form(self) -> dict[str, str]:
        """Return the form fields of the request for an access token."""
        said = self.model_dump(
            include={"client_id", "client_secret", "refresh_token", "scope"}, exclude_none=True
        )
        return said | {"grant_type": "refresh_token"}


def read_grant(file: Path) -> Grant:
    """Read the file; raises :class:`NoToken` with every error, but never with a value."""
    raw = _read(file)
    if "installed" in raw or "web" in raw:
        raise NoToken(
            f"{file}: Google's description of the client, without a refresh token; authorize the"
            " mailbox once, and write client_id, client_secret and refresh_token into the file"
        )
    plain = {YAGMAIL_NAMES.get(name, name): value for name, value in raw.items()}
    if len(plain) < len(raw):
        raise NoToken(f"{file}: a key is there twice, with google_ and without; remove one")
    try:
        return Grant.model_validate(plain)
    except ValidationError as error:
        raise NoToken(explained(file, error, Grant).replace(f"\n{file}: ", "; ")) from None


def keep(file: Path, refresh_token: str) -> None:
    """Store a new refresh token in the file, with an atomic replacement; raises OSError."""
    raw = _read(file)
    name = "refresh_token" if "refresh_token" in raw else "google_refresh_token"
    old = file.stat()
    with whole_file(file) as new:
        os.fchown(new.fileno(), old.st_uid, old.st_gid)  # root may run the doctor
        os.fchmod(new.fileno(), old.st_mode & 0o777)
        new.write(f"{json.dumps(raw | {name: refresh_token}, indent=2)}\n".encode())


def open_to_all(file: Path) -> bool:
    """Check whether every user of the machine can read or change the file."""
    try:
        return bool(file.stat().st_mode & 0o006)
    except OSError:
        return False


def _read(file: Path) -> dict[str, Any]:
    try:
        raw = json.loads(file.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise NoToken(f"{file}: no such file; [mail] oauth2_file in site.toml names it") from None
    except OSError as error:
        raise NoToken(f"{file}: cannot be read ({error.strerror})") from None
    except json.JSONDecodeError as error:
        raise NoToken(f"{file}: no JSON (line {error.lineno}: {error.msg})") from None
    except UnicodeDecodeError:
        raise NoToken(f"{file}: not in UTF-8; save it as UTF-8") from None
    if not isinstance(raw, dict):
        raise NoToken(f'{file}: must be one JSON object, {{"client_id": "...", ...}}')
    return raw
