"""Reports of mail servers on mails that did not arrive, each in the form of its kind of server.

`about` is the Message-ID of the mail with its brackets, `recipient` who was not reached. All are
sent to the sender of the example site; names and hosts are invented.
"""

from __future__ import annotations

SENDER = "tenggat@contohkab.example"
NOBODY_THERE = "550 5.1.1 no such mailbox"

HEADER = """From: {sender}
To: tenggat@contohkab.example
Subject: {subject}
Date: Tue, 24 Nov 2026 08:02:11 +0800
Message-ID: <{report_id}>
MIME-Version: 1.0
"""

RETURNED = """Return-Path: <tenggat@contohkab.example>
Received: from tenggat.contohkab.example (tenggat.contohkab.example [192.0.2.7])
\tby mx.contohkab.example; Tue, 24 Nov 2026 08:01:59 +0800
From: Tenggat <tenggat@contohkab.example>
To: {recipient}
Subject: [Tenggat] Pengaduan FD-1
Message-ID: {about}
Auto-Submitted: auto-generated
"""


def mail(header: str, *parts: str, kind: str = "report; report-type=delivery-status") -> bytes:
    """A multipart of these parts, each with its header, with the line ends of the net."""
    text = f'{header}Content-Type: multipart/{kind}; boundary="=_b0und"\n\n'
    text += "".join(f"--=_b0und\n{part}\n" for part in parts) + "--=_b0und--\n"
    return text.replace("\n", "\r\n").encode()


def header(report_id: str, sender: str = "", subject: str = "Mail not delivered") -> str:
    return HEADER.format(
        sender=sender or "Mail server <MAILER-DAEMON@mx.contohkab.example>",
        subject=subject,
        report_id=report_id,
    )


def postfix(
    about: str,
    recipient: str,
    *,
    report_id: str = "p1@mx.contohkab.example",
    action: str = "failed",
    status: str = "5.1.1",
    diagnostic: str = "smtp; 550 5.1.1 <{recipient}>: nobody of\n    that name is here",
    original: str = "",
    returned: str = RETURNED,
) -> bytes:
    """Both addresses, the answer folded, and the whole mail."""
    diagnostic = diagnostic.format(recipient=recipient)
    return mail(
        header(report_id),
        "Content-Description: Notification\nContent-Type: text/plain; charset=us-ascii\n\n"
        f"It could not be delivered to <{recipient}>.\n",
        "Content-Description: Delivery report\nContent-Type: message/delivery-status\n\n"
        "Reporting-MTA: dns; mx.contohkab.example\nX-Postfix-Queue-ID: 4TQ2f01Xk3z9\n"
        f"X-Postfix-Sender: rfc822; {SENDER}\nArrival-Date: Tue, 24 Nov 2026 08:01:59 +0800\n\n"
        f"Final-Recipient: rfc822; {recipient}\n"
        f"Original-Recipient: rfc822;{original or recipient}\n"
        f"Action: {action}\nStatus: {status}\nRemote-MTA: dns; mail.dinas.example\n"
        f"Diagnostic-Code: {diagnostic}\n",
        "Content-Description: Undelivered Message\nContent-Type: message/rfc822\n"
        f"Content-Transfer-Encoding: 8bit\n\n{returned.format(about=about, recipient=recipient)}\n"
        "Tenggat yang terlewat: FD-1.\n",
    )


def exim(about: str, recipient: str, *, report_id: str = "e1@mx.contohkab.example") -> bytes:
    """The failed address in the header as well, no status but that of the answer."""
    return mail(
        f"X-Failed-Recipients: {recipient}\nAuto-Submitted: auto-replied\n"
        + header(report_id, "Mail system <Mailer-Daemon@mx.contohkab.example>"),
        f"Content-Type: text/plain; charset=us-ascii\n\nNot delivered:\n\n  {recipient}\n",
        "Content-Type: message/delivery-status\n\nReporting-MTA: dns; mx.contohkab.example\n\n"
        f"Action: failed\nFinal-Recipient: rfc822;{recipient}\nStatus: 5.0.0\n"
        f"Remote-MTA: dns; mail.dinas.example\nDiagnostic-Code: smtp; {NOBODY_THERE}\n",
        f"Content-Type: message/rfc822\n\n{RETURNED.format(about=about, recipient=recipient)}\n",
    )


def exchange(
    about: str, recipient: str, *, report_id: str = "x1@exchange.contohkab.example"
) -> bytes:
    """A page beside the text, fields of its own, and the mail that is answered in the header."""
    return mail(
        header(report_id, "Postmaster <postmaster@contohkab.example>", "Undeliverable: FD-1")
        + "Content-Language: en-US\nX-MS-Exchange-Message-Is-Ndr:\n"
        f"In-Reply-To: {about}\nReferences: {about}\nAuto-Submitted: auto-replied\n",
        'Content-Type: multipart/alternative; boundary="in"\n\n--in\nContent-Type: text/plain\n\n'
        f"{recipient} is not known.\n\n--in\nContent-Type: text/html\n\n<p>unknown</p>\n--in--\n",
        "Content-Type: message/delivery-status\n\nReporting-MTA: dns;exchange.contohkab.example\n"
        "Received-From-MTA: dns;tenggat.contohkab.example\n"
        "Arrival-Date: Tue, 24 Nov 2026 00:01:59 +0000\n\n"
        f"Final-Recipient: rfc822;{recipient}\nAction: failed\nStatus: 5.1.10\n"
        "Diagnostic-Code: smtp;550 5.1.10 RESOLVER.ADR.RecipientNotFound; no such recipient\n"
        f"X-Display-Name: {recipient}\n",
        f"Content-Type: message/rfc822\n\n{RETURNED.format(about=about, recipient=recipient)}\n",
    )


def sendmail(about: str, recipient: str, *, report_id: str = "s1@mx.contohkab.example") -> bytes:
    """Types in capitals, and no more than the header of the mail."""
    return mail(
        header(report_id),
        f"\nThe mail to <{recipient}> met a lasting error.\n",
        "Content-Type: message/delivery-status\n\nReporting-MTA: dns; mx.contohkab.example\n"
        "Received-From-MTA: DNS; tenggat.contohkab.example\n"
        "Arrival-Date: Tue, 24 Nov 2026 08:01:59 +0800\n\n"
        f"Final-Recipient: RFC822; {recipient}\nAction: Failed\nStatus: 5.1.1\n"
        f"Remote-MTA: DNS; mail.dinas.example\nDiagnostic-Code: SMTP; {NOBODY_THERE}\n"
        "Last-Attempt-Date: Tue, 24 Nov 2026 08:02:10 +0800\n",
        f"Content-Type: text/rfc822-headers\n\n{RETURNED.format(about=about, recipient=recipient)}",
    )


def gmail(about: str, recipient: str, *, report_id: str = "g1@mail.google.example") -> bytes:
    """A picture in the first part, an answer of several lines."""
    return mail(
        header(report_id, "Mail Delivery Subsystem <mailer-daemon@google.example>")
        + f"Auto-Submitted: auto-replied\nX-Failed-Recipients: {recipient}\n"
        f"References: {about}\nIn-Reply-To: {about}\n",
        'Content-Type: multipart/related; boundary="rel"\n\n--rel\nContent-Type: text/html\n\n'
        "<p>not found</p>\n--rel\nContent-Type: image/png; name=icon.png\n"
        "Content-Transfer-Encoding: base64\nContent-ID: <icon.png>\n\niVBORw0KGgo=\n--rel--\n",
        "Content-Type: message/delivery-status\n\nReporting-MTA: dns; google.example\n"
        f"Received-From-MTA: dns; {SENDER}\nArrival-Date: Tue, 24 Nov 2026 00:01:59 -0800 (PST)\n"
        f"X-Original-Message-ID: {about}\n\n"
        f"Final-Recipient: rfc822; {recipient}\nAction: failed\nStatus: 5.1.1\n"
        "Remote-MTA: dns; mail.dinas.example. (192.0.2.25, the server for the domain.)\n"
        "Diagnostic-Code: smtp; 550-5.1.1 There is no account of this name.\n"
        " 550-5.1.1 Look at the address again. 550 5.1.1 b17-20 - gsmtp\n"
        "Last-Attempt-Date: Tue, 24 Nov 2026 00:02:10 -0800 (PST)\n",
        f"Content-Type: message/rfc822\n\n{RETURNED.format(about=about, recipient=recipient)}\n",
    )


def qmail(about: str, recipient: str, *, report_id: str = "") -> bytes:
    """Paragraphs without MIME; a report of its own has no Message-ID."""
    text = f"""Date: 24 Nov 2026 00:02:11 -0000
From: MAILER-DAEMON@mx.contohkab.example
To: {SENDER}
Subject: failure notice
{f"Message-ID: <{report_id}>" if report_id else "X-Nothing: more"}

Hi. This is the qmail-send program at mx.contohkab.example.
It could not be delivered to these addresses, and will not be tried again.

<{recipient}>:
192.0.2.25 does not like recipient.
Remote host said: {NOBODY_THERE}
Giving up on 192.0.2.25.

--- Below this line is a copy of the message.

{RETURNED.format(about=about, recipient=recipient)}
Tenggat yang terlewat: FD-1.
"""
    return text.encode()


SHAPES = {
    "postfix": postfix,
    "exim": exim,
    "exchange": exchange,
    "sendmail": sendmail,
    "gmail": gmail,
    "qmail": qmail,
}
