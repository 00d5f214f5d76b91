"""Reports of mail servers: what is believed of them, and what is none."""

import time

import pytest
from support.incoming_mail.bounce_reports import RETURNED, SHAPES, header, mail, postfix, qmail

from tasks.notifications.bounces.dsn import Fate, may_be, read

ABOUT, WHO = "<1b2c@contohkab.example>", "penghubung.dinsos@contohkab.example"
BARE = ABOUT.strip("<>")

HUMAN = "Content-Type: text/plain\n\nIt was not delivered.\n"
STATUS = "Content-Type: message/delivery-status\n\nReporting-MTA: dns; mx.contohkab.example\n\n"
WHOLE = "Content-Type: message/rfc822\n\n"
BACK = f"Content-Type: text/rfc822-headers\n\n{RETURNED.format(about=ABOUT, recipient=WHO)}"


def failed(who: str = WHO, **fields: str) -> str:
    """The fields about one recipient."""
    told = {"Final-Recipient": f"rfc822; {who}", "Action": "failed", "Status": "5.1.1", **fields}
    return "".join(f"{name.replace('_', '-')}: {value}\n" for name, value in told.items())


def report(*recipients: str, back: str = BACK, more: str = "") -> bytes:
    blocks = STATUS + "\n".join(recipients)
    return mail(header("r1@mx.contohkab.example") + more, HUMAN, blocks, *([back] if back else []))


# --- what servers write ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("shape", "code", "answer"),
    [
        ("postfix", "5.1.1", f"550 5.1.1 <{WHO}>: nobody of that name is here"),
        ("exim", "5.0.0", "550 5.1.1 no such mailbox"),
        ("exchange", "5.1.10", "550 5.1.10 RESOLVER.ADR.RecipientNotFound; no such recipient"),
        ("sendmail", "5.1.1", "550 5.1.1 no such mailbox"),
        (
            "gmail",
            "5.1.1",
            "550-5.1.1 There is no account of this name. 550-5.1.1 Look at the address again."
            " 550 5.1.1 b17-20 - gsmtp",
        ),
        (
            "qmail",
            "5.1.1",
            "192.0.2.25 does not like recipient. Remote host said: 550 5.1.1 no such mailbox"
            " Giving up on 192.0.2.25.",
        ),
    ],
)
def test_each_kind_of_server_tells_who_was_not_reached_and_why(shape, code, answer):
    raw = SHAPES[shape](ABOUT, WHO, report_id="r1@there.example")
    assert may_be(raw.partition(b"\r\n\r\n")[0].partition(b"\n\n")[0] + b"\r\n\r\n")
    found = read(raw)
    assert found.report_id == "r1@there.example"
    assert found.about[0] == BARE
    assert found.failure(WHO) == Fate(frozenset({WHO}), "failed", code, answer)


@pytest.mark.parametrize("shape", SHAPES)
def test_the_ends_of_lines_do_not_matter(shape):
    raw = SHAPES[shape](ABOUT, WHO, report_id="r1@there.example")
    net = raw.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    assert read(net).tells_of_failure
    assert read(net) == read(net.replace(b"\r\n", b"\n"))


def test_a_report_without_an_id_is_known_by_its_content():
    first, again, other = qmail(ABOUT, WHO), qmail(ABOUT, WHO), qmail(ABOUT, f"x{WHO}")
    assert read(first).report_id == read(again).report_id != read(other).report_id
    assert len(read(first).report_id) < 255


def test_a_report_beyond_ascii_may_be_encoded():
    """RFC 6533: addresses in UTF-8, and base64 over the whole part."""
    status = (
        "Content-Type: message/global-delivery-status\nContent-Transfer-Encoding: base64\n\n"
        "UmVwb3J0aW5nLU1UQTogZG5zOyBteC5leGFtcGxlCgpGaW5hbC1SZWNpcGllbnQ6IHV0Zi04OyBwZW5n\n"
        "aHVidW5nQGRpbmHFny5leGFtcGxlCkFjdGlvbjogZmFpbGVkClN0YXR1czogNS4xLjEKRGlhZ25vc3Rp\n"
        "Yy1Db2RlOiBzbXRwOyA1NTAgdGlkYWsgYWRhIOKAkyDEkQo=\n"
    )
    back = BACK.replace("text/rfc822-headers", "message/global-headers")
    found = read(mail(header("r1@mx.example"), HUMAN, status, back))
    fate = found.failure("PENGHUBUNG@dinaş.example")
    assert fate.addresses == {"penghubung@dinaş.example"}
    assert (fate.code, fate.answer) == ("5.1.1", "550 tidak ada – đ")
    assert found.about == (BARE,)


@pytest.mark.parametrize(
    ("status", "answer", "code"),
    [
        ("5.2.2 (full)", "smtp; 552 too much", "5.2.2"),
        ("", "smtp; 550 5.7.1. Not wanted", "5.7.1"),
        ("", "smtp; 550 192.0.2.25 says no to 5.1.1.7", ""),
        ("unknown", "x-unix; no such thing", ""),
    ],
)
def test_the_code_is_the_status_or_stands_in_the_answer(status, answer, code):
    found = read(report(failed(Status=status, Diagnostic_Code=answer)))
    assert found.failure(WHO).code == code
    assert found.failure(WHO).answer == answer.partition("; ")[2]


# --- which mail it is about -----------------------------------------------------------------------


def test_where_nothing_comes_back_it_is_about_what_it_answers():
    more = (
        f"References: <older@contohkab.example>\n <newer@contohkab.example>\nIn-Reply-To: {ABOUT}\n"
    )
    assert read(report(failed(), back="", more=more)).about == (BARE, "newer@contohkab.example")
    assert read(report(failed(), back="")).about == ()


def test_the_header_of_what_comes_back_is_read_and_nothing_below_it():
    below = (
        "Content-Type: message/rfc822\n\nSubject: a mail without ID\n\nMessage-ID: <b@x.example>\n"
    )
    assert read(report(failed(), back=below)).about == ()


def test_what_comes_back_may_be_encoded_and_its_id_folded():
    folded = "Content-Type: text/rfc822-headers\n\nSubject: Tenggat\nMessage-Id:\n <f@x.example>\n"
    assert read(report(failed(), back=folded)).about == ("f@x.example",)
    encoded = (
        "Content-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\n"
        "TWVzc2FnZS1JRDogPGZAeC5leGFtcGxlPgoKdGVrcwo=\n"
    )
    assert read(report(failed(), back=encoded)).about == ("f@x.example",)


def test_a_report_inside_the_mail_that_comes_back_is_not_read():
    """Somebody sends on a report, and that mail comes back: it is about the outer one."""
    inner = postfix("<inner@contohkab.example>", "other@contohkab.example").decode()
    back = f"Content-Type: message/rfc822\n\nMessage-ID: {ABOUT}\n{inner}"
    found = read(report(failed(), back=back.replace("\r\n", "\n").replace("=_b0und", "inner")))
    assert found.about == (BARE,)
    assert [fate.addresses for fate in found.fates] == [{WHO}]


# --- several recipients ---------------------------------------------------------------------------


def test_of_several_recipients_each_has_its_own_fate():
    found = read(
        report(
            failed("a@x.example", Action="delivered", Status="2.0.0"),
            failed("b@x.example", Status="5.2.2"),
            failed("c@x.example", Action="delayed", Status="4.4.1"),
        )
    )
    assert found.tells_of_failure
    assert found.failure("a@x.example") is None
    assert found.failure("B@X.example").code == "5.2.2"
    assert found.failure("c@x.example") is None


def test_a_forwarded_mail_is_known_by_its_first_address_or_by_its_id():
    elsewhere = failed("kasmira@rumah.example")
    named = read(report(f"Original-Recipient: rfc822; {WHO.upper()}\n{elsewhere}"))
    assert named.failure(WHO).addresses == {WHO, "kasmira@rumah.example"}
    assert read(report(elsewhere)).failure(WHO).addresses == {"kasmira@rumah.example"}


@pytest.mark.parametrize("action", ["delayed", "delivered", "relayed", "expanded", "", "failing"])
def test_whatever_has_not_failed_is_no_failure(action):
    found = read(report(failed(Action=action, Status="4.4.1")))
    assert not found.tells_of_failure
    assert found.failure(WHO) is None


# --- what is no report ----------------------------------------------------------------------------

VACATION = (
    header("v1@contohkab.example", f"Kasmirawati <{WHO}>", "Cuti: Re: [Tenggat] FD-1")
    + f"Auto-Submitted: auto-replied\nIn-Reply-To: {ABOUT}\nReferences: {ABOUT}\n"
    "Content-Type: text/plain\n\nSaya cuti sampai 1 Desember. Final-Recipient: tidak ada.\n"
)
ANSWER = VACATION.replace("Auto-Submitted: auto-replied\n", "").replace("Cuti: ", "")
QUOTING = ANSWER + "\n> Final-Recipient: rfc822; a@x.example\n> Action: failed\n> Status: 5.1.1\n"
READ = mail(
    header("m1@contohkab.example", WHO, "Dibaca: [Tenggat] FD-1"),
    "Content-Type: text/plain\n\nSudah dibaca.\n",
    f"Content-Type: message/disposition-notification\n\nFinal-Recipient: rfc822;{WHO}\n"
    f"Original-Message-ID: {ABOUT}\nDisposition: manual-action; displayed\nAction: failed\n",
    kind="report; report-type=disposition-notification",
)
COMPLAINT = mail(
    header("f1@google.example", "abuse@google.example", "complaint"),
    HUMAN,
    "Content-Type: message/feedback-report\n\nFeedback-Type: abuse\nAction: failed\n",
    BACK,
    kind="report; report-type=feedback-report",
)
SENT_ON = mail(header("o1@contohkab.example", WHO), HUMAN, STATUS + failed(), BACK, kind="mixed")
FAILURE_NOTICE = header("q1@x.example", f"Kasmirawati <{WHO}>", "failure notice") + (
    f"Content-Type: text/plain\n\nHi. This is the office.\n\n<{WHO}>:\nSorry.\n\n--- Salam\n\nIa\n"
)


@pytest.mark.parametrize(
    "raw",
    [
        VACATION,
        ANSWER,
        QUOTING,
        READ,
        COMPLAINT,
        SENT_ON,
        FAILURE_NOTICE,
        mail(header("n1@x.example"), HUMAN, BACK),
        mail(header("n2@x.example"), HUMAN, STATUS, BACK),
        qmail(ABOUT, WHO).replace(b"Hi. This is", b"Hello, this is"),
        qmail(ABOUT, WHO).partition(b"--- Below")[0],
        b"",
        b"\r\n\r\n",
        b"\0" * 1000,
        b"\xff\xfe: \x80\r\n\r\n\x80",
    ],
    ids=[
        "vacation",
        "answer",
        "answer that quotes a report",
        "confirmation of reading",
        "complaint of a reader",
        "report sent on by a person",
        "person's 'failure notice'",
        "no status",
        "nobody named",
        "greeting of another kind",
        "nothing comes back",
        "nothing",
        "only lines",
        "zeros",
        "8 bit",
    ],
)
def test_what_is_not_clearly_a_report_is_none(raw):
    assert read(raw if isinstance(raw, bytes) else raw.encode()) is None


@pytest.mark.parametrize("raw", [VACATION, ANSWER, QUOTING, FAILURE_NOTICE], ids=range(4))
def test_what_people_write_is_not_even_fetched(raw):
    assert not may_be(raw.partition("\n\n")[0].encode())


# --- broken and hostile ---------------------------------------------------------------------------


def test_a_report_is_read_wherever_it_is_cut_off():
    raw = postfix(ABOUT, WHO)
    known = [read(raw[:end]) for end in range(0, len(raw), 7)]
    told = [found for found in known if found is not None]
    assert {found.failure(WHO).action for found in told if found.tells_of_failure} == {"failed"}
    assert told[-1].about == (BARE,)
    assert known[0] is None


def test_a_boundary_that_is_missing_makes_it_none():
    raw = postfix(ABOUT, WHO)
    assert read(raw.replace(b'; boundary="=_b0und"', b"")) is None
    assert read(raw.replace(b'boundary="=_b0und"', b'boundary="other"')) is None


def test_nothing_in_an_answer_can_become_another_line_or_header():
    wicked = "smtp; 550 no\r\n\tBcc: all@x.example\x00\x1b[31m\u202e\u2028evil\x85 \udcff"
    raw = report(failed(Diagnostic_Code="@")).replace(b"@\r\n", b"%b\r\n")
    raw = raw % wicked.encode("utf-8", "surrogateescape")
    answer = read(raw).failure(WHO).answer
    assert answer.startswith("550 no Bcc: all@x.example")
    assert answer.isprintable()
    long = report(failed(Diagnostic_Code="smtp; " + "x" * 5000))
    assert len(read(long).failure(WHO).answer) == 500


def nested(depth: int) -> bytes:
    """Reports in reports, one in the other."""
    kind = 'Content-Type: multipart/report; boundary="{0}"\n\n--{0}\n'
    return (header("h@x.example") + "".join(map(kind.format, range(depth)))).encode()


HOSTILE = {
    "10 MB": (postfix(ABOUT, WHO) + b"lampiran " * (10 << 17), (BARE,)),
    "20,000 recipients": (report(*(failed(f"{n}@x.example") for n in range(20_000))), ()),
    "folded for ever": (report(failed(Diagnostic_Code="smtp; " + "\n " * 400_000 + "no")), ()),
    "codes": (report(failed(Diagnostic_Code="smtp; " + "5.1.1." * 150_000)), (BARE,)),
    "an endless ID": (report(failed(), back=f"{WHOLE}Message-ID: <{' ' * 900_000}"), ()),
    "angles": (report(failed(), more="References: " + "<" * 900_000 + "\n"), (BARE,)),
    "60,000 parts": (mail(header("h@x.example"), HUMAN, STATUS + failed(), *["\n"] * 60_000), ()),
    "boundaries": (report(failed()).replace(b"It was", b"--=_b0und\r\n" * 20_000), (BARE,)),
    "blank lines": (qmail(ABOUT, WHO).replace(b"Giving", b"\n\n" * 300_000), (BARE,)),
    "10,000 deep": (nested(10_000), None),
}
"""Each with the mail that it is about: nobody's where that lies beyond what is read."""


@pytest.mark.thorough
@pytest.mark.parametrize(("raw", "about"), HOSTILE.values(), ids=HOSTILE)
def test_no_mail_keeps_the_reader_busy(raw, about):
    begun = time.monotonic()
    may_be(raw[: 64 << 10])
    found = read(raw)
    assert time.monotonic() - begun < 20
    assert (found and found.about) == about
    assert found is None or found.failure(WHO) is not None
