"""Check a mail address before any mail is sent to it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable

LONGEST_LOCAL_PART = 64
LONGEST_DOMAIN = 253

_LOCAL_SIGNS = frozenset("abcdefghijklmnopqrstuvwxyz0123456789!#$%&'*+-/=?^_`{|}~.")
"""The signs of a local part that need no quotation marks (RFC 5322), casefolded."""

_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?", re.IGNORECASE)


class WrongAddress(ValueError):
    """No mail server accepts this address; the message names the reason and the sign."""


def plain_address(text: str) -> str:
    """Return an address as servers accept it; an international domain in its ASCII form.

    Raises :class:`WrongAddress` for an address that no server accepts: without exactly one @, or
    with a sign that does not belong there, perhaps an invisible one.
    """
    if text.count("@") != 1:
        raise WrongAddress(f"it has {text.count('@')} signs @; write name@domain")
    local, _, domain = text.partition("@")
    if not local or not domain:
        raise WrongAddress("a part before or after the @ is missing; write name@domain")
    for place, sign in enumerate(local, start=1):
        if sign.casefold() not in _LOCAL_SIGNS:
            raise WrongAddress(f"{_named(sign)} at place {place} cannot stand before the @")
    if local.startswith(".") or local.endswith(".") or ".." in local:
        raise WrongAddress("a dot before the @ must stand between two other signs")
    if len(local) > LONGEST_LOCAL_PART:
        raise WrongAddress(f"it has more than {LONGEST_LOCAL_PART} signs before the @")
    return f"{local}@{_plain_domain(domain)}"


def address_of_person(text: str) -> str:
    """Return the address of an official as servers accept it; its domain must have a dot.

    A domain without one, as `localhost`, exists only inside one network, and mostly it is a
    mistake. Raises :class:`WrongAddress`.
    """
    address = plain_address(text)
    if "." not in address.partition("@")[2].strip("."):
        raise WrongAddress("its domain has no dot; write the whole one, as in name@kab.go.id")
    return address


def is_address(text: str, read: Callable[[str], str] = plain_address) -> bool:
    """Check whether a function that returns plain addresses accepts a text."""
    try:
        read(text)
    except WrongAddress:
        return False
    return True


def _plain_domain(domain: str) -> str:
    for place, sign in enumerate(domain, start=1):
        if not (sign.isalnum() or sign in "-._" or unicodedata.category(sign) in ("Mn", "Mc")):
            raise WrongAddress(f"{_named(sign)} at place {place} after the @ is in no domain")
    try:
        ascii_form = domain if domain.isascii() else domain.encode("idna").decode("ascii")
    except UnicodeError:
        raise WrongAddress("the domain after the @ has no ASCII form") from None
    if not all(map(_LABEL.fullmatch, ascii_form.split("."))) or len(ascii_form) > LONGEST_DOMAIN:
        raise WrongAddress("the part after the @ is no domain")
    return ascii_form


def _named(sign: str) -> str:
    """Return a sign with its code point and its name, because it may be invisible."""
    name = unicodedata.name(sign, "control character").lower()
    shown = f"'{sign}' " if sign.isprintable() and not sign.isspace() else ""
    return f"{shown}U+{ord(sign):04X} ({name})"
