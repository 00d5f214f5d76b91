"""Recognize the lines of a table that are no complaints: totals, column numbers, headings."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import pairwise

from tasks.common.dates import month_number
from tasks.common.privacy_marks import marks_of_remark

_NUMBER = re.compile(r"-?[\d.,]+ ?%?")
_FORMULA_ERROR = re.compile(r"#[A-Z/0!?]{3,8}")
_COUNTED = (
    r"(?:pengaduan|aduan|laporan|keluhan|berkas|surat|kasus|tiket|data|orang|buah|kali|baris"
    r"|complaints?|reports?|rows?)\b[^\d]{0,30}"
)
_LABEL = re.compile(
    r"(?:grand |sub[ -]?)?(?:total|jumlah|rata-rata|average|sum)\b"
    rf"[^\d]{{0,40}}(?:[\d.,]+ ?(?:%|{_COUNTED})?)?",
    re.IGNORECASE,
)
_COUNT = re.compile(rf"[\d.,]+ ?{_COUNTED}", re.IGNORECASE)
_COLUMN_NUMBER = re.compile(r"[(\[]?(?:kolom )?(?:(\d{1,3})|([a-z]))(?: ?=.{1,40})?[.)\]]{0,2}")
_WORD = re.compile(r"[^\W\d_]{2,}")
_LIST_ITEM = re.compile(r"(?:\d{1,2}|[ivx]{1,4}|[a-z])[.)] ?\D{3,}", re.IGNORECASE)
_SIGNED = re.compile(
    r"[^\W\d][^\d,]{1,60},[ .\u2026_]*"
    r"(?:(?:\d{1,2} )?(?P<month>[^\W\d]{3,9}) |\d{1,2}([-/.])\d{1,2}\2)\d{4}"
    r"|(?:NIP|NRP)\b.*",
    re.IGNORECASE,
)
_APPROVED = re.compile(
    r"(?:mengetahui|menyetujui|mengesahkan|diketahui|disetujui|disahkan)(?: oleh)?[,:.; ]*",
    re.IGNORECASE,
)
_DOTTED = re.compile(r"\(?[.\u2026_ ]{4,}\)?")
_NOTES = frozenset(
    {
        "catatan",
        "keterangan",
        "ket",
        "nb",
        "note",
        "notes",
        "remark",
        "sumber",
        "penjelasan",
        "info",
    }
)
"""First words of a remark to the reader of a table."""

_PERSONS = frozenset(
    {"an", "a.n", "a/n", "nama", "pelapor", "pengadu", "pemohon", "petugas"}
    | {"sdr", "sdri", "bpk", "bapak", "pak", "ibu", "bu", "tn", "ny"}
)
"""Words before the name of a person."""

_IN_NUMBERS = frozenset(
    {"no", "nomor", "reg", "register", "registrasi", "agenda", "surat", "nota", "tiket", "lapor"}
    | {"pengaduan", "aduan", "laporan", "keluhan", "tanggal", "tgl", "tahun", "bulan", "kode", "id"}
    | {"dinas", "badan", "kantor", "kepala", "camat", "lurah", "bagian", "bidang", "unit"}
    | {"kecamatan", "kec", "kelurahan", "kel", "desa", "kabupaten", "kab", "kota"}
)
"""Words in the number of a complaint or of a letter, besides numerals and months."""

_ROMAN = re.compile(r"[ivxlc]+")
_MOST_WORDS_OF_NUMBER = 2
"""Most other words in such a number."""

_PERIODS = frozenset(
    (
        *("bulan", "bln", "minggu", "pekan", "triwulan", "semester", "tahun", "thn", "periode"),
        *("ke", "sd", "dan"),
    )
)
_PERIOD_NUMBER = re.compile(r"\d{1,2}|20\d\d|[ivx]{1,4}|s", re.IGNORECASE)


MOST_TEXTS = 3
"""A line of text has at most so many filled cells: a signature has one or two columns."""


_SHORT_NUMBER = re.compile(r"(?<![\w/.-])\d{1,4}(?![\w/-]|\.\d)")
"""A number in a text that is no part of a longer one."""


_RANGE = re.compile(
    r"(\S*\d\S*) ?(?:\bs\.?/d\b\.?|\bs\.? ?d\b\.?|\bsampai(?: (?:dengan|dgn))?\b|\bhingga\b|\bto\b"
    r"|\.{2,}|\u2026) ?(?:(?:no|nomor|nmr)\b\.? ?)?(\S*\d\S*)"
)
"""A range in words, and its ends: '3 s/d 5', 'A3/ADU/2026 s.d. A5/ADU/2026'."""

_RANGE_OF_NUMBERS = re.compile(r"(?<![\w/.-])(\d{1,4})-(\d{1,4})(?![\w/-]|\.\d)")
_AROUND = ".,;:()[]"
"""Signs around an end of a range."""

_LONGEST_RANGE = 1_000
_MOST_NAMED = 50
"""Most tickets in one line that may be the ends of ranges with a hyphen."""


def is_total_label(cell: str) -> bool:
    """Check whether a cell is the label of a total: 'Jumlah', 'Total: 12 laporan', 'Subtotal'."""
    return _LABEL.fullmatch(cell.strip()) is not None


def has_only_totals(cells: Iterable[str]) -> bool:
    """Check whether every filled cell of a row is a number or the label of a total.

    In a line with a label, a number may also be the error of a formula, or say what it counts:
    '10 pengaduan'.
    """
    filled = _filled(cells)
    if any(map(is_total_label, filled)):
        others = (_FORMULA_ERROR, _COUNT)
        filled = [cell for cell in filled if not any(form.fullmatch(cell) for form in others)]
    return bool(filled) and all(_NUMBER.fullmatch(cell) or is_total_label(cell) for cell in filled)


def has_column_numbers(cells: Iterable[str]) -> bool:
    """Check whether a row only numbers the columns, as forms do below the header: (1) (2) (3).

    It has at least three numbers, or letters, each greater than the one before.
    """
    marks = [_COLUMN_NUMBER.fullmatch(cell.casefold()) for cell in _filled(cells)]
    found = [mark for mark in marks if mark]
    if len(found) < 3 or len(found) < len(marks):
        return False
    numbers = [int(mark[1]) if mark[1] else ord(mark[2]) - ord("a") + 1 for mark in found]
    return numbers[0] <= 3 and all(0 < after - before <= 3 for before, after in pairwise(numbers))


def is_text(cell: str) -> bool:
    """Check whether a cell has words and no digits, and is not the error of a formula."""
    if _FORMULA_ERROR.fullmatch(cell):
        return False
    return _WORD.search(cell) is not None and not any(sign.isdigit() for sign in cell)


def is_heading(cell: str) -> bool:
    """Check whether a text is a heading or a part of a signature, although it may have digits.

    'BULAN NOVEMBER 2026', 'Minggu ke-2', '1. Bupati', 'Salo, 30 November 2026', 'NIP. 1978', and
    the line on which somebody signs: '(..........)'.
    """
    text = " ".join(cell.split())
    if _is_signed(text) or _LIST_ITEM.fullmatch(text) or _DOTTED.fullmatch(text):
        return True
    words = re.findall(r"[^\W_]+", text.casefold())
    named = [word for word in words if word in _PERIODS or (word.isalpha() and month_number(word))]
    return bool(named) and all(
        word in named or _PERIOD_NUMBER.fullmatch(word) is not None for word in words
    )


def is_note(cell: str) -> bool:
    """Check whether a text is a remark to the reader of the table, although it may have digits.

    'Catatan: nomor 003 dirahasiakan', '* 3 laporan digabung', a sentence, and a text with a word
    for a person ('loket 1, petugas Joko') are remarks. The number of a complaint is short and has
    few words: '4/P/2026', 'REG 003/XI/2026 Dinsos', 'Aduan no. 12'.
    """
    tokens = cell.casefold().split()
    marks = [token.strip(".,:;()[]*\u2022\"'") for token in tokens]
    words = [mark for mark in marks if len(mark) > 1 and mark.isalpha()]
    if not words:
        return False
    if marks[0] in _NOTES:
        return len(words) > 1 or tokens[0][-1] == ":" or tokens[1:2] == [":"]
    if tokens[0][0] in "*\u2022(" or not _PERSONS.isdisjoint(marks):
        return len(words) > 1
    others = (word for word in words if word not in _IN_NUMBERS and not month_number(word))
    return sum(not _ROMAN.fullmatch(word) for word in others) > _MOST_WORDS_OF_NUMBER


def asks_for_secrecy(cells: Iterable[str]) -> bool:
    """Check whether a line has only a few texts, and one of them asks to keep a report secret.

    A line of a summary, 'Rahasia' and a number, does not ask for it.
    """
    filled: list[str] = []
    for cell in cells:
        if cell and not cell.isspace():
            if len(filled) == MOST_TEXTS:  # decides about most rows
                return False
            filled.append(cell.strip())
    return not has_counts(filled, at_least=1) and any(any(marks_of_remark(cell)) for cell in filled)


def marks_whole(text: str) -> bool:
    """Check whether a title, or the name of a file or a sheet, marks all its reports as secret.

    'REGISTER PENGADUAN RAHASIA', 'register_rahasia_2026.xlsx' and 'WBS' do. A remark to the reader,
    and a line that names a number, are about some reports only.
    """
    words = re.findall(r"[^\W_]+", text.casefold())
    if not words or words[0] in _NOTES or not {"no", "nomor", "nomer"}.isdisjoint(words):
        return False
    return any(marks_of_remark(" ".join(words)))


def named_tickets(lines: Iterable[Iterable[str]], tickets: Iterable[str]) -> frozenset[str]:
    """Return the tickets that a line names: in full, or by a number with which only one begins.

    'Catatan: 001/ADU/XI/2026 dirahasiakan' and 'Nomor 1 rahasia' name 001/ADU/XI/2026. A range
    names all between its ends: 'Nomor 3 s/d 5 rahasia'.
    """
    known = [ticket for ticket in tickets if any(map(str.isdigit, ticket))]
    beginning = defaultdict(set)
    for ticket in known:
        beginning[_first_number(ticket)].add(ticket)
    found = set()
    for line in lines:
        text = re.sub(r"[\u2013\u2014]", "-", " ".join(" ".join(line).split())).casefold()
        text = re.sub(r" ?([/-]) ?", r"\1", text)
        found |= {ticket for ticket in known if _has_whole(text, ticket.casefold())}
        found.update(_tickets_in_ranges(text, known, beginning))
        for number in _SHORT_NUMBER.findall(text):
            named = beginning.get(int(number), set())
            found |= named if len(named) == 1 else set()
    return frozenset(found)


def _tickets_in_ranges(
    text: str, tickets: Collection[str], beginning: Mapping[int, set[str]]
) -> Iterator[str]:
    """Yield the tickets between two that a line names as the ends of a range: 'A3 s/d A5'.

    Where an end is a whole ticket, those of its form are between. Otherwise a number counts if only
    one ticket begins with it.
    """
    forms = {ticket.casefold(): _form_of(ticket) for ticket in tickets}
    for first, last in _ranges_in(text, forms):
        begin, end = _first_number(first), _first_number(last)
        form = forms.get(last) or forms.get(first)
        for number in range(begin, min(end, begin + _LONGEST_RANGE) + 1):
            found = beginning.get(number, set())
            if form is not None:
                yield from (ticket for ticket in found if _form_of(ticket) == form)
            elif len(found) == 1:
                yield from found


def _ranges_in(text: str, tickets: Collection[str]) -> Iterator[tuple[str, str]]:
    """Yield the two ends of each range that a line names, in words or with a hyphen."""
    for found in _RANGE.finditer(text):
        yield found[1].strip(_AROUND), found[2].strip(_AROUND)
    for found in _RANGE_OF_NUMBERS.finditer(text):
        yield found[1], found[2]
    named = [ticket for ticket in tickets if ticket in text]
    if len(named) <= _MOST_NAMED:
        yield from ((one, other) for one in named for other in named if f"{one}-{other}" in text)


def _first_number(text: str) -> int:
    number = re.search(r"\d+", text)
    return int(number[0]) if number else 0


def _form_of(ticket: str) -> str:
    """Return a ticket without the number with which it begins."""
    return re.sub(r"\d+", "#", ticket.casefold(), count=1)


def _has_whole(text: str, ticket: str) -> bool:
    if ticket not in text:  # decides about most tickets
        return False
    return re.search(rf"(?<![\w/.-]){re.escape(ticket)}(?![\w/-]|\.\d)", text) is not None


def is_signature(cell: str) -> bool:
    """Check whether a text can only belong to a signature: its place and date, or its formula.

    'Salo, 30 November 2026', 'Salo,      November 2026', 'Mengetahui,', 'NIP. 1978'.
    """
    text = " ".join(cell.split())
    return _is_signed(text) or _APPROVED.fullmatch(text) is not None


def _is_signed(text: str) -> bool:
    found = _SIGNED.fullmatch(text)
    return found is not None and (not found["month"] or month_number(found["month"]) > 0)


def has_counts(cells: Iterable[str], *, at_least: int = 2) -> bool:
    """Check whether a row is a line of a summary: one text, and otherwise only small numbers."""
    filled = _filled(cells)
    texts = [cell for cell in filled if is_text(cell)]
    numbers = [cell for cell in filled if re.fullmatch(r"\d{1,4}", cell)]
    return len(texts) == 1 and len(numbers) >= at_least and len(filled) == len(texts) + len(numbers)


def _filled(cells: Iterable[str]) -> list[str]:
    return [cell.strip() for cell in cells if cell.strip()]


def has_text(cells: Sequence[str]) -> bool:
    """Check whether a row has a letter or a digit; a row of blanks, dashes or lines is empty."""
    for cell in cells:
        if cell[:1].isalnum():  # decides about most rows
            return True
    return any(map(str.isalnum, "".join(cells)))
