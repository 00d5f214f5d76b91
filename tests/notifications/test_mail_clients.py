"""Every kind of mail holds where people read it: in their mail client, past a filter, on a phone.

Mails are taken as they arrive, in both languages. Three judges that know more than we do look at
them: Can I email's data on clients, SpamAssassin's rules, and a real browser.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from email import message_from_bytes
from fnmatch import fnmatch
from html.parser import HTMLParser
from itertools import pairwise
from mailbox import mbox
from pathlib import Path
from typing import Any

import pytest
from conftest import REPOSITORY, WITA
from support.browser import Browser, browsing, seen
from support.outgoing_mail.desk_views import NOW, answer_links, full_desk, full_item
from support.outgoing_mail.sent_mails import KINDS, TITLE, Sent, send_each_kind
from support.programs import needed

from tasks.notifications.render import desk_mail
from tasks.notifications.views import Desk, NoticeItem, Statement

LOCALES = ("id", "en")
EVERY_KIND = pytest.mark.parametrize("kind", KINDS)


@pytest.fixture(scope="module", params=LOCALES)
def locale(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def mails_of(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Sent]]:
    """The mail of each kind, by language."""
    return {
        locale: send_each_kind(tmp_path_factory.mktemp(locale), locale, plain=locale != LOCALES[0])
        for locale in LOCALES
    }


@pytest.fixture
def mails(locale: str, mails_of: dict[str, dict[str, Sent]]) -> dict[str, Sent]:
    return mails_of[locale]


@pytest.fixture
def all_mails(mails_of: dict[str, dict[str, Sent]]) -> dict[str, Sent]:
    """All of both languages: a judge that is another program starts once for them."""
    return {
        f"{kind} ({locale})": mail for locale in LOCALES for kind, mail in mails_of[locale].items()
    }


# --- what clients support -------------------------------------------------------------------------

NODE = shutil.which("node")
LINTER = REPOSITORY / "node_modules" / "caniemail"

CLIENTS = (
    "gmail.desktop-webmail",
    "gmail.android",
    "gmail.ios",
    "gmail.mobile-webmail",
    "outlook.windows",
    "outlook.macos",
    "outlook.outlook-com",
    "outlook.android",
    "outlook.ios",
    "apple-mail.macos",
    "apple-mail.ios",
    "samsung-email.android",
    "yahoo.desktop-webmail",
    "yahoo.android",
    "yahoo.ios",
)

INLINE_TOO = "Every rule is written into the elements as well."

DONE_WITHOUT: dict[str, tuple[tuple[str, ...], str]] = {
    "<style> element": (("gmail.mobile-webmail",), INLINE_TOO),
    "Type selector": (("gmail.mobile-webmail",), INLINE_TOO),
    "Class selector": (("gmail.mobile-webmail",), INLINE_TOO),
    "Descendant combinator": (("gmail.mobile-webmail",), INLINE_TOO),
    "@media": (
        ("gmail.mobile-webmail", "outlook.windows"),
        "Less margin on phones, dark colours: without them the mail still fits, and is light.",
    ),
    "color-scheme meta tag": (
        ("*",),
        "Says that the mail has dark colours of its own; who does not hear it turns colours round.",
    ),
    "display:none": (
        ("gmail.mobile-webmail",),
        "The line for the list of mails then stands above the mail, and is true.",
    ),
    "word-break": (("yahoo.*",), "Breaks only what is longer than a line."),
    "<body> element": (
        ("outlook.macos", "yahoo.android", "yahoo.ios"),
        "Becomes a <div>; the table in it bears the colour and the language too.",
    ),
}
"""What a client does not support and may go without: which clients, and why nothing is lost."""


def lacking(pages: dict[str, str]) -> list[tuple[str, str, str]]:
    """Page, client and feature, for every feature of a page that a client does not support."""
    needed(NODE, "node", "apt install nodejs")
    needed(LINTER.is_dir(), "caniemail", "npm install caniemail@2.0.2, as .ci/run does")
    done = subprocess.run(
        [str(NODE), str(REPOSITORY / "tests" / "support" / "lint_mail.mjs")],
        input=json.dumps({"clients": CLIENTS, "pages": pages}),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return [(name, client, feature) for name, client, feature in json.loads(done.stdout)]


@pytest.mark.thorough
def test_a_mail_uses_nothing_that_a_client_lacks_and_needs(all_mails):
    found = lacking({name: mail.html for name, mail in all_mails.items()})
    used = {locale: set() for locale in LOCALES}
    for name, client, feature in found:
        clients, _ = DONE_WITHOUT.get(feature, ((), ""))
        assert any(fnmatch(client, each) for each in clients), f"{name}: {client} lacks {feature}"
        used[name[-3:-1]].add(feature)
    for features in used.values():
        assert features == DONE_WITHOUT.keys()  # no exception outlives its reason


def test_the_linter_knows_what_clients_lack():
    page = """<style>@media (max-width: 480px) { .a { position: sticky; } }</style>
      <div class="a" style="display: flex">x</div><video src="x"></video>"""
    found = {(client, feature) for _, client, feature in lacking({"odd": page})}
    assert ("outlook.windows", "display:flex") in found
    assert ("gmail.android", "<video> element") in found
    assert ("gmail.android", "position") in found  # in a rule of @media
    assert ("apple-mail.ios", "display:flex") not in found


# --- how it is built ------------------------------------------------------------------------------


class Outline(HTMLParser):
    """A page's elements and texts in their order, without what comments hold for Outlook."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.title = ""
        self.first_words = ""
        self.below: list[str] = []  # from the main heading on
        self.all_text = ""
        self.feed(source)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))

    def handle_data(self, data: str) -> None:
        text = " ".join(data.split())
        self.all_text += f"{text} "
        if self.elements and self.elements[-1][0] == "title":
            self.title += text
        if self.all("body"):
            self.first_words = self.first_words or text
        if self.all("h1"):
            self.below.append(text)

    def all(self, *tags: str) -> list[dict[str, str]]:
        return [attributes for tag, attributes in self.elements if tag in tags]


WITH_ROWS = ("alert", "summary", "escalation")
"""The mails with a table of data; a superior's begins with the units."""


@EVERY_KIND
def test_a_screen_reader_finds_its_way(kind, locale, mails):
    page = Outline(mails[kind].html)
    (root,), (body_table, *_) = page.all("html"), page.all("table")
    assert root["lang"] == body_table["lang"] == locale  # webmail takes <html> away
    assert page.title == mails[kind].subject
    levels = [int(tag[1]) for tag, _ in page.elements if re.fullmatch(r"h\d", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(later <= level + 1 for level, later in pairwise(levels))
    assert all("alt" in image for image in page.all("img"))
    assert all(header.get("scope") in ("col", "row") for header in page.all("th"))
    data = [table for table in page.all("table") if table.get("class") == "rows"]
    layout = [table for table in page.all("table") if table.get("class") != "rows"]
    assert all(table.get("role") == "presentation" for table in layout)
    assert not any("role" in table for table in data)
    assert bool(data) == bool(page.all("th")) == (kind in WITH_ROWS)


@EVERY_KIND
def test_each_complaint_is_a_heading(kind, mails):
    listed = re.findall(r"^\d+\. ", mails[kind].text, flags=re.M)
    assert len(Outline(mails[kind].html).all("h3")) == len(listed)
    assert bool(listed) == (kind not in ("alert", "summary"))


@EVERY_KIND
def test_the_text_comes_first_and_names_what_the_html_names(kind, mails):
    (both,) = [
        p for p in mails[kind].mail.walk() if p.get_content_type() == "multipart/alternative"
    ]
    text_part, page_part = both.iter_parts()
    page, *pictures = page_part.iter_parts() if page_part.is_multipart() else [page_part]
    assert [p.get_content_type() for p in (text_part, page)] == ["text/plain", "text/html"]
    assert [p.get_content_maintype() for p in pictures] == ["image"] * (kind != "alert")
    shown = " ".join(Outline(mails[kind].html).below)
    text = " ".join(mails[kind].text.split())
    for named in (r"FD-\d+", r"\d+ \w+ 2026", r"\d+(?:[.,]\d)?%", r"\S+@\S+"):
        assert set(re.findall(named, shown)) == set(re.findall(named, text))


@EVERY_KIND
def test_outlook_finds_room_on_cells_alone(kind, mails):
    """Word draws padding on cells only: nothing else may need it."""
    padded = {
        tag
        for tag, attributes in Outline(mails[kind].html).elements
        if re.search(r"padding[^:]*:(?! ?0;)", attributes.get("style", ""))
        and attributes.get("class") != "tag"  # a word on grey, with or without room
    }
    assert padded - {"th"} == {"td"}


FIRST_WORDS = {
    "id": {
        "reminder": "1 hari kerja lagi · Selesaikan permintaan informasi · berakhir Sen 23 Nov",
        "breach": "Terlambat 1 hari kerja · Selesaikan permintaan informasi · berakhir Sen 23",
        "late and coming": "Paling mendesak: pengaduan FD-3, terlambat 1 hari kerja · RSUD Contoh",
        "long": "Paling mendesak: pengaduan FD-100, terlambat 1 hari kerja · Dinas Lingkungan",
        "escalation": "Paling mendesak: pengaduan FD-1, terlambat 5 hari kerja · Dinas Sosial · ",
        "alert": "Perangkat daerah: Dinas Perhubungan · Jabatan: Kepala Perangkat Daerah",
        "summary": "66,7% kewajiban yang dipenuhi tepat waktu · 65 pengaduan yang masih terbuka · ",
    },
    "en": {
        "reminder": "1 working day left · Settle the request for information · due Mon 23 Nov – ",
        "breach": "1 working day late · Settle the request for information · due Mon 23 Nov – ",
        "late and coming": "Most urgent: complaint FD-3, 1 working day late · RSUD Contoh Sehat · ",
        "long": "Most urgent: complaint FD-100, 1 working day late · Dinas Lingkungan Hidup · ",
        "escalation": "Most urgent: complaint FD-1, 5 working days late · Dinas Sosial · ",
        "alert": "Unit: Dinas Perhubungan · Office: head of unit",
        "summary": "66.7% duties done on time · 65 complaints still open · Lowest share on time: ",
    },
}
"""What a phone shows under the subject: what is urgent, before any greeting."""


@EVERY_KIND
def test_the_first_words_on_a_phone_say_what_is_urgent(kind, locale, mails):
    first = Outline(mails[kind].html).first_words
    assert first.startswith(FIRST_WORDS[locale][kind])
    assert TITLE not in first  # a locked screen shows them


GREETED = {
    "reminder": ("Pejabat Penghubung Dinas Sosial", "Liaison Officer, Dinas Sosial"),
    "late and coming": ("Pejabat Penghubung RSUD Contoh Sehat", "Liaison Officer, RSUD Contoh"),
    "long": ("Kepala Dinas Lingkungan Hidup", "Head of Dinas Lingkungan Hidup"),
    "escalation": ("Sekretaris Daerah Kabupaten Contoh", "Regional Secretary of Kabupaten Contoh"),
    "summary": ("Inspektur Kabupaten Contoh", "Inspector of Kabupaten Contoh"),
}
"""The office that a mail greets, in both languages; the name of the person stands below."""


@pytest.mark.parametrize("kind", GREETED)
def test_a_mail_greets_the_office_names_the_person_and_closes(kind, locale, mails):
    greeting = {"id": "Yth.", "en": "Dear"}[locale]
    title = GREETED[kind][LOCALES.index(locale)]
    person = mails[kind].mail["To"].addresses[0].display_name
    lines = mails[kind].text.splitlines()
    begin = next(n for n, line in enumerate(lines) if line.startswith(f"{greeting} {title}"))
    assert lines[begin + 1] == person
    page = " ".join(Outline(mails[kind].html).all_text.split())
    assert f"{greeting} {title}" in page
    closing = {"id": "Demikian disampaikan. Atas perhatian", "en": "Thank you for your attention"}
    assert closing[locale] in page
    assert closing[locale] in " ".join(lines)


def test_an_alert_greets_the_office_too(locale, mails):
    title = ("Administrator Pengaduan", "Complaint Administrator")[LOCALES.index(locale)]
    lines = mails["alert"].text.splitlines()
    person = mails["alert"].mail["To"].addresses[0].display_name
    (place,) = (n for n, line in enumerate(lines) if line.startswith(("Yth.", "Dear")))
    assert title in lines[place]
    assert lines[place + 1] == person


# --- filters --------------------------------------------------------------------------------------

SPAMASSASSIN = shutil.which("spamassassin")
DEBIANS_RULES = Path("/usr/share/spamassassin")
MOST_POINTS = 2.0

SPAM = b"""\
From: "WINNER" <a99871@free-money.example>
To: undisclosed-recipients:;
Subject: YOU HAVE WON $$$ 1,000,000 URGENT!!!
Date: Tue, 24 Nov 2026 08:00:00 +0800
Message-ID: <spam@free-money.example>
MIME-Version: 1.0
Content-Type: text/html; charset=utf-8

<html><body><font size=7 color=#fffffe>viagra cialis</font> Dear friend, claim your lottery prize
money of ten million US dollars. 100% FREE! Act now: <a href="http://203.0.113.9/">bank</a></body>
"""


def points(folder: Path, mails: dict[str, bytes]) -> dict[str, tuple[float, str]]:
    """Each mail's points and the rules that it hit, by SpamAssassin's own rules and no network."""
    needed(SPAMASSASSIN, "SpamAssassin", "apt install spamassassin")
    box = mbox(folder / "mails")
    for raw in mails.values():
        box.add(raw)
    box.close()
    rules = ["-C", str(DEBIANS_RULES)] if DEBIANS_RULES.is_dir() else []  # not what sa-update got
    with (folder / "mails").open("rb") as read, (folder / "judged").open("wb") as write:
        subprocess.run(
            [
                str(SPAMASSASSIN),
                "--local",
                "--test-mode",
                "--nocreate-prefs",
                *rules,
                "--cf",
                "use_bayes 0",
                "--cf",
                "report_safe 0",
                "--mbox",
            ],
            stdin=read,
            stdout=write,
            env={"HOME": str(folder), "PATH": os.environ["PATH"]},
            timeout=120,
            check=True,
        )
    judged = {}
    for mail in mbox(folder / "judged"):
        status = " ".join(str(mail["X-Spam-Status"]).split())
        match = re.search(r"score=(-?[\d.]+) .*tests=(.*?) autolearn", status)
        assert match, status
        judged[mail["Message-ID"].strip()] = float(match[1]), match[2]
    return {
        name: judged[message_from_bytes(raw)["Message-ID"].strip()] for name, raw in mails.items()
    }


@pytest.mark.thorough
def test_a_filter_lets_every_mail_pass_and_holds_spam(all_mails, tmp_path):
    # of two long mails in the second language one is enough: the filter takes a second for each
    raw = {name: mail.raw for name, mail in all_mails.items() if name != "long (en)"}
    judged = points(tmp_path, raw | {"spam": SPAM})
    spam, _ = judged.pop("spam")
    assert spam > 2 * MOST_POINTS, "the filter is asleep"
    for name, (score, hits) in judged.items():
        assert "HTML_MESSAGE" in hits, name  # it has looked into the mail
        assert score < MOST_POINTS, f"{name}: {score} points by {hits}"


# --- in a browser ---------------------------------------------------------------------------------

LEAST_CONTRAST = 4.5  # WCAG 2.2, 1.4.3 (AA), for text of any size
SMALLEST_TEXT = 12  # px

PROBE = """(() => {
  const channel = c => c <= 10.31475 ? c / 3294.6 : ((c / 255 + 0.055) / 1.055) ** 2.4;
  const luminance = ([r, g, b]) =>
    0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
  const colour = css => {
    const [r, g, b, a = 1] = css.match(/[0-9.]+/g).map(Number);
    return [r, g, b, a];
  };
  const laid = ([r, g, b, a], under) => [r, g, b].map((c, n) => c * a + under[n] * (1 - a));
  const behind = element => element === null ? [255, 255, 255] :
    laid(colour(getComputedStyle(element).backgroundColor), behind(element.parentElement));
  const texts = [], walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const range = document.createRange(), element = walker.currentNode.parentElement;
    range.selectNodeContents(walker.currentNode);
    const [box] = range.getClientRects(), text = walker.currentNode.data.trim();
    if (!box || !text || ["STYLE", "SCRIPT"].includes(element.tagName)) continue;
    const style = getComputedStyle(element), ground = behind(element);
    const [dark, light] = [luminance(laid(colour(style.color), ground)), luminance(ground)]
      .sort((a, b) => a - b);
    texts.push([text, (light + 0.05) / (dark + 0.05), parseFloat(style.fontSize)]);
  }
  const page = document.documentElement;
  return {
    texts, width: innerWidth, needs: page.scrollWidth,
    dark: matchMedia("(prefers-color-scheme: dark)").matches,
  };
})()"""


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with browsing(tmp_path_factory.mktemp("browser")) as opened:
        yield opened


def faults(browser: Browser, source: str, width: int, *, dark: bool = False) -> list[str]:
    """What keeps people from reading this page in a window of this width."""
    browser.show(source, width, dark=dark, phone=width < 600)
    found: dict[str, Any] = browser.run(PROBE)
    assert found["dark"] == dark
    assert found["texts"]
    wide = [f"needs {found['needs']} px, has {width}"] if found["needs"] > width else []
    wide += [f"is laid out for {found['width']} px"] if found["width"] != width else []
    pale = [f"contrast {c:.2f}: {t}" for t, c, _ in found["texts"] if c < LEAST_CONTRAST]
    small = [f"{size} px: {t}" for t, _, size in found["texts"] if size < SMALLEST_TEXT]
    return wide + pale + small


@pytest.mark.browser
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [360, 800])
@EVERY_KIND
def test_a_mail_is_readable_on_phones_and_screens_by_day_and_night(
    kind, width, dark, browser, mails, tmp_path
):
    assert faults(browser, mails[kind].html, width, dark=dark) == []
    png = browser.picture()
    (tmp_path / f"{kind}.png").write_bytes(png)
    picture = seen(browser, png)
    assert picture.width == width
    assert picture.height > 400
    assert picture.colours > 100  # text has been drawn
    assert picture.lightness < 0.3 if dark else picture.lightness > 0.8


TALLEST_COMPLAINT = 240  # px, on a phone with 360 x 800
TALLEST_ANSWERED = 266  # px, a third of its screen: the words of the unit have a line of their own
LAST_CARD = "[...document.querySelectorAll('.card')].pop().getBoundingClientRect().bottom"
CARDS = "[...document.querySelectorAll('.card')].map(e => e.getBoundingClientRect().height)"


@pytest.mark.browser
@pytest.mark.parametrize("kind", ["reminder", "breach", "late and coming", "long", "escalation"])
def test_a_complaint_takes_a_third_of_a_phone_s_screen(kind, browser, mails):
    browser.show(mails[kind].html, 360, phone=True)
    heights = browser.run(CARDS)
    assert heights
    assert max(heights) <= TALLEST_COMPLAINT


THREE_SCREENS = 2400  # px, of a phone with 360 x 800


@pytest.mark.browser
def test_full_complaints_stay_a_third_of_a_screen_and_eight_within_three(locale, browser):
    """Long duties, many notices and links for an answer; then a superior's eight cases."""
    items = [
        full_item(
            n,
            late=n > 1,
            reply_links=answer_links(f"FD-2026-0{100 + n}"),
            privacy="secret" if n == 2 else "",
        )
        for n in range(8)
    ]
    stated = Statement("obstacle", NOW, "menunggu berkas dari pemohon " * 9)
    answered = replace(items[3], statement=stated)
    browser.show(rendered_desk(full_desk(*items, answered), locale), 360, phone=True)
    *others, tallest = sorted(browser.run(CARDS))
    assert max(others) <= TALLEST_COMPLAINT
    assert tallest <= TALLEST_ANSWERED
    cases = [of_superior(replace(each, reply_links=None)) for each in items]
    browser.show(rendered_desk(full_desk(*cases, superior=True), locale), 360, phone=True)
    heights = browser.run(CARDS)
    assert len(heights) == 8
    assert max(heights) <= TALLEST_COMPLAINT
    assert browser.run(LAST_CARD) <= THREE_SCREENS


def of_superior(item: NoticeItem) -> NoticeItem:
    """The complaint with its first duty as the reader's own, which stands at the top as well."""
    worst, *others = item.duties
    return replace(item, duties=(replace(worst, of_superior=True), *others))


def rendered_desk(desk: Desk, locale: str) -> str:
    mail, _ = desk_mail(desk, locale, WITA)
    return mail.html


@pytest.mark.browser
@EVERY_KIND
def test_a_mail_is_readable_where_styles_are_taken_away(kind, browser, mails):
    """As Gmail's app does with an account that is not Google's, such as an office's own."""
    bare = re.sub(r"<style.*?</style>", "", mails[kind].html, flags=re.S)
    assert "@media" not in bare
    assert faults(browser, bare, 360) == []


@pytest.mark.browser
@pytest.mark.parametrize(
    ("page", "fault"),
    [
        ("<p style='color: #999'>pale</p>", "contrast 2.85: pale"),
        ("<p style='color: #fff8'>thin</p>", "contrast 1.00: thin"),
        (
            "<div style='background: #12344d'><b style='color: #0b5394'>blue</b></div>",
            "contrast 1.65: blue",
        ),
        ("<p style='font-size: 9px'>tiny</p>", "9 px: tiny"),
        ("<p style='width: 500px'>broad</p>", "needs 508 px, has 360"),
    ],
)
def test_the_browser_finds_what_is_hard_to_read(page, fault, browser):
    assert fault in faults(browser, f"<meta name=viewport content='width=device-width'>{page}", 360)
