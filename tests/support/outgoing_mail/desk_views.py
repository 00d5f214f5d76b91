"""Desks made by hand: duties, complaints and the whole content of a mail, as a mail shows them."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

from conftest import WITA, wita

from tasks.common.notified import Notified
from tasks.notifications.replies.links import reply_links
from tasks.notifications.replies.token import token_text
from tasks.notifications.views import (
    Absence,
    Desk,
    DeskSection,
    DeskUnitLine,
    Duty,
    NoticeItem,
    ReplyLinks,
    StandIn,
)

NOW = wita("2026-11-24 08:00")


def duty(days: int = -3, due: str = "2026-11-19 23:59", **more: Any) -> Duty:
    """A duty of the unit with so many working days left; negative is late."""
    moment = wita(due)
    left = (moment.date() - NOW.astimezone(WITA).date()).days
    section = DeskSection.LATER if days > 2 else DeskSection.SOON
    if days == 0:
        section = DeskSection.LAST_DAY if left > 0 else DeskSection.TODAY
    plain = Duty(
        rule="Penyelesaian pengaduan",
        verb="selesaikan pengaduan",
        citation="PermenPANRB 5/2025 Bab VI",
        to_be_confirmed=False,
        consequence="Pelapor dapat ke Ombudsman.",
        due=moment,
        exact=False,
        working_days_left=days,
        days_left=left,
        late=days < 0,
        section=DeskSection.LATE if days < 0 else section,
        by_policy=False,
        notified=(),
        unit="dinsos",
    )
    return replace(plain, **more)


def item(*duties: Duty, **more: Any) -> NoticeItem:
    plain = NoticeItem(
        ticket="5010653",
        title="Jalan rusak di Salo",
        category="Infrastruktur Jalan",
        classification="complaint",
        privacy="",
        unit="Dinas Sosial",
        received=wita("2026-11-02 09:00"),
        duties=duties or (duty(),),
        link="",
        notified=tuple(told for each in duties for told in each.notified),
    )
    return replace(plain, **more)


def view(*items: NoticeItem, **more: Any) -> Desk:
    order = list(DeskSection)
    plain = Desk(
        site="Pemerintah Kabupaten Contoh",
        recipient="Kasmirawati Bunga, S.ST.",
        title="Pejabat Penghubung Dinas Sosial",
        role="liaison",
        unit="Dinas Sosial",
        place="Dinas Sosial",
        now=NOW,
        items=tuple(sorted(items, key=lambda each: order.index(each.section))),
        counts=Counter(each.section for each in items),
        administrator="admin.lapor@contohkab.example",
    )
    return replace(plain, **more)


LONG_DUTIES = (
    ("laporkan pelaksanaan rekomendasi Ombudsman", "UU 37/2008 Pasal 38 ayat (2)"),
    ("sampaikan penjelasan kepada Ombudsman", "UU 37/2008 Pasal 33"),
    ("selesaikan pengaduan berkadar pengawasan", "PermenPANRB 5/2025"),
    ("tetapkan keputusan atas pengaduan", "UU 25/2009 Pasal 50 ayat (1)"),
)
"""Duties with long names, and their articles: verb and citation."""


def full_item(number: int, *, late: bool = True, **more: Any) -> NoticeItem:
    """A complaint with as much to say as real ones have: duties, notices and links."""
    days, due = (-15, "2026-11-03 23:59") if late else (0, "2026-11-24 23:59")
    first, second, third, fourth = (
        duty(
            days if n < 2 else 24,
            due if n < 2 else "2026-12-30 23:59",
            verb=verb,
            citation=citation,
            to_be_confirmed=True,
            calendar_days=n < 2,
        )
        for n, (verb, citation) in enumerate(LONG_DUTIES)
    )
    told = tuple(
        Notified(role, 3 + n, NOW, names)
        for n, (role, names) in enumerate(
            (
                ("liaison", ("Arwinsah Kadere", "Melatiwati Sarang")),
                ("head_of_unit", ("Plt. Ir. H. Tandiarang Sulle",)),
                ("inspector", ("Drs. H. Baharintan Dolo",)),
            )
        )
    )
    plain = item(
        *((first, second, third) if number % 2 else (first, third, fourth)),
        ticket=f"FD-2026-0{100 + number}",
        title="Jalan rusak berlubang dan tergenang di depan sekolah dasar",
        unit="Dinas Pekerjaan Umum dan Penataan Ruang",
        short_unit="Dinas PUPR",
    )
    return replace(plain, notified=told, **more)


def full_desk(*items: NoticeItem, superior: bool = False) -> Desk:
    """The desk of the regional secretary or of a liaison officer with these complaints."""
    if not superior:
        unit = items[0].unit
        return view(*items, unit=unit, title=f"Pejabat Penghubung {unit}")
    units = ("Dinas PUPR", "Dinas Perhubungan", "Kec. Muara Contoh", "Diskominfo", "DLH", "RSUD")
    return view(
        *items,
        superior=True,
        role="regional_secretary",
        title="Sekretaris Daerah Kabupaten Contoh",
        recipient="Ir. Hj. Wardasari Mandolele, M.P.",
        unit="Pemerintah Kabupaten Contoh",
        place="11 perangkat daerah",
        units=tuple(
            DeskUnitLine(f"{unit}", 9 - n, duty(-5 - n), n) for n, unit in enumerate(units * 2)
        ),
        stand_ins=(StandIn("Kepala Dinas Perhubungan", "regional_secretary", Absence.VACANT),),
        ended_late=12,
    )


def answer_links(ticket: str) -> ReplyLinks:
    """Links as in a real mail, with the longest token."""
    token = token_text(b"k", 2**31 - 1, 2**31 - 1, "m")
    return reply_links("tenggat@contohkab.example", token, ticket, "id")
