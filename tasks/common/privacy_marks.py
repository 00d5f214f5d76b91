"""The words by which a cell says that a report is anonymous or secret, in whatever column."""

from __future__ import annotations

import re

from tasks.common.remarks import CLAUSE, may_be_contact_remark

_ANONYMOUS = re.compile(r"\b(?:anonim\w*|anonymous\w*|anonymity)\b", re.IGNORECASE)
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
)
"""Words beside anonymous or secret in a remark."""


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
    """Check whether a cell says anonymous or secret, and nothing else."""
    if not hides(cell):
        return False
    parts = _LETTERS.findall(cell.casefold())
    others = {part for part in parts if not hides(part)}
    return len(parts) <= _MOST_IN_PHRASE and others <= _IN_PHRASE


def marks_of(cell: str) -> tuple[bool, bool]:
    """Return whether a cell in a column of words marks an anonymous, or a secret report."""
    return _meaning(cell) if hides(cell) and is_mark(cell) else (False, False)


def marks_of_remark(text: str) -> tuple[bool, bool]:
    """Return whether a part of a remark marks an anonymous, or a secret report.

    'Rahasia, sudah ditelp' and 'pelapor minta namanya dirahasiakan' do. 'Kebocoran rahasia jabatan'
    is about another thing.
    """
    if not (says_anonymous(text) or says_secret(text)):
        return False, False
    found = [_meaning(clause) for clause in CLAUSE.split(text.casefold()) if _is_marked(clause)]
    return any(anonymous for anonymous, _ in found), any(secret for _, secret in found)


def _is_marked(clause: str) -> bool:
    if not hides(clause):
        return False
    words = _LETTERS.findall(clause)
    rest = " ".join(word for word in words if not hides(word) and word not in _IN_REMARK)
    return not rest or may_be_contact_remark(rest)


def _meaning(words: str) -> tuple[bool, bool]:
    return says_anonymous(words), says_secret(words)
