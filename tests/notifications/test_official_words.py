"""The register of official Indonesian letters: words that no text for people may contain."""

import re
import tomllib
from collections.abc import Iterator
from functools import cache

import pytest
from conftest import REPOSITORY

CALQUES = {
    "pemegang(?! jabatan)": "perangkat daerah penanggung jawab",
    "jabatan tanpa pemegang": "jabatan kosong",
    "menurut pemegang": "rekap per perangkat daerah",
    "anak tangga": "jenjang eskalasi",
    "jatuh tempo": "batas waktu, berakhir",
    "sekarang juga": "segera",
    "perlu konfirmasi": "ketentuan belum diverifikasi Bagian Hukum",
    "mutu data": "kualitas data",
    "(hasil|efektivitas) eskalasi": "penyelesaian setelah pemberitahuan",
    "penerusan": "disposisi",
    "putusan": "penilaian",
    "satu surel memuat semua": "",
    "surel ini menjadi saksi": "",
}
"""Translations word by word, each with the official term in its place."""

OFFICIAL = (
    "perangkat daerah penanggung jawab",
    "jenjang eskalasi",
    "batas waktu",
    "segera",
    "belum diverifikasi Bagian Hukum",
    "Kualitas data",
    "Penyelesaian setelah pemberitahuan",
    "Rekap per perangkat daerah",
    "jabatan kosong",
    "disposisi",
    "penilaian",
)

OFFICES = ("Bupati", "Sekretaris Daerah", "Inspektur", "Pejabat Penghubung", "Kepala Perangkat")
"""Offices have capitals in official letters."""


def strings(value: object) -> Iterator[str]:
    """Yield every text of a TOML file."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for each in value.values() if isinstance(value, dict) else value:
            yield from strings(each)


def indonesian(value: object) -> Iterator[str]:
    """Yield every text with the key `id` of a file with both languages."""
    for each in value if isinstance(value, list) else ():
        yield from indonesian(each)
    for key, each in value.items() if isinstance(value, dict) else ():
        yield from strings(each) if key == "id" else indonesian(each)


@cache
def texts() -> dict[str, str]:
    """Everything that people read in Indonesian, by file: words, templates, laws and documents."""
    folder = REPOSITORY / "templates"
    files = {
        str(path.relative_to(REPOSITORY)): path.read_text(encoding="utf-8")
        for path in sorted(folder.rglob("*"))
        if path.suffix in (".j2", ".typ")
    }
    for path in [
        folder / "words" / "id.toml",
        *sorted((REPOSITORY / "regulations").rglob("*.toml")),
    ]:
        found = tomllib.loads(path.read_text(encoding="utf-8"))
        files[str(path.relative_to(REPOSITORY))] = "\n".join(strings(found))
    for path in sorted((folder / "words" / "cli").rglob("*.toml")):
        found = tomllib.loads(path.read_text(encoding="utf-8"))
        files[str(path.relative_to(REPOSITORY))] = "\n".join(indonesian(found))
    documents = ("mulai-cepat", "operasi", "surel-administrator", "konfigurasi", "perintah")
    for path in (
        *(folder / "site" / "id").iterdir(),
        *(REPOSITORY / "docs" / f"{name}.md" for name in documents),
    ):
        files[str(path.relative_to(REPOSITORY))] = path.read_text(encoding="utf-8")
    return files


@pytest.mark.parametrize("calque", CALQUES)
def test_no_text_has_a_calque(calque):
    wrong = [
        name
        for name, text in texts().items()
        if re.search(rf"\b{calque}\b", text, flags=re.IGNORECASE)
    ]
    assert not wrong, f"write '{CALQUES[calque]}' in the place of '{calque}'"


def test_the_official_terms_are_in_use():
    words = texts()["templates/words/id.toml"]
    assert [term for term in OFFICIAL if term not in words] == []


@pytest.mark.parametrize("context", OFFICES)
def test_offices_have_capitals(context):
    words = texts()["templates/words/id.toml"]
    assert re.findall(rf"\b{context.lower()}\b", words) == []


@pytest.mark.parametrize("locale", ["id", "en"])
def test_titles_of_mails_to_the_administrator_fit_a_subject(locale):
    """A subject has at most 60 characters, and begins with the name of the program."""
    path = REPOSITORY / "templates" / "words" / f"{locale}.toml"
    words = tomllib.loads(path.read_text(encoding="utf-8"))
    titles = [each["title"] for each in words["alert"].values() if isinstance(each, dict)]
    titles += [
        form.format(n="1.234")
        for key in ("subject", "subject_rows")
        for form in words["questions"][key].values()
    ]
    assert [title for title in titles if len(f"[Tenggat] {title}") > 60] == []
