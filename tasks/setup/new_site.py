"""Write the files of a new site: settings, mappings learned from files, and the directory."""

from __future__ import annotations

import json
import re
import shutil
import string
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from settings.directory import directory_tables
from settings.site import EXAMPLE, load_site
from sla.directory import Directory, OfficeHolder, Role
from tasks.ingest.inference.proposal import REGISTER, Learned, learn
from tasks.setup.unit_proposal import administrator_unit, propose_units
from tasks.setup.workbook_writer import UnitRemark, write_directory
from tasks.text.catalog import TEMPLATES

DIRECTORY_FILE = "direktori.xlsx"
INBOX = "inbox"
NO_OFFICERS_NEEDED = ("desa", "kelurahan")

_NO_SOURCES = {
    "id": "# Belum ada sumber. `tenggat source learn BERKAS` mengusulkan pemetaannya.\n",
    "en": "# There is no source yet. `tenggat source learn FILE` proposes the mapping of a file.\n",
}


@dataclass(frozen=True, slots=True)
class LearnedFile:
    """A file of a source, and the mapping learned from it."""

    path: Path
    learned: Learned


@dataclass(frozen=True, slots=True)
class NewSite:
    """The answers from which a site is made."""

    name: str
    zone: str
    locale: str
    sender: str
    administrator: str
    administrator_email: str
    files: Sequence[LearnedFile] = ()


def learn_file(path: Path, zone: str, taken: Collection[str] = ()) -> LearnedFile:
    """Learn the mapping of a file, as a source with a name that is not taken.

    The name says what the file is: an export of SP4N-LAPOR! or a register, whichever question it
    was the answer to. Raises `tasks.sources.base.UnreadableFile` for a file that cannot be learned.
    """
    learned = learn(path, None, None, zone=zone, register_name=REGISTER)
    if learned.name in taken:
        learned = learn(path, f"{learned.name}_2", None, zone=zone)
    return LearnedFile(path, learned)


def write_site(folder: Path, new: NewSite) -> int:
    """Write a site into a folder, check that it can be loaded, and return the number of its units.

    The files are copied into the inbox of their source. Raises :class:`SettingsError` if the
    result is no site; nothing is left then.
    """
    existed = folder.exists()
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o750)  # names and addresses of officials, and exports with complaints
    try:
        number = _write_directory(folder, new)
        _write_settings(folder, new)
        _write_sources(folder, new)
        load_site(folder)
    except BaseException:
        for path in sorted(folder.iterdir()):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        if not existed:
            folder.rmdir()
        raise
    return number


def _write_directory(folder: Path, new: NewSite) -> int:
    """Write the proposed units and the administrator; return the number of units."""
    names: Counter[str] = Counter()
    for each in new.files:
        names.update(each.learned.units)
    proposed = propose_units(names, new.name)
    responsible = administrator_unit(proposed)
    administrator = OfficeHolder(
        responsible, Role.ADMINISTRATOR, new.administrator, new.administrator_email
    )
    directory = Directory([each.unit for each in proposed], [administrator], NO_OFFICERS_NEEDED)
    for name, text in directory_tables(directory).items():
        (folder / name).write_text(text, encoding="utf-8")
    remarks = {each.unit.id: UnitRemark(each.complaints, each.similar) for each in proposed}
    write_directory(folder / DIRECTORY_FILE, directory, new.locale, remarks)
    return len(proposed)


def _write_settings(folder: Path, new: NewSite) -> None:
    values = {
        "name": new.name,
        "name_capitals": new.name.upper(),
        "zone": new.zone,
        "locale": new.locale,
        "var": f"../{folder.resolve().name}-var",
        "sender": new.sender,
        "sender_name": f"Tenggat {new.name.removeprefix('Pemerintah ')}",
        "list_id": f"tenggat.{new.sender.rpartition('@')[2]}",
    }
    texts = {key: json.dumps(value, ensure_ascii=False) for key, value in values.items()}
    for name in ("site.toml", "report.toml", "holidays.toml"):
        template = (TEMPLATES / "site" / new.locale / name).read_text(encoding="utf-8")
        text = string.Template(template).substitute(texts)
        (folder / name).write_text(text, encoding="utf-8")
    head = (TEMPLATES / "site" / new.locale / "escalation.toml").read_text(encoding="utf-8")
    (folder / "escalation.toml").write_text(f"{head}\n{_ladders()}", encoding="utf-8")


def _ladders() -> str:
    """Return the ladders of the example site without its comments."""
    text = (EXAMPLE / "escalation.toml").read_text(encoding="utf-8")
    lines = (re.sub(r"\s+#.*", "", line) for line in text.splitlines() if line[:1] != "#")
    return "\n".join(lines).strip("\n") + "\n"


def _write_sources(folder: Path, new: NewSite) -> None:
    texts = [each.learned.text_in(new.locale) for each in new.files]
    sources = "\n".join(texts) if texts else _NO_SOURCES[new.locale]
    (folder / "sources.toml").write_text(sources, encoding="utf-8")
    for each in new.files:
        inbox = folder / INBOX / each.learned.name
        inbox.mkdir(parents=True)
        shutil.copy2(each.path, inbox)  # with the time of its last change
