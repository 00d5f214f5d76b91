"""The words by which a cell says that a report is anonymous or secret, in whatever column."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from functools import lru_cache

from tasks.common.remarks import CLAUSE, may_be_contact_remark

_ANONYMOUS = re.compile(r"\b(?:anon[iy]m\w*)\b", re.IGNORECASE)
_SECRET = re.compile(
    r"\b(?:rahasia|dirahasiakan|rahasiakan|kerahasiaan|privasi|secre\w+|[ck]onfiden[ts]\w*|privacy)\b",
    re.IGNORECASE,
)
_NOT = re.compile(r"\b(?:tidak|tdk|tak|bukan|non|tanpa|not)\b", re.IGNORECASE)
_LETTERS = re.compile(r"[^\W\d_]+")
_SPACED = re.compile(r"(?<![^\W\d_])(?:[^\W\d_](?:\. |[ .*_-])){4,}[^\W\d_](?![^\W\d_])")
"""A word with a space or a sign between its letters: 'R A H A S I A', 'r.a.h.a.s.i.a'."""

_BETWEEN_LETTERS = re.compile(r"[ .*_-]")
_PART = re.compile(rf"{CLAUSE.pattern}|[\[\]{{}}<>\"*#~=]")
"""What sets a mark apart from the other words of a cell."""

_BRACKETED = re.compile(r"\s*[(\[{]([^()\[\]{}]{1,60})[)\]}]\s*")
_BETWEEN_PARTS = r"\s*(?:[,;:/|\u2013\u2014]|\s-+\s)\s*"
_LAST_PART = re.compile(rf"(.+?){_BETWEEN_PARTS}([^,;:/|\u2013\u2014]+)")
_FIRST_PART = re.compile(rf"([^,;:/|\u2013\u2014]+?){_BETWEEN_PARTS}(.+)")

_MOST_IN_PHRASE = 4
"""Most words of a cell that only says anonymous or secret: 'identitas pelapor dirahasiakan'."""

_IN_PHRASE = frozenset(
    {"sangat", "amat", "bersifat", "mohon", "minta", "harap", "agar", "di", "dan", "identitas"}
    | {"nama", "data", "pelapor", "laporan", "aduan", "pengaduan", "very", "strictly", "report"}
    | {"surat", "telepon", "kanal", "saluran", "kotak", "web", "website", "situs", "aplikasi"}
    | {"lewat", "via", "melalui", "system", "sistem", "ini", "sifat", "saya", "sy", "kami"}
)
"""Words beside anonymous or secret in such a cell."""

_IN_REMARK = _IN_PHRASE | frozenset(
    {"namanya", "identitasnya", "datanya", "meminta", "ingin", "tolong", "supaya", "yang", "status"}
    | {"sifat", "tipe", "jangan", "disebut", "disebutkan", "bersangkutan", "pemohon", "warga"}
    | {"mau", "bersedia", "boleh", "perlu", "utk", "dgn", "krn", "umum", "publik", "secara", "web"}
    | {"dulu", "dahulu", "belum", "blm", "hanya", "khusus", "saja", "informasi", "untuk", "ke"}
    | {"kalangan", "konsumsi", "internal", "media", "medsos", "sosial", "internet", "siapa", "pun"}
    | {"siapapun", "sampai", "pernah", "sama", "sekali"}
)
"""Words beside such a word in a remark that says nothing else."""

_NEGATION = (
    "tidak|tdk|tak|tdak|tida|gak|ga|gk|nggak|enggak|ndak|jangan|jgn|jangn|bukan|bkn|tanpa|tnp|non"
    "|not"
)
_NOT_YET = "(?:belum|blm) (?:boleh|bisa|dapat|mau|bersedia|siap|berani)"
_UNWILLING = (
    rf"{_NEGATION}|{_NOT_YET}|enggan|keberatan|menolak|tolak|dilarang|takut|khawatir|kuatir"
)
_REFUSES = (
    rf"(?:jangan|jgn|jangn|takut|khawatir|kuatir|enggan|keberatan|menolak|dilarang|{_NOT_YET}"
    rf"|(?:{_NEGATION}) (?:\w+ )?(?:mau|ingin|bersedia|berkenan|rela|boleh|usah|perlu)"
    r"|(?:agar|supaya|spy|biar|mohon|minta|meminta|tolong|harap)"
    rf"(?: \w+){{0,4}} (?:{_NEGATION}))"
)
"""A request not to do something; a negation alone may only report that it was not done."""

_WISHES = frozenset(
    {"mau", "ingin", "bersedia", "minta", "meminta", "mohon", "tolong", "agar", "supaya", "boleh"}
    | {
        "harap",
        "jangan",
        "jgn",
        "jangn",
        "enggan",
        "keberatan",
        "menolak",
        "takut",
        "khawatir",
        "kuatir",
    }
)
"""Words by which a person wants something, or not."""

_IDENTITY = frozenset({"identitas", "nama"})
_PERSONS = frozenset(
    {"pelapor", "plpr", "pengadu", "pemohon", "informan", "narasumber", "saksi", "ybs"}
    | {"bersangkutan", "reporter"}
)

_OFTEN_MISSPELT = (
    *("rahasia", "dirahasiakan", "rahasiakan", "merahasiakan", "kerahasiaan", "anonim"),
    *("disamarkan", "menyamarkan", "disembunyikan", "identitas", "pelapor", "dipublikasikan"),
    *("dilindungi", "melindungi", "perlindungan", "disebutkan", "dicantumkan", "ditampilkan"),
)
_SIMILAR = 0.88
"""How similar to one of them a word must be; 'dirasakan' is less similar to 'dirahasiakan'."""

_SHORTEST_MISSPELT = 6

_SHORTEST_ROOT = 3
"""The fewest letters of a word before such an ending: 'hanya' has none."""

_OF_NAMES = ("wan", "wati")
"""The endings of names, which are not misspelt words."""

_SPELT_RAHASIA = re.compile(r"(di?|me?|ke?)?ra*h+[aiu]*s[aiu]*(?:k?an|k?n)?")
"""The word without some of its vowels, or with them exchanged: 'dirhskan', 'rahaisa'."""

_RAHASIA = r"(?:rahasia|dirahasiakan|rahasiakan|merahasiakan|kerahasiaan|rhs|rhsia)"
_SAMAR = r"(?:di|men?)?(?:samarkan|yamarkan)|samaran|penyamaran|tersamar"
_HIDDEN = re.compile(
    rf"\b(?:{_RAHASIA}|{_SAMAR}|privasi|secre\w+|[ck]onfiden[ts]\w*|privacy|peniup peluit"
    r"|whistle ?blow\w*|wbs|justice collaborator|lpsk)\b"
)
"""Words that ask for secrecy, whatever is beside them."""

_PROTECTED = re.compile(
    r"\b(?:(?:di|me|ter)?lindungi|perlindungan|(?:di|me)?(?:sembunyikan|nyembunyikan)|tersembunyi)\b"
)
"""Words that do so for a person."""

_IDENTITY_KEPT = re.compile(
    r"\b(?:inisial\w*|(?:di|ter)?tutup|(?:di|me)?(?:tutupi|nutupi)|(?:di)?(?:hapus|hilangkan"
    r"|kosongkan|kaburkan|sensor|blur|jaga|amankan|samakan)|menjaga|keamanan|privat|private)\b"
)
"""Words that do so for a name or an identity."""

_SHOWN = re.compile(
    rf"\b(?:{_UNWILLING})\b.*\b(?:(?:di)?(?:publika\w+|publis\w*|sebut(?:kan)?|cantum\w*|tampil\w*"
    r"|ungkap\w*|sebar\w*|ekspos\w*|expos\w*|umumkan|viral\w*)"
    r"|(?:untuk|utk|ke|konsumsi|secara) (?:publik|umum))\b"
)
"""A negation with a word for showing."""

_KNOWN = re.compile(
    rf"\b(?:{_UNWILLING})\b.*\b(?:(?:di|ter)?(?:buka|kenal\w*|muncul\w*|tulis\w*|lihat\w*|bocor\w*"
    r"|bongkar\w*|bagi\w*|share\w*|sampaikan|informasikan|infokan|berikan|kasih\w*)|diketahui"
    r"|ketahuan|men(?:yebut|cantum|ampil|ulis|yebar)\w*|mem(?:buka|publik|bocor|beri)\w*"
    r"|meng(?:ungkap|umum|ekspos)\w*)\b"
)
"""A negation with a word for making known, which is also said of other things."""

_MENTIONED = re.compile(
    rf"\b{_REFUSES}\b.*\b(?:keluar\w*|(?:di)?(?:bawa|libatkan|sangkut\w*|kaitkan|catut))\b"
)
"""A request not to name a person, in words which are also said of other things."""

_PUBLISHED = re.compile(
    rf"\b{_REFUSES}\b.*\b(?:di)?(?:muat|tayang\w*|siarkan|share|bagikan|bocor\w*|sebar\w*|buka"
    r"|posting|unggah|upload|publish|perlihatkan|tunjukkan)\b"
)
"""A request not to publish a report."""

_FOUND_OUT = re.compile(
    rf"\b{_REFUSES}(?: \w+){{0,4}} (?:ketahuan|diketahui|tahu|tau|mengetahui)\b"
    r"|\b(?:jangan|jgn|jangn)(?: \w+){0,3} (?:(?:di)?beritahu\w*|bilang\w*|(?:di)?cerita\w*)\b"
)
"""A request not to tell somebody."""

_AFRAID = re.compile(
    r"\b(?:takut|khawatir|kuatir|cemas)\b.*\b(?:(?:di|ter)(?:intimidasi|pecat|ancam|mutasi|teror"
    r"|tekan|bully|keluarkan|persulit|kucilkan|phk|usir|aniaya|pukul\w*|bunuh|tuntut|gugat|incar"
    r"|musuhi|sanksi|marahi)|intimidasi|ancaman|dendam|pembalasan|mutasi|phk)\b"
)
"""The fear that somebody takes revenge."""

_MASKED = re.compile(
    r"\b(?:(?:di)?inisial\w*|(?:di|meng)?hitam(?:kan|i)|(?:di)?(?:blur|sensor|kaburkan))\b"
)
"""Words for a name that is made unreadable."""

_CLOSED = re.compile(
    rf"\b(?:privat|private|tertutup|dikecualikan|nonpublik|(?:{_NEGATION}) publik"
    r"|(?:hanya|khusus|untuk|utk|kalangan|konsumsi|bersifat) internal)\b"
)
"""Words that do so for a report, if a remark says nothing else."""

_ALSO_A_STATE = frozenset({"tertutup", "internal"})
"""Such words that are the status or the channel of a report in a column with words."""

_NAMELESS = re.compile(
    r"\b(?:(?:tanpa|tnp|no) (?:nama|identitas|name)|noname|n ?n|hamba (?:allah|alloh|tuhan))\b"
)

_LINKS = (
    "perlu|usah|ingin|mau|minta|meminta|mohon|bersifat|sifat|untuk|utk|di|harus|lagi|jadi|akan|ada"
    "|yang|termasuk|status|identitas|nama|pelapor|laporan|aduan|pengaduan|data"
)
"""Words between a negation and the word that it denies."""

_THING = "hal_lain"
"""Stands for words about another thing; no word of a remark is equal to it."""

_REWRITTEN = (
    (
        re.compile(
            rf"\b(?:{_NEGATION}) (?:(?:boleh|bisa|dapat|mau|ingin) )?(?:{_NEGATION})"
            rf" (?={_RAHASIA}\b|{_SAMAR}\b|anonim)"
        ),
        "harus ",
    ),
    (re.compile(r"\b(?:mau|ingin) (?:tahu|tau|mengetahui)\b"), _THING),
    (re.compile(r"\bjati ?diri\b"), "identitas"),
    (re.compile(r"\bdi (?=rahasia\b|rahasiakan|samar|lindung|sebut|cantum|publik|tampil)"), "di"),
    (re.compile(r"\bdirahasia\b"), "dirahasiakan"),
    (
        re.compile(
            rf"\b(?:{_NEGATION}) (?:ada )?(?:keberatan|masalah|apa ?apa|papa|takut|enggan"
            r"|menolak)\b|\bjangan lupa\b"
        ),
        "boleh",
    ),
    (
        re.compile(
            r"\brahasia (?:jabatan|dagang|perusahaan|bank|medis|kedokteran|umum)\b"
            r"|\b(?:akun|rekening|dana|situs|grup) anonim\w*|\b\w*bocor\w* rahasia\b"
            r"|\bperlindungan (?!(?:pelapor|identitas|nama|saksi|hukum|data|ybs|diri)\b)\w+"
            r"|\b(?:nama|identitas|data) (?:jalan|jln|jl|gang|desa|dusun|kelurahan|kecamatan|lokasi"
            r"|tempat|toko|sekolah|perusahaan|barang|obat|proyek|kegiatan|program|aplikasi|pasar|file"
            r"|berkas|instansi|dinas|opd|unit|terlapor|teradu|pejabat|petugas|pegawai|oknum|kades)\b"
        ),
        _THING,
    ),
    (
        re.compile(
            rf"\b(?:{_NEGATION}) (?:(?:{_LINKS}) ){{0,4}}(?:{_RAHASIA}|{_SAMAR}|anon[iy]m\w*)\b"
        ),
        _THING,
    ),
    (
        re.compile(r"(?<!jangan )(?<!jgn )(?<!mau )(?<!ingin )\b(di\w+)(?: oleh)? pelapor\b"),
        rf"\1 {_THING}",
    ),
    (re.compile(r"\boleh pelapor\b"), _THING),
)
"""Words of a remark, and what is read in their place: what is allowed or denied, what is about
another thing, and a reporter who did something."""


_THINGS = frozenset({"terlapor", "unit", "instansi", "opd", "dinas", "petugas", "file", "berkas"})
"""Words of a title with which it is not for a complainant."""

_WHOLE = frozenset({"nn", "n n", "hamba allah", "hamba alloh", "hamba tuhan"})
"""What registers write in the place of the name of an anonymous person."""

_KEPT_SECRET = re.compile(rf"\b(?:{_RAHASIA}|{_SAMAR}|anon[iy]m\w*)\b")
_BEGINS = re.compile(
    r"(?:rahasia|dirahasiakan|rahasiakan|anon[iy]m\w*|[ck]onfiden[ts]\w*|strictly)\b"
)
"""A mark at the beginning of a title."""

_REFUSED = re.compile(rf"\b{_REFUSES}\b")
_REPORTERS = frozenset({"pelapor", "plpr", "pengadu", "informan", "narasumber"})
"""The persons of whom a citizen speaks as the complainant."""

_SPEAKERS = _REPORTERS | {"saya", "sy", "kami", "aku"}

_STEMS = (
    *("nama", "rahas", "rahs", "rhs", "anon", "identitas", "pelapor", "jangan", "takut", "jati"),
    *("onfiden", "secret", "samar", "wbs", "whistle", "hamba", "jgn"),
)
"""Parts of words, of which each mark in a free text has one."""

_LONG_PART = 40
"""A part of a text with more characters than this has such a part of a word, or no mark."""


_LONGEST_PIECE, _OVERLAP = 400, 100
"""The characters of a piece of a long text, and those that the next piece repeats."""

_LONGEST_CELL = 500
"""The most characters of a cell of which a mark can be set apart."""


def says_anonymous(words: str) -> bool:
    """Check whether words have one for anonymous, also with 'not' before it."""
    return _ANONYMOUS.search(words) is not None


def says_secret(words: str) -> bool:
    """Check whether words have one for secret, also with 'not' before it."""
    return _SECRET.search(words) is not None


def denies(words: str) -> bool:
    """Check whether words have one for 'not'."""
    return _NOT.search(words) is not None


def hides(words: str) -> bool:
    """Check whether words say anonymous or secret, and not the contrary."""
    return (says_anonymous(words) or says_secret(words)) and not denies(words)


def is_mark(cell: str) -> bool:
    """Check whether a cell says anonymous or secret, or asks for it, and says nothing else."""
    words = _words_of(_together(cell.casefold()))
    if len(words) > _MOST_IN_PHRASE or not any(marks_of_remark(cell)):
        return False
    if not _ALSO_A_STATE.isdisjoint(words):
        return False
    return " ".join(words) in _WHOLE or all(word in _IN_PHRASE or _is_sign(word) for word in words)


@lru_cache(maxsize=10_000)
def marks_of(cell: str) -> tuple[bool, bool]:
    """Return whether a cell in a column of words marks an anonymous, or a secret report.

    The mark is the whole cell, or it is set apart from the other words: 'Jalan (rahasia)'.
    """
    if len(cell) > _LONGEST_CELL:
        return False, False
    marks = [part for part in (cell, *_PART.split(_together(cell))) if is_mark(part)]
    found = list(map(marks_of_remark, marks))
    return any(anonymous for anonymous, _ in found), any(secret for _, secret in found)


def without_marks(cell: str) -> str:
    """Return a cell in a column of words without the marks that are set apart in it.

    'Dinas Sosial (rahasia)' is 'Dinas Sosial'. A cell that is only a mark stays.
    """
    if not any(marks_of(cell)):
        return cell
    rest = _without_bracketed(cell)
    while (found := _LAST_PART.fullmatch(rest)) and is_mark(found[2]):
        rest = found[1]
    while (found := _FIRST_PART.fullmatch(rest)) and is_mark(found[1]):
        rest = found[2]
    return rest or cell


def _without_bracketed(cell: str) -> str:
    return _BRACKETED.sub(lambda found: " " if is_mark(found[1]) else found[0], cell).strip()


@lru_cache(maxsize=10_000)
def date_without_marks(text: str) -> str:
    """Return a text in a column with dates without the marks before, behind and after the date.

    '02/11/2026 RHS' and '02/11/2026 (identitas dirahasiakan)' are '02/11/2026'.
    """
    if len(text) > _LONGEST_CELL or not any(marks_of_remark(text)):
        return text
    words = _without_bracketed(text).split()
    for length in range(_MOST_IN_PHRASE, 0, -1):
        if _is_mark_alone(words[-length:]):
            words = words[:-length]
        if _is_mark_alone(words[:length]):
            words = words[length:]
    rest = " ".join(words).rstrip(" -,;:/|(")
    return rest if any(map(str.isdigit, rest)) else text


def _is_mark_alone(words: Sequence[str]) -> bool:
    text = " ".join(words)
    return not any(map(str.isdigit, text)) and is_mark(text)


def marks_of_ticket(ticket: str) -> tuple[bool, bool]:
    """Return whether the number of a report marks it as anonymous, or as secret: '001-RHS'."""
    words = _LETTERS.findall(ticket)
    if not any(marks_of_remark(" ".join(words))):
        return False, False  # also if it is denied
    found = [marks_of_remark(word) for word in words if len(word) > 2]
    return any(anonymous for anonymous, _ in found), any(secret for _, secret in found)


def may_name_reporter(title: str) -> bool:
    """Check whether the title of a column may be for the name of a complainant."""
    words = _LETTERS.findall(title.casefold())
    return not (_IDENTITY | _PERSONS).isdisjoint(words) and _THINGS.isdisjoint(words)


def may_have_marks(text: str) -> bool:
    """Check whether a free text may have a mark. It is quick, because most texts have none."""
    small = text.casefold()
    for stem in _STEMS:  # noqa: SIM110 - quicker than any()
        if stem in small:
            return True
    return False


def marks_of_text(text: str) -> tuple[bool, bool]:
    """Return whether a title or a text of a citizen marks an anonymous, or a secret report.

    A mark that begins it or is set apart does so, and a request about a name or an identity:
    '[RAHASIA] pungli', 'pungli, mohon nama pelapor dirahasiakan'. 'Kebocoran data rahasia' does
    not.
    """
    anonymous = secret = False
    for place, part in enumerate(_clauses(_PART, text)):
        if len(part) > _LONG_PART and not may_have_marks(part):
            continue
        clause = _rewritten(part)
        begins = place == 0 and _BEGINS.match(clause) is not None
        is_alone = is_mark(part) and (_REFUSED.search(clause) or not _KNOWN.search(clause))
        if begins or is_alone or _asks_in_text(clause):
            marks = marks_of_remark(part)
            anonymous, secret = anonymous or marks[0], secret or marks[1] or not marks[0]
    return anonymous, secret


@lru_cache(maxsize=10_000)
def marks_of_remark(text: str) -> tuple[bool, bool]:
    """Return whether a remark marks an anonymous, or a secret report.

    'Rahasia, sudah ditelp', 'nama pelapor jgn disebut' and 'identitas dilindungi' do, also
    misspelt. 'Kebocoran rahasia jabatan' and 'nama jalan tidak disebutkan' are about another thing.
    In doubt the report is hidden.
    """
    found = [_marks_of_clause(clause) for clause in _clauses(CLAUSE, text)]
    return any(anonymous for anonymous, _ in found), any(secret for _, secret in found)


def _clauses(between: re.Pattern[str], text: str) -> Iterator[str]:
    """Yield the parts of a text in lower case; a long one in pieces that overlap.

    The time for a part grows with the square of its length, and a stranger wrote it.
    """
    for part in between.split(_together(text.casefold())):
        for start in range(0, max(len(part) - _OVERLAP, 1), _LONGEST_PIECE - _OVERLAP):
            yield part[start : start + _LONGEST_PIECE]


def _together(text: str) -> str:
    """Return a text with the letters of each word together: 'R A H A S I A' is 'RAHASIA'."""
    return _SPACED.sub(lambda found: _BETWEEN_LETTERS.sub("", found[0]), text)


def _rewritten(clause: str) -> str:
    text = " ".join(_words_of(clause))
    for pattern, instead in _REWRITTEN:
        text = pattern.sub(instead, text)
    return text


def _marks_of_clause(clause: str) -> tuple[bool, bool]:
    text = _rewritten(clause)
    anonymous = _ANONYMOUS.search(text) is not None or _NAMELESS.search(text) is not None
    return anonymous, _asks_for_secrecy(text)


def _asks_in_text(text: str) -> bool:
    """Check whether a clause of a free text asks to keep a name or an identity secret."""
    words = set(text.split())
    is_personal = not words.isdisjoint(_IDENTITY | _REPORTERS)
    if _KEPT_SECRET.search(text) and (is_personal or words & _WISHES):
        return True
    if words & _SPEAKERS and (_AFRAID.search(text) or _FOUND_OUT.search(text)):
        return True
    if not is_personal:
        return False
    if words & _WISHES and (_PROTECTED.search(text) or _MASKED.search(text)):
        return True
    shown = (_SHOWN, _KNOWN, _MENTIONED, _PUBLISHED, _FOUND_OUT)
    return _REFUSED.search(text) is not None and any(each.search(text) for each in shown)


def _asks_for_secrecy(text: str) -> bool:
    if any(each.search(text) for each in (_HIDDEN, _FOUND_OUT, _AFRAID)):
        return True
    words = set(text.split())
    is_known = _KNOWN.search(text) is not None
    is_personal = not words.isdisjoint(_IDENTITY | _PERSONS)
    if words & _IDENTITY and (is_known or _IDENTITY_KEPT.search(text)):
        return True
    if words & _PERSONS and is_known and words & _WISHES:
        return True
    if is_personal and _MENTIONED.search(text):
        return True
    if _CLOSED.search(text) and not _others_in(words):
        return True
    signs = (_PROTECTED, _SHOWN, _MASKED, _PUBLISHED)
    return any(each.search(text) for each in signs) and (is_personal or _says_nothing_else(words))


def _says_nothing_else(words: set[str]) -> bool:
    rest = _others_in(words)
    return not rest or may_be_contact_remark(" ".join(rest))


def _others_in(words: set[str]) -> set[str]:
    """Return the words that are not about secrecy."""
    return {word for word in words if word not in _IN_REMARK and not _is_sign(word)}


def _is_sign(word: str) -> bool:
    """Check whether a word alone, or with a negation, is about secrecy."""
    if re.fullmatch(_UNWILLING, word) or _ANONYMOUS.search(word):
        return True
    signs = (_HIDDEN, _PROTECTED, _IDENTITY_KEPT, _SHOWN, _KNOWN, _MASKED, _PUBLISHED, _CLOSED)
    return any(sign.search(f"jangan {word}") for sign in signs)


def _words_of(text: str) -> list[str]:
    return [_as_meant(word) for word in _LETTERS.findall(text)]


@lru_cache(maxsize=10_000)
def _as_meant(word: str) -> str:
    """Return a word without the ending for 'of him or her', and spelt as usual."""
    root = word.removesuffix("nya")
    if len(root) < _SHORTEST_ROOT:
        return word
    if root in _OFTEN_MISSPELT or root.endswith(_OF_NAMES):
        return root
    if found := _SPELT_RAHASIA.fullmatch(root):
        return "dirahasiakan" if found[1] else "rahasia"
    if root in _IN_REMARK or len(root) < _SHORTEST_MISSPELT:
        return root
    letters = sorted(root)
    if exchanged := next((word for word in _OFTEN_MISSPELT if sorted(word) == letters), ""):
        return exchanged
    return next(iter(get_close_matches(root, _OFTEN_MISSPELT, 1, _SIMILAR)), root)
