"""The schema of regulation files: the allowed keys, their types, and an example of each."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterator, Mapping
from datetime import date
from typing import Any, NamedTuple

from sla.error_text import did_you_mean

Found = tuple[tuple[str | int, ...], str]
"""The path of a mistake in a table, and its text."""


class Key(NamedTuple):
    """The type of a key in TOML, the same in words, and an example."""

    shape: type
    words: str
    example: str


_TEXT = (str, "a text in quotes")
_EVENTS = (list, "a list of events in quotes")
_TEXTS = (dict, "a table of texts")
_NEW_KEYS = {
    "in_force": Key(dict, "a table of days", "{ from = 2027-01-01, to = 2027-12-31 }"),
    "basis": Key(*_TEXT, '"Peraturan Bupati ... Nomor 12 Tahun 2026"'),
}
HEAD: Mapping[str, Key] = {
    "key": Key(*_TEXT, '"perbup-12-2026"'),
    "title": Key(*_TEXT, '"Undang-Undang Nomor 25 Tahun 2009 tentang Pelayanan Publik"'),
    "citation": Key(*_TEXT, '"UU 25/2009"'),
    "url": Key(*_TEXT, '"https://peraturan.bpk.go.id/..."'),
    "note": Key(
        *_TEXTS, '{ id = "Berlaku sejak diundangkan.", en = "In force from its promulgation." }'
    ),
    "overrides": Key(*_TEXT, '"sp4n"'),
    **_NEW_KEYS,
}
RULE: Mapping[str, Key] = {
    "id": Key(*_TEXT, '"first-follow-up"'),
    "article": Key(*_TEXT, '"Pasal 44 ayat (3)"'),
    "verb": Key(*_TEXTS, '{ id = "jawab pengadu", en = "answer the complainant" }'),
    "label": Key(*_TEXTS, '{ id = "Tanggapan awal", en = "First response" }'),
    "actor": Key(*_TEXT, '"unit"'),
    "starts_on": Key(*_EVENTS, '["received"]'),
    "restarts_on": Key(*_EVENTS, '["reopened"]'),
    "stops_on": Key(*_EVENTS, '["settled"]'),
    "implied_by": Key(*_EVENTS, '["closed"]'),
    "voids": Key(*_EVENTS, '["withdrawn", "archived"]'),
    "pauses": Key(list, "a list of pairs of events", '[["paused", "resumed"]]'),
    "length": Key(int, "a whole number", "5"),
    "unit": Key(*_TEXT, '"working_day"'),
    "certainty": Key(*_TEXT, '"recalled"'),
    "consequence": Key(*_TEXTS, '{ id = "Laporan ditutup.", en = "The report is closed." }'),
    "severity": Key(int, "a whole number from 0 to 3", "2"),
    "applies_when": Key(dict, "a table of lists", '{ classification = ["complaint"] }'),
    "roll": Key(*_TEXT, '"next"'),
    "lapse": Key(*_TEXT, '"closed"'),
    "promised": Key(bool, "true or false", "true"),
    "overrides": Key(*_TEXT, '"sp4n/first-follow-up"'),
    "differs_in": Key(list, "a list of keys in quotes", '["voids", "pauses"]'),
    **_NEW_KEYS,
}
COURSE_KEYS = (
    "actor",
    "starts_on",
    "restarts_on",
    "stops_on",
    "implied_by",
    "voids",
    "pauses",
    "promised",
    "lapse",
)
"""The keys that say what the duty of a rule is, apart from its time."""
INHERITED_KEYS = (
    *COURSE_KEYS,
    "label",
    "verb",
    "unit",
    "roll",
    "applies_when",
)
"""The keys that an override takes from the rule that it replaces, if it leaves them out.

It states its own length, article and certainty. `consequence` and `severity` are not inherited
either: the sanction of a national article is not for missing an earlier local day.
"""
EVENT_KEYS = ("starts_on", "restarts_on", "stops_on", "implied_by", "voids")
_IN_FORCE = ("from", "to", "ended_by")
_LANGUAGES = {"id": "an Indonesian (id)", "en": "an English (en)"}


def shown(value: Any) -> str:
    """Return a value as written in its file, cut to 60 characters."""
    if isinstance(value, bool):
        return str(value).lower()
    text = value.isoformat() if isinstance(value, date) else repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def wrong_keys(
    table: Mapping[str, Any],
    keys: Mapping[str, Key],
    needed: Collection[str],
    elsewhere: Mapping[str, str],
) -> Iterator[Found]:
    """Yield the mistakes in keys: unknown, missing, or with the wrong type.

    `elsewhere` has the keys of other tables and the name of their table.
    """
    meant: set[str] = set()
    for key in table.keys() - keys.keys():
        if key in elsewhere:
            yield (key,), f"`{key}` belongs in {elsewhere[key]}"
            continue
        free = keys.keys() - table.keys()
        meant.update(difflib.get_close_matches(key, free, n=1))
        yield (key,), f"unknown key `{key}`{did_you_mean(key, free or keys)}"
    for key in needed:
        if key not in meant and _empty(table.get(key)):
            place = (key,) if key in table else ()
            yield place, f"`{key}` is missing; write for example {key} = {keys[key].example}"
    for key, value in table.items():
        if key in keys and type(value) is not keys[key].shape:
            yield (key,), must_be(key, value, keys)


def must_be(key: str, value: Any, keys: Mapping[str, Key] = RULE) -> str:
    """Return the text for a value of the wrong type: the value, the right type and an example."""
    wanted = keys[key]
    return f"`{key}` is {shown(value)}; it must be {wanted.words}, as in {key} = {wanted.example}"


def wrong_values(rule: Mapping[str, Any]) -> Iterator[Found]:
    """Yield the mistakes inside the lists and tables of a rule. The types of the keys must be
    right.
    """
    for key in EVENT_KEYS:
        for place, event in enumerate(rule.get(key, [])):
            if not isinstance(event, str):
                yield (key, place), must_be(key, event)
    for place, pair in enumerate(rule.get("pauses", [])):
        if not _is_texts(pair) or len(pair) != 2:
            words = f"a pause is a pair of events, as in {RULE['pauses'].example}"
            yield ("pauses", place), f"{words}, not {shown(pair)}"
    for fact, wanted in rule.get("applies_when", {}).items():
        if not _is_texts(wanted) or not wanted:
            words = f'it must be a list of texts, as in {fact} = ["..."]'
            yield ("applies_when", fact), f"`applies_when.{fact}` is {shown(wanted)}; {words}"
    yield from wrong_texts(rule, ("label", "verb", "consequence"), RULE)


def wrong_texts(
    table: Mapping[str, Any], names: Collection[str], keys: Mapping[str, Key]
) -> Iterator[Found]:
    """Yield the mistakes in texts, of which there is one in each language.

    Texts of the wrong type are left out: they are reported as such.
    """
    for key in names:
        texts = table.get(key, {})
        if not isinstance(texts, dict):
            continue
        for language in _LANGUAGES if texts else ():
            if _empty(texts.get(language)):
                words = f"`{key}` lacks {_LANGUAGES[language]} text"
                yield (key,), f"{words}, as in {key} = {keys[key].example}"
        for language, text in texts.items():
            if language not in _LANGUAGES:
                yield (key, language), f"`{key}.{language}` is no language here; known are id, en"
            elif not isinstance(text, str):
                yield (
                    (key, language),
                    f"`{key}.{language}` is {shown(text)}; write a text in quotes",
                )


def wrong_days(in_force: Any) -> Iterator[Found]:
    """Yield the mistakes in an `in_force`."""
    if not isinstance(in_force, dict):
        return  # already reported as a wrong type
    for key in in_force.keys() - set(_IN_FORCE):
        yield ("in_force", key), f"unknown key `in_force.{key}`{did_you_mean(key, _IN_FORCE)}"
    days = {key: in_force[key] for key in ("from", "to") if key in in_force}
    wrong = [key for key, day in days.items() if type(day) is not date]
    for key in wrong:
        words = f"`in_force.{key}` is {shown(days[key])}"
        yield ("in_force", key), f"{words}; write a day without quotes, as in 2027-01-01"
    if len(days) == 2 and not wrong and days["to"] < days["from"]:
        words = f"`in_force` ends on {days['to']}, before it begins on {days['from']}"
        yield ("in_force", "to"), f"{words}; correct one of the two"
    if "ended_by" in in_force:
        if _empty(in_force["ended_by"]) or not isinstance(in_force["ended_by"], str):
            words = "`in_force.ended_by` must cite what ended it, as a text in quotes"
            yield ("in_force", "ended_by"), words
        if "to" not in in_force:
            words = "`in_force.ended_by` without a last day; add in_force.to"
            yield ("in_force", "ended_by"), words


def _empty(value: Any) -> bool:
    blank = isinstance(value, str) and not value.strip()
    return blank or value in (None, [], {})


def _is_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(word, str) for word in value)
