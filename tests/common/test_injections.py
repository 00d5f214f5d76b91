"""Payloads of a complainant in every field that is shown: each arrives as text, and does nothing.

Headers of mails and long or bidirectional texts are in test_mails, spreadsheets in
test_report_formats and test_plain_text.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from html.parser import HTMLParser

import pytest
from conftest import WITA
from icalendar import Calendar
from markdown_it import MarkdownIt
from support.outgoing_mail.desk_views import NOW, duty, item, view
from support.synthetic_reports import view as report_view

from tasks.notifications.calendar_attachment import agenda
from tasks.notifications.render import desk_mail
from tasks.reports.formats.html import report_html
from tasks.text.formats import markdown_text
from tasks.text.templates import render

PAYLOADS = (
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<svg/onload=alert(1)>",
    "<iframe src=//evil.example>",
    "</td></table><form action=//evil.example><input>",
    "<!--",
    "--><b>x",
    "</title><script>x</script>",
    "</style><style>body{display:none}",
    "<base href=//evil.example>",
    "<meta http-equiv=refresh content=0;url=//evil.example>",
    '" onmouseover="alert(1)',
    "' onfocus='alert(1)' autofocus='",
    "<a href=javascript:alert(1)>klik</a>",
    "&#60;script&#62;alert(1)&#60;/script&#62;",
    "&lt;b&gt;",
    "<![CDATA[<b>x</b>]]>",
    "{{ 7 * 7 }}",
    "{% for x in ().__class__.__mro__ %}{% endfor %}",
    "{{ site.__class__.__init__.__globals__ }}",
    "{# x",
    "${7*7} #{7*7} <%= 7*7 %>",
    "%s %(name)s {0} {recipient}",
    "[klik](https://evil.example)",
    "![x](https://evil.example/x.png)",
    "[x]: https://evil.example",
    "<https://evil.example>",
    "www.evil.example https://evil.example a@evil.example",
    "| a | b |",
    "`x` **x** _x_ ~~x~~ # x",
    "\\<b\\>x\\</b\\>",
    "a;X-EVIL:1,b",
    "a\\nEND:VEVENT\\nBEGIN:VEVENT",
    "a\r\nEND:VEVENT\r\nBEGIN:VEVENT\r\nUID:evil",
    "ATTACH:https://evil.example/x",
    '=HYPERLINK("https://evil.example")',
)
FIELDS = ("ticket", "title", "category", "unit")
MARKDOWN = MarkdownIt("gfm-like", {"linkify": False, "html": True})
EVERY = pytest.mark.parametrize("payload", PAYLOADS)


class Page(HTMLParser):
    """The elements, addresses and text of a page."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.addresses: set[str] = set()
        self.text = ""
        self.feed(source)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        self.addresses |= {
            value or "" for name, value in attrs if name in ("href", "src", "action")
        }

    def handle_data(self, data: str) -> None:
        self.text += data


def flat(text: str) -> str:
    return " ".join(text.split())


def test_there_are_thirty_six():
    assert len(set(PAYLOADS)) == 36


@EVERY
def test_a_mail_shows_it_as_text(payload):
    def page_of(value: str) -> tuple[Page, str]:
        some = item(duty(verb=value, citation=value), **dict.fromkeys(FIELDS, value))
        mail = desk_mail(view(some, recipient=value, title=value, place=value), "id", WITA)[0]
        return Page(mail.html), mail.text

    (usual, _), (page, text) = page_of("x"), page_of(payload)
    assert (page.tags, page.attributes) == (usual.tags, usual.attributes)
    assert not any("evil" in address for address in page.addresses)
    assert page.text.count(payload) or flat(page.text).count(flat(payload)) >= len(FIELDS)
    assert flat(payload)[:20] in flat(text)


@EVERY
def test_a_calendar_has_one_entry_and_no_property_of_it(payload):
    def entry_of(value: str) -> dict[str, str]:
        some = item(duty(rule=value, citation=value), **dict.fromkeys(FIELDS, value))
        content = agenda(view(some), lambda *_: "a@b", "id", WITA)
        assert content is not None
        (entry,) = Calendar.from_ical(content).walk("VEVENT")
        return {str(name): str(value) for name, value in entry.items()}

    usual, entry = entry_of("x"), entry_of(payload)
    assert entry.keys() == usual.keys()
    assert entry["UID"] == "a@b"
    assert flat(payload) in flat(entry["SUMMARY"])


@EVERY
def test_an_artifact_shows_it_as_text_in_one_cell(payload):
    escaped = markdown_text(payload)
    page = Page(MARKDOWN.render(f"| a | b |\n|---|---|\n| {escaped} | 1 |\n"))
    assert page.tags == {"table", "thead", "tbody", "tr", "th", "td"}
    assert flat(payload) in flat(page.text)
    assert not re.search(r"(?<!\\):/|www\.|(?<!\\)@", escaped)  # the UI makes links of these


TAGS = {"h2", "table", "thead", "tbody", "tr", "th", "td", "p", "strong", "ul", "li"}


def test_the_artifact_of_an_intake_has_no_element_of_a_file_name_or_an_error():
    count = {"source": "x", "files": 1, "new": 1, "updated": 1, "unchanged": 1, "quarantined": 1}
    empty = {"reasons": {}, "questions": {}, "answered": 0, "absent": 0, "drops": [], "mixed": []}
    empty |= {"odd_hours": [], "unread_sheets": [], "still_hidden": []}
    for payload in PAYLOADS:
        waiting = [{"name": payload, "reason": "changing", "taken_from": None}]
        text = render(
            "report/intake.md.j2",
            locale="id",
            zone=WITA,
            site="x",
            now=NOW,
            sources=[count | empty | {"repeated": [], "missing": [], "waiting": waiting}],
            failures=[f"x: {payload}"],
        )
        page = Page(MARKDOWN.render(text))
        assert page.tags == TAGS, payload
        assert flat(page.text).count(flat(payload)) == 2


@pytest.mark.parametrize("part", range(3))
def test_the_html_of_a_report_shows_them_as_text(part):
    payloads = PAYLOADS[12 * part : 12 * part + 12]

    def page_of(units: Sequence[str]) -> Page:
        report = report_view("id", units=[f"u:{unit}" for unit in units], count=200)
        return Page(report_html(report, WITA, {}))

    usual, page = page_of([f"Dinas {n}" for n in range(12)]), page_of(payloads)
    assert page.tags == usual.tags
    assert page.attributes == usual.attributes
    assert page.addresses == usual.addresses
    text = flat(page.text)
    assert [each for each in payloads if flat(each) not in text] == []
