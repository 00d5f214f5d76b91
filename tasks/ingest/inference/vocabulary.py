"""Common names of columns and statuses, in Indonesian and in English."""

from __future__ import annotations

import re

_ABBREVIATIONS = {
    "tgl": "tanggal",
    "tg": "tanggal",
    "no": "nomor",
    "nmr": "nomor",
    "lap": "laporan",
    "reg": "register",
    "registrasi": "register",
    "peny": "penyelesaian",
    "tindaklanjut": "tindak lanjut",
    "tl": "tindak lanjut",
}


_BESIDE_A_DATE = frozenset({"hari", "jam", "pukul", "waktu", "dan"})
"""Words of a header that say no more than that a date may have a day of the week and an hour."""


def canonical(header: str) -> str:
    """Return a header in lower case, without punctuation, and with abbreviations written out.

    'Tgl/Jam Masuk' and 'Hari, Tanggal Masuk' are the date 'tanggal masuk'.
    """
    words = re.sub(r"[\W_]+", " ", header).casefold().split()
    found = [_ABBREVIATIONS.get(word, word) for word in words]
    if "tanggal" in found:
        found = [word for word in found if word not in _BESIDE_A_DATE]
    return " ".join(found)


_WORDS: dict[str, tuple[str, ...]] = {
    "ticket": (
        "tracking id",
        "no register",
        "nomor register",
        "no registrasi",
        "nomor registrasi",
        "no tiket",
        "nomor tiket",
        "tiket",
        "ticket",
        "ticket id",
        "ticket number",
        "id laporan",
        "no laporan",
        "nomor laporan",
        "no pengaduan",
        "nomor pengaduan",
        "id pengaduan",
        "kode pengaduan",
        "kode laporan",
        "no aduan",
        "nomor aduan",
        "id aduan",
        "case enquiry id",
        "case id",
        "case number",
        "service request id",
        "request id",
        "complaint id",
        "reference",
        "reference number",
        "no agenda",
        "no lap",
        "no surat",
        "no urut",
        "register",
        "id",
        "kode",
        "nomor",
        "no",
    ),
    "received": (
        "tanggal laporan masuk",
        "tanggal masuk",
        "tgl masuk",
        "waktu masuk",
        "tanggal diterima",
        "tgl diterima",
        "tanggal terima",
        "tanggal pengaduan",
        "tgl pengaduan",
        "tanggal aduan",
        "tanggal laporan",
        "tgl laporan",
        "tanggal lapor",
        "waktu aduan",
        "waktu pengaduan",
        "waktu laporan",
        "waktu diterima",
        "diterima tanggal",
        "masuk",
        "diterima",
        "received",
        "received at",
        "received date",
        "date received",
        "requested datetime",
        "open dt",
        "open date",
        "opened",
        "opened at",
        "created",
        "created at",
        "created date",
        "submitted",
        "submitted at",
        "tanggal",
        "tgl",
        "date",
        "hari tanggal",
        "timestamp",
        "waktu",
    ),
    "hour": ("waktu laporan masuk", "jam masuk", "waktu masuk", "jam", "pukul", "waktu", "time"),
    "promised_due": (
        "target dt",
        "expected datetime",
        "due date",
        "due dt",
        "due",
        "target date",
        "sla date",
        "jatuh tempo",
        "tanggal jatuh tempo",
        "batas waktu",
        "tenggat",
        "target selesai",
        "target penyelesaian",
        "target",
    ),
    "status": (
        "status laporan",
        "status pengaduan",
        "status aduan",
        "case status",
        "status",
        "state",
        "status penanganan",
        "status tindak lanjut",
        "hasil",
        "ket",
        "keterangan",
    ),
    "classification": (
        "klasifikasi laporan",
        "klasifikasi",
        "jenis laporan",
        "jenis pengaduan",
        "jenis aduan",
        "jenis",
        "classification",
        "complaint type",
    ),
    "category": (
        "kategori",
        "kategori laporan",
        "topik",
        "category",
        "service name",
        "service type",
        "type",
        "jenis layanan",
        "bidang",
        "substansi",
    ),
    "channel": (
        "sumber laporan",
        "kanal",
        "kanal pengaduan",
        "media",
        "media pengaduan",
        "sumber",
        "channel",
        "source",
        "origin",
    ),
    "place": (
        "kecamatan",
        "distrik",
        "desa kelurahan",
        "kelurahan desa",
        "kelurahan",
        "desa",
        "district",
        "neighborhood",
        "neighbourhood",
    ),
    "rating": (
        "rating",
        "penilaian",
        "tingkat kepuasan",
        "nilai kepuasan",
        "skor kepuasan",
        "kepuasan",
        "bintang",
        "satisfaction",
    ),
    "unit": (
        "instansi terdisposisi",
        "unit",
        "opd",
        "unit kerja",
        "perangkat daerah",
        "skpd",
        "opd tujuan",
        "unit tujuan",
        "opd penanggung jawab",
        "unit penanggung jawab",
        "diteruskan ke",
        "diteruskan kepada",
        "disposisi ke",
        "disposisi kepada",
        "ditujukan ke",
        "ditujukan kepada",
        "tujuan disposisi",
        "instansi tujuan",
        "dinas terkait",
        "opd terkait",
        "bidang opd",
        "irban",
        "disposisi",
        "instansi",
        "dinas",
        "nama instansi",
        "nama opd",
        "nama unit",
        "department",
        "agency responsible",
        "agency",
        "responsible",
        "assigned to",
    ),
    "privacy": (
        "tipe laporan anonim rahasia",
        "kerahasiaan",
        "privasi",
        "tipe laporan",
        "sifat laporan",
        "anonim rahasia",
        "anonim",
        "rahasia",
        "privacy",
        "anonymous",
        "confidential",
    ),
    "title": ("judul laporan", "judul", "perihal", "title", "subject", "case title", "hal"),
}
"""Common headers for each field, the surer first."""

WORDS = {field: tuple(dict.fromkeys(map(canonical, headers))) for field, headers in _WORDS.items()}
"""The headers of `_WORDS` without abbreviations."""

PRIVACY_TITLES = frozenset(
    {"sifat", "sifat aduan", "sifat pengaduan", "sifat surat", "klasifikasi keamanan"}
    | {"tingkat keamanan", "derajat keamanan", "keamanan"}
)
"""Headers that have the privacy of a report if a word below them says so."""

REMARKS = frozenset({"ket", "keterangan", "hasil"})
"""Headers of a column with remarks, which may be a status."""

REMARK_WORDS = REMARKS | {"catatan"}
"""Words of a header with which a column has remarks."""

UNSURE_TICKETS = frozenset(
    map(canonical, ("no", "no urut", "no surat", "no agenda", "id", "kode", "reference"))
)
"""Headers of a ticket that may also number the rows or letters."""

ROW_NUMBERS = frozenset(map(canonical, ("no", "no urut")))
"""Headers of a number that may only count the rows of a sheet."""

LETTER_NUMBERS = frozenset(map(canonical, ("no surat",)))
"""Headers of the number of a letter, which not every complaint has."""

UNSURE_UNITS = frozenset(map(canonical, ("kepada", "tujuan")))
"""Headers of a column that has the unit if most of its values are names of units."""

UNITS_OR_STEPS = frozenset({"disposisi"})
"""Headers of a column that has either the units or the days of the assignment."""

SECTIONS = ("bidang", "bagian", "subbagian", "subbidang", "seksi")
"""Words of a header with which a column has the parts of one office, the larger first."""

BESIDE_SECTIONS = frozenset(
    {"sub", "nama", "unit", "penanggung", "jawab", "terkait", "teknis", "pelaksana", "tujuan"}
    | {"penerima", "yang", "menangani", "ke", "kepada"}
)
"""The words beside them: with another word it has subjects, such as 'Bidang Layanan'."""

TO_WHOM = frozenset({"ke", "kepada", "tujuan", "yth"})
"""Words of a header with which a column says to whom a complaint is assigned."""

_EVENTS: dict[str, tuple[str, ...]] = {
    "service_received": ("tanggal layanan", "service date"),
    "verified": ("diverifikasi", "tanggal verifikasi", "tgl verifikasi", "verified"),
    "assigned": (
        "diteruskan",
        "diteruskan kembali",
        "didisposisikan",
        "tanggal disposisi",
        "tgl disposisi",
        "tanggal diteruskan",
        "assigned",
        "assigned at",
        "forwarded",
    ),
    "returned": ("dikembalikan", "tanggal dikembalikan", "returned"),
    "responded": (
        "tanggapan awal",
        "tanggapan pertama",
        "tanggal tanggapan",
        "tanggal respon",
        "direspon",
        "responded",
        "first response",
    ),
    "material_requested": ("permintaan kelengkapan", "kelengkapan diminta"),
    "material_completed": ("kelengkapan diterima", "kelengkapan lengkap"),
    "file_complete": ("berkas lengkap",),
    "follow_up_published": (
        "tindak lanjut pertama",
        "tindak lanjut",
        "tanggal tindak lanjut",
        "ditindaklanjuti",
        "follow up",
        "first follow up",
    ),
    "reporter_replied": ("balasan pelapor", "tanggapan pelapor"),
    "paused": ("ditunda", "tanggal ditunda", "paused", "on hold since"),
    "resumed": ("dilanjutkan", "tanggal dilanjutkan", "resumed"),
    "decided": ("keputusan", "tanggal keputusan", "diputuskan", "decided"),
    "delivered": ("keputusan disampaikan", "disampaikan", "delivered"),
    "settled": (
        "selesai",
        "selesai kembali",
        "tanggal selesai",
        "tgl selesai",
        "waktu selesai",
        "diselesaikan",
        "settled",
        "resolved",
        "resolved at",
        "closed dt",
        "closed date",
        "closed at",
        "closed",
        "completed",
        "completed at",
        "tanggal penyelesaian",
        "tanggal ditutup",
        "ditutup",
    ),
    "reopened": ("dibuka kembali", "reopened"),
    "withdrawn": ("dicabut", "dibatalkan", "withdrawn", "cancelled"),
    "archived": ("diarsipkan", "archived"),
    "clarification_requested": ("klarifikasi ombudsman diminta", "klarifikasi diminta"),
    "second_clarification_requested": ("klarifikasi kedua diminta", "permintaan klarifikasi kedua"),
    "clarification_sent": ("klarifikasi dikirim",),
    "findings_received": ("lhp diterima", "lhp ombudsman", "laporan hasil pemeriksaan ombudsman"),
    "findings_reported": ("tindak lanjut lhp", "laporan tindak lanjut lhp"),
    "recommendation_received": ("rekomendasi ombudsman",),
    "recommendation_reported": ("laporan rekomendasi",),
}
"""Common headers of a column with the time of an event."""

EVENTS = {kind: frozenset(map(canonical, headers)) for kind, headers in _EVENTS.items()}
"""The headers of `_EVENTS` without abbreviations."""

KNOWN_TITLES = frozenset(word for words in (*WORDS.values(), *EVENTS.values()) for word in words)
"""The common headers of any field or step."""

STEP_STEMS = {
    "verified": re.compile(r"\b(?:verifikasi|diverifikasi)\b"),
    "assigned": re.compile(
        r"\b(?:diteruskan|teruskan|penerusan|disposisi|didisposisikan|dilimpahkan|pelimpahan|diserahkan"
        r"|distribusi|didistribusikan)\b"
    ),
    "follow_up_published": re.compile(r"\b(?:tindak lanjut|ditindaklanjuti)\b"),
    "responded": re.compile(
        r"\b(?:jawaban|dijawab|(?<!penanggung )jawab|tanggapan|ditanggapi|respon|respons)\b"
    ),
    "settled": re.compile(r"\b(?:selesai|penyelesaian|diselesaikan|tuntas)\b"),
}
"""The word that shows the step in another header of a column with times."""

TIME_WORDS = frozenset({"tanggal", "waktu", "hari", "jam"})
"""Words of a header that promise a time; they make a step of a column that is still empty."""

HOUR_WORDS = frozenset({"jam", "pukul", "waktu", "time"})
"""Words of a header that may mean the time of day of a date in another column."""

ONLY_TIME = HOUR_WORDS | {"tanggal", "date", "hari"}
"""Words of a header that do not say of what they are the date or the hour."""

RECEIPT_STEM = re.compile(r"\b(?:masuk|terima|diterima|penerimaan|pengaduan|aduan|laporan|lapor)\b")
"""The word that shows the receipt in another header of a column with times."""

NO_STEP = frozenset(
    {"target", "rencana", "batas", "estimasi", "perkiraan", "pelapor", "ombudsman", "nomor"}
    | {"kembali", "lhp", "tugas", "lama", "durasi", "oleh"}
)
"""Words of a header with which a column with times is not the time of such a step."""

PERSON = frozenset(
    {
        "pelapor",
        "pemohon",
        "pengadu",
        "penduduk",
        "warga",
        "reporter",
        "requester",
        "requestor",
        "complainant",
        "citizen",
        "customer",
        "nik",
        "ktp",
        "kk",
        "npwp",
        "identitas",
        "identity",
        "passport",
        "paspor",
        "sim",
        "alamat",
        "address",
        "street",
        "rumah",
        "telepon",
        "telpon",
        "telp",
        "tlp",
        "phone",
        "mobile",
        "hp",
        "handphone",
        "ponsel",
        "wa",
        "whatsapp",
        "email",
        "surel",
        "mail",
        "lahir",
        "birth",
        "lat",
        "long",
        "latitude",
        "longitude",
        "koordinat",
        "coordinates",
        "kontak",
        "contact",
        "usia",
        "umur",
        "age",
    }
)
"""Words marking a header as personal data."""

NAME = frozenset({"nama", "name", "petugas", "officer"})
OFFICIAL = frozenset(
    {
        "instansi",
        "unit",
        "opd",
        "skpd",
        "dinas",
        "perangkat",
        "agency",
        "department",
        "kategori",
        "category",
        "service",
        "layanan",
        "kanal",
        "channel",
        "status",
    }
)
"""Words of a header after which a "name" is not the name of a person."""

CLASSIFICATIONS = {
    "pengaduan berkadar pengawasan": "supervisory_complaint",
    "pengaduan tidak berkadar pengawasan": "complaint",
    "berkadar pengawasan": "supervisory_complaint",
    "tidak berkadar pengawasan": "complaint",
    "pengaduan": "complaint",
    "pengaduan masyarakat": "complaint",
    "permohonan informasi": "information_request",
    "keluhan": "complaint",
    "aduan": "complaint",
    "complaint": "complaint",
    "permintaan informasi": "information_request",
    "informasi": "information_request",
    "information request": "information_request",
    "aspirasi": "aspiration",
    "saran": "aspiration",
    "aspiration": "aspiration",
    "suggestion": "aspiration",
    "whistleblowing": "whistleblowing",
    "whistle blowing": "whistleblowing",
}

SHORT_WORDS = {"sudah": "sdh", "telah": "tlh", "belum": "blm", "tidak": "tdk", "dalam": "dlm"}
"""The usual short forms of words in a status."""

LAPOR_STATUS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "Belum Terverifikasi": ((), ()),
    "Terverifikasi": (("verified",), ()),
    "Ditanggapi oleh Pelapor": (("verified", "follow_up_answered"), ()),
    "Menunggu Kelengkapan Informasi": (("material_requested",), ("material_completed",)),
    "Ditutup oleh Sistem": (("verified", "settled"), ("reopened",)),
    "Ditutup oleh Admin": (("verified", "closed"), ("reopened",)),
    "Ditutup oleh Pelapor": (("verified", "closed"), ("reopened",)),
    "Diarsipkan oleh Sistem": (("archived",), ("reopened",)),
    "Diarsipkan oleh Admin": (("archived",), ("reopened",)),
    "Diarsipkan oleh Pelapor": (("archived",), ("reopened",)),
    "Konten Terblokir": (("archived",), ("reopened",)),
}
"""The statuses of SP4N-LAPOR!: events implied on entering each, and on leaving it.

'Ditanggapi oleh Pelapor' proves that a follow-up was published before, at an unknown time. It is
not the event of the follow-up: no other status shows follow-ups, so a source that claims to see
them would make every other complaint late.
"""

LAPOR_CLOSES_AFTER = {"Ditutup oleh Sistem": ("settled", 10)}
"""LAPOR! closes a report by itself this many working days after the follow-up."""

STATUS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    **dict.fromkeys(
        (
            "baru",
            "masuk",
            "diterima",
            "belum diproses",
            "belum ditindaklanjuti",
            "belum",
            "belum selesai",
            "menunggu",
            "new",
            "open",
            "received",
            "pending",
            "submitted",
        ),
        ((), ()),
    ),
    **dict.fromkeys(
        (
            "diverifikasi",
            "terverifikasi",
            "diproses",
            "dalam proses",
            "sedang diproses",
            "proses",
            "diteruskan",
            "ditindaklanjuti",
            "dalam penanganan",
            "ditangani",
            "dijawab",
            "telaah",
            "pemeriksaan",
            "didisposisikan",
            "verified",
            "assigned",
            "in progress",
            "in process",
            "acknowledged",
            "on progress",
        ),
        (("verified",), ()),
    ),
    **dict.fromkeys(
        (
            *("selesai", "sudah selesai", "telah selesai", "tuntas", "beres", "sudah beres"),
            *("rampung", "settled", "resolved", "completed", "done"),
        ),
        (("verified", "settled"), ("reopened",)),
    ),
    **dict.fromkeys(("ditutup", "closed"), (("verified", "closed"), ("reopened",))),
    **dict.fromkeys(
        ("ditolak", "diarsipkan", "arsip", "tidak valid", "rejected", "archived", "invalid"),
        (("archived",), ("reopened",)),
    ),
    **dict.fromkeys(
        ("dicabut", "dibatalkan", "withdrawn", "cancelled", "canceled"),
        (("withdrawn",), ("reopened",)),
    ),
}
"""Common statuses of other systems, in the same form as `LAPOR_STATUS`."""

STATUS |= {
    " ".join(SHORT_WORDS.get(word, word) for word in status.split()): meaning
    for status, meaning in STATUS.items()
}
