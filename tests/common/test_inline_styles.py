"""Styles come to the elements of a page as css_inline puts them there, whatever its texts are."""

import css_inline
import pytest
from markupsafe import escape

from tasks.text import inline_styles
from tasks.text.inline_styles import MOST_SHAPES, StyleInliner

PAGE = """<!DOCTYPE html>
<html lang="id"><head><meta charset="utf-8"><title>{0}</title>
<!--[if mso]><xml><o:Pixels>96</o:Pixels></xml><![endif]-->
<style>p, .late {{ color: #8f1d14; }} .rows > p {{ margin: 0 }} a {{ color: #0b5394 }}</style>
<style data-css-inline="ignore">@media (max-width: 480px) {{ p {{ margin: 0 !important }} }}</style>
</head><body>
<div class="rows" style="display: none; mso-hide: all"> {0} </div>
<table><tr>
<td class="late">&nbsp;</td><td><p> {1}<br>{0}</p>
{1} <a href="{2}">{0}</a> · <strong>{1} </strong></td></tr></table>
</body></html>
"""
TEXTS = [
    "Dinas Sosial",
    "2 < 3 & 4 > 1",
    """Pak "Budi" Ma'ruf""",
    "&lt; &amp;nbsp; &copy &notin;",
    "  spasi\u00a0keras\u2003lebar ",
    "baris\r\nlain\n\n\ttab",
    "\x00\x0b\x1b[31m\x7f\x85",
    "عربي \u202e😀 日本 \ufffd\uffff",
    "\ue0000\ue001 \ue002",
    "",
    " ",
]
LINKS = [
    "https://x.example/?a=1&b=2",
    "mailto:a@x.example?subject=%22x%22&body='y'",
    '"',
    "<b>",
    "",
]


def by_the_parser(page: str) -> str:
    inliner = css_inline.CSSInliner(keep_style_tags=True, load_remote_stylesheets=False)
    return inliner.inline(page)


def filled(*values: str) -> str:
    return PAGE.format(*map(escape, values))


@pytest.fixture
def parsed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The pages that were given to the parser."""
    really, pages = inline_styles._parsed, []

    def noted(page: str) -> str:
        pages.append(page)
        return really(page)

    monkeypatch.setattr(inline_styles, "_parsed", noted)
    return pages


def test_any_text_and_link_comes_out_as_by_the_parser():
    inliner = StyleInliner()
    pages = [filled(a, b, link) for a in TEXTS for b in TEXTS for link in LINKS]
    for page in [*pages, *reversed(pages)]:
        assert inliner.inline(page) == by_the_parser(page)


def test_the_third_page_of_a_shape_is_not_parsed(parsed):
    inliner = StyleInliner()
    pages = [filled(f"FD-{n}", f"Unit {n} & 'lain'", f"mailto:{n}") for n in range(4)]
    found = [inliner.inline(page) for page in pages]
    assert found == list(map(by_the_parser, pages))
    assert len(parsed) == 3  # the first, the second, and the second with marks for its texts
    assert 'style="color: #8f1d14;' in found[-1]


def test_a_shape_that_the_parser_rearranges_is_always_parsed(parsed):
    """What is loose in a table comes before it."""
    inliner = StyleInliner()
    pages = [f"<table><tr><td>{n}</td>{n}, </tr></table>" for n in range(5)]
    assert [inliner.inline(page) for page in pages] == list(map(by_the_parser, pages))
    assert len(parsed) == 6


def test_the_shapes_used_last_stay_in_memory(parsed):
    inliner = StyleInliner()
    usual = "<p>{}</p>"
    for number in range(3 * MOST_SHAPES):
        inliner.inline(f"<p>{'<br>' * (number + 1)}</p>")
        parsed.clear()
        inliner.inline(usual.format(number))
        assert len(parsed) == (1, 2, 0)[min(number, 2)]
    assert len(inliner._shapes) == MOST_SHAPES
