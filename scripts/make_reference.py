"""Generate docs/configuration.md and docs/konfigurasi.md from the models in settings/.

`make reference` runs this. The English texts are those of the models and of this file;
`templates/words/cli/configuration.toml` has the Indonesian text for each of them.

The meaning of a key is the text below it in its model. The examples are lines of the example site,
with their comments in the language of the page, or of docs/sources.md and its Indonesian form. The
page therefore always agrees with the program.
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
from functools import cache
from pathlib import Path
from typing import Any, ClassVar, Literal, Union, get_args, get_origin

from pydantic import AfterValidator, BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

REPOSITORY = Path(__file__).parent.parent
sys.path.insert(0, str(REPOSITORY))

from cli.language.words import table as words
from settings import calendar, directory, escalation, mapping, report, site, sources
from sla.events import Kind

CONFIG = REPOSITORY / "examples" / "kabupaten-contoh"

PAGES = {"en": "configuration.md", "id": "konfigurasi.md"}
"""The page of each language, in docs/."""

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
    "_time_format": "time format",
    "_known_event": "event",
    "_known_days": "list of mon, tue, wed, thu, fri, sat, sun",
}
"""Types with a check of their own, by the name of the check."""

OTHER_VARIABLES = {
    "TENGGAT_SITE": "The site's folder, if `--site` is not given; the default is"
    " `examples/kabupaten-contoh/`.",
    "TENGGAT_LANG": "The language of the command line, `id` or `en`, if `--lang` is not given; else"
    " it is that of the site or of the terminal.",
    "TENGGAT_COPY_TO": "The URL of the new database, for `tenggat database copy`.",
    "TENGGAT_DEBUG": "With any value, unexpected errors are shown with a traceback.",
    "PGBIN": "The folder of `pg_dump`, `pg_restore` and `psql`.",
    "TENGGAT_HOSTS": "Further host names under which Prefect's server answers, separated by"
    " commas.",
    "TENGGAT_WATCH_LOGIN": "A second login of the Prefect UI, `user:password`. It may read, and"
    " answer the form of a storm, and change nothing else.",
    "TENGGAT_REDIS_URL": "The address of Redis for `tenggat up --servers`,"
    " `redis://:PASSWORD@HOST:PORT/NUMBER`.",
    "TENGGAT_REHEARSAL": "With any value, runs of this service may pretend a later time (`now`,"
    " `as_of`), and a jump of the clock is not checked. Only for a trial: such a run sends mails"
    " about deadlines that have not passed.",
    "TENGGAT_AUTOMATION_SECONDS": "The interval at which Prefect's server looks for missing"
    " events.",
    "TENGGAT_SERVER_CHECK_SECONDS": "The interval at which Prefect's server looks for its"
    " background tasks.",
    "TENGGAT_HEALTH_SECONDS": "The interval at which `tenggat up` asks whether its server answers.",
    "TENGGAT_STALE_SECONDS": "The interval at which `tenggat up` looks for crashed and"
    " missed runs.",
    "PREFECT_SERVER_API_AUTH_STRING": "The login of Prefect's server, `user:password`; without it"
    " `tenggat up` makes one. PREFECT_API_AUTH_STRING is the same for workers elsewhere.",
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
"""Examples for tables missing in the example site."""


COMMENT = re.compile(r"^(.+? # )(.*)$", re.MULTILINE)
"""A line with a comment behind its key, or behind a key that is a comment itself."""


class Translation:
    """The language of the page that is being made, and its texts by the English ones."""

    texts: ClassVar[dict[str, str] | None] = None
    """None for the English page."""
    used: ClassVar[set[str]] = set()

    @classmethod
    def of(cls, text: str) -> str:
        """Return a text in the language of the page, or the English one if there is none."""
        cls.used.add(text)
        return text if cls.texts is None else cls.texts.get(text, text)

    @classmethod
    def missing(cls) -> list[str]:
        """Return the texts of the last page without one in its language."""
        return sorted(filter(None, cls.used - set(cls.texts or cls.used)))


tr = Translation.of


@cache
def meanings(model: type[BaseModel]) -> dict[str, str]:
    """Return the text below each key of a model, including the keys of its base models."""
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
    """Describe a type in plain words, with its limits."""
    for check in metadata:
        if isinstance(check, AfterValidator) and check.func.__name__ in NAMED:
            return tr(NAMED[check.func.__name__])
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
        return f" {tr('or')} ".join(dict.fromkeys(kinds))
    if origin is Literal:
        names = [f"`{part}`" for part in parts if part]
        return f"{tr('one of')} {', '.join(names)}" if len(names) > 1 else names[0]
    if origin is tuple:
        return f"{tr('list of')} {type_of(parts[0])}"
    if origin is dict:
        return f"{tr('table of')} {type_of(parts[0])} = {type_of(parts[1])}"
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return f"{tr('one of')} " + ", ".join(f"`{each.value}`" for each in annotation)
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return tr("table")
    return tr(PLAIN[annotation])


def _limit(check: Any) -> str:
    for name, word in (("ge", "from"), ("gt", "above"), ("le", "to"), ("lt", "below")):
        if getattr(check, name, None) is not None:
            return f"{tr(word)} {getattr(check, name)}"
    return ""


def default_of(field: FieldInfo) -> str:
    """Return the default of a key, written as in TOML."""
    if field.is_required():
        return tr("required")
    value = field.get_default(call_default_factory=True)
    if isinstance(value, BaseModel) or value is PydanticUndefined or value in (None, "", (), {}):
        return "–"
    if isinstance(value, tuple) and isinstance(value[0], BaseModel):
        return tr("see the meaning")
    return f"`{toml(value)}`"


def toml(value: Any) -> str:
    """Write a value as in a settings file."""
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
    """Yield the table of the keys of a model, one line per key."""
    yield tr("| key | type | default | meaning |")
    yield "|---|---|---|---|"
    told = meanings(model)
    for name, field in model.model_fields.items():
        if only is None or name in only:
            kind = type_of(field.annotation, tuple(field.metadata))
            cells = (f"`{field.alias or name}`", kind, default_of(field), tr(told[name]))
            yield f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"
    yield ""


def own(model: type[BaseModel]) -> set[str]:
    """Return the keys that a model adds to its base models or overrides."""
    return set(model.__annotations__) & set(model.model_fields)


def intro(model: type[BaseModel]) -> str:
    """Return the first paragraph of a model's docstring, without the name of the table."""
    text = inspect.cleandoc(model.__doc__ or "").partition("\n\n")[0]
    text = re.sub(r"^(One )?`\[+[\w.]+\]+`[:.]\s*", "", text)  # the heading has it
    text = tr(" ".join((text[:1].upper() + text[1:]).split()))
    return "\n".join(textwrap.wrap(text, 120)) + "\n" if text else ""


def translated(toml: str) -> str:
    """Return an example with the comments behind its keys in the language of the page."""
    return COMMENT.sub(lambda found: found[1] + tr(found[2]), toml)


def lines_of(file: Path, *headers: str) -> str:
    """Return these tables of a settings file as text; `""` means the part before the first table.

    If several tables have the same header, the first one is used.
    """
    blocks: dict[str, str] = {}
    for block in re.split(r"^(?=\[)", file.read_text("utf-8"), flags=re.MULTILINE):
        header = block.partition("]\n")[0] if block.startswith("[") else ""
        header = re.match(r"\[+([^\]]*)\]+", block)[1] if header else ""  # type: ignore[index]
        kept = re.split(r"\n\s*\n", block)[0] if header else block
        blocks.setdefault(header, kept.strip() + "\n")
    return translated("\n".join(blocks[header] for header in headers))


def block_with(file: Path, word: str) -> str:
    """Return the first example in a page of the documentation that contains a word."""
    blocks = re.findall(r"```toml\n(.*?)```", file.read_text("utf-8"), re.DOTALL)
    return next(block for block in blocks if word in block)


def code(text: str) -> str:
    """Return an example as a TOML code block."""
    return f"```toml\n{text.rstrip()}\n```\n"


def site_toml() -> Iterator[str]:
    """Yield the section about the file with the identity and the settings of the site."""
    place = CONFIG / "site.toml"
    yield "## site.toml\n"
    yield tr("The identity of the site, and the settings of its runs.") + "\n"
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
    """Yield the section of a table of a file: its purpose, its keys, an example."""
    yield f"### `{title}`\n\n{intro(model)}"
    yield from table(model, only)
    if example:
        yield code(example)


def escalation_toml() -> Iterator[str]:
    """Yield the section about the file with the recipients of notices."""
    place = CONFIG / "escalation.toml"
    yield "## escalation.toml\n"
    yield (
        tr("The recipients of notices, and when: see [notifications.md](notifications.md).") + "\n"
    )
    yield from table(escalation.EscalationFile)
    yield from section("[mail_hours]", escalation.MailHoursTable, lines_of(place, "mail_hours"))
    yield from section(
        "[[ladder]]", escalation.LadderTable, lines_of(place, "ladder", "ladder.rung")
    )
    yield from section("[[ladder.rung]]", escalation.RungTable, "")
    yield from section("[[hold]]", escalation.HoldTable, EXAMPLES["hold"])


def sources_toml() -> Iterator[str]:
    """Yield the section about the file with the sources of complaints."""
    place, pages = CONFIG / "sources.toml", REPOSITORY / "docs" / tr("sources.md")
    yield "## sources.toml\n"
    yield (
        tr(
            "The sources of complaints: one table for each source, with any name. "
            "[sources.md](sources.md) has a complete example of each kind."
        )
        + "\n"
    )
    yield f"### {tr('Every source')}\n"
    yield from table(mapping.SourceMapping)
    yield from section("[NAME.fields]", mapping.Fields, lines_of(place, "lapor.fields"))
    yield from section(
        "[NAME.values]", mapping.Values, lines_of(place, "lapor.values.classification")
    )
    word = block_of(place, "lapor.status", "earlier_by")
    yield from section("[[NAME.status]]", mapping.StatusWord, word)
    yield from section(
        "[[NAME.events]]", mapping.EventColumn, block_of(place, "register.events", "unit")
    )
    yield f"{tr('The events are')} {', '.join(f'`{each.value}`' for each in Kind)}.\n"
    examples = {"folder": lines_of(place, "lapor", "lapor.observed")}
    for model in sources.MODELS.values():
        example = examples.get(model.kind) or block_with(pages, f'"{model.kind}"')
        yield f"### {tr(model.title)}\n\n{intro(model)}"
        yield from table(model, own(model))
        yield code(example)
        if model is sources.FolderSource:
            yield from section("[NAME.observed]", sources.Observed, "")


def block_of(file: Path, header: str, word: str) -> str:
    """Return the first table with this name that contains a word."""
    blocks = re.split(r"^(?=\[)", file.read_text("utf-8"), flags=re.MULTILINE)
    found = next(b for b in blocks if b.startswith((f"[[{header}]]", f"[{header}]")) and word in b)
    return translated(re.split(r"\n\s*\n", found)[0])


def report_toml() -> Iterator[str]:
    """Yield the section about the file with the letterhead."""
    place = CONFIG / "report.toml"
    yield "## report.toml\n"
    yield tr("The letterhead and the signature of a report. The file is optional.") + "\n"
    yield from section("[letterhead]", report.LetterheadTable, lines_of(place, "letterhead"))
    yield from section("[signature]", report.SignatureTable, lines_of(place, "signature"))


def holidays_toml() -> Iterator[str]:
    """Yield the section about the file with the site's own days off."""
    place = CONFIG / "holidays.toml"
    yield "## holidays.toml\n"
    yield (
        tr(
            "Corrections of the days off in the package `holidays`. The file is optional. The"
            " corrections are applied in this order: remove, rename, add."
        )
        + "\n"
    )
    yield from section("[[add]]", calendar.Addition, lines_of(place, "add"))
    yield from section("[[remove]]", calendar.Removal, EXAMPLES["remove"])
    yield from section("[[rename]]", calendar.Renaming, EXAMPLES["rename"])


def units_csv() -> Iterator[str]:
    """Yield the section about the file with the units."""
    yield "## units.csv\n"
    yield tr("The units, one line each. Commas or semicolons, UTF-8.") + "\n"
    yield from csv_columns(directory.UNITS_FILE, directory.UNIT_COLUMNS, directory.UNIT_OPTIONAL)


def officers_csv() -> Iterator[str]:
    """Yield the section about the file with the officials."""
    yield "## officers.csv\n"
    yield (
        tr(
            "The officials, one line for each tenure of a role at a unit. Commas or "
            "semicolons, UTF-8."
        )
        + "\n"
    )
    yield from csv_columns(
        directory.OFFICERS_FILE, directory.OFFICER_COLUMNS, directory.OFFICER_OPTIONAL
    )


def csv_columns(file: str, required: dict[str, str], optional: dict[str, str]) -> Iterator[str]:
    """Yield the columns of a CSV file and the first lines of the example's."""
    yield f"{tr('| column | meaning |')}\n|---|---|"
    for name, told in required.items():
        yield f"| `{name}` | {tr(told).replace('|', chr(92) + '|')} |"
    for name, told in optional.items():
        yield f"| `{name}` | {tr(told)} {tr('The column may be left out.')} |"
    header, first, *_ = (CONFIG / file).read_text("utf-8").splitlines()
    yield f"\n```\n{header}\n{first}\n```\n"


def variables() -> Iterator[str]:
    """Yield the section about the environment variables."""
    yield f"## {tr('Variables of the environment')}\n"
    yield (
        tr(
            "URLs with a password belong here and never in a file. If several sites share a "
            "machine, append the name of the site's folder in capitals: the variable is then "
            "only for that site and has priority, as in TENGGAT_MAIL_URL_CONTOHKAB."
        )
        + "\n"
    )
    yield f"{tr('| variable | meaning |')}\n|---|---|"
    for name, told in meanings(site.Secrets).items():
        yield f"| TENGGAT_{name.upper()} | {tr(told)} |"
    for name, told in OTHER_VARIABLES.items():
        yield f"| {name} | {tr(told)} |"
    yield ""


def page(locale: str) -> str:
    """Return the whole reference in a language."""
    pairs = words("configuration")["pair"]
    Translation.texts = None if locale == "en" else {pair["en"]: pair[locale] for pair in pairs}
    parts = [
        f"# {tr('Configuration')}\n",
        tr("<!-- Generated by `make reference` from settings/: edit it there. -->") + "\n",
        tr(
            "A site is a folder with these files; [examples/kabupaten-contoh/]"
            "(../examples/kabupaten-contoh/) is an example. An unknown key"
            "\nis an error. Regulations have their own files: [regulations.md](regulations.md)."
        )
        + "\n",
    ]
    for file in (
        site_toml,
        sources_toml,
        units_csv,
        officers_csv,
        escalation_toml,
        report_toml,
        holidays_toml,
        variables,
    ):
        parts += file()
    return "\n".join(parts).rstrip() + "\n"


if __name__ == "__main__":
    for locale, name in PAGES.items():
        Translation.used.clear()
        (REPOSITORY / "docs" / name).write_text(page(locale), encoding="utf-8")
        for text in Translation.missing():
            print(f'templates/words/cli/configuration.toml has no pair for: "{text}"')
