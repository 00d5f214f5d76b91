"""What the mail server may do wrong with a mail, and how often among all mishaps."""

from __future__ import annotations

from random import Random

from support.servers.smtp_servers import DROP

from crash_tests.model import SILENCE, Fault

MISHAPS = (
    (2, Fault("MAIL", DROP)),
    (2, Fault("MAIL", "421 4.7.0 Too much, good-bye")),
    (2, Fault("MAIL", "450 4.7.1 Slow down")),
    (1, Fault("MAIL", "552 5.3.4 Too big")),
    (1, Fault("MAIL", "553 5.7.1 Sender not allowed")),
    (1, Fault("RCPT", DROP)),
    (1, Fault("RCPT", SILENCE)),
    (2, Fault("RCPT", "421 4.3.0 Overloaded")),
    (3, Fault("RCPT", "450 4.2.1 Mailbox busy")),
    (2, Fault("RCPT", "550 5.1.1 No such user")),
    (3, Fault("DATA", DROP)),
    (6, Fault("DATA", DROP, keeps=True)),
    (1, Fault("DATA", SILENCE)),
    (2, Fault("DATA", SILENCE, keeps=True)),
    (2, Fault("DATA", "421 4.3.0 Shutting down")),
    (3, Fault("DATA", "450 4.7.1 Greylisted")),
    (1, Fault("DATA", "451 4.3.0 Error in processing")),
    (2, Fault("DATA", "550 5.7.1 Looks like spam")),
    (2, Fault("DATA", "552 5.2.2 Mailbox full")),
    (1, Fault("DATA", "554 5.6.0 Malformed")),
)


def mishaps(dice: Random, mails: int) -> dict[int, Fault]:
    """For some of so many mails what goes wrong with them."""
    weights, faults = zip(*MISHAPS, strict=True)
    return {
        number: dice.choices(faults, weights)[0]
        for number in range(1, mails + 1)
        if dice.random() < 0.4
    }
