"""`tenggat init`: begin a site from six answers, an export and a register."""

from __future__ import annotations

import filecmp
import re
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar
from zoneinfo import ZoneInfo

import typer

from cli import console
from cli.console import UsageError, escape
from cli.language.translation import translated
from cli.language.words import language, say
from cli.learned import remarks
from settings.mail_address import address_of_person, is_address

if TYPE_CHECKING:  # loads much: functions import it only when needed
    from tasks.ingest.inference.proposal import Learned
    from tasks.setup.new_site import LearnedFile

ZONES = {"WIB": "Asia/Jakarta", "WITA": "Asia/Makassar", "WIT": "Asia/Jayapura"}
_PERSON = re.compile(r"(?P<name>[^<>@]*)<(?P<email>[^<>]+)>")

Answer = TypeVar("Answer")


def init(
    folder: Annotated[Path, typer.Argument(help="Folder of the new site.", metavar="DIR")] = Path(
        "situs"
    ),
    name: Annotated[str | None, typer.Option(help="Name of the government.")] = None,
    zone: Annotated[str | None, typer.Option(help="WIB, WITA, WIT, or a time zone.")] = None,
    sender: Annotated[
        str | None, typer.Option(help="Sender address of the mails.", metavar="ADDRESS")
    ] = None,
    administrator: Annotated[
        str | None, typer.Option(help="Administrator: 'Name <address>'.", metavar="ADDRESS")
    ] = None,
    export: Annotated[
        Path | None, typer.Option(help="An export of SP4N-LAPOR!.", metavar="FILE")
    ] = None,
    register: Annotated[
        Path | None, typer.Option(help="A register of complaints.", metavar="FILE")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Ask nothing; use the options given.")] = False,
) -> None:
    """Begin a site with six questions.

    Writes the files of a site that runs, in trial. Learns the mappings of an export and of a
    register, and proposes the units from the names in them. Writes direktori.xlsx, in which the
    names and mail addresses of officials are filled in. Refuses a folder with files in it.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError(say("init.exists", folder=folder))
    from tasks.setup.new_site import NewSite, write_site  # noqa: PLC0415

    def ask(question: str, given: str | None, read: Callable[[str], Answer], usual: str) -> Answer:
        return _ask(question, given, read, usual, asks=not yes)

    government = ask("name", name, _text, "")
    local = ask("zone", zone, _zone, "WIB")
    address = ask("sender", sender, _address, "")
    person, email = ask("administrator", administrator, _person, "")
    files: list[LearnedFile] = []
    for question, given in (("export", export), ("register", register)):
        read = partial(_file, zone=local, given=files)
        found = ask(question, str(given or ""), read, "")
        if found is not None:
            files.append(found)
            _say_other_kind(question, found)
    new = NewSite(
        name=government,
        zone=local,
        locale=language(),
        sender=address,
        administrator=person or say("init.administrator"),
        administrator_email=email,
        files=files,
    )
    lines = [line for file in files for line in _source_lines(file.learned, folder)]
    _report(folder, write_site(folder, new), lines)  # after a fault above, nothing is written


def _ask(
    question: str, given: str | None, read: Callable[[str], Answer], usual: str, *, asks: bool
) -> Answer:
    """Return an answer: the option, else what the person types, asked again after a mistake."""
    if given or not asks:
        return read(given or usual)
    while True:
        text = typer.prompt(
            say(f"init.questions.{question}"), default=usual, show_default=bool(usual)
        )
        try:
            return read(text.strip())
        except UsageError as error:
            console.err.print(escape(translated(str(error))))


def _text(text: str) -> str:
    if not text:
        raise UsageError(say("init.mistakes.name"))
    return " ".join(text.split())


def _zone(text: str) -> str:
    name = ZONES.get(text.upper(), text)
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise UsageError(say("init.mistakes.zone")) from None
    return name


def _address(text: str) -> str:
    if not is_address(text):
        raise UsageError(say("init.mistakes.sender"))
    return text


def _person(text: str) -> tuple[str, str]:
    """Read 'Name <address>' or a bare address."""
    found = _PERSON.fullmatch(text)
    name, email = (found["name"].strip(), found["email"].strip()) if found else ("", text)
    if not is_address(email, address_of_person):
        raise UsageError(say("init.mistakes.administrator"))
    return name, email


def _file(text: str, zone: str, given: Sequence[LearnedFile]) -> LearnedFile | None:
    """Learn the mapping of the file at a path; nothing means that there is none.

    Refuses a file that was already given: its complaints would be counted twice.
    """
    from tasks.ingest.inference.unlearnable import UnlearnableFile  # noqa: PLC0415
    from tasks.setup.new_site import learn_file  # noqa: PLC0415
    from tasks.sources.base import UnreadableFile  # noqa: PLC0415

    text = text.strip("\"' ")
    if not text or text == "-":
        return None
    path = Path(text).expanduser()
    if not path.is_file():
        raise UsageError(say("init.mistakes.file", file=path))
    if any(filecmp.cmp(path, each.path, shallow=False) for each in given):
        raise UsageError(say("init.mistakes.twice", file=path))
    try:
        return learn_file(path, zone, [each.learned.name for each in given])
    except UnlearnableFile as error:
        raise UsageError(error.text(language())) from None
    except UnreadableFile as error:
        raise UsageError(str(error)) from None


def _say_other_kind(question: str, file: LearnedFile) -> None:
    """Print that a file is a register and not an export, or an export and not a register."""
    is_export = file.learned.name.startswith("lapor")
    if is_export != (question == "export"):
        kind = "export" if is_export else "register"
        text = say(f"init.other_kind.{kind}", file=file.path)
        console.out.print(escape(text), soft_wrap=True)


def _source_lines(learned: Learned, folder: Path) -> list[str]:
    """Return what a source has, and what to check in it."""
    values = {"name": learned.name, "readable": learned.readable, "rows": learned.rows}
    checks = (f"                  {each}" for each in remarks(learned, learned.name, folder))
    return [say("init.source", **values), *checks]


def _report(folder: Path, units: int, sources: Sequence[str]) -> None:
    """Print what the site has, and what to do next."""
    lines = [say("init.done", folder=folder), *sources, say("init.units", n=units), ""]
    lines.append(say("init.next", folder=folder))
    console.out.print(escape("\n".join(lines)), soft_wrap=True)
