"""The remarks with which clerks ask for secrecy, and those that only resemble them.

A name that comes out endangers a person, and a title too many that is hidden costs little.
"""

import pytest

from tasks.common.privacy_marks import marks_of, marks_of_remark
from tasks.common.table_lines import asks_for_secrecy, named_tickets

SECRET = """
Rahasia|RAHASIA, jangan telp ke kantor|RAHASIA jangan telp ke kantor|laporan ini sangat rahasia ya
Pelapor minta identitas dirahasiakan|mohon dirahasiakan karena satu kantor dengan terlapor
nama pelapor mohon dirhsiakan|identitas dirahasikan|di rahasiakan namanya|identitas rhs
nama pelapor rahsia|pelapor minta di rahasia kan|merahasiakan identitas pelapor
identitas pelapor tdk utk dipublikasikan|mohon nama pelapor disamarkan|nama disamarkn
pelapor tidak mau disebut namanya|jangan sebut nama pelapor|jgn sebut nama plpr
identitas dilindungi|mohon identitas di lindungi|minta perlindungan pelapor|Identitas: dilindungi
tdk bersedia namanya dicantumkan|keberatan namanya disebut|pelapor enggan disebut
whistleblower|Whistle Blower|lewat WBS|pelapor takut diketahui kades|takut ketahuan atasannya
jangan dipublikasikan|tidak untuk publik|bukan utk umum|nama pelapor: disamarkan
identitas pelapor, mohon jangan dipublikasikan|jati diri pelapor jangan diungkap
nama pelapor jgn ditampilkan di web|pelapor tidak ingin diketahui|data pelapor jangan disebar
tdk bersedia identitasnya dibuka|mohon jaga identitas pelapor|identitas pelapor agar dijaga
sebut inisial saja nama pelapor|nama samaran
pelapor tidak dapat dihubungi krn identitas dirahasiakan
pelapor tidak keberatan ditelp tetapi namanya jangan disebut
minta namanya dirahasikan dgn alasan aman
nama jangan ditulis di surat|identitas pelapor tidak diketahui|jangan sampai namanya bocor
"""

ANONYMOUS = """
Anonim|pelapor minta anonim|pelapor tanpa nama|tanpa identitas|pelapor anonymous
Pelapor anonim minta jalan
anonym|pelapor annonim
"""

OPEN = """
tidak rahasia|tdk rahasia|bukan rahasia|tidak perlu dirahasiakan|identitas tidak dirahasiakan
tidak minta dirahasiakan|tidak anonim|identitas pelapor lengkap|identitas pelapor tidak lengkap
nama jalan tidak disebutkan|nama toko tidak dicantumkan|pelapor sudah dihubungi
pelapor tidak dapat dihubungi|pelapor tidak menyebutkan lokasi|pelapor tdk menyebutkan nama jalan
lokasi tidak disebutkan pelapor|alamat kejadian tidak dicantumkan oleh pelapor
Sudah ditelp, pelapor tidak keberatan namanya disebut|pelapor tidak masalah namanya dicantumkan
pelapor bersedia namanya disebut|nama terlapor tidak disebutkan|identitas terlapor tidak diketahui
Kebocoran rahasia jabatan|Rahasia dagang bocor|Akun anonim sebar hoaks|proses|selesai via telp
bau menyengat dirasakan warga|pelapor merasakan dampaknya|laporan disatukan dengan nomor 12
hasil belum disampaikan ke pelapor|pelapor belum diberitahu|pelapor tidak puas
jalan tertutup pohon|tiket ditutup pelapor|diteruskan ke Dinas Perlindungan Anak, pelapor setuju
pelapor diarahkan ke Dinas Perlindungan Anak|tidak ada nama petugas|pelapor tersebut tidak datang
hasil tidak dipublikasikan di web|pelayanan publik tidak baik|nama pelapor sesuai KTP
pelapor tidak melampirkan identitas|data pelapor tidak lengkap|nama pelapor belum diisi
pelapor minta identitas pejabat dibuka|file tidak dapat dibuka|nomor HP pelapor tidak aktif
tidak ada tanggapan atas nama dinas|identitas pelapor sudah diverifikasi
"""


def each(texts: str) -> list[str]:
    return [text for line in texts.strip().splitlines() for text in line.split("|")]


@pytest.mark.parametrize("text", each(SECRET))
def test_a_remark_that_asks_for_secrecy_hides_its_report(text):
    assert marks_of_remark(text)[1]
    assert marks_of_remark(text.upper())[1]


@pytest.mark.parametrize("text", each(ANONYMOUS))
def test_a_remark_about_a_reporter_without_a_name_hides_the_report(text):
    assert marks_of_remark(text)[0]


@pytest.mark.parametrize("text", each(OPEN))
def test_a_remark_about_another_thing_hides_nothing(text):
    assert marks_of_remark(text) == (False, False)


@pytest.mark.parametrize("cell", ["Identitas dilindungi", "disamarkan", "Nama jangan disebut"])
def test_a_word_of_a_list_that_asks_for_secrecy_hides_its_report(cell):
    assert marks_of(cell) == (False, True)


@pytest.mark.parametrize("cell", ["Perlindungan Anak", "Keterbukaan", "Ditutup", "Jalan Rahasia"])
def test_a_word_of_a_list_about_another_thing_hides_nothing(cell):
    assert marks_of(cell) == (False, False)


def test_a_note_names_a_ticket_in_full_or_by_a_number_that_begins_only_one():
    tickets = ["001/ADU/XI/2026", "011/ADU/XI/2026", "WA-7", "WA-77", "2026/5", "2026/6", "A.1"]
    named = {
        "Catatan: 001/ADU/XI/2026 minta dirahasiakan": {"001/ADU/XI/2026"},
        "* Nomor 11 dan wa-7 rahasia": {"011/ADU/XI/2026", "WA-7"},
        "Rahasia: 001 / ADU / XI / 2026, tahun 2026": {"001/ADU/XI/2026"},
        "dirahasiakan: A.1 dan xWA-77": {"A.1"},
        "laporan Ibu itu rahasia": set(),
    }
    for note, found in named.items():
        assert named_tickets([("", note)], tickets) == found, note


def test_a_line_of_a_summary_does_not_ask_for_secrecy():
    assert asks_for_secrecy(("", "* Nomor 11 rahasia", ""))
    assert not asks_for_secrecy(("Rahasia", "3", "2"))
    assert not asks_for_secrecy(("1", "A-1", "05/11/2026", "Rahasia"))
