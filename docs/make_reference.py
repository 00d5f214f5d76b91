"""Makes docs/configuration.md out of the models in settings/: `make reference`.

What a key means is the text below it in its model, and the examples are the example site's own
lines or those of docs/sources.md, so nothing here can say anything else than the program does.
"""

from __future__ import annotations

import ast
import inspect
import json
import re
import sys
import textwrap
import types
from collections.abc import Iterator
from datetime import date, datetime, time
from enum import Enum
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import AfterValidator, BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

REPOSITORY = Path(__file__).parent.parent
sys.path.insert(0, str(REPOSITORY))

from settings import calendar, directory, ladder, mapping, report, site, sources
from sla.events import Kind

CONFIG = REPOSITORY / "config"

PLAIN: dict[Any, str] = {
    str: "text",
    int: "whole number",
    float: "number",
    bool: "true or false",
    date: "date",
    datetime: "date and time",
    time: "time of day",
}
NAMED = {
    "_known_zone": "time zone",
    "_time_format": "form of a time",
    "_known_event": "event",
    "_known_days": "list of mon, tue, wed, thu, fri, sat, sun",
}
"""Types that a check of their own makes, by its name."""

OTHER_VARIABLES = {
    "TENGGAT_SITE": "The site's folder, where no `--site` is given; else `config/`.",
    "TENGGAT_COPY_TO": "The URL of the new database, for `tenggat database copy`.",
    "TENGGAT_DEBUG": "With any value an error of the command line is shown whole.",
    "PGBIN": "The folder of `pg_dump`, `pg_restore` and `psql`.",
    "PREFECT_SERVER_API_AUTH_STRING": "The login of Prefect's server, `user:password`; wanted where"
    " `tenggat up --host` leaves loopback. PREFECT_API_AUTH_STRING is the same for workers.",
}

EXAMPLES = {
    "hold": """\
[[hold]]
units = ["kec-*"]
rungs = ["half", "day-before"]
from = 2026-12-01
to = 2026-12-14
reason = "Tanggap darurat banjir, Kep. Bupati 188/2026"
""",
    "remove": """\
[[remove]]
date = 2026-12-24
name = "Cuti bersama Natal"
decree = "Surat Edaran Bupati Contoh Nomor 800/512/2026"
""",
    "rename": """\
[[rename]]
date = 2026-08-25
name = "Maulid Nabi Muhammad SAW 1448 H"
decree = "SKB Menag 1497/2025, Menaker 2/2025, MenPANRB 5/2025"
""",
}
"""Of what the example site has no lines."""


def meanings(model: type[BaseModel]) -> dict[str, str]:
    """The text that stands below each key of a model, or of one that it is made from."""
    found: dict[str, str] = {}
    for each in reversed(model.__mro__):
        if not (issubclass(each, BaseModel) and each.__module__.startswith("settings")):
            continue
        (tree,) = ast.parse(textwrap.dedent(inspect.getsource(each))).body
        assert isinstance(tree, ast.ClassDef)
        for key, below in zip(tree.body, tree.body[1:], strict=False):
            if (
                isinstance(key, ast.AnnAssign)
                and isinstance(key.target, ast.Name)
                and isinstance(below, ast.Expr)
                and isinstance(below.value, ast.Constant)
            ):
                found[key.target.id] = " ".join(str(below.value.value).split())
    return found


def type_of(annotation: Any, metadata: tuple[Any, ...] = ()) -> str:
    """A type in plain words, with its limits."""
    for check in metadata:
        if isinstance(check, AfterValidator) and check.func.__name__ in NAMED:
            return NAMED[check.func.__name__]
    text = _bare(annotation)
    limits = [_limit(check) for check in metadata]
    limits += [_limit(part) for check in metadata for part in getattr(check, "metadata", ())]
    return " ".join([text, *filter(None, limits)])


def _bare(annotation: Any) -> str:
    origin, parts = get_origin(annotation), get_args(annotation)
    if hasattr(annotation, "__metadata__"):
        return type_of(annotation.__origin__, annotation.__metadata__)
    if origin in (Union, types.UnionType):
        kinds = [type_of(part) for part in parts if part is not type(None)]
        return " or ".join(dict.fromkeys(kinds))
    if origin is Literal:
        words = [f"`{part}`" for part in parts if part]
        return f"one of {', '.join(words)}" if len(words) > 1 else words[0]
    if origin is tuple:
        return f"list of {type_of(parts[0])}"
    if origin is dict:
        return f"table of {type_of(parts[0])} = {type_of(parts[1])}"
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return "one of " + ", ".join(f"`{each.value}`" for each in annotation)
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return "table"
    return PLAIN[annotation]


def _limit(check: Any) -> str:
    for name, word in (("ge", "from"), ("gt", "above"), ("le", "to"), ("lt", "below")):
        if getattr(check, name, None) is not None:
            return f"{word} {getattr(check, name)}"
    return ""


def default_of(field: FieldInfo) -> str:
    """What a key is where it is not given, as TOML writes it."""
    if field.is_required():
        return "must be given"
    value = field.get_default(call_default_factory=True)
    if isinstance(value, BaseModel) or value is PydanticUndefined or value in (None, "", (), {}):
        return "–"
    if isinstance(value, tuple) and isinstance(value[0], BaseModel):
        return "see the meaning"
    return f"`{toml(value)}`"


def toml(value: Any) -> str:
    """A value as it stands in a settings file."""
    if isinstance(value, dict):
        pairs = (f"{key} = {toml(each)}" for key, each in value.items())
        return f"{{ {', '.join(pairs)} }}"
    if isinstance(value, tuple):
        return f"[{', '.join(map(toml, value))}]"
    if isinstance(value, Enum):
        return toml(value.value)
    if isinstance(value, bool | str):
        return json.dumps(value, ensure_ascii=False)
    return str(value)


def table(model: type[BaseModel], only: set[str] | None = None) -> Iterator[str]:
    """The keys of a model, a line each."""
    yield "| key | what it takes | without it | meaning |"
    yield "|---|---|---|---|"
    told = meanings(model)
    for name, field in model.model_fields.items():
        if only is None or name in only:
            kind = type_of(field.annotation, tuple(field.metadata))
            cells = (f"`{field.alias or name}`", kind, default_of(field), told[name])
            yield f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"
    yield ""


def own(model: type[BaseModel]) -> set[str]:
    """The keys that a model does not have from the ones that it is made from, or has otherwise."""
    return set(model.__annotations__) & set(model.model_fields)


def intro(model: type[BaseModel]) -> str:
    """The first paragraph of a model's text."""
    text = inspect.cleandoc(model.__doc__ or "").partition("\n\n")[0]
    text = re.sub(r"^(One )?`\[+[\w.]+\]+`[:.]\s*", "", text)  # the heading says so
    return "\n".join(textwrap.wrap(text[:1].upper() + text[1:], 120)) + "\n" if text else ""


def lines_of(file: Path, *headers: str) -> str:
    """These tables of a settings file, as they stand there; `""` is what stands before the first.

    Of tables with the same header it is the first.
    """
    blocks: dict[str, str] = {}
    for block in re.split(r"^(?=\[)", file.read_text("utf-8"), flags=re.MULTILINE):
        header = block.partition("]\n")[0] if block.startswith("[") else ""
        header = re.match(r"\[+([^\]]*)\]+", block)[1] if header else ""  # type: ignore[index]
        kept = re.split(r"\n\s*\n", block)[0] if header else block
        blocks.setdefault(header, kept.strip() + "\n")
    return "\n".join(blocks[header] for header in headers)


def block_with(file: Path, word: str) -> str:
    """The first example in a page of the documentation in which a word stands."""
    blocks = re.findall(r"```toml\n(.*?)```", file.read_text("utf-8"), re.DOTALL)
    return next(block for block in blocks if word in block)


def code(text: str) -> str:
    """An example."""
    return f"```toml\n{text.rstrip()}\n```\n"


def site_toml() -> Iterator[str]:
    """The file that says who the site is."""
    place = CONFIG / "site.toml"
    yield "## site.toml\n\nWho the site is, and how it runs.\n"
    head = lines_of(place, "")
    yield code(head.partition("\n\n")[2] or head)
    tables = {
        name: field.annotation
        for name, field in site.SiteFile.model_fields.items()
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel)
    }
    yield from table(site.SiteFile, set(site.SiteFile.model_fields) - set(tables))
    for name, model in tables.items():
        further = ("schedules.summary",) if name == "schedules" else ()
        yield from section(f"[{name}]", model, lines_of(place, name, *further))
        for key, field in model.model_fields.items():
            inner = field.annotation
            if isinstance(inner, type) and issubclass(inner, BaseModel):
                deeper = f"{name}.{key}"
                example = lines_of(place, deeper) if f"[{deeper}]" in place.read_text() else ""
                yield from section(f"[{deeper}]", inner, example)


def section(
    title: str, model: type[BaseModel], example: str, only: set[str] | None = None
) -> Iterator[str]:
    """A table of a file: what it is, its keys, an example."""
    yield f"### `{title}`\n\n{intro(model)}"
    yield from table(model, only)
    if example:
        yield code(example)


def escalation_toml() -> Iterator[str]:
    """The file that says who is told when."""
    place = CONFIG / "escalation.toml"
    yield (
        "## escalation.toml\n\nWho is told when; [notifications.md](notifications.md) says what"
        " comes of it."
    )
    yield ""
    yield from table(ladder.EscalationFile)
    yield from section("[mail_hours]", ladder.MailHoursTable, lines_of(place, "mail_hours"))
    yield from section("[[ladder]]", ladder.LadderTable, lines_of(place, "ladder", "ladder.rung"))
    yield from section("[[ladder.rung]]", ladder.RungTable, "")
    yield from section("[[hold]]", ladder.HoldTable, EXAMPLES["hold"])


def sources_toml() -> Iterator[str]:
    """The file that says where complaints come from."""
    place, pages = CONFIG / "sources.toml", REPOSITORY / "docs" / "sources.md"
    yield (
        "## sources.toml\n\nWhere complaints come from: a table for each source, by any name."
        " [sources.md](sources.md) shows each kind whole.\n"
    )
    yield "### Every source\n"
    yield from table(mapping.Mapping)
    yield from section("[NAME.fields]", mapping.Fields, lines_of(place, "lapor.fields"))
    yield from section(
        "[NAME.values]", mapping.Values, lines_of(place, "lapor.values.classification")
    )
    word = block_of(place, "lapor.status", "earlier_by")
    yield from section("[[NAME.status]]", mapping.StatusWord, word)
    yield from section(
        "[[NAME.events]]", mapping.EventColumn, block_of(place, "register.events", "unit")
    )
    yield f"The events are {', '.join(f'`{each.value}`' for each in Kind)}.\n"
    folder = lines_of(place, "lapor", "lapor.observed")
    for name, model, example in (
        ("Files in a folder", sources.FolderSource, folder),
        ("Files of another installation", sources.ExchangeSource, block_with(pages, '"exchange"')),
        ("An Open311 server", sources.Open311Source, block_with(pages, '"open311"')),
        ("A database", sources.SqlSource, block_with(pages, '"sql"')),
        ("A mailbox", sources.MailboxSource, block_with(pages, '"imap"')),
    ):
        yield f"### {name}\n\n{intro(model)}"
        yield from table(model, own(model))
        yield code(example)
        if model is sources.FolderSource:
            yield from section("[NAME.observed]", sources.Observed, "")


def block_of(file: Path, header: str, word: str) -> str:
    """The first table of this name in which a word stands."""
    blocks = re.split(r"^(?=\[)", file.read_text("utf-8"), flags=re.MULTILINE)
    found = next(b for b in blocks if b.startswith((f"[[{header}]]", f"[{header}]")) and word in b)
    return re.split(r"\n\s*\n", found)[0]


def report_toml() -> Iterator[str]:
    """The file with the letterhead."""
    place = CONFIG / "report.toml"
    yield "## report.toml\n\nThe letterhead of a report and who signs it. The file may be absent.\n"
    yield from section("[letterhead]", report.LetterheadTable, lines_of(place, "letterhead"))
    yield from section("[signature]", report.SignatureTable, lines_of(place, "signature"))


def holidays_toml() -> Iterator[str]:
    """The file with the site's own days off."""
    place = CONFIG / "holidays.toml"
    yield (
        "## holidays.toml\n\nDays off that the package `holidays` does not know or knows otherwise."
        " The file may be absent. It is laid over the package's days in this order: remove, rename,"
        " add.\n"
    )
    yield from section("[[add]]", calendar.Addition, lines_of(place, "add"))
    yield from section("[[remove]]", calendar.Removal, EXAMPLES["remove"])
    yield from section("[[rename]]", calendar.Renaming, EXAMPLES["rename"])


def directory_csv() -> Iterator[str]:
    """The file with units and people."""
    yield (
        "## directory.csv\n\nUnits, and who holds which office: a line for each tenure, or for a"
        " unit alone. Commas or semicolons, UTF-8. A line that names a unit again describes it"
        " alike.\n"
    )
    yield "| column | meaning |\n|---|---|"
    for name, told in directory.COLUMNS.items():
        yield f"| `{name}` | {told.replace('|', chr(92) + '|')} |"
    for name, told in directory.OPTIONAL.items():
        yield f"| `{name}` | {told} The column may be left out. |"
    header, first, *_ = (CONFIG / "directory.csv").read_text("utf-8").splitlines()
    yield f"\n```\n{header}\n{first}\n```\n"


def variables() -> Iterator[str]:
    """What stands in the environment."""
    yield (
        "## Variables of the environment\n\nWhat has a password in it stands here and in no file."
        " Where several sites share a machine, the name with the site's folder in capitals is that"
        " site's alone, and wins: TENGGAT_MAIL_URL_CONTOHKAB.\n"
    )
    yield "| variable | meaning |\n|---|---|"
    for name, told in meanings(site.Secrets).items():
        yield f"| TENGGAT_{name.upper()} | {told} |"
    for name, told in OTHER_VARIABLES.items():
        yield f"| {name} | {told} |"
    yield ""


def page() -> str:
    """The whole reference."""
    parts = [
        "# Configuration\n",
        "<!-- Made by `make reference` from settings/: change it there. -->\n",
        "A site is a folder with these files; [config/](../config/) is one. An unknown key is a"
        "\nmistake, never ignored. Regulations have files of their own: [regulations.md]"
        "(regulations.md).\n",
    ]
    for file in (
        site_toml, sources_toml, directory_csv, escalation_toml, report_toml, holidays_toml,
        variables,
    ):  # fmt: skip
        parts += file()
    return "\n".join(parts).rstrip() + "\n"


if __name__ == "__main__":
    (REPOSITORY / "docs" / "configuration.md").write_text(page(), encoding="utf-8")
