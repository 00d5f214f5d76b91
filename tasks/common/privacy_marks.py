"""The words by which a cell says that a report is anonymous or secret, in whatever column."""

from __future__ import annotations

import re
from difflib import get_close_matches
from functools import lru_cache

from tasks.common.remarks import CLAUSE, may_be_contact_remark

_ANONYMOUS = re.compile(r"\b(?:anon[iy]m\w*)\b", re.IGNORECASE)
_SECRET = re.compile(
    r"\b(?:rahasia|dirahasiakan|rahasiakan|kerahasiaan|privasi|secre\w+|confidential\w*|privacy)\b",
    re.IGNORECASE,
)
_NOT = re.compile(r"\b(?:tidak|tdk|tak|bukan|non|tanpa|not)\b", re.IGNORECASE)
_LETTERS = re.compile(r"[^\W\d_]+")

_MOST_IN_PHRASE = 4
"""Most words of a cell that only says anonymous or secret: 'identitas pelapor dirahasiakan'."""

_IN_PHRASE = frozenset(
    {"sangat", "amat", "bersifat", "mohon", "minta", "harap", "agar", "di", "dan", "identitas"}
    | {"nama", "data", "pelapor", "laporan", "aduan", "pengaduan", "very", "strictly", "report"}
)
"""Words beside anonymous or secret in such a cell."""

_IN_REMARK = _IN_PHRASE | frozenset(
    {"namanya", "identitasnya", "datanya", "meminta", "ingin", "tolong", "supaya", "yang", "status"}
    | {"sifat", "tipe", "jangan", "disebut", "disebutkan", "bersangkutan", "pemohon", "warga"}
    | {"mau", "bersedia", "boleh", "perlu", "utk", "dgn", "krn", "umum", "publik", "secara", "web"}
)
"""Words beside such a word in a remark that says nothing else."""

_NEGATION = (
    "tidak|tdk|tak|tdak|tida|gak|ga|gk|nggak|enggak|ndak|jangan|jgn|jangn|bukan|bkn|tanpa|tnp|non"
    "|not"
)
_UNWILLING = rf"{_NEGATION}|enggan|keberatan|menolak|tolak|dilarang|takut|khawatir|kuatir"

_WISHES = frozenset(
    {"mau", "ingin", "bersedia", "minta", "meminta", "mohon", "tolong", "agar", "supaya", "boleh"}
    | {"jangan", "jgn", "jangn", "enggan", "keberatan", "menolak", "takut", "khawatir", "kuatir"}
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

_RAHASIA = r"(?:rahasia|dirahasiakan|rahasiakan|merahasiakan|kerahasiaan|rhs|rhsia)"
_SAMAR = r"(?:di|men?)?(?:samarkan|yamarkan)|samaran|penyamaran|tersamar"
_HIDDEN = re.compile(
    rf"\b(?:{_RAHASIA}|{_SAMAR}|privasi|secre\w+|confidential\w*|privacy|peniup peluit"
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

_FOUND_OUT = re.compile(
    r"\b(?:takut|khawatir|kuatir|jangan|jgn)(?: sampai)? (?:ketahuan|diketahui)\b"
)
_NAMELESS = re.compile(r"\b(?:tanpa|tnp|no) (?:nama|identitas|name)\b|\bnoname\b")

_LINKS = (
    "perlu|usah|ingin|mau|minta|meminta|mohon|bersifat|sifat|untuk|utk|di|harus|lagi|jadi|akan|ada"
    "|yang|termasuk|status|identitas|nama|pelapor|laporan|aduan|pengaduan|data"
)
"""Words between a negation and the word that it denies."""

_THING = "hal_lain"
"""Stands for words about another thing; no word of a remark is equal to it."""

_REWRITTEN = (
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
    words = _words_of(cell.casefold())
    if len(words) > _MOST_IN_PHRASE or not any(marks_of_remark(cell)):
        return False
    return all(word in _IN_PHRASE or _is_sign(word) for word in words)


def marks_of(cell: str) -> tuple[bool, bool]:
    """Return whether a cell in a column of words marks an anonymous, or a secret report."""
    return marks_of_remark(cell) if is_mark(cell) else (False, False)


def marks_of_remark(text: str) -> tuple[bool, bool]:
    """Return whether a remark marks an anonymous, or a secret report.

    'Rahasia, sudah ditelp', 'nama pelapor jgn disebut' and 'identitas dilindungi' do, also
    misspelt. 'Kebocoran rahasia jabatan' and 'nama jalan tidak disebutkan' are about another thing.
    In doubt the report is hidden.
    """
    found = [_marks_of_clause(clause) for clause in CLAUSE.split(text.casefold())]
    return any(anonymous for anonymous, _ in found), any(secret for _, secret in found)


def _marks_of_clause(clause: str) -> tuple[bool, bool]:
    text = " ".join(_words_of(clause))
    for pattern, instead in _REWRITTEN:
        text = pattern.sub(instead, text)
    anonymous = _ANONYMOUS.search(text) is not None or _NAMELESS.search(text) is not None
    return anonymous, _asks_for_secrecy(text)


def _asks_for_secrecy(text: str) -> bool:
    if _HIDDEN.search(text) or _FOUND_OUT.search(text):
        return True
    words = set(text.split())
    is_known = _KNOWN.search(text) is not None
    if words & _IDENTITY and (is_known or _IDENTITY_KEPT.search(text)):
        return True
    if words & _PERSONS and is_known and words & _WISHES:
        return True
    if not (_PROTECTED.search(text) or _SHOWN.search(text)):
        return False
    return bool(words & (_IDENTITY | _PERSONS)) or _says_nothing_else(words)


def _says_nothing_else(words: set[str]) -> bool:
    rest = {word for word in words if word not in _IN_REMARK and not _is_sign(word)}
    return not rest or may_be_contact_remark(" ".join(rest))


def _is_sign(word: str) -> bool:
    """Check whether a word alone, or with a negation, is about secrecy."""
    if re.fullmatch(_UNWILLING, word) or _ANONYMOUS.search(word):
        return True
    signs = (_HIDDEN, _PROTECTED, _IDENTITY_KEPT, _SHOWN, _KNOWN)
    return any(sign.search(f"tidak {word}") for sign in signs)


def _words_of(text: str) -> list[str]:
    return [_as_meant(word) for word in _LETTERS.findall(text)]


@lru_cache(maxsize=10_000)
def _as_meant(word: str) -> str:
    """Return a word without the ending for 'of him or her', and spelt as usual."""
    root = word.removesuffix("nya")
    if root in _IN_REMARK or len(root) < _SHORTEST_MISSPELT:
        return root
    return next(iter(get_close_matches(root, _OFTEN_MISSPELT, 1, _SIMILAR)), root)
