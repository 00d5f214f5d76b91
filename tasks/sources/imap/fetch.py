"""Fetch UIDs, headers and whole mails from a mailbox, without marking a mail as read."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from imapclient.exceptions import IMAPClientAbortError, IMAPClientError

from tasks.sources.imap.connection import SHORT_ANSWERS, LimitedClient

WINDOW = 50_000
"""Number of UIDs covered by one search: its answer is one line of limited length."""

HEADER = 64 << 10
"""Bytes read of a header; subject and Message-ID are within this limit."""


def uids(
    client: LimitedClient, first: int, next_uid: int | None, *criteria: object
) -> Iterator[int]:
    """Yield the UIDs from `first` on, ascending, of mails present when the mailbox was opened.

    `next_uid` is the server's UIDNEXT at that time. `criteria` are more conditions of IMAP's
    SEARCH.
    """
    client.limit.renew(size=SHORT_ANSWERS)
    if next_uid is None:
        found = client.search(["UID", f"{first}:*", *criteria])  # shows the last one even if older
        yield from sorted(uid for uid in found if uid >= first)
        return
    for start in range(first, next_uid, WINDOW):
        end = min(start + WINDOW, next_uid) - 1
        client.limit.renew(size=SHORT_ANSWERS)
        yield from sorted(client.search(["UID", f"{start}:{end}", *criteria]))


def heads(client: LimitedClient, wanted: list[int]) -> dict[int, tuple[datetime | None, bytes]]:
    """Return the time of receipt and the header of each mail, by UID.

    A mail the server cannot show at all has the time None and an empty header.
    """
    if not wanted:
        return {}
    client.limit.renew(size=SHORT_ANSWERS + len(wanted) * 2 * HEADER)
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


def whole(client: LimitedClient, uid: int, limit: int) -> bytes:
    """Return the first `limit` bytes of a mail, or b"" if the server cannot show it."""
    client.limit.renew(size=SHORT_ANSWERS + limit)
    try:
        answer = client.fetch([uid], [f"BODY.PEEK[]<0.{limit}>"])
    except IMAPClientAbortError:
        raise
    except (IMAPClientError, ValueError):
        return b""
    return _literal(answer.get(uid, {}), b"BODY[]")


def _literal(found: dict[bytes, Any], section: bytes) -> bytes:
    """Find a section of a mail in the answer; the server appends the start offset to its name."""
    for key, value in found.items():
        if key.startswith(section) and isinstance(value, bytes):
            return value
    return b""
