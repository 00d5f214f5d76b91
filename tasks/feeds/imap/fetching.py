"""What is fetched from a mailbox: which mails there are, their headers, a mail; none is marked."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from imapclient import IMAPClient
from imapclient.exceptions import IMAPClientAbortError, IMAPClientError

WINDOW = 50_000
"""Over how many UIDs one search goes: its answer is one line, whose length is limited."""

HEADER = 64 << 10
"""So much of a header is read; subject and Message-ID stand within it."""


def uids(client: IMAPClient, first: int, next_uid: int | None, *criteria: object) -> Iterator[int]:
    """The UIDs from `first` on, ascending, of what was there when the mailbox was opened.

    `next_uid` is what the server said then, `criteria` are more conditions of IMAP's SEARCH.
    """
    if next_uid is None:
        found = client.search(["UID", f"{first}:*", *criteria])  # shows the last one even if older
        yield from sorted(uid for uid in found if uid >= first)
        return
    for start in range(first, next_uid, WINDOW):
        end = min(start + WINDOW, next_uid) - 1
        yield from sorted(client.search(["UID", f"{start}:{end}", *criteria]))


def heads(client: IMAPClient, wanted: list[int]) -> dict[int, tuple[datetime | None, bytes]]:
    """Receipt and header of each mail; what the server cannot show at all has neither."""
    if not wanted:
        return {}
    try:
        answer = client.fetch(wanted, ["INTERNALDATE", f"BODY.PEEK[HEADER]<0.{HEADER}>"])
    except IMAPClientAbortError:
        raise
    except (IMAPClientError, ValueError):
        if len(wanted) == 1:
            return {wanted[0]: (None, b"")}
        half = len(wanted) // 2
        return heads(client, wanted[:half]) | heads(client, wanted[half:])
    found: dict[int, tuple[datetime | None, bytes]] = {
        uid: (parts.get(b"INTERNALDATE"), _literal(parts, b"BODY[HEADER]"))
        for uid, parts in answer.items()
    }
    missing = [uid for uid in wanted if uid not in found]
    there = client.search(["UID", ",".join(map(str, missing))]) if missing else []
    return found | dict.fromkeys(there, (None, b""))  # the rest was deleted in the meantime


def whole(client: IMAPClient, uid: int, limit: int) -> bytes:
    """The first `limit` bytes of a mail; none where the server cannot show it."""
    try:
        answer = client.fetch([uid], [f"BODY.PEEK[]<0.{limit}>"])
    except IMAPClientAbortError:
        raise
    except (IMAPClientError, ValueError):
        return b""
    return _literal(answer.get(uid, {}), b"BODY[]")


def _literal(found: dict[bytes, Any], section: bytes) -> bytes:
    """A part of a mail; the server names it with the place from which it was asked for."""
    for key, value in found.items():
        if key.startswith(section) and isinstance(value, bytes):
            return value
    return b""
