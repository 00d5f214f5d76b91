"""The remarks with which clerks ask for secrecy, and those that only resemble them.

A name that comes out endangers a person, and a title too many that is hidden costs little.
"""

import pytest

from tasks.common.privacy_marks import (
    _PART,
    _clauses,
    date_without_marks,
    marks_of,
    marks_of_remark,
    marks_of_text,
    marks_of_ticket,
    without_marks,
)
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
r.a.h.a.s.i.a|R A H A S I A|sifat: R-A-H-A-S-I-A, telp saja|Konfidensial|bersifat konfidensial
private|laporan privat|non-publik|tdk publik|tertutup|bersifat tertutup|informasi dikecualikan
hanya untuk internal|utk kalangan internal saja|takut diintimidasi|pelapor takut dipecat
khawatir dimutasi kepala dinas|takut ada balas dendam|pelapor tidak mau namanya keluar
tdk ingin namanya dibawa-bawa|jangan bawa nama pelapor|nama diinisialkan|nama pelapor dihitamkan
jgn kasih tau siapa yg lapor|jangan sampai kades tahu|agar tidak diketahui lurah
mohon kepala desa jangan diberitahu|pelapor tidak ingin ketahuan tetangga|jangan dimuat
jangan ditayangkan|jgn dishare|jangan dibocorkan|jangan dimuat di medsos
belum boleh dibuka identitasnya|identitas blm bisa ditampilkan|rahaisa|identitas dirhskan
mohon dirasahiakan|tidak boleh tidak dirahasiakan|jangan libatkan nama pelapor
nama jangan ditulis di surat|identitas pelapor tidak diketahui|jangan sampai namanya bocor
"""

ANONYMOUS = """
Anonim|pelapor minta anonim|pelapor tanpa nama|tanpa identitas|pelapor anonymous
Pelapor anonim minta jalan|NN|a.n. N.N.|pelapor: Hamba Allah
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
tidak ada rahasia|pelapor sudah ditelepon|jalan tertutup tanah|drainase tertutup, air meluap
pelapor tidak membawa identitas|jangan lupa bawa identitas|pelapor tidak mau tahu|berkas tidak muat
koordinasi internal dinas|warga takut jalan ambles|anak takut digigit anjing
rapat umum di balai desa
pelapor belum tahu jadwal|pelapor tidak tahu alamatnya|warga keluar rumah|rahang kakek patah
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


TITLES = """
[RAHASIA] pungli SMA|RAHASIA pungli SMA|pungli, mohon nama pelapor dirahasiakan|zebra (rahasia)
Laporan rahasia: pungli di kelurahan|(Anonim) pungutan di pasar|pungli, nama jangan disebut
pungli mohon identitas saya dirahasiakan|tolong rahasiakan nama saya|Pungli - rahasia
(NN) jalan rusak|R A H A S I A. pungli di sekolah|Mohon dirahasiakan, pungli bansos
pungli SMA identitas pelapor jangan dipublikasikan|saya takut diintimidasi kades
pungli; jangan sampai nama saya diketahui kepala desa|mohon identitas pelapor dilindungi
"""

OPEN_TITLES = """
Kebocoran data rahasia|Rahasia dagang bocor|Rahasia jabatan dibocorkan pegawai
Kerahasiaan data pasien bocor|Jalan Rahasia rusak
Nama saya tidak tercantum di DTKS|Nama di KK tidak sesuai|Nama penerima bansos tidak ditampilkan
Akun anonim sebar hoaks|Dokumen anggaran tidak dirahasiakan|Identitas hilang, KTP belum dicetak
Nama saya dihapus dari daftar penerima|Mohon nama jalan diperbaiki|Jangan tutup jalan ini
Pelapor sebelumnya tidak dibalas|Perlindungan anak dan perempuan|Warga takut melintas di jembatan
Informasi jadwal tidak dipublikasikan|Jalan tertutup longsor|Daerah parah, jalan rusak
Mohon KTP saya tidak dibuka di fotokopi|Nama ayah salah di akta|Permintaan informasi publik
"""


@pytest.mark.parametrize("text", each(TITLES))
def test_a_title_that_says_that_it_is_secret_hides_its_report(text):
    assert any(marks_of_text(text))


@pytest.mark.parametrize("text", each(OPEN_TITLES))
def test_a_title_about_secrets_or_names_hides_nothing(text):
    assert marks_of_text(text) == (False, False)


@pytest.mark.parametrize("word", ["nama jangan ", "tidak mau ", "rahasia (", "(", "R A "])
def test_a_hostile_text_is_read_in_pieces(word):
    assert max(map(len, _clauses(_PART, word * 20_000))) <= 400
    marks_of_text(word * 2_000)
    marks_of(word * 2_000)


def test_a_request_in_a_long_text_hides_its_report():
    assert any(marks_of_text("Jalan rusak. " * 200 + "Mohon nama saya jangan disebut."))
    assert not any(marks_of_text("Nama jalan itu Jalan Melati. " * 200))


@pytest.mark.parametrize(
    ("cell", "rest"),
    [
        ("Jalan (rahasia)", "Jalan"),
        ("Web - Anonim", "Web"),
        ("Masamba (dirahasiakan)", "Masamba"),
        ("Dinas Sosial [RAHASIA]", "Dinas Sosial"),
        ("Rahasia: Dinas Sosial", "Dinas Sosial"),
        ("Dinas Sosial (Kab. Contoh) / identitas dirahasiakan", "Dinas Sosial (Kab. Contoh)"),
        ("Whistleblowing System", "Whistleblowing System"),
        ("Surat rahasia", "Surat rahasia"),
    ],
)
def test_a_mark_beside_a_known_word_hides_its_report_and_is_no_part_of_the_word(cell, rest):
    assert any(marks_of(cell))
    assert without_marks(cell) == rest


@pytest.mark.parametrize("cell", ["Tertutup", "Internal", "Dinas Sosial (Kab. Contoh)", "Web"])
def test_a_word_without_a_mark_stays(cell):
    assert marks_of(cell) == (False, False)
    assert without_marks(cell) == cell


@pytest.mark.parametrize(
    "text",
    [
        "02/11/2026 (rahasia)",
        "02/11/2026 RHS",
        "RAHASIA 02/11/2026",
        "02/11/2026, nama dirahasiakan",
    ],
)
def test_a_date_is_read_without_a_mark(text):
    assert date_without_marks(text) == "02/11/2026"
    assert date_without_marks("2 November 2026") == "2 November 2026"


@pytest.mark.parametrize("ticket", ["001-RHS", "RAHASIA-001", "001/RHS/2026", "WBS-12", "5/Anonim"])
def test_a_number_of_a_secret_report_hides_it(ticket):
    assert any(marks_of_ticket(ticket))


@pytest.mark.parametrize(
    "ticket", ["001/ADU/XI/2026", "RSHS-12", "5010653", "NN-1", "Tidak rahasia"]
)
def test_another_number_hides_nothing(ticket):
    assert not any(marks_of_ticket(ticket))


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


@pytest.mark.parametrize(
    ("note", "numbers"),
    [
        ("Nomor 3 s/d 5 rahasia", {3, 4, 5}),
        ("Catatan: no. 3 - 5 dirahasiakan", {3, 4, 5}),
        ("No. 3\u20135, dan 7 rahasia", {3, 4, 5, 7}),
        ("Nomor 3 sampai dengan nomor 5 rahasia", {3, 4, 5}),
        ("A3/ADU/2026 s.d. A5/ADU/2026 rahasia", {3, 4, 5}),
        ("A3/ADU/2026 - A5/ADU/2026 rahasia", {3, 4, 5}),
        ("(A3 sd A5/ADU/2026) rahasia", {3, 4, 5}),
        ("A3/ADU/2026 hingga 5 rahasia", {3, 4, 5}),
        ("Rahasia: A3/ADU/2026 dan A5/ADU/2026", {3, 5}),
        ("Nomor 5 s/d 3 rahasia", {3, 5}),
    ],
)
def test_a_range_in_a_note_names_each_ticket_between_its_ends(note, numbers):
    tickets = [f"A{n}/ADU/2026" for n in range(1, 9)]
    others = ["A4/SURAT/2025"] if "/" in note.replace("s/d", "") else []
    found = named_tickets([(note,)], [*tickets, *others])
    assert found == {f"A{n}/ADU/2026" for n in numbers}


def test_a_line_of_a_summary_does_not_ask_for_secrecy():
    assert asks_for_secrecy(("", "* Nomor 11 rahasia", ""))
    assert not asks_for_secrecy(("Rahasia", "3", "2"))
    assert not asks_for_secrecy(("1", "A-1", "05/11/2026", "Rahasia"))
