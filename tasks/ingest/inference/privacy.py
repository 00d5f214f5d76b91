"""Find the columns that say which reports are anonymous or secret, and what their words mean."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from settings.mapping import PUBLIC_WORDS, Values
from sla.folding import folded
from tasks.common.privacy_marks import (
    denies,
    hides,
    is_mark,
    marks_of_remark,
    says_anonymous,
    says_secret,
)
from tasks.ingest.inference.column_types import LONGEST_LABEL, ColumnSample, named
from tasks.ingest.inference.vocabulary import NAME, PERSON, PRIVACY_TITLES, REMARK_WORDS, WORDS

_CHOICE = re.compile(r"\b(?:(?:ya|y|yes) (?:tidak|tdk|t|n|nomor)|(?:tidak|tdk|t|n) (?:ya|y))\b")
"""The answers that a header names: 'Dirahasiakan (Ya/Tidak)'. It has `nomor` for 'no'."""

_PUBLIC = frozenset(
    {
        "publik",
        "public",
        "terbuka",
        "dipublikasikan",
        "publikasi",
        "ditampilkan",
        "tampil",
        "tayang",
    }
    | {"tampilkan", "ditayangkan", "keterbukaan", "visibilitas", "akses"}
)
_WITH_PUBLIC = frozenset(
    {"boleh", "dapat", "bisa", "untuk", "laporan", "aduan", "pengaduan", "identitas", "pelapor"}
    | {
        "status",
        "hak",
        "tingkat",
        "kategori",
        "jenis",
        "sifat",
        "informasi",
        "data",
        "nama",
        "izin",
    }
    | {
        "ijin",
        "persetujuan",
        "bersedia",
        "di",
        "ke",
        "web",
        "website",
        "situs",
        "portal",
        "internet",
    }
)
"""Words beside one of them in a header whose answer 'Tidak' hides a report: 'Laporan Publik'."""

_CLOSED = frozenset(
    {"tertutup", "privat", "private", "terbatas", "internal", "restricted", "closed", "jangan"}
    | {"jgn", "menolak", "ditolak"}
    | {f"{no} {yes}" for no in ("tidak", "tdk") for yes in ("boleh", "bersedia", "setuju", "bisa")}
    | {f"{no} {word}" for no in ("tidak", "tdk", "non") for word in ("publik", "terbuka", "tampil")}
)
"""Answers below such a header that hide a report, besides 'Tidak'."""

_OPEN = _PUBLIC | {"boleh", "bersedia", "setuju", "bisa", "dapat"}
"""Answers below such a header that do not, besides 'Ya'."""

_NO = frozenset({"tidak", "tdk", "bukan", "no", "n", "false"})
"""Answers that say no in a column titled as anonymous or secret."""

_YES = frozenset({"ya", "iya", "y", "yes", "true", "v", "x"})
"""Answers that say yes there."""

_PERSONS = frozenset(
    {"pelapor", "pemohon", "pengadu", "penduduk", "warga"}
    | {"reporter", "requester", "requestor", "complainant", "citizen", "customer"}
)
"""Words of a header for a person: with one of them alone, a column has names."""

_IDENTITY = frozenset({"identitas", "identity"})

_KINDS = frozenset(
    {"perorangan", "perseorangan", "individu", "kelompok", "masyarakat", "lembaga", "organisasi"}
    | {"instansi", "badan hukum", "lsm"}
)
"""Kinds of persons, in a column that has them together with anonymous ones."""

_TEXTS = frozenset({"uraian", "isi", "deskripsi", "materi", "pokok", "description", "text"})
"""Words of a header with which a column has the text of a complaint."""

_URGENCY_TITLES = frozenset({"prioritas", "urgensi", "kecepatan", "priority", "urgency"})
"""Words of a header with which a column says how urgent a report is."""

_URGENCY = frozenset(
    {"segera", "sangat segera", "amat segera", "kilat", "mendesak", "darurat", "penting", "normal"}
    | {"sangat penting", "rutin", "tinggi", "sedang", "rendah", "high", "medium", "low", "urgent"}
)
"""The words of such a column, which say nothing about privacy."""

_DEFAULT = Values()
_HIDING = frozenset(map(folded, (*_DEFAULT.anonymous, *_DEFAULT.secret)))
_ANSWERS = _NO | _YES | _HIDING | PUBLIC_WORDS
_PUBLIC_ANSWERS = _ANSWERS | _CLOSED | _OPEN


@dataclass(frozen=True, slots=True)
class PrivacyWords:
    """The words of columns with the privacy of reports that need a meaning in the mapping.

    Reports with any other word that is not known count as anonymous and secret; `unknown` has the
    first cell with each of these words.
    """

    anonymous: tuple[str, ...] = ()
    secret: tuple[str, ...] = ()
    public: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()


def privacy_columns(columns: Iterable[ColumnSample]) -> list[ColumnSample]:
    """Find the columns whose header, or each of whose words, says that they have the privacy.

    The surest are first.
    """
    columns = list(columns)
    found = named(columns, "privacy")
    found += [each for each in columns if _is_titled(each) and each not in found]
    found += [each for each in columns if _is_titled_public(each) and each not in found]
    found += [each for each in columns if each.words in PRIVACY_TITLES and each not in found]
    return found + [each for each in columns if _has_only_marks(each) and each not in found]


def is_titled_privacy(column: ColumnSample) -> bool:
    """Check whether the header itself says that a column has the privacy of reports.

    Such a column has nothing else: 'Status Publikasi' is not the status.
    """
    return _is_titled(column) or _is_titled_public(column)


def has_privacy(column: ColumnSample) -> bool:
    """Check whether a column has the privacy of reports.

    A header that says anonymous or secret is enough. Below a header such as 'Sifat Laporan', some
    word must say it, or every word the contrary. Below any other header, each word must be about
    privacy, and one of them must say it. A header such as 'Publik' needs an answer below it, or no
    cell yet; with 'v' and empty cells only, the empty ones may mean 'no'.
    """
    if _is_titled(column) or _has_only_marks(column):
        return True
    words = _words(column)
    if _is_titled_public(column):
        only_yes = bool(words) and words <= _YES | _OPEN and len(column.values) < column.rows
        answers = any(word in _PUBLIC_ANSWERS or _is_mark(word) for word in words)
        return not only_yes and (not words or answers)
    is_hiding = any(map(hides, words))
    return not denies(_title(column)) and (is_hiding or words <= PUBLIC_WORDS)


def only_answers_privacy(column: ColumnSample) -> bool:
    """Check whether a column has only answers about privacy, and so no names.

    A column that is still empty has none either, if its header says what it is and has no word for
    a name.
    """
    titled = _is_titled(column) or _is_titled_public(column)
    is_empty_of_person = not column.values and _names_person(column)
    return _has_only_marks(column) or (
        titled and not is_empty_of_person and _words(column) <= _PUBLIC_ANSWERS
    )


def may_have_privacy(column: ColumnSample) -> bool:
    """Check whether a column with personal data by its header may have the privacy instead.

    Its header says so: 'Permintaan Kerahasiaan Identitas'. Or it only says 'Identitas Pelapor',
    below which some registers have 'Terbuka' and others the name, and it has no cell yet.
    """
    if _names_person(column):
        return False
    is_identity = bool(set(column.words.split()) & _IDENTITY)
    return _is_titled(column) or (is_identity and not column.values)


def marked_columns(columns: Iterable[ColumnSample]) -> list[ColumnSample]:
    """Find the columns in which a whole cell says anonymous or secret, also between other texts."""
    return [column for column in columns if any(map(_has_mark, column.counts))]


def has_labels_with_marks(column: ColumnSample) -> bool:
    """Check whether a column has the words of a list, and some of them say anonymous or secret.

    Its title names no person and no text of its own.
    """
    parts = set(column.words.split())
    if parts & (NAME | PERSON | REMARK_WORDS | _TEXTS) or column.words in WORDS["title"]:
        return False
    return column.has_labels and column.few_words and any(map(_has_mark, column.counts))


def _has_only_marks(column: ColumnSample) -> bool:
    """Check whether each word of a column is about privacy, and one says anonymous or secret.

    A column titled as a name, an address or a number of a person never counts, and neither does one
    that is titled only as the person: other files may have names in it. In a column of remarks the
    other rows, and later files, have ordinary remarks.
    """
    parts = set(column.words.split())
    is_remark = bool(parts & REMARK_WORDS) and not parts & _IDENTITY
    if not column.has_labels or _names_person(column) or parts <= _PERSONS or is_remark:
        return False
    words = _words(column)
    others = words - PUBLIC_WORDS - (_KINDS if parts & _PERSONS else frozenset())
    return bool(others) and all(map(_is_mark, others))


def _names_person(column: ColumnSample) -> bool:
    """Check whether a header has a word for a name, an address or a number of a person."""
    parts = set(column.words.split())
    return bool(parts & NAME or (parts & PERSON) - _PERSONS - _IDENTITY)


def _has_mark(cell: str) -> bool:
    """Check whether a cell, or a part of it, is such a word."""
    return len(cell) <= LONGEST_LABEL and any(map(_is_mark, cell.split("|")))


def _is_mark(word: str) -> bool:
    return folded(word) in _HIDING or is_mark(word)


def privacy_words(column: ColumnSample) -> PrivacyWords:
    """Return the words of a column whose meaning follows from its header, and the unknown ones."""
    meant = _HIDING | PUBLIC_WORDS
    words = {word: cell for cell in reversed(column.values) if (word := folded(cell)) not in meant}
    new = [word for word in words if not set(map(folded, word.split("|"))) <= meant]
    if _is_titled_public(column):
        return _words_below_public(column, words)
    titled = _is_titled(column)
    anonymous = says_anonymous(column.words)
    secret = says_secret(column.words) or (titled and not anonymous)
    if titled and _CHOICE.search(column.words):
        new += [word for word in ("ya", "tidak") if word not in new]
    yes = [word for word in new if word in _YES and titled and anonymous != secret]
    kinds = _KINDS if _has_only_marks(column) else frozenset()
    no = [word for word in new if (word in _NO and titled) or word in kinds]
    if set(column.words.split()) & _URGENCY_TITLES:
        no += [word for word in new if word in _URGENCY or word.isdigit()]
    unknown = [word for word in words if word in new and word not in (*yes, *no)]
    return PrivacyWords(
        anonymous=tuple(yes) if anonymous else (),
        secret=tuple(yes) if secret else (),
        public=tuple(no),
        unknown=tuple(words[word] for word in unknown if not _is_mark(word)),
    )


def _words_below_public(column: ColumnSample, words: Mapping[str, str]) -> PrivacyWords:
    """Return the words below a header such as 'Publik': 'Tidak' hides the report."""
    answers = dict.fromkeys((*words, "ya", "tidak"))
    closed = [word for word in answers if word in _NO | _CLOSED or _is_mark(word)]
    opened = [word for word in answers if word in _YES | _OPEN]
    return PrivacyWords(
        secret=tuple(closed),
        public=tuple(opened),
        unknown=tuple(cell for word, cell in words.items() if word not in (*closed, *opened)),
    )


def words_of_all(columns: Sequence[ColumnSample]) -> PrivacyWords:
    """Return the words of several columns: those for yes count in their own column only."""
    found = [(column, privacy_words(column)) for column in columns]
    if len(found) == 1:
        return found[0][1]

    def own(name: str) -> tuple[str, ...]:
        return tuple(f"{c.name}: {word}" for c, words in found for word in getattr(words, name))

    public = dict.fromkeys(
        f"{column.name}: {word}" if _is_titled_public(column) else word
        for column, words in found
        for word in words.public
    )
    unknown = dict.fromkeys(word for _, words in found for word in words.unknown)
    return PrivacyWords(own("anonymous"), own("secret"), tuple(public), tuple(unknown))


def _is_titled(column: ColumnSample) -> bool:
    """Check whether the header itself says anonymous or secret, or asks for it."""
    title = _title(column)
    return hides(title) or any(marks_of_remark(title))


def _is_titled_public(column: ColumnSample) -> bool:
    """Check whether the header says that a report is public."""
    parts = set(_title(column).split())
    return bool(parts & _PUBLIC) and parts <= _PUBLIC | _WITH_PUBLIC


def _title(column: ColumnSample) -> str:
    """Return the words of the header without the answers that it names."""
    return _CHOICE.sub("", column.words).strip()


def _words(column: ColumnSample) -> set[str]:
    return {part for cell in column.counts for each in cell.split("|") if (part := folded(each))}
