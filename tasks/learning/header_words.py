"""The words by which columns and states are commonly called, in Indonesian and in English."""

from __future__ import annotations

WORDS: dict[str, tuple[str, ...]] = {
    "ticket": (
        "tracking id", "no register", "nomor register", "no registrasi", "nomor registrasi",
        "no tiket", "nomor tiket", "tiket", "ticket", "ticket id", "ticket number", "id laporan",
        "no laporan", "nomor laporan", "no pengaduan", "nomor pengaduan", "id pengaduan",
        "kode pengaduan", "kode laporan", "no aduan", "nomor aduan", "id aduan", "case enquiry id",
        "case id", "case number", "service request id", "request id", "complaint id", "reference",
        "reference number", "no agenda", "register", "id", "kode", "nomor", "no",
    ),
    "received": (
        "tanggal laporan masuk", "tanggal masuk", "tgl masuk", "waktu masuk", "tanggal diterima",
        "tgl diterima", "tanggal terima", "tanggal pengaduan", "tgl pengaduan", "tanggal aduan",
        "tanggal laporan", "tgl laporan", "tanggal lapor", "masuk", "diterima", "received",
        "received at", "received date", "date received", "requested datetime", "open dt",
        "open date", "opened", "opened at", "created", "created at", "created date", "submitted",
        "submitted at", "tanggal", "tgl", "date",
    ),
    "hour": ("waktu laporan masuk", "jam masuk", "waktu masuk", "jam", "pukul", "waktu", "time"),
    "promised_due": (
        "target dt", "expected datetime", "due date", "due dt", "due", "target date", "sla date",
        "jatuh tempo", "tanggal jatuh tempo", "batas waktu", "tenggat", "target selesai",
        "target penyelesaian", "target",
    ),
    "status": (
        "status laporan", "status pengaduan", "status aduan", "case status", "status", "state",
    ),
    "classification": (
        "klasifikasi laporan", "klasifikasi", "jenis laporan", "jenis pengaduan", "jenis aduan",
        "classification", "complaint type",
    ),
    "category": (
        "kategori", "kategori laporan", "topik", "category", "service name", "service type",
        "type", "jenis layanan", "bidang", "substansi",
    ),
    "channel": (
        "sumber laporan", "kanal", "kanal pengaduan", "media", "media pengaduan", "sumber",
        "channel", "source", "origin",
    ),
    "unit": (
        "instansi terdisposisi", "unit", "opd", "unit kerja", "perangkat daerah", "skpd",
        "opd tujuan", "unit tujuan", "disposisi", "instansi", "dinas", "nama instansi",
        "nama opd", "nama unit",
        "department", "agency responsible", "agency", "responsible", "assigned to",
    ),
    "privacy": (
        "tipe laporan anonim rahasia", "kerahasiaan", "privasi", "tipe laporan", "sifat laporan",
        "anonim rahasia", "anonim", "rahasia", "privacy", "anonymous", "confidential",
    ),
    "title": ("judul laporan", "judul", "perihal", "title", "subject", "case title", "hal"),
}  # fmt: skip
"""The words by which a column of each field is called, the surer first."""

EVENTS: dict[str, tuple[str, ...]] = {
    "service_received": ("tanggal layanan", "service date"),
    "verified": ("diverifikasi", "tanggal verifikasi", "tgl verifikasi", "verified"),
    "assigned": (
        "diteruskan", "diteruskan kembali", "didisposisikan", "tanggal disposisi", "tgl disposisi",
        "tanggal diteruskan", "assigned", "assigned at", "forwarded",
    ),
    "returned": ("dikembalikan", "tanggal dikembalikan", "returned"),
    "responded": (
        "tanggapan awal", "tanggapan pertama", "tanggal tanggapan", "tanggal respon", "direspon",
        "responded", "first response",
    ),
    "material_requested": ("permintaan kelengkapan", "kelengkapan diminta"),
    "material_completed": ("kelengkapan diterima", "kelengkapan lengkap"),
    "file_complete": ("berkas lengkap",),
    "follow_up_published": (
        "tindak lanjut pertama", "tindak lanjut", "tanggal tindak lanjut", "ditindaklanjuti",
        "follow up", "first follow up",
    ),
    "reporter_replied": ("balasan pelapor", "tanggapan pelapor"),
    "paused": ("ditunda", "tanggal ditunda", "paused", "on hold since"),
    "resumed": ("dilanjutkan", "tanggal dilanjutkan", "resumed"),
    "decided": ("keputusan", "tanggal keputusan", "diputuskan", "decided"),
    "delivered": ("keputusan disampaikan", "disampaikan", "delivered"),
    "settled": (
        "selesai", "selesai kembali", "tanggal selesai", "tgl selesai", "waktu selesai",
        "diselesaikan", "settled", "resolved", "resolved at", "closed dt", "closed date",
        "closed at", "closed", "completed", "completed at", "tanggal penyelesaian",
        "tanggal ditutup", "ditutup",
    ),
    "reopened": ("dibuka kembali", "reopened"),
    "withdrawn": ("dicabut", "dibatalkan", "withdrawn", "cancelled"),
    "archived": ("diarsipkan", "archived"),
    "clarification_requested": ("klarifikasi ombudsman diminta", "klarifikasi diminta"),
    "clarification_sent": ("klarifikasi dikirim",),
    "recommendation_received": ("rekomendasi ombudsman",),
    "recommendation_reported": ("laporan rekomendasi",),
}  # fmt: skip
"""The words by which a column with the time of an event is called."""

PERSON = frozenset({
    "pelapor", "pemohon", "pengadu", "penduduk", "warga", "reporter", "requester", "requestor",
    "complainant", "citizen", "customer", "nik", "ktp", "kk", "npwp", "identitas", "identity",
    "passport", "paspor", "sim", "alamat", "address", "street", "rumah", "telepon", "telpon",
    "telp", "tlp", "phone", "mobile", "hp", "handphone", "ponsel", "wa", "whatsapp", "email",
    "surel", "mail", "lahir", "birth", "lat", "long", "latitude", "longitude", "koordinat",
    "coordinates", "kontak", "contact", "usia", "umur", "age",
})  # fmt: skip
"""Words of a header that tells of a person."""

NAME = frozenset({"nama", "name", "petugas", "officer"})
OFFICIAL = frozenset({
    "instansi", "unit", "opd", "skpd", "dinas", "perangkat", "agency", "department", "kategori",
    "category", "service", "layanan", "kanal", "channel", "status",
})  # fmt: skip
"""What may have a name without being a person."""

CLASSIFICATIONS = {
    "pengaduan berkadar pengawasan": "supervisory_complaint",
    "pengaduan tidak berkadar pengawasan": "complaint",
    "pengaduan": "complaint",
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

LAPOR_STATUS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "Belum Terverifikasi": ((), ()),
    "Terverifikasi": (("verified",), ()),
    "Menunggu Kelengkapan Informasi": (("material_requested",), ("material_completed",)),
    "Ditutup oleh Sistem": (("verified", "settled"), ("reopened",)),
    "Ditutup oleh Admin": (("verified", "closed"), ("reopened",)),
    "Ditutup oleh Pelapor": (("verified", "closed"), ("reopened",)),
    "Diarsipkan oleh Sistem": (("archived",), ("reopened",)),
    "Diarsipkan oleh Admin": (("archived",), ("reopened",)),
    "Diarsipkan oleh Pelapor": (("archived",), ("reopened",)),
    "Konten Terblokir": (("archived",), ("reopened",)),
}
"""The states of SP4N-LAPOR!: what has happened when one is entered, and when it is left."""

LAPOR_CLOSES_AFTER = {"Ditutup oleh Sistem": ("settled", 10)}
"""LAPOR! closes by itself so many working days after the follow-up."""

STATUS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    **dict.fromkeys(
        ("baru", "masuk", "diterima", "belum diproses", "belum ditindaklanjuti", "new", "open",
         "received", "pending", "submitted"),
        ((), ()),
    ),
    **dict.fromkeys(
        ("diverifikasi", "terverifikasi", "diproses", "dalam proses", "sedang diproses", "proses",
         "diteruskan", "ditindaklanjuti", "didisposisikan", "verified", "assigned", "in progress",
         "in process", "acknowledged", "on progress"),
        (("verified",), ()),
    ),
    **dict.fromkeys(
        ("selesai", "sudah selesai", "tuntas", "settled", "resolved", "completed", "done"),
        (("verified", "settled"), ("reopened",)),
    ),
    **dict.fromkeys(("ditutup", "closed"), (("verified", "closed"), ("reopened",))),
    **dict.fromkeys(
        ("ditolak", "diarsipkan", "arsip", "rejected", "archived", "invalid"),
        (("archived",), ("reopened",)),
    ),
    **dict.fromkeys(
        ("dicabut", "dibatalkan", "withdrawn", "cancelled", "canceled"),
        (("withdrawn",), ("reopened",)),
    ),
}  # fmt: skip
"""Common words of other systems, in the same form."""
