"""The forms in which people write numbers and addresses of their own, and what resembles them."""

import random
import re
from collections.abc import Callable

import pytest

from tasks.common.redaction import plain_ticket, redact, redact_and_truncate

PHONES = """
081234500003|0812 3450 0003|0812-3450-0003|0812.3450.0003|0812/3450/0004|0812--3450--0003
0812 – 3450 – 0003|0812–3450–0003|0812_3450_0003|0812,3450,0003|(0812) 3450-0003
(0812)34500003
0812 (3450) 0003|0 8 1 2 3 4 5 0 0 0 0 3|08123 450 0003|+6281234500003|+62 812 3450 0003
+62 (812) 3450 0006|+62 (0) 812 3450 0003|(+62) 812-3450-0003|(+62)81234500003
0062 812 3450 0003
006281234500003|62812-3450-0003|6281234500003|+62-812-3450-0003|+62.812.3450.0003
０８１２３４５００００３|0812\u200b3450\u200b0003|0812\u00a03450\u00a00003
0812\u20113450\u20110003|62.812.345.678
(0511) 3354321|(0511)3354321|0511-3354321|0511 335 4321|021-5551234
(021) 555-1234|021 55512345
+62 511 3354321|+62 (511) 335-4321|(0526) 12345
"""
IDENTITIES = """
6301014107900001|6301 0141 0790 0001|6301-0141-0790-0001|6301.0141.0790.0001
6301/0141/0790/0001
6301_0141_0790_0001|6301,0141,0790,0001|630101 410790 0001|63.01.01.410790.0001
630101/410790/0001
63-01-01-41-07-90-0001|6 3 0 1 0 1 4 1 0 7 9 0 0 0 0 1|6301\u200b0141\u200b0790\u200b0001
6301 - 0141 - 0790 - 0001|63010141\u200b07900001|６３０１０１４１０７９００００１
6301–0141–0790–0001
9999123456789012
"""
MAILS = """
budi@mail.example|budi.s+lapor@mail.example|BUDI@MAIL.EXAMPLE|budi＠mail.example
budi＠mail．example
budi @ mail.example|budi@ mail.example|budi (at) mail.example|budi(at)mail.example
budi [at] mail [dot] example|budi (at) mail (titik) example|budi at mail.example
budi at mail dot example|"budi s"@mail.example|budi@gmail|budi (at) gmail
budi {at} mail.example
budi\u200b@mail.example|budi@mail.co.id
"""
TAXPAYERS = "12.345.678.9-012.000|12.345.678.9.012.000|12 345 678 9-012 000"
HEALTH = "0001234567890|0001-2345-67890|000 1234 567890"
PLATES = "DA 1234 XY|DA1234XY|B 1234 XYZ|DA-1234-XY|B1234XYZ"

WORDED = {
    "HP 81234500003": "HP [telepon]",
    "wa: 812-3450-0003": "wa: [telepon]",
    "hubungi nomor 812 3450 0003": "hubungi nomor [telepon]",
    "telp. 05113354321": "telp. [telepon]",
    "NPWP 123456789012000": "NPWP [NPWP]",
    "npwp: 12.345.678.9-012.000": "npwp: [NPWP]",
    "BPJS 12345678901": "BPJS [BPJS]",
    "No. KIS: 0001234567890": "No. KIS: [BPJS]",
    "nopol da 12 ab ditilang": "nopol [plat] ditilang",
    "mobil DA 2024 XY parkir": "mobil [plat] parkir",
    "plat nomor B 12 AB": "plat nomor [plat]",
}

KEPT = """
Rp 1.500.000|Rp1.500.000,00|Rp. 12.500.000.000|Rp 62.812.345.678|rp 81234567890
10.500.000 - 12.500.000
1.234.567.890.123|2026-10-26|26/10/2026 - 27/10/2026|2026-10-26 2026-10-27|08.10.2026 07.15
8-10-2026 s.d. 12-10-2026|08/10/2026|pukul 08.00-16.00 12 Oktober 2026
08.00 - 16.00, 20 orang
jam 08.12 sampai 09.45|2019, 2020, 2021, 2022|2019-2020-2021-2022|UU 25/2009
Permen PANRB 62/2018
Nomor 188.45/123/KUM/2026|005/1234/Bappeda/2026|050/1234567/2026|5010653
#5010653|SP4N-2026-000123
RT 01/RW 02|RT 01, 02, 03, 04, 05, 06, 07, 08|RT. 012 RW. 003 No. 15
Jalan A. Yani Km 17,5|kode pos 70714
-3.319437, 114.590833|3.3194374, 114.5908000|meter 123456789012|12 x 24 m2
JALAN D 12 RT 03|BLOK A 12 NO 3
GANG B 100 RT 03|DD 2025 YG BELUM CAIR|DANA DESA TH 2025
Perda Nomor 13 Tahun 2018|5000@10 buah|5 buah @ 10.000
rapat (at) 2|pasal 24 ayat (1)|kios 24 jam|110|0800|tahun 2025/2026
9 hari, 24 jam, 7 orang|SDN 3 Martapura
SK 821.2/0812/BKD|truk 8 roda, 12 ton|25.000 liter|1.000 KK|2.500 m|IMB 503/081/2026
"""


def forms(block: str) -> list[str]:
    text = block.encode("ascii", "backslashreplace").decode("unicode_escape")
    return [each.strip(" ") for line in text.strip().splitlines() for each in line.split("|")]


@pytest.mark.parametrize(
    ("block", "word"),
    [
        (PHONES, "telepon"),
        (IDENTITIES, "NIK"),
        (MAILS, "email"),
        (TAXPAYERS, "NPWP"),
        (HEALTH, "BPJS"),
        (PLATES, "plat"),
    ],
)
def test_every_form_is_masked_as_a_whole(block: str, word: str):
    wrong = {
        sentence: redact(sentence)
        for form in forms(block)
        for sentence in (form, f"Jalan rusak, {form}, mohon perbaikan", f"lapor ({form}) 2 kali")
        if redact(sentence) != sentence.replace(form, f"[{word}]")
    }
    assert wrong == {}


def test_a_word_before_a_number_decides_about_forms_of_two_meanings():
    assert {text: redact(text) for text in WORDED} == WORDED


def test_what_only_resembles_such_a_number_is_kept():
    assert [(text, redact(text)) for text in forms(KEPT) if redact(text) != text] == []


def test_neighbours_are_masked_each_for_itself():
    text = "2026-10-26 6301 0141 0790 0001 0812 3450 0003 Rp 1.500.000 12 34 0812 3450 0003"
    assert redact(text) == "2026-10-26 [NIK] [telepon] Rp 1.500.000 12 34 [telepon]"
    assert redact_and_truncate("lapor\n0812 3450 0003 " + "x" * 99, 20) == "lapor [telepon] xxx…"


def test_a_ticket_with_an_address_becomes_a_short_hash():
    tickets = {
        "5010653.0": "5010653",
        "SP4N-2026/12": "SP4N-2026/12",
        "1@mail.example": "surel-fecc7abea503",
        "<1@mail.example>": "surel-fecc7abea503",
        "rapat @ 3": "rapat @ 3",
    }
    assert {ticket: plain_ticket(ticket) for ticket in tickets} == tickets


@pytest.mark.parametrize(
    ("written", "ticket"),
    [
        ("020 /XI/ 2026", "020/XI/2026"),
        ("020/XI/2026", "020/XI/2026"),
        ("FD \u2013 12", "FD-12"),
        ("FD\u201112", "FD-12"),
        ("\uff26\uff24-12", "FD-12"),
        ("FD-12\u200b", "FD-12"),
        ("No.\xa012\n/ 2026", "No. 12/2026"),
        ("No. 12", "No. 12"),
        ("fd-12", "fd-12"),
        ("0012", "0012"),
    ],
)
def test_a_ticket_with_other_blanks_and_dashes_is_the_same(written, ticket):
    assert plain_ticket(written) == ticket


# --- how much is masked of titles as people write them ---

Maker = Callable[[random.Random], str]
SUBJECTS = ("Jalan rusak", "Lampu padam di RT 02", "Pungli Rp 150.000 di loket 3", "Sampah 5 hari")
ENDS = ("mohon ditindaklanjuti", "sejak 12/10/2026", "pukul 08.00", "terima kasih", "di Km 7")
BETWEEN = ("", " ", "-", ".", "/", "_", ",", "--", " - ", "–", "\u200b")
"""Separators by which people split a number."""


def split(lot: random.Random, *groups: str) -> str:
    return lot.choice(BETWEEN).join(groups)


def digits(lot: random.Random, count: int) -> str:
    return "".join(lot.choice("0123456789") for _ in range(count))


def phone(lot: random.Random) -> str:
    area = f"8{lot.choice('12357')}{lot.randrange(1, 10)}"
    begin = lot.choice((f"0{area}", f"(0{area})", f"+62 {area}", f"+62 ({area})", f"0062 {area}"))
    return split(lot, begin, digits(lot, 4), digits(lot, lot.choice((3, 4))))


def identity(lot: random.Random) -> str:
    born = f"{lot.randrange(1, 29):02}{lot.randrange(1, 13):02}{lot.randrange(60, 99)}"
    area, number = f"63{lot.randrange(1, 13):02}{lot.randrange(1, 20):02}", digits(lot, 4)
    groups = lot.choice(((area, born, number), re.findall("....", area + born + number)))
    return split(lot, *groups)


def address(lot: random.Random) -> str:
    at = lot.choice(("@", "＠", " (at) ", "(at)", " [at] ", " @ ", " at "))
    return (
        f"{lot.choice(('budi', 'siti.a', 'pak_rt'))}{at}{lot.choice(('mail.example', 'a.co.id'))}"
    )


def any_number(lot: random.Random) -> str:
    return lot.choice((phone, identity, address))(lot)


def harmless(lot: random.Random) -> str:
    day = f"{lot.randrange(1, 32):02}/{lot.randrange(1, 13):02}/20{lot.randrange(10, 30)}"
    return lot.choice(
        (
            f"tanggal {day} sampai {day}",
            f"anggaran Rp {lot.randrange(1, 999)}.{digits(lot, 3)}.{digits(lot, 3)}",
            f"rugi {lot.randrange(1, 99)}.{digits(lot, 3)}.000 - {lot.randrange(1, 999)}.500.000",
            f"SK Nomor 188.45/{digits(lot, 3)}/KUM/20{digits(lot, 2)}",
            f"laporan {lot.randrange(5000000, 5999999)} dan {lot.randrange(5000000, 5999999)}",
            f"RT {digits(lot, 2)} RW {digits(lot, 2)} No. {lot.randrange(1, 300)}",
            f"pukul {lot.randrange(10, 24)}.00-{lot.randrange(10, 24)}.30 setiap {day}",
            f"koordinat -3.{digits(lot, 6)}, 114.{digits(lot, 6)}",
            f"Perda {lot.randrange(1, 30)}/20{digits(lot, 2)} pasal {lot.randrange(1, 99)}",
            f"tahun 20{digits(lot, 2)}, 20{digits(lot, 2)} dan 20{digits(lot, 2)}",
        )
    )


def titles(maker: Maker, seed: int) -> list[tuple[str, str]]:
    """Return 150 titles, each with the part to be masked or kept."""
    lot = random.Random(seed)
    parts = [maker(lot) for _ in range(150)]
    return [(f"{lot.choice(SUBJECTS)} {part}, {lot.choice(ENDS)}", part) for part in parts]


def test_measured_on_300_titles_of_both_kinds():
    masked = sum(
        re.sub(r"\[(NIK|telepon|email)\]", "#", redact(title)) == title.replace(part, "#")
        for title, part in titles(any_number, 1)
    )
    kept = sum(redact(title) == title for title, _ in titles(harmless, 2))
    assert (masked, kept) == (150, 150)
