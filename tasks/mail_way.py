"""Which mail server a site's mail goes to."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from settings import Site
from tasks.smtp import Way


@contextmanager
def mail_way(site: Site, *, timeout: float | None = None) -> Iterator[Way]:
    """The site's mail server; for `mailbox:` the built-in one, running while the block lasts.

    `timeout` in seconds stands in for the site's own where somebody cannot wait as long.
    """
    mail = site.file.mail
    patience = min(timeout or mail.timeout_seconds, mail.timeout_seconds)
    if site.mail_url == "mailbox:":
        from tasks.mailbox import local_mailbox  # noqa: PLC0415 - takes long to load

        with local_mailbox(site.var / "mailbox", timeout=patience) as way:
            yield way
    else:
        yield Way(
            site.mail_url,
            ca_file=str(site.folder / mail.ca_file) if mail.ca_file else None,
            timeout=patience,
            oauth2_file=site.oauth2_file,
        )
