"""What mails of the watchdog say, in short."""

from datetime import timedelta

from db.models import MessageRow

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def told(message: MessageRow) -> list[str]:
    """What a mail of the watch tells: '+kind' of what is new, '=' of what lasts, '-' of the end."""
    return [
        sign + ":".join([each["kind"], each["facts"].get("flow", "")]).rstrip(":")
        for part, sign in (("opened", "+"), ("ongoing", "="), ("resolved", "-"))
        for each in message.detail.get(part, ())
    ]
