"""The templates are compiled once, for all languages and zones."""

import re
from zoneinfo import ZoneInfo

from conftest import wita
from jinja2 import DictLoader, Environment
from jinja2.defaults import DEFAULT_FILTERS

from tasks.notifications.render import alert_mail
from tasks.notifications.views import AlertMail
from tasks.text.catalog import TEMPLATES
from tasks.text.templates import _environment, render, shared_macros


def test_no_template_gives_a_constant_to_a_filter_of_a_language():
    """Its result, in one language, would be a part of the code that all languages share."""
    filters = "|".join(_environment("id", ZoneInfo("UTC")).filters.keys() - DEFAULT_FILTERS.keys())
    constant = re.compile(rf"""(?:["']|(?<![\w.])\d+)\s*\|\s*(?:{filters})\b""")
    assert constant.search("{{ 5 | number }}")
    for path in TEMPLATES.rglob("*.j2"):
        assert not constant.search(path.read_text("utf-8")), path


def test_a_template_is_compiled_once_and_shown_in_each_language(monkeypatch):
    view = AlertMail("Kabupaten Contoh", "Siti", wita("2026-11-24 08:00"), "dead_message", ())

    def text(locale, zone):
        return alert_mail(view, locale, ZoneInfo(zone)).text

    indonesian = text("id", "Asia/Pontianak")
    monkeypatch.setattr(Environment, "compile", None)
    assert "24 November 2026 pukul 07.00 WIB" in indonesian
    assert "pukul 09.00 WIT" in text("id", "Asia/Jayapura")
    assert "Tuesday, 24 November 2026" in text("en", "Asia/Jayapura")


def test_a_macro_that_text_and_html_share_is_computed_once_for_each_value(monkeypatch):
    """In HTML its result is markup, as that of any macro; equal values are not the same value."""
    language = {"locale": "id", "zone": ZoneInfo("Asia/Makassar")}
    files = {
        "shared_parts.j2": "{% macro named(x) %}{{ seen.append(x) or '<' ~ x[0] }}{% endmacro %}",
        "shared.html.j2": "{{ parts.named(one) }} {{ parts.named(two) | trim | forceescape }}",
        "shared.txt.j2": "{{ parts.named(one) }} {{ parts.named(two) }}",
    }
    monkeypatch.setattr(_environment(*language.values()), "loader", DictLoader(files))
    seen = []
    values = {"one": ["A"], "two": ["A"]}
    parts = shared_macros("shared_parts.j2", **language, seen=seen)
    pages = [render(name, **language, parts=parts, **values) for name in list(files)[1:]]
    assert pages == ["<A &lt;A", "<A <A"]
    assert list(map(id, seen)) == list(map(id, values.values()))
