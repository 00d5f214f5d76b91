"""Renders the Jinja templates of `templates/` in the reader's language and zone."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime
from functools import lru_cache, partial
from types import CodeType, MethodType, SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

from jinja2 import (
    BytecodeCache,
    Environment,
    FileSystemLoader,
    StrictUndefined,
    select_autoescape,
)
from jinja2.bccache import Bucket
from jinja2.nodes import EvalContext
from jinja2.runtime import Context, Macro
from markupsafe import Markup, escape

from settings.errors import LOCALES
from sla.calendar import holiday_name
from tasks.text.catalog import TEMPLATES, Catalog, catalog
from tasks.text.formats import (
    day_text,
    markdown_text,
    moment_text,
    one_line,
    short_day_text,
    weekday_day_text,
)
from tasks.text.incidents import incident_text
from tasks.text.numbers import decimal_text, number_text, percent_text, size_text
from tasks.text.withheld import question_value


class _CompiledTemplates(BytecodeCache):
    """Keeps the code of templates in memory: it is the same for all languages and zones.

    It would not be if a template gave a constant to a filter of a language: Jinja computes such a
    value when it compiles the template. A changed file is compiled again.
    """

    def __init__(self) -> None:
        self._codes: dict[tuple[str, str], CodeType | None] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        """Load the code of a template, if it is known."""
        bucket.code = self._codes.get((bucket.key, bucket.checksum))

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keep the code of a template."""
        self._codes[bucket.key, bucket.checksum] = bucket.code


_COMPILED = _CompiledTemplates()


def compile_templates() -> None:
    """Compile all templates, for the processes forked from this one.

    To compile those of one mail takes as long as to compose fifty.
    """
    environment = _environment(LOCALES[0], ZoneInfo("UTC"))
    for name in environment.list_templates(extensions=["j2"]):
        environment.get_template(name)


class _KeptMacro:
    """A macro of :func:`shared_macros`, with the results of its calls.

    The arguments are compared as objects, because to compare a complaint by its values takes longer
    than the macro. They are kept with the result, so that no other object gets their identity.
    """

    __slots__ = ("_known", "_macro")

    def __init__(self, macro: Macro) -> None:
        self._macro = macro
        self._known: dict[tuple[int, ...], tuple[tuple[Any, ...], str]] = {}

    def __call__(self, eval_ctx: EvalContext, *arguments: Any) -> str:
        """Return the result of a call, as text or as the markup of an HTML template."""
        key = tuple(map(id, arguments))
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = arguments, str(self._macro(*arguments))
        return Markup(found[1]) if eval_ctx.autoescape else found[1]  # noqa: S704 - as `Macro` does


class _FastContext(Context):
    """Calls texts, macros and methods at once.

    Jinja looks up for each call whether the function wants the context. No method that our
    templates call does. A macro wants to know whether it has to escape.
    """

    def call(self, called: Any, /, *arguments: Any, **named: Any) -> Any:
        """Call what a template calls."""
        kind = type(called)
        if kind is Macro or kind is _KeptMacro:
            arguments = (self.eval_ctx, *arguments)
        elif kind is not Catalog and kind is not MethodType:
            return super().call(called, *arguments, **named)
        named.pop("_block_vars", None)
        named.pop("_loop_vars", None)
        return called(*arguments, **named)


class _FastEnvironment(Environment):
    """Jinja's environment with the faster calls."""

    context_class = _FastContext


@lru_cache
def _environment(locale: str, zone: ZoneInfo) -> Environment:
    environment = _FastEnvironment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=select_autoescape(["html.j2"], default=False, default_for_string=False),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        bytecode_cache=_COMPILED,
        auto_reload=False,  # or each file is looked at for each mail
    )
    filters: dict[str, Callable[..., str]] = {
        "day": partial(day_text, locale=locale, zone=zone),
        "short_day": partial(short_day_text, locale=locale, zone=zone),
        "iso_day": lambda text: short_day_text(date.fromisoformat(text), locale, zone),
        "weekday_day": partial(weekday_day_text, locale=locale, zone=zone),
        "iso_moment": lambda text: moment_text(datetime.fromisoformat(text), locale, zone),
        "moment": partial(moment_text, locale=locale, zone=zone),
        "holiday": lambda off, day: holiday_name(day, off, locale),
        "percent": partial(percent_text, locale=locale),
        "decimal": partial(decimal_text, locale=locale),
        "number": partial(number_text, locale=locale),
        "size": partial(size_text, locale=locale),
        "md": markdown_text,
        "sentence": lambda text: str(text)[:1].upper() + str(text)[1:],
        "commands": _with_commands,
        "flat": lambda text: one_line(text, 500),
        "wrap72": _wrapped,
        "question_value": partial(question_value, locale=locale),
        "ill": lambda ill, form: incident_text(ill, form, locale, zone),
    }
    environment.filters.update(filters)
    environment.globals.update(t=catalog(locale), locale=locale)
    return environment


def _with_commands(text: str) -> Markup:
    """Escape a text for HTML and set what is in backquotes, such as a command, in bold."""
    marked = re.sub(r"`([^`]+)`", r"<strong>\1</strong>", str(escape(text)))
    return Markup(marked)  # noqa: S704 - escaped above


def render(template: str, *, locale: str, zone: ZoneInfo, **values: Any) -> str:
    """Render one template with these values."""
    return _environment(locale, zone).get_template(template).render(**values)


def macros(template: str, *, locale: str, zone: ZoneInfo, **values: Any) -> Any:
    """Return the macros of a template, to be called with their arguments.

    A macro returns plain text with spaces around it; nothing is escaped.
    """
    return _environment(locale, zone).get_template(template).make_module(values)


def shared_macros(template: str, *, locale: str, zone: ZoneInfo, **values: Any) -> Any:
    """Return the macros of a template for other templates, which call many of them with the same
    arguments: each result is computed once.
    """
    module = macros(template, locale=locale, zone=zone, **values)
    shared = {
        name: _KeptMacro(value) if type(value) is Macro else value
        for name, value in vars(module).items()
        if not name.startswith("_")
    }
    return SimpleNamespace(**shared)


@lru_cache(maxsize=512)
def _wrapped(text: str | Markup, indent: int = 0) -> str:
    """Return a text in lines of 72 characters: many mails have the same sentences."""
    lines: list[str] = []
    current = ""
    for word in str(text).split():
        if current and len(current) + 1 + len(word) > 72 - indent:
            lines.append(current)
            current = word
        else:
            current = f"{current} {word}".strip()
    return ("\n" + " " * indent).join([*lines, current])
