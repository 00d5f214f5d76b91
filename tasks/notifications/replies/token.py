"""Tokens: short, unforgeable names of one complaint in one notice mail.

A token is in the subject of an answer, as `[TGT-2Y-1K3-7XQ2M4P8AB-1]`. Mail servers and mail
programs keep a subject; many of them refuse or change an address with a plus tag. The parts are the
key of the mail, the key of the complaint, and a signature (HMAC-SHA256, 50 bits). A number at the
end is the choice of the reader. The token is derived and not stored. The signature covers
Message-ID and ticket, so a token from before the restore of a backup never names another mail.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from dataclasses import dataclass

from db.models import ReplyKind

CHOICES = (ReplyKind.DONE, ReplyKind.NOT_OURS, ReplyKind.OBSTACLE)
"""The choices in the order of their numbers, beginning with 1."""

DIGITS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""The alphabet of Crockford's base 32: no letter looks like a digit."""

SIGNATURE_DIGITS = 10
LARGEST_KEY = 2**31 - 1
"""The largest key of a row. PostgreSQL refuses to search for a larger one."""

_TOKEN = re.compile(
    r"\bTGT-([0-9A-Z]{1,8})-([0-9A-Z]{1,8})-([0-9A-Z]{10})(?:-([1-9]))?(?![0-9A-Z-])",
)


@dataclass(frozen=True, slots=True)
class Token:
    """A token as found in a text: not yet verified.

    `choice` is None if it has no number. `text` is the token as written. The keys of a token that
    cannot be read are 0, which no row has.
    """

    message: int
    complaint: int
    signature: str
    choice: ReplyKind | None = None
    text: str = ""

    @property
    def is_readable(self) -> bool:
        """Check whether the token names a mail; only such a one can be signed."""
        return self.message > 0


def token_text(key: bytes, message: int, complaint: int, named: str) -> str:
    """Return the token of a complaint in a mail, without a choice; `named` as in :func:`sign`."""
    signature = sign(key, message, complaint, named)
    return f"TGT-{_encoded(message)}-{_encoded(complaint)}-{signature}"


def sign(key: bytes, message: int, complaint: int, named: str) -> str:
    """Return the signature; `named` are Message-ID and ticket, which no backup repeats."""
    signed = f"{message}\x1f{complaint}\x1f{named}".encode()
    digest = hmac.new(key, signed, hashlib.sha256).digest()
    return _encoded(int.from_bytes(digest[:8], "big"))[-SIGNATURE_DIGITS:].rjust(
        SIGNATURE_DIGITS, DIGITS[0]
    )


def is_signed(token: Token, key: bytes, named: str) -> bool:
    """Check the signature of a token."""
    return hmac.compare_digest(token.signature, sign(key, token.message, token.complaint, named))


def find_tokens(text: str) -> list[Token]:
    """Return the tokens in a text in their order, each once, also those that cannot be read."""
    return list(dict.fromkeys(map(_token, _TOKEN.finditer(text.upper()))))


def _token(found: re.Match[str]) -> Token:
    number = int(found[4]) if found[4] else 0
    choice = CHOICES[number - 1] if 0 < number <= len(CHOICES) else None
    if set(found[1] + found[2] + found[3]) <= set(DIGITS):
        keys = _decoded(found[1]), _decoded(found[2])
        if max(keys) <= LARGEST_KEY:
            return Token(*keys, found[3], choice, found[0])
    return Token(0, 0, "", choice, found[0])


def _encoded(number: int) -> str:
    digits = ""
    while number or not digits:
        number, digit = divmod(number, len(DIGITS))
        digits = DIGITS[digit] + digits
    return digits


def _decoded(digits: str) -> int:
    number = 0
    for digit in digits:
        number = number * len(DIGITS) + DIGITS.index(digit)
    return number
