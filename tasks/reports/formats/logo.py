"""Prepares the logo of a report, so that no picture makes the report read anything else."""

from __future__ import annotations

import base64
from xml.etree import ElementTree

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from settings.report import PICTURES, Letterhead

SVG, XLINK = "http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"
ElementTree.register_namespace("", SVG)
ElementTree.register_namespace("xlink", XLINK)
HREFS = ("href", f"{{{XLINK}}}href")


def logo_data(letterhead: Letterhead) -> str:
    """Return the logo as a data: URL, or an empty text if it is not set or missing."""
    if letterhead.logo is None or not letterhead.logo.is_file():
        return ""
    kind = PICTURES[letterhead.logo.suffix.lower()]
    return f"data:{kind};base64,{base64.b64encode(letterhead.logo.read_bytes()).decode()}"


def logo_svg(letterhead: Letterhead) -> str:
    """Return the logo as SVG without references to other files, or an empty text if it has none.

    A logo that is no well-formed SVG is left out.
    """
    data = logo_data(letterhead)
    if not data or letterhead.logo is None:
        return ""
    if letterhead.logo.suffix.lower() != ".svg":
        return (
            f'<svg xmlns="{SVG}" viewBox="0 0 24 19">'
            f'<image width="24" height="19" href="{data}"/></svg>'
        )
    try:
        root = fromstring(letterhead.logo.read_bytes())
    except (ElementTree.ParseError, DefusedXmlException):
        return ""
    for element in root.iter():
        for name in HREFS:
            if not element.get(name, "#").startswith(("#", "data:")):
                del element.attrib[name]
    return ElementTree.tostring(root, encoding="unicode")
