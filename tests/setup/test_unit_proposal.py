"""Units proposed from the names in exports and registers."""

from __future__ import annotations

import pytest

from tasks.common.similar_units import similar_unit
from tasks.setup.unit_proposal import administrator_unit, propose_units

GOVERNMENT = "Pemerintah Kabupaten Rekaan"


def proposed(*names: str) -> dict[str, tuple[str, str, str | None, tuple[str, ...]]]:
    found = propose_units(dict.fromkeys(names, 1), GOVERNMENT)
    return {
        each.unit.id: (each.unit.name, each.unit.kind, each.unit.parent, each.unit.aliases)
        for each in found
    }


@pytest.mark.parametrize(
    "names",
    [
        ("Dinas Sosial Kab. Rekaan", "Dinas Sosial Kabupaten Rekaan"),
        ("DINAS SOSIAL KABUPATEN Rekaan", "dinas sosial"),
        ("Dinas Sosial", "Dinsos"),
        ("Dinas Sosial Rekaan", "Dinsos Kab. Rekaan"),
    ],
)
def test_spellings_of_one_unit_are_its_aliases(names):
    units = proposed(*names)
    assert set(units) == {"kab", "dinsos"}
    name, kind, parent, aliases = units["dinsos"]
    assert (name.casefold(), kind, parent) == ("dinas sosial", "dinas", "kab")
    known = {each.casefold() for each in ("dinsos", name, *aliases)}
    assert {each.casefold() for each in names} <= known


@pytest.mark.parametrize(
    ("names", "number"),
    [
        (("Kecamatan Cimaung", "Kecamatan Cimahi"), 2),  # places differ by a letter
        (("Kec. Cimaung", "Kecamatan Cimaung"), 1),
        (("Dinas Perdagangan dan Perindustrian", "Disperindag"), 1),
        (("Dinas Perumahan dan Kawasan Permukimann", "Perkim"), 2),  # no whole word: a question
        (("Badan Penelitian dan Pengembangan", "Badan Peneltian dan Pengembangan"), 1),
        (("Inspektorat", "Inspektorat Daerah Kab. Rekaan"), 1),
        (("RSUD Melati", "Rumah Sakit Umum Daerah Melati"), 1),
        (("RSUD Melati", "RSUD Mawar"), 2),
        (("SMPN 1 Muara Rekaan Utara", "SMPN 11 Muara Rekaan Utara"), 2),
        (("Balai Latihan Kerja Wilayah I", "Balai Latihan Kerja Wilayah II"), 2),
        (("Pemkab Rekaan", "Kabupaten Rekaan", "PEMERINTAH KABUPATEN REKAAN"), 0),
        (("Kecamatan Rekaan",), 1),
    ],
)
def test_one_unit_or_two(names, number):
    assert len(proposed(*names)) == number + 1


def test_kinds_and_parents_are_guessed():
    units = proposed(
        "Sekretariat Daerah",
        "Bagian Hukum",
        "Kec. Muara",
        "Puskesmas Muara",
        "Dinas Kesehatan",
        "Satpol PP",
        "Perumda Air Minum",
        "Ombudsman Republik Indonesia",
    )
    assert {name: (kind, parent) for name, kind, parent, _ in units.values()} == {
        GOVERNMENT: ("kabupaten", None),
        "Sekretariat Daerah": ("setda", "kab"),
        "Bagian Hukum": ("bagian", "setda"),
        "Kec. Muara": ("kecamatan", "setda"),
        "Puskesmas Muara": ("puskesmas", "dinkes"),
        "Dinas Kesehatan": ("dinas", "kab"),
        "Satpol PP": ("satpol", "kab"),
        "Perumda Air Minum": ("bumd", "kab"),
        "Ombudsman Republik Indonesia": ("lainnya", "kab"),
    }


@pytest.mark.parametrize(
    ("one", "other", "similar"),
    [
        ("Dinas Kesehatan", "Dinas Ketahanan Pangan", False),
        ("Dinas Kesehatan", "Dinas Kehutanan", False),
        ("Dinas Perikanan", "Dinas Pertanian", False),
        ("Dinas Pertanahan", "Dinas Pertanian", False),
        ("Dinas Perhubungan", "Dinas Perkebunan", False),
        ("SDN 1", "SDN 2", False),
        ("SMPN 1 Muara", "SMPN 11 Muara", False),
        ("UPTD Pasar Baru", "UPTD Pasar Lama", False),
        ("Balai Wilayah I", "Balai Wilayah II", False),
        ("Dinas Sosial", "Dinas Sosail", True),
        ("Dinas Kesehatan", "Dinas Kesehatn", True),
        ("Dinas Perkebunan", "Dinas Perkebuan", True),
        ("Dinas Kelautan Tani", "Dinas Kelautan dan Tani", True),
    ],
)
def test_only_names_with_a_typing_error_are_shown_as_similar(one, other, similar):
    found = propose_units({one: 1, other: 1}, GOVERNMENT)
    assert len(found) == 3
    assert any(each.similar for each in found) == similar
    assert similar_unit(one, ["Dinas Rekaan", other]) == (other if similar else None)


def test_similar_names_are_shown_and_not_joined():
    found = propose_units({"Dinas Pendidikan": 3, "Dinas Pendidkan": 1}, GOVERNMENT)
    similar = {each.unit.name: (each.complaints, each.similar) for each in found}
    assert similar["Dinas Pendidikan"] == (3, ["dinas-pendidkan"])
    assert similar["Dinas Pendidkan"] == (1, ["disdik"])


@pytest.mark.parametrize(
    ("names", "unit"),
    [(("Dinas Kominfo", "Dinas Sosial"), "diskominfo"), (("Dinas Sosial",), "kab"), ((), "kab")],
)
def test_who_verifies_reports(names, unit):
    assert administrator_unit(propose_units(dict.fromkeys(names, 1), GOVERNMENT)) == unit


@pytest.mark.parametrize(
    ("government", "top"),
    [("Pemerintah Kota Rekaan", "kota"), ("Pemprov Rekaan", "prov"), ("Otorita Rekaan", "lainnya")],
)
def test_the_government_itself_is_the_top_unit(government, top):
    found = propose_units({"Dinas Sosial": 1}, government)
    tops = [each.unit for each in found if each.unit.parent is None]
    assert [(unit.id, unit.name) for unit in tops] == [(top, government)]
