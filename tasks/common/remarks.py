"""The words that clerks write about the progress of a case where a date is expected."""

from __future__ import annotations

import re

from tasks.common.dates import month_number
from tasks.common.redaction import redact_and_truncate

SHOWN = 40
"""Most characters shown of a cell."""

CELLS_SHOWN = 3
"""Most cells shown of a column."""

HIDDEN_CELL = "..."
"""Placeholder for a cell that may be the name of a person."""

_LETTERS = re.compile(r"[^\W\d_]+")
_WORDS = frozenset(
    (
        *(
            "ada",
            "adanya",
            "akan",
            "atas",
            "atau",
            "awal",
            "akhir",
            "besok",
            "dan",
            "dari",
            "dengan",
        ),
        *(
            "depan",
            "di",
            "hari",
            "hingga",
            "ini",
            "itu",
            "karena",
            "ke",
            "kembali",
            "kemarin",
            "krn",
        ),
        *("lalu", "lusa", "malam", "masih", "minggu", "nanti", "oleh", "pada", "pagi", "pekan"),
        *(
            "pihak",
            "sama",
            "sampai",
            "sekarang",
            "sd",
            "sda",
            "segera",
            "siang",
            "sore",
            "tahun",
            "tengah",
        ),
        *("terkait", "untuk", "bulan", "bln", "dlm", "dalam", "idem", "tgl", "tanggal", "jam"),
        *("belum", "blm", "sudah", "sdh", "telah", "sedang", "tidak", "tdk", "tak", "iya", "ya"),
        *("oke", "ok", "proses", "diproses", "selesai", "tuntas", "tindak", "lanjut", "lanjutan"),
        *("lanjuti", "tindaklanjut", "ditindaklanjuti", "ditindak", "menunggu", "tunggu", "tms"),
        *("ms", "disposisi", "didisposisi", "penanganan", "ditangani", "pengerjaan", "dikerjakan"),
        *(
            "penyelesaian",
            "diselesaikan",
            "tanggapan",
            "ditanggapi",
            "jawaban",
            "dijawab",
            "balasan",
        ),
        *("dibalas", "ditolak", "tolak", "batal", "dibatalkan", "dicabut", "tunda", "ditunda"),
        *("pending", "verifikasi", "diverifikasi", "koordinasi", "survei", "survey", "lapangan"),
        *("lengkap", "dilengkapi", "kelengkapan", "berkas", "data", "surat", "laporan", "aduan"),
        *("pengaduan", "memenuhi", "syarat", "dikembalikan", "diteruskan", "diterima", "dikirim"),
        *("dinas", "opd", "instansi", "pelapor", "pemohon", "petugas", "menyusul", "lihat", "ket"),
        *(
            "keterangan",
            "catatan",
            "lampiran",
            "terlampir",
            "kosong",
            "nihil",
            "jelas",
            "diketahui",
        ),
        *("done", "yes", "no", "not", "yet", "in", "progress", "closed", "open", "waiting", "none"),
    )
)


_CONTACT = frozenset(
    (
        *("ditelp", "ditelpon", "ditelepon", "dihubungi", "dikabari", "diinfokan", "disampaikan"),
        *("dikonfirmasi", "konfirmasi", "diklarifikasi", "klarifikasi", "dijelaskan", "dikunjungi"),
        *("telp", "tlp", "telpon", "telepon", "hp", "wa", "whatsapp", "sms", "chat", "email"),
        *("surel", "via", "lewat", "melalui", "lisan", "langsung", "tatap", "muka", "ybs"),
    )
)
"""The words of clerks about how they reached a person; some may also be in a column of channels."""

_ALSO_A_NAME = frozenset({"via"})

_ENDS = frozenset(
    (
        *("selesai", "terselesaikan", "tuntas", "beres", "rampung", "kelar", "clear", "done"),
        *("ditutup", "dicabut", "dibatalkan", "settled", "resolved", "closed", "completed"),
    )
)
"""The words of a remark with which the case of a complaint has ended."""

_ALREADY = frozenset(("sudah", "sdh", "telah", "tlh"))
_NOT_BEFORE = frozenset(
    (
        *("belum", "blm", "tidak", "tdk", "tak", "bukan", "akan", "target", "rencana", "estimasi"),
        *("perkiraan", "menunggu", "tunggu", "hampir", "jika", "bila", "kalau", "apabila", "agar"),
        *("supaya", "harus", "segera", "mohon", "sebelum", "setelah", "sesudah", "sampai"),
        *("hingga", "sd", "sebagian", "sedang", "proses", "diproses", "dalam", "dlm", "kapan"),
        *("perlu", "mau", "diupayakan", "diusahakan", "not", "will"),
    )
)
"""A word before it with which a word of an end says that the end is still to come, or in part."""

_NOT_AFTER = frozenset(
    ("belum", "blm", "depan", "besok", "lusa", "nanti", "sebagian", "dalam", "dlm", "tahap")
)
CLAUSE = re.compile(r"[,;:()!/|\n\u2013]|\.(?=\s|$)|\s-+\s|\b(?:tapi|tetapi|namun)\b")
"""What separates the parts of a remark."""


def word_of_end(text: str) -> str:
    """Return the word with which a remark says that a case has ended; empty if none says so.

    'SELESAI per telp' and 'sdh beres, pelapor tidak puas' say so. 'belum selesai', 'target selesai
    5 Des' and 'selesai minggu depan' do not.
    """
    for clause in CLAUSE.split(text.casefold()):
        words: list[str] = _LETTERS.findall(clause)
        done = _ENDS | ({"diselesaikan"} if _ALREADY.intersection(words) else set())
        at = next((n for n, word in enumerate(words) if word in done), None)
        if at is not None and not (
            _NOT_BEFORE.intersection(words[:at]) or _NOT_AFTER.intersection(words[at + 1 :])
        ):
            return words[at]
    return ""


def is_remark(text: str) -> bool:
    """Check whether a text has only words about the progress of a case, or names of months.

    So it is not the name of a person: 'dalam proses', 'belum selesai', 'minggu depan', 'v'.
    """
    words = _LETTERS.findall(text.casefold())
    return bool(words) and all(
        len(word) == 1 or word in _WORDS or month_number(word) for word in words
    )


def is_contact_remark(text: str) -> bool:
    """Check whether a text has only such words, or also words about how a clerk reached a person.

    'sudah ditelp', 'selesai via telp', 'via WA' and 'lisan' are such texts; 'Via' may be a name.
    """
    words = _LETTERS.findall(text.casefold())
    if _CONTACT.isdisjoint(words):
        return is_remark(text)
    return may_be_contact_remark(text) and not _ALSO_A_NAME.issuperset(words)


def may_be_contact_remark(text: str) -> bool:
    """Check whether a text has only such words, also if it may be a name: 'Via'."""
    words = _LETTERS.findall(text.casefold())
    return bool(words) and (
        _CONTACT.union(_WORDS).issuperset(words) or (_CONTACT.isdisjoint(words) and is_remark(text))
    )


def shown_cell(text: str) -> str:
    """Return a cell in a column with dates for display, masked and shortened.

    A cell that may be the name of a person is not shown.
    """
    if not (is_contact_remark(text) or any(sign.isdigit() for sign in text)):
        return HIDDEN_CELL
    return redact_and_truncate(" ".join(text.split()), SHOWN)
