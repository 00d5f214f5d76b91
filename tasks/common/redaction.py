"""Masks personal data in free text: identity, phone, NPWP and BPJS numbers, plates, mail addresses.

One pass reads the digits of a text from left to right. A date, an amount of money, a time of day or
a coordinate is recognized first and kept, so that its digits are not taken for a part of a number.
Some forms have two meanings, such as `81234567890`. They are masked only after a word for such a
number ('HP', 'WA', 'nopol', 'NPWP').
"""

from __future__ import annotations

import hashlib
import re

from sla.plain_text import CONTROL, INVISIBLE, one_plain_line, without_control

_PLAIN = dict.fromkeys(map(ord, INVISIBLE)) | {
    ord("\uff00") + n - ord(" "): n for n in range(ord("!"), ord("~") + 1)
}
"""Full-width characters as the common ones."""

_DASH = r"\-\u2010-\u2015\u2212"
_GAP = rf"(?:\s?[{_DASH}._/]{{1,2}}\s?|,|\s{{1,2}})?"
"""A separator between two digits of a number, or none."""

_PHONE_GAP = rf"(?:\)?\s?[{_DASH}._/]{{1,2}}\s?\(?|\)\s?\(?|\s\(|\)?,|\s{{1,2}})?"
_APART = rf"(?![._/{_DASH}]?\d)"
"""No digit follows, neither at once nor after one separator."""

_MONTH, _DAY, _YEAR = r"(?:0?[1-9]|1[0-2])", r"(?:[12]\d|3[01]|0?[1-9])", r"(?:19|20)\d\d"
_BETWEEN = rf"[{_DASH}/.]"

_KEPT = (
    rf"rp\.?\s?\d{{1,3}}(?:[.,]\d{{3}})*(?:,\d{{1,2}})?{_APART}",
    r"rp\.?\s?\d{1,15}(?![.,]?\d)",
    rf"{_YEAR}{_BETWEEN}{_MONTH}{_BETWEEN}{_DAY}(?!\d)",
    rf"{_DAY}{_BETWEEN}{_MONTH}{_BETWEEN}{_YEAR}(?!\d)",
    rf"(?:[01]\d|2[0-3])[.:](?:00|15|30|45)\s?[{_DASH}]\s?(?:[01]\d|2[0-4])[.:][0-5]\d(?!\d)",
    rf"(?:(?<=pukul )|(?<=jam ))\d\d?[.:]\d\d{_APART}",
    rf"(?!62\.8\d\d\.\d{{3}}\.)[1-9]\d{{0,2}}(?:\.\d{{3}}){{1,4}}(?:,\d{{1,2}})?{_APART}",
    rf"(?:1\d\d|[1-9]?\d)\.\d{{4,8}}(?![._/{_DASH}]?\d|\s\d)",
    rf"{_YEAR}(?:[\s,/\-]{{1,2}}{_YEAR}){{2,}}(?!\d)",
)
"""Amounts, dates, hours, coordinates and lists of years."""


def _spaced(*digits: str) -> str:
    """Return the pattern of these digits with possible separators between them."""
    return _GAP.join(digits)


_PROVINCE = (
    f"(?:1{_GAP}[1-9]|2{_GAP}1|3{_GAP}[1-6]|5{_GAP}[1-3]|6{_GAP}[1-5]|7{_GAP}[1-6]"
    f"|8{_GAP}[12]|9{_GAP}[1-7])"
)
_NIK = _spaced(
    _PROVINCE, *[r"\d"] * 4, "[0-7]", r"\d", f"(?:0{_GAP}[1-9]|1{_GAP}[0-2])", *[r"\d"] * 6
)
"""A NIK with any separators: province, two areas, day (plus 40 for women), month, year, number."""

_GROUPS = ((4, 4, 4, 4), (6, 6, 4), (6, 10), (12, 4), (4, 12), (8, 8))
_PHONE = rf"8{_PHONE_GAP}[1-9](?:\d|{_PHONE_GAP}(?=\d\d)\d){{6,10}}(?!\d)"
_OPENED = r"(?:\((?=[^()]{1,9}\)))?"
"""A bracket around the first digits only; one around the whole number is not a part of it."""

_LANDLINE = rf"\d{{3,4}}[\s.{_DASH}]?\d{{2,4}}(?!\d)"

_MASKED = (
    ("NPWP", rf"\d\d[.\s]?\d{{3}}[.\s]?\d{{3}}[.\s]\d[{_DASH}.\s]\d{{3}}[.\s]?\d{{3}}(?!\d)"),
    ("NIK", r"\d{16}(?!\d)"),
    ("BPJS", rf"000(?:{_GAP}\d){{10}}(?!\d)"),
    (
        "telepon",
        rf"{_OPENED}(?:(?:\+|00)\s?)?{_OPENED}62\)?{_PHONE_GAP}\(?(?:0\)?{_PHONE_GAP})?{_PHONE}",
    ),
    ("telepon", rf"{_OPENED}0{_PHONE_GAP}{_PHONE}"),
    ("telepon", r"0\s8\s[1-9](?:\s\d){7,10}(?!\d)"),
    ("telepon", rf"(?:\+\s?|00)62(?:\d|{_PHONE_GAP}(?=\d\d)\d){{8,11}}(?!\d)"),
    *(("NIK", _GAP.join(rf"\d{{{n}}}" for n in groups) + r"(?!\d)") for groups in _GROUPS),
    ("NIK", _NIK + r"(?!\d)"),
    ("telepon", rf"\(0[2-79]\d{{1,2}}\)\s?[{_DASH}]?\s?{_LANDLINE}"),
    ("telepon", rf"0(?:21|22|24|31|61|[2-79]\d\d)\s?[\s{_DASH}]\s?{_LANDLINE}"),
)
_NUMBERS = re.compile(
    rf"(?<!\d)(?=[\d(+r])(?:(?P<kept>{'|'.join(_KEPT)})"
    + "".join(f"|(?P<m{n}>{pattern})" for n, (_, pattern) in enumerate(_MASKED))
    + ")",
    re.IGNORECASE,
)

_CODE = r"(?:A[ABDEG]|B[ABDEGHKLMNP]|D[ABCDEGHKLMNPRSTW]|E[ABD]|K[BHTU]|P[ABGST]|[ABD-HK-NPRSTWZ])"
"""The area code of a plate."""

_MARK = r"\b(?:\s*(?:no|nomor|nomer)\b)?[\s.:#]*"
_PHONE_WORD = r"\b(?:hp|wa|whatsapp|telp|tlp|tel|telepon|telpon|hub|hubungi|kontak|call|sms|fax)"
_AFTER_A_WORD = tuple(
    (re.compile(rf"({before})(?:{number})", re.IGNORECASE), rf"\1[{word}]")
    for word, before, number in (
        ("telepon", _PHONE_WORD + _MARK, _PHONE),
        ("telepon", _PHONE_WORD + _MARK, r"0[2-79]\d{7,9}(?!\d)"),
        ("NPWP", r"\bnpwp" + _MARK, rf"\d(?:{_GAP}\d){{14,15}}(?!\d)"),
        ("BPJS", r"\b(?:bpjs|jkn|kis)" + _MARK, rf"\d(?:{_GAP}\d){{10,12}}(?!\d)"),
        (
            "plat",
            r"\b(?:plat|nopol|no\.?\s*pol(?:isi)?|nomor\s+polisi|motor|mobil|kendaraan)" + _MARK,
            rf"{_CODE}[\s{_DASH}.]?\d{{1,4}}[\s{_DASH}.]?(?!(?:RT|RW|NO|KM|DI|KE)\b)[A-Z]{{1,3}}\b",
        ),
    )
)
_PLATE_AFTER_A_WORD = _AFTER_A_WORD[-1:]
"""The only one of these patterns for fewer than eight digits."""

_PLATE = re.compile(
    rf"\b{_CODE}(?:[ {_DASH}](?!{_YEAR}\b)\d{{3,4}}[ {_DASH}]"
    r"(?!(?:RT|RW|NO|KM|TH|KK|DI|KE|DAN|YG|TDK|UU|PP|JL|JLN|KG|HA|SD|SMP|SMA|CM|MM)\b)"
    r"|\d{3,4})[A-Z]{2,3}\b"
)
"""A plate without such a word, in capitals."""

_MAIL = re.compile(
    r"(?:\"[^\"\n]{1,64}\"|[\w.+-]{1,64})(?:"
    r"\s?@\s?[\w-]{1,63}(?:\.[\w-]{1,63})*\.[^\W\d][\w-]{0,62}"
    r"|@[^\W\d][\w-]{0,62}"
    r"|\s?[(\[{<]\s?(?:at|et|@)\s?[)\]}>]\s?[^\W\d][\w-]{0,62}"
    r"(?:(?:\.|\s?[(\[{]\s?(?:dot|titik|\.)\s?[)\]}]\s?|\s(?:dot|titik)\s)[\w-]{1,63})*"
    r"|\s(?:at|et)\s[^\W\d][\w-]{0,62}(?:(?:\.|\s(?:dot|titik)\s)[\w-]{2,63})+"
    r")",
    re.IGNORECASE,
)
"""A mail address: with '@', '(at)' or 'at ... dot', or with a quoted name."""

_PROTECTED = re.compile(r"=\"\s*([\w.][^\"]*?)\s*\"|['\u2019]\s*([\w.][^'\u2019]*)['\u2019]?")
"""A cell that a program has marked as text."""

_UNEVEN = re.compile(r"[^!-~]")
_DASHES = re.compile("[\u2010-\u2015\u2212]")
_AROUND = re.compile(r" ?([/-]) ?")
_PROTECTING = ("=", "'", "\u2019")
_AT = re.compile("[@\uff20]")
_ADDRESS = re.compile(r"<?[^\s@<>]+[@\uff20][^\s<>]+>?")

# Quick tests: most texts have nothing to mask.
_UNUSUAL = re.compile(rf"[\uff01-\uff5e{INVISIBLE}{CONTROL}]")
_NEAR_DIGITS = re.compile(r"\d\D{0,3}\d")
_SPELLED_AT = re.compile(r"[(\[{<\s]\s?[AaEe][Tt]\b")
_PERHAPS_NUMBER = re.compile(r"\D*+(?:\d\D*+){8}")
"""Every number but a plate has eight digits."""

_PERHAPS_PLATE = re.compile(rf"\d[\s{_DASH}.]?[^\W\d_]")
"""Every plate has a letter after its digits."""

_WORD = re.compile(
    r"hp|wa|tel|tlp|hub|kontak|call|sms|fax|npwp|bpjs|jkn|kis|pla?t|pol|mo[tb]|kend", re.IGNORECASE
)


def redact(text: str) -> str:
    """Mask numbers of identity, phone, NPWP and BPJS, plates, and mail addresses in a text."""
    is_usual = (text.isascii() and text.isprintable()) or not _UNUSUAL.search(text)
    if is_usual and not _NEAR_DIGITS.search(text) and not _may_have_mail(text):
        return text
    text = without_control(text if text.isascii() else text.translate(_PLAIN))
    if _may_have_mail(text):
        text = _MAIL.sub("[email]", text)
    has_number = _PERHAPS_NUMBER.match(text) is not None
    has_plate = _PERHAPS_PLATE.search(text) is not None
    if (has_number or has_plate) and _WORD.search(text):
        for pattern, masked in _AFTER_A_WORD if has_number else _PLATE_AFTER_A_WORD:
            text = pattern.sub(masked, text)
    if has_number:
        text = _NUMBERS.sub(_word, text)
    return _PLATE.sub("[plat]", text) if has_plate else text


def _may_have_mail(text: str) -> bool:
    return "@" in text or _SPELLED_AT.search(text) is not None


def plain_ticket(ticket: str) -> str:
    """Return a ticket number as it is stored and shown.

    A spreadsheet adds decimals: '5010653.0' is '5010653'. A program that writes CSV protects the
    digits by an apostrophe before them, or by a formula: ="5010653". A clerk writes '12 /XI/ 2026'
    this week and 12/XI/2026 the next, or a long dash for a short one. A ticket with an '@' is a
    mail address or a Message-ID, and names the complainant or the machine of one: a short hash
    replaces it.
    """
    ticket = unprotected(without_control(ticket))
    if "@" not in ticket and _UNEVEN.search(ticket):
        dashed = _DASHES.sub("-", ticket.translate(_PLAIN))
        ticket = _AROUND.sub(r"\1", " ".join(dashed.split()))
    number = ticket.removesuffix(".0")
    if number != ticket and number.isdecimal():
        return number
    if _AT.search(ticket) and _ADDRESS.fullmatch(ticket):
        return f"surel-{hashlib.sha256(ticket.strip('<>').encode()).hexdigest()[:12]}"
    return ticket


def unprotected(cell: str) -> str:
    """Return a cell without the signs by which a program has marked it as text."""
    if cell[:1] not in _PROTECTING:
        return cell
    protected = _PROTECTED.fullmatch(cell)
    return cell if protected is None else protected[1] or protected[2]


def _word(found: re.Match[str]) -> str:
    name = found.lastgroup or "kept"
    return found[0] if name == "kept" else f"[{_MASKED[int(name[1:])][0]}]"


def plain_name(name: str) -> str:
    """Return the name of a file as it is shown: masked, on one line, without control characters."""
    return one_plain_line(redact(name))


def redact_and_truncate(text: str, length: int) -> str:
    """Mask the text and return it on one line, cut to `length` characters."""
    flat = " ".join(redact(text).split())
    return flat if len(flat) <= length else flat[: length - 1] + "…"
