"""Titles of offices, as in official letters: 'Kepala Dinas Sosial', 'Camat Contoh Utara'."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import date

from sla.directory import OfficeHolder, Role
from tasks.text.catalog import catalog

GOVERNMENT = re.compile(r"(?:Pemerintah )?(Kabupaten|Kota|Provinsi)\s+(.+)", re.IGNORECASE)
"""The name of a site: `Pemerintah Kabupaten Contoh`."""

HEADS = {
    "Kecamatan": "district",
    "Kelurahan": "village_ward",
    "Desa": "village",
    "RSUD": "hospital",
    "Rumah Sakit": "hospital",
    "Sekretariat Daerah": "regional_secretariat",
    "Sekretariat DPRD": "council_secretariat",
    "Inspektorat": "inspectorate",
}
"""The first words of a unit's name, and the key of the title of its head."""

WITHOUT_FIRST_WORD = ("district", "village_ward", "village")
"""Titles that take the place of the first word: Kecamatan Contoh Utara, Camat Contoh Utara."""


LONGEST_OFFICES = 64
"""Limit in characters of several titles in one salutation."""


def office_title(
    holder: OfficeHolder, *, site: str, unit: str, locale: str, today: date | None = None
) -> str:
    """Return the title of an office; a deputy's begins with 'Plt.'.

    `site` and `unit` are the names of the government and of the unit. If `today` is given, a person
    who is no longer in office is called a former one.
    """
    t = catalog(locale)
    title = holder.title or _derived(holder.role, site=site, unit=unit, locale=locale)
    if holder.deputy:
        title = t("title.deputy", title=title)
    over = today is not None and holder.until is not None and holder.until < today
    return t("title.former", title=title) if over else title


def offices_title(
    offices: Sequence[OfficeHolder],
    *,
    site: str,
    name_of: Callable[[str | None], str],
    locale: str,
    today: date | None = None,
    longest: int = LONGEST_OFFICES,
) -> str:
    """Return the titles of a person's offices for a salutation, or only the first one if they are
    longer than `longest` characters. `name_of` returns the name of a unit.
    """
    titles = [
        office_title(each, site=site, unit=name_of(each.unit or None), locale=locale, today=today)
        for each in offices
    ]
    *others, last = dict.fromkeys(titles)
    if not others:
        return last
    together = catalog(locale)("title.several", titles=", ".join(others), last=last)
    return together if len(together) <= longest else titles[0]


def regent_word(site: str, locale: str) -> str:
    """Return the short title of the head of a government: 'Bupati', 'Wali Kota', 'Gubernur'."""
    found = GOVERNMENT.fullmatch(site.strip())
    kind = found[1].lower() if found else "kabupaten"
    return catalog(locale)(f"title.regent_{kind}_short")


def superior_office(site: str, locale: str) -> str:
    """Return the office that has the duties of a superior: the regent, through the secretary."""
    return catalog(locale)("title.superior", regent=regent_word(site, locale))


def notified_office(role: str, instead: str, locale: str) -> str:
    """Return the office of a person who was notified: 'Administrator (menggantikan Inspektur)'.

    `instead` is the role in whose place, if any. If it is the same role, that of a superior unit
    got the notice.
    """
    t = catalog(locale)
    if not instead:
        return t(f"role.{role}")
    if instead == role:
        return t("mail.told_above", role=t(f"role.{role}"))
    return t("mail.told_instead", role=t(f"role.{role}"), instead=t(f"role.{instead}"))


def _derived(role: Role, *, site: str, unit: str, locale: str) -> str:
    t = catalog(locale)
    found = GOVERNMENT.fullmatch(site.strip())
    kind, area = (found[1].capitalize(), found[2]) if found else ("", site)
    if role is Role.REGENT:
        return t(f"title.regent_{kind.lower() or 'kabupaten'}", area=area)
    if role is Role.HEAD_OF_UNIT:
        return _head(unit, locale)
    return t(f"title.{role}", unit=unit, area=f"{kind} {area}".strip())


def _head(unit: str, locale: str) -> str:
    for begin, key in HEADS.items():
        if unit.casefold().startswith(begin.casefold()):
            rest = unit[len(begin) :].strip() if key in WITHOUT_FIRST_WORD else unit
            return catalog(locale)(f"title.{key}", unit=rest)
    return catalog(locale)("title.head_of_unit", unit=unit)
