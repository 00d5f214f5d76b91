"""Offices are addressed by their titles, as official letters do."""

import pytest
from conftest import example_site

from settings.site import load_site
from sla.directory import OfficeHolder, Role, Unit
from tasks.text.titles import office_title, offices_title

SITE = "Pemerintah Kabupaten Contoh"


@pytest.mark.parametrize(
    ("role", "unit", "title"),
    [
        (Role.REGENT, SITE, "Bupati Contoh"),
        (Role.REGIONAL_SECRETARY, SITE, "Sekretaris Daerah Kabupaten Contoh"),
        (Role.INSPECTOR, "Inspektorat Daerah", "Inspektur Kabupaten Contoh"),
        (Role.HEAD_OF_UNIT, "Dinas Sosial", "Kepala Dinas Sosial"),
        (Role.HEAD_OF_UNIT, "Kecamatan Contoh Utara", "Camat Contoh Utara"),
        (Role.HEAD_OF_UNIT, "Kelurahan Salo", "Lurah Salo"),
        (Role.HEAD_OF_UNIT, "Desa Muara", "Kepala Desa Muara"),
        (Role.HEAD_OF_UNIT, "RSUD Contoh Sehat", "Direktur RSUD Contoh Sehat"),
        (Role.HEAD_OF_UNIT, "Sekretariat Daerah", "Sekretaris Daerah"),
        (Role.LIAISON, "Dinas Sosial", "Pejabat Penghubung Dinas Sosial"),
    ],
)
def test_a_title_comes_from_the_role_and_the_unit(role, unit, title):
    holder = OfficeHolder("x", role, "N", "n@a.example")
    assert office_title(holder, site=SITE, unit=unit, locale="id") == title


@pytest.mark.parametrize(
    ("site", "title"),
    [("Pemerintah Kota Contoh", "Wali Kota Contoh"), ("Provinsi Contoh", "Gubernur Contoh")],
)
def test_the_head_of_a_city_or_a_province_has_another_title(site, title):
    holder = OfficeHolder("x", Role.REGENT, "N", "n@a.example")
    assert office_title(holder, site=site, unit=site, locale="id") == title


def test_a_deputy_is_plt_and_a_given_title_wins():
    deputy = OfficeHolder("x", Role.HEAD_OF_UNIT, "N", "n@a.example", deputy=True)
    assert office_title(deputy, site=SITE, unit="Dinas Sosial", locale="id") == (
        "Plt. Kepala Dinas Sosial"
    )
    given = OfficeHolder("x", Role.HEAD_OF_UNIT, "N", "n@a.example", title="Kepala Pelaksana BPBD")
    assert office_title(given, site=SITE, unit="BPBD", locale="id") == "Kepala Pelaksana BPBD"


@pytest.mark.parametrize(
    ("units", "title"),
    [
        (("Dinas Sosial",), "Kepala Dinas Sosial"),
        (("DLH", "DPMPTSP", "BPBD"), "Kepala DLH, Kepala DPMPTSP dan Kepala BPBD"),
        (("Dinas Kependudukan dan Pencatatan Sipil", "Dinas Kesehatan"), ""),  # too long
    ],
)
def test_a_person_with_several_offices_has_all_their_titles_if_they_are_short(units, title):
    held = [OfficeHolder(unit, Role.HEAD_OF_UNIT, "N", "n@a.example") for unit in units]
    found = offices_title(held, site=SITE, name_of=str, locale="id")
    assert found == (title or "Kepala Dinas Kependudukan dan Pencatatan Sipil")


@pytest.mark.parametrize(
    ("name", "aliases", "given", "short"),
    [
        ("Dinas Sosial", ("Dinsos",), "", "Dinas Sosial"),  # short enough
        ("Dinas Lingkungan Hidup", ("DLH", "Dinas LH"), "", "DLH"),
        ("Dinas Lingkungan Hidup", (), "", "Dinas Lingkungan Hidup"),
        ("Dinas Lingkungan Hidup", ("OPD-7",), "Dinas LH", "Dinas LH"),
    ],
)
def test_a_unit_has_a_short_name_for_subjects(name, aliases, given, short):
    assert Unit("x", name, "dinas", None, aliases, given).short_name == short


def test_the_directory_gives_short_names_and_titles(tmp_path):
    site = example_site(tmp_path / "site")
    for name, column, value in (
        ("units.csv", "short_name", "Dinas Kerja"),
        ("officers.csv", "title", "Kadis PUPR"),
    ):
        header, *rows = (site / name).read_text("utf-8").splitlines()
        rows = [f"{row},{value if row.startswith('pupr,') else ''}" for row in rows]
        (site / name).write_text("\n".join([f"{header},{column}", *rows]) + "\n", encoding="utf-8")
    directory = load_site(site).directory
    assert directory.short_name_of("pupr") == "Dinas Kerja"
    assert {each.title for each in directory.offices if each.unit == "pupr"} == {"Kadis PUPR"}
    assert directory.short_name_of("gone") == "gone"
