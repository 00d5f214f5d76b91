"""The complaints of a run: each is a row of the front desk's register that grows step by step."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from random import Random
from zoneinfo import ZoneInfo

ZONE = ZoneInfo("Asia/Makassar")
UNITS = (
    "Dinas Sosial",
    "DLH",
    "Dinas Perhubungan",
    "Disdukcapil",
    "RSUD Contoh Sehat",
    "Pemerintah Kabupaten Contoh",
)
"""Among them one without a head, one under another unit, and one that the secretary heads."""

CLASSES = (
    "Permintaan Informasi",
    "Permintaan Informasi",
    "Aspirasi",
    "Pengaduan Tidak Berkadar Pengawasan",
)

MOVES = {
    "Selesai": 3,
    "Ditunda": 3,
    "Dilanjutkan": 4,
    "Dikembalikan": 2,
    "Dicabut": 1,
    "Tindak Lanjut Pertama": 2,
    "Tanggapan Awal": 1,
    "Permintaan Kelengkapan": 1,
    "Kelengkapan Diterima": 2,
    "Dibuka Kembali": 2,
    "Selesai Kembali": 1,
    "Klarifikasi Ombudsman Diminta": 1,
    "Klarifikasi Dikirim": 1,
}
"""What can happen to a complaint next, by column, and how likely it is among what can."""

AFTER = {
    "Dilanjutkan": "Ditunda",
    "Kelengkapan Diterima": "Permintaan Kelengkapan",
    "Dibuka Kembali": "Selesai",
    "Selesai Kembali": "Dibuka Kembali",
    "Klarifikasi Dikirim": "Klarifikasi Ombudsman Diminta",
}
"""What can only follow another step."""


def _written(moment: datetime) -> str:
    return f"{moment:%d/%m/%Y %H:%M}"


@dataclass
class Case:
    """A complaint as the desk knows it: first written down when it had been passed on."""

    passed_on: datetime
    columns: dict[str, str]
    last: datetime

    @classmethod
    def new(cls, dice: Random, number: int, day: date) -> Case:
        """One that was received on this day or up to four weeks before, and passed on."""
        back = 0 if dice.random() < 0.3 else dice.randint(1, 28)
        hour = time(dice.randint(8, 15), dice.randint(0, 59))
        received = datetime.combine(day - timedelta(days=back), hour, ZONE)
        columns = {
            "No Register": f"FD-{number}",
            "Tanggal Masuk": _written(received),
            "Klasifikasi": dice.choice(CLASSES),
            "Kategori": "Kependudukan",
            "Perihal": "Syarat pindah alamat",
            "Kanal": "Tatap Muka",
            "Unit": dice.choice(UNITS),
        }
        columns["Kerahasiaan"] = "Rahasia" if dice.random() < 0.1 else ""
        last = received
        for step, chance in (("Diverifikasi", 0.9), ("Diteruskan", 0.9)):
            last += timedelta(minutes=dice.randint(1, 20))
            if dice.random() < chance or "Diverifikasi" not in columns:
                columns[step] = _written(last)
        if dice.random() < 0.6:
            last += timedelta(minutes=dice.randint(1, 20))
            columns["Tindak Lanjut Pertama"] = _written(last)
        return cls(last, columns, last)

    def move(self, dice: Random, now: datetime) -> None:
        """Let one more thing happen to it before this moment, if there is time and anything can."""
        possible = [step for step in MOVES if self._can(step)]
        earliest = max(self.last, now - timedelta(hours=20)) + timedelta(minutes=1)
        minutes = int((now - earliest).total_seconds()) // 60
        if not possible or minutes < 3:
            return
        step = dice.choices(possible, [MOVES[step] for step in possible])[0]
        self.last = earliest + timedelta(minutes=dice.randint(0, minutes - 2))
        self.columns[step] = _written(self.last)
        if step == "Dikembalikan":
            self.last += timedelta(minutes=1)
            others = [unit for unit in UNITS if unit != self.columns["Unit"]]
            self.columns["Unit Pengganti"] = dice.choice(others)
            self.columns["Diteruskan Kembali"] = _written(self.last)

    def _can(self, step: str) -> bool:
        done = self.columns
        if step in done or "Dicabut" in done or AFTER.get(step, step) not in (step, *done):
            return False
        over = "Selesai" in done and "Dibuka Kembali" not in done
        return step == "Dibuka Kembali" if over else "Selesai Kembali" not in done
