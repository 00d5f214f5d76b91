"""`tenggat run --preview`: the next mails as files, to look at before a decision."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from cli import console
from cli.console import escape
from cli.language.words import say


def preview_mails(site: Path | None, now: str | None, to: Path | None, *, as_json: bool) -> None:
    """Write the next mails as files, and print their numbers and the index page."""
    with console.context_of(site, finish=False) as context:
        from db.decisions import mode  # noqa: PLC0415
        from tasks.notifications.trial.readiness import preview_folder  # noqa: PLC0415
        from tasks.simulation.preview import preview, write_preview  # noqa: PLC0415

        moment = console.moment(now, context.site)
        mails = preview(context, moment)
        name = f"{context.local(moment):%Y-%m-%d_%H%M}"
        folder = to or preview_folder(context) / name
        with console.writing(folder):
            index = write_preview(context, mails, folder)
        with context.consistent_read() as session:
            live = mode.of_site(session).live
        rows = [
            {
                "at": context.local(mail.at).isoformat(timespec="minutes"),
                "recipient": mail.entry.address,
                "subject": mail.entry.subject,
            }
            for mail in mails
        ]
    if as_json:
        console.print_json(rows)
        return
    for at, count in sorted(Counter(row["at"] for row in rows).items()):
        when = console.short_time(at)
        key = "preview.mails" if live else "preview.mails_in_trial"
        console.out.print(say(key, n=count, at=when), soft_wrap=True)
    if not rows:
        console.out.print(say("preview.none"), soft_wrap=True)
    text = say("preview.index", file=str(index))
    console.out.print(escape(text), soft_wrap=True)
    if rows and not live:
        console.out.print(say("preview.in_trial"), soft_wrap=True)
