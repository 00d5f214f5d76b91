"""Words in the names of units: what kind of unit a name is, and its common abbreviations."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

KINDS: dict[str, tuple[str, ...]] = {
    "provinsi": ("pemerintah provinsi", "pemprov", "pemerintah daerah provinsi"),
    "kabupaten": ("pemerintah kabupaten", "pemkab", "kabupaten", "pemerintah daerah kabupaten"),
    "kota": ("pemerintah kota", "pemkot", "kota"),
    "setda": ("sekretariat daerah", "setda"),
    "setwan": ("sekretariat dprd", "sekretariat dewan", "setwan"),
    "inspektorat": ("inspektorat",),
    "satpol": ("satuan polisi pamong praja", "satpol"),
    "rsud": ("rumah sakit", "rsud", "rsu"),
    "puskesmas": ("puskesmas", "pusat kesehatan masyarakat"),
    "bagian": ("bagian",),
    "badan": ("badan",),
    "dinas": ("dinas",),
    "kecamatan": ("kecamatan",),
    "kelurahan": ("kelurahan",),
    "desa": ("desa", "pemerintah desa", "nagari", "gampong", "pekon", "kampung"),
    "bumd": ("perumda", "perusahaan umum daerah", "perusahaan daerah", "pdam", "pt", "perseroda"),
    "sekolah": ("sd", "sdn", "smp", "smpn", "sma", "sman", "smk", "smkn", "tk", "sekolah"),
    "upt": ("upt", "uptd", "balai", "pasar", "terminal"),
}
"""The kinds of unit, with the first words of their names."""

TOP = ("provinsi", "kabupaten", "kota")
"""The kinds of the government itself."""

SINGLE = ("setda", "setwan", "inspektorat", "satpol")
"""Kinds of which a government has one unit."""

PLACES = ("kecamatan", "kelurahan", "desa")

OTHER = "lainnya"
"""The kind of a unit whose name says nothing."""

ABBREVIATIONS: dict[str, str] = {
    "kab": "kabupaten",
    "kec": "kecamatan",
    "kel": "kelurahan",
    "ds": "desa",
    "prov": "provinsi",
    "bag": "bagian",
    "din": "dinas",
    "pkm": "puskesmas",
    "sekda": "setda",
    "&": "dan",
}
"""Words written out before names are compared."""


@dataclass(frozen=True, slots=True)
class CommonUnit:
    """A unit of most governments: its short forms, its kind, and the words of its whole name."""

    id: str
    kind: str
    words: str
    short_forms: tuple[str, ...] = ()


COMMON = (
    CommonUnit("dinsos", "dinas", "sosial"),
    CommonUnit("dinkes", "dinas", "kesehatan"),
    CommonUnit("disdik", "dinas", "pendidikan", ("disdikbud", "dikbud", "dispendik", "dindik")),
    CommonUnit("dukcapil", "dinas", "kependudukan pencatatan sipil", ("disdukcapil", "capil")),
    CommonUnit("dishub", "dinas", "perhubungan"),
    CommonUnit("dlh", "dinas", "lingkungan hidup", ("dinas lh",)),
    CommonUnit("pupr", "dinas", "pekerjaan umum", ("dpupr", "dputr", "dpu", "putr", "dinas pu")),
    CommonUnit("perkim", "dinas", "perumahan permukiman", ("disperkim", "disperkimtan", "dpkp")),
    CommonUnit("diskominfo", "dinas", "komunikasi informatika", ("kominfo", "diskominfotik")),
    CommonUnit("disnaker", "dinas", "ketenagakerjaan", ("disnakertrans", "dinas tenaga kerja")),
    CommonUnit("disperindag", "dinas", "perdagangan perindustrian", ("disdagin",)),
    CommonUnit("dpmptsp", "dinas", "penanaman modal", ("ptsp",)),
    CommonUnit("dpmd", "dinas", "pemberdayaan masyarakat desa", ("pmd",)),
    CommonUnit("dp3a", "dinas", "pemberdayaan perempuan", ("dp3akb", "dppkbp3a", "dp2kbp3a")),
    CommonUnit("distan", "dinas", "pertanian"),
    CommonUnit("disbudpar", "dinas", "pariwisata", ("dispar", "disparbud", "disparpora")),
    CommonUnit("dispora", "dinas", "pemuda raga", ("disporapar",)),
    CommonUnit("dinkop", "dinas", "koperasi", ("diskop", "diskopukm", "dinkopukm")),
    CommonUnit("damkar", "dinas", "pemadam kebakaran"),
    CommonUnit("bpbd", "badan", "penanggulangan bencana"),
    CommonUnit("bapenda", "badan", "pendapatan", ("dispenda",)),
    CommonUnit("bkpsdm", "badan", "kepegawaian", ("bkd", "bkpp", "bkppd", "bkdsdm")),
    CommonUnit("bpkad", "badan", "keuangan", ("bkad", "bpkd", "dppkad")),
    CommonUnit("bappeda", "badan", "perencanaan pembangunan", ("bapperida", "bapelitbang")),
    CommonUnit("kesbangpol", "badan", "kesatuan bangsa", ("bakesbangpol",)),
    CommonUnit("satpolpp", "satpol", "polisi pamong praja", ("satpol", "satpol pp", "polpp")),
    CommonUnit("setda", "setda", "sekretariat daerah"),
    CommonUnit("setwan", "setwan", "sekretariat dprd"),
    CommonUnit("inspektorat", "inspektorat", "inspektorat", ("itda", "inspektorat daerah")),
)
"""Units that nearly every government has, with the abbreviations of their names."""

_SUBJECTS = frozenset(unit.words for unit in COMMON if unit.kind in ("dinas", "badan")) | {
    *("jalan", "jembatan", "drainase", "banjir", "infrastruktur", "transportasi", "lalu lintas"),
    *("air", "air bersih", "listrik", "lampu jalan", "sampah", "kebersihan", "lingkungan"),
    *("perizinan", "pajak", "bantuan sosial", "adminduk", "ekonomi", "keamanan", "ketertiban"),
}
"""Subjects of complaints: the field of a whole unit, and common words beside it."""


def plain_words(name: str, government: Iterable[str] = ()) -> tuple[str, ...]:
    """Return the words of a name for comparison: abbreviations written out, no punctuation.

    `government` are the words of the government's own name, left out at the end: 'Dinas Sosial
    Kab. Bandung' is 'dinas sosial'.
    """
    text = name.casefold().replace("rumah sakit umum daerah", "rsud")
    words = [ABBREVIATIONS.get(part, part) for part in re.findall(r"[^\W_]+|&", text)]
    own, end = set(government), len(words)
    while end > 1 and words[end - 1] in own:
        end -= 1
    if end == 1 and words[0] in PLACES:
        return tuple(words)  # a district with the name of the government
    return tuple(words[:end] if kind_of(words[:end]) != OTHER else words)


def without_government(name: str, government: Iterable[str]) -> str:
    """Return a name as it is written, without the name of the government at its end."""
    own = set(government)
    short = plain_words(name, own)
    pieces = name.split()
    while len(pieces) > 1 and plain_words(" ".join(pieces[:-1]), own) == short:
        pieces.pop()
    return " ".join(pieces).rstrip(" ,-")


def kind_of(words: Iterable[str]) -> str:
    """Return the kind of unit by the first words of its name."""
    text = " ".join(words)
    for kind, beginnings in KINDS.items():
        if any(f"{text} ".startswith(f"{beginning} ") for beginning in beginnings):
            return kind
    common = common_unit(tuple(text.split()))
    return common.kind if common is not None else OTHER


def common_unit(words: tuple[str, ...]) -> CommonUnit | None:
    """Return the common unit that a name means, by an abbreviation or by its words."""
    text = " ".join(words)
    bare = text.removeprefix("dinas ").removeprefix("badan ")
    for unit in COMMON:
        if {text, bare} & {unit.id, *unit.short_forms}:
            return unit
    for unit in COMMON:
        wanted = set(unit.words.split())
        begins = unit.kind if unit.kind in ("dinas", "badan") else ""
        if wanted <= set(words) and (not begins or words[0] == begins):
            return unit
    return None


def is_unit_name(name: str) -> bool:
    """Check whether a text begins as the names of units do, or is a common abbreviation of one."""
    return kind_of(plain_words(name)) != OTHER


def is_subject(text: str) -> bool:
    """Check whether a text is a common subject of complaints, and no name of a unit or a part of
    one: `Kesehatan`, `Jalan`.
    """
    return " ".join(plain_words(text)) in _SUBJECTS
