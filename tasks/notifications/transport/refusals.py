"""Refusals: the meaning of a permanent answer of a mail server, as a table.

A server answers with a code of 5xx if the address does not exist, if it does not want this mail, if
our sender may not send now, or if it does not relay our mail to other servers. Only the first is
about the recipient.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from tasks.common.redaction import redact_and_truncate
from tasks.text.translation import translated

SHOWN_LENGTH = 120
"""Limit of characters of an answer in a list. `tenggat mail show` has the whole answer."""


class Refusal(StrEnum):
    """What a server refuses: the address, this mail, every mail of our sender until that is mended
    or because it has sent too much, or to relay our mail to the domain of the recipient.
    """

    ADDRESS = "address"
    MAIL = "mail"
    SENDER = "sender"
    QUOTA = "quota"
    RELAY = "relay"


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusalRule:
    """A row of the table. It applies if everything given in it matches the answer.

    `enhanced` are enhanced status codes (RFC 3463), `words` a pattern of the text. `unexplained`
    limits the row to answers without an enhanced code, and `codes` to some codes. `at_recipient`
    limits it to the command RCPT, which is about the address alone.
    """

    means: Refusal
    source: str
    enhanced: frozenset[str] = frozenset()
    words: str = ""
    codes: frozenset[int] = frozenset()
    unexplained: bool = False
    at_recipient: bool = False

    def applies(self, code: int, enhanced: str, text: str, *, at_recipient: bool) -> bool:
        """Check whether the row applies to an answer."""
        return (
            (not self.enhanced or enhanced in self.enhanced)
            and (not self.codes or code in self.codes)
            and not (self.unexplained and enhanced)
            and not (self.at_recipient and not at_recipient)
            and (not self.words or re.search(self.words, text, re.IGNORECASE) is not None)
        )


NO_RELAY = (
    r"\brelay(ing)?\b.{0,40}\b(denied|prohibited|(not|n't) (permitted|allowed))\b"
    r"|\b(unable to|not (permitted|allowed) to|credentials for) relay\b|\ballowed rcpthosts\b"
)
"""Words of Postfix, Sendmail, Exim, Exchange, Google and qmail of a mail they do not relay."""

TABLE = (
    RefusalRule(
        means=Refusal.MAIL,
        enhanced=frozenset({"5.2.2", "5.2.3", "5.3.4"}),
        source="RFC 3463: the mailbox is full, or the mail is too big",
    ),
    RefusalRule(
        means=Refusal.QUOTA,
        enhanced=frozenset({"5.4.5"}),
        source="Google Workspace, SMTP errors: daily sending limit exceeded",
    ),
    RefusalRule(
        means=Refusal.SENDER,
        enhanced=frozenset({"5.1.7", "5.1.8"}),
        source="RFC 3463: the sender's address; Exchange Online: sender restricted",
    ),
    RefusalRule(
        means=Refusal.QUOTA,
        enhanced=frozenset({"5.1.90", "5.7.232", "5.7.233", "5.7.705"}),
        source="Exchange Online, NDR codes: daily limit of recipients, tenant's limit",
    ),
    RefusalRule(
        means=Refusal.QUOTA,
        words=r"SubmissionQuotaExceeded",
        source="Exchange Online: 554 5.2.0 with this exception, the mailbox has sent too much",
    ),
    RefusalRule(
        means=Refusal.SENDER,
        enhanced=frozenset({"5.7.501", "5.7.502", "5.7.503", "5.7.708", "5.7.750"}),
        source="Exchange Online, NDR codes: sender, address or domain blocked for what it sent",
    ),
    RefusalRule(
        means=Refusal.QUOTA,
        words=r"\b(daily|hourly|sending|relay|messages? count|rate)\b.{0,40}\b(limit|quota)\b"
        r"|\bmax(imum)? \w+ per (minute|hour|day)\b",
        source="cPanel (emails per hour), Zimbra and cbpolicyd (message count quota), others",
    ),
    RefusalRule(
        means=Refusal.QUOTA,
        words=r"\brate\b.{0,20}\b(exceed(s|ed)|overlimit|too (high|fast))\b|\b5\.7\.1 rate\b"
        r"|\bsender rate\b"
        r"|\bexceed(s|ed)\b.{0,30}\b(sending|message|mail|submission) (rate|quota)\b"
        r"|\btoo (many|much) (messages|e?-?mails?|recipients)\b.{0,40}\b(from|per|today|hour|day)\b"
        r"|\bpolicy rejection\b.{0,40}\bquota\b",
        source="Exim (ratelimit: 'Sender rate ... / 1h'), Postfix with policyd or postfwd, Zimbra",
    ),
    RefusalRule(
        means=Refusal.SENDER,
        words=r"\bsender address rejected\b|\bSendAsDenied\b|\bpermissions? to send as\b",
        source="Postfix, also after RCPT, and Exchange: our login may not use the sender",
    ),
    RefusalRule(
        means=Refusal.SENDER,
        codes=frozenset({530}),
        source="RFC 4954: authentication required",
    ),
    RefusalRule(
        means=Refusal.RELAY,
        at_recipient=True,
        words=NO_RELAY,
        source="settings of the server or our login: only mail to its own domains is accepted",
    ),
    RefusalRule(
        means=Refusal.ADDRESS,
        at_recipient=True,
        enhanced=frozenset({"5.4.1"}),
        words=r"\brecipient address(es)? rejected\b",
        source="Exchange Online, directory-based edge blocking: the domain has no such address",
    ),
    RefusalRule(
        means=Refusal.RELAY,
        at_recipient=True,
        enhanced=frozenset({"5.4.1"}),
        source="RFC 3463: the server of the domain does not answer, or takes no mail for it",
    ),
    RefusalRule(
        means=Refusal.ADDRESS,
        at_recipient=True,
        enhanced=frozenset({"5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10"}),
        source="RFC 3463 and RFC 7505: mailbox, domain or form of the address, moved, no mail here",
    ),
    RefusalRule(
        means=Refusal.ADDRESS,
        at_recipient=True,
        unexplained=True,
        codes=frozenset({550, 551, 553}),
        words=r"\b(user|recipient|mailbox|address)\b( is)? (unknown|not found|does not exist)"
        r"|\bunknown (user|recipient|mailbox|address)\b|\bno (such|mailbox) (user|here|mailbox|by)",
        source="RFC 5321, 4.2.3, without an enhanced code: Exim, qmail, older servers",
    ),
)
"""The rows in their order: the first that applies counts. Without any, the mail is refused."""

ENHANCED = re.compile(r"(?<![\d.])5\.\d{1,3}\.\d{1,3}(?!\.?\d)")
"""An enhanced status code of a permanent failure in the text of an answer."""


def meaning(code: int, text: str, *, at_recipient: bool) -> Refusal:
    """Return the meaning of a permanent answer; `at_recipient` means that it came after RCPT."""
    enhanced = enhanced_code(text)
    for row in TABLE:
        if row.applies(code, enhanced, text, at_recipient=at_recipient):
            return row.means
    return Refusal.MAIL


def no_relay(text: str) -> bool:
    """Check whether an answer says that the server does not relay for us, for now or permanently.

    Postfix defers by default with 454 what other settings refuse with 554.
    """
    return re.search(NO_RELAY, text, re.IGNORECASE) is not None


def enhanced_code(text: str) -> str:
    """Return the enhanced status code in an answer, or an empty text."""
    found = ENHANCED.search(text)
    return found[0] if found else ""


def shown_answer(code: int | None, answer: str, locale: str = "en") -> str:
    """Return code and text of an answer on one line, without addresses and numbers of persons.

    A text of Tenggat is translated, before it is cut: a part of it has no translation.
    """
    said = translated(answer, locale)
    return redact_and_truncate(f"{code} {said}" if code else said, SHOWN_LENGTH)
