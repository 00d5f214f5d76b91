"""Message-IDs: the same mail always has the same one, also when it is sent again."""

from __future__ import annotations

import hashlib

from tasks.common.context import SiteContext


def calendar_uid(context: SiteContext, source: str, ticket: str, clock: tuple[str, int]) -> str:
    """Return the permanent identifier of a deadline in calendars."""
    return message_id_header(context, source, ticket, *clock).strip("<>")


def message_id_header(context: SiteContext, *cause: object) -> str:
    """Return a Message-ID that depends on nothing but the cause of the mail."""
    text = "\x1f".join(str(part) for part in (context.site.name, *cause))
    host = context.site.file.mail.sender.rpartition("@")[2]
    return f"<{hashlib.sha256(text.encode()).hexdigest()[:32]}@{host}>"
