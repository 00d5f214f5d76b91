"""The mail server of a site."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from settings.site import Site
from tasks.notifications.transport.smtp import SmtpAddress


@contextmanager
def smtp_address(site: Site, *, timeout: float | None = None) -> Iterator[SmtpAddress]:
    """Yield the address of the site's mail server; for `mailbox:` run the built-in one in the
    block.

    `timeout`, in seconds, can only shorten the site's own timeout, for callers with less time.
    """
    mail = site.file.mail
    seconds = min(timeout or mail.timeout_seconds, mail.timeout_seconds)
    if site.keeps_mail:
        from tasks.notifications.transport.local_mailbox import local_mailbox  # noqa: PLC0415 - slow to import

        with local_mailbox(site.var / "mailbox", timeout=seconds) as address:
            yield address
    else:
        yield SmtpAddress(
            site.mail_url,
            ca_file=str(site.folder / mail.ca_file) if mail.ca_file else None,
            timeout=seconds,
            oauth2_file=site.oauth2_file,
            helo_name=mail.helo_name,
        )
