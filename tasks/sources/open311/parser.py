"""Parse an answer of Open311 GeoReport v2, JSON or XML, into requests with text fields."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import ParseError, iterparse

from settings.sources import ISO_TIME
from tasks.common.dates import local_to_utc
from tasks.sources.base import SourceError
from tasks.sources.open311.client import Answer

Request = dict[str, str]
"""A service request: its fields by name, empty if the server gives no value."""

ONE = ("request", "service_request")
MANY = ("service_requests", "requests", *ONE)
ERRORS = ("errors", "error")
PARAMETERS = (
    "jurisdiction_id",
    "api_key",
    "start_date",
    "end_date",
    "page",
    "page_size",
    "service_code",
    "service_request_id",
)
"""Words of GeoReport that a message may repeat from the description of an error."""

TELLING = ("code", "description", "message")

_NAMED_UTC = re.compile(r"\s*(?:UTC|GMT)$", re.IGNORECASE)
_SPACED_OFFSET = re.compile(r"\s+([+-]\d\d:?\d\d)$")
_DAY_ONLY = re.compile(r"\d{4}-?\d\d-?\d\d")


def requests_in(answer: Answer, form: str, ticket: str) -> list[Request]:
    """Return the requests of an answer, in its order.

    Servers deviate from the standard, and all known deviations are accepted: one object instead of
    a list, a list within an object, numbers, nothing, additional fields. `ticket` is the field
    distinguishing a request from an error. Raises :class:`SourceError` with the reason if the
    answer has another form.
    """
    read = _json if form == "json" else _xml
    if not 200 <= answer.status < 300:
        raise SourceError(_refused(answer, read, ticket))
    if _is_page(answer):
        raise SourceError(
            f"{answer.place}: answers with a web page (HTML) where {form.upper()} was asked for;"
            " correct `url`, or see whether the server wants a log-in"
        )
    try:
        return read(answer, ticket)
    except _ErrorAnswer as error:
        raise SourceError(f"{answer.place}: the server refuses: {error}") from None


class _ErrorAnswer(Exception):
    """The server reports an error of the question in the form of GeoReport.

    Its description may repeat text of a complainant, so the message has the code and the length.
    """

    def __init__(self, code: object, description: object) -> None:
        number = str(code or "").strip()
        known = f"code {number}, " if number.isdecimal() and len(number) <= 4 else ""
        text = str(description or "").strip()
        named = [word for word in PARAMETERS if re.search(rf"\b{word}\b", text)]
        about = f" about {', '.join(named)}" if named else ""
        super().__init__(f"{known}a text of {len(text)} characters{about}, not repeated here")


def _refused(
    answer: Answer,
    read: Callable[[Answer, str], list[Request]],
    ticket: str,
) -> str:
    remedy = {
        401: "; see `key_variable` and `jurisdiction`",
        403: "; see `key_variable` and `jurisdiction`",
        404: "; correct `url`, the part before /requests",
    }.get(answer.status, "")
    text = ""
    try:
        read(answer, ticket)
    except _ErrorAnswer as error:
        text = f" ({error})"
    except SourceError:
        pass  # most likely an HTML page for people
    return f"{answer.place}: the server answers HTTP {answer.status}{text}{remedy}"


def _is_page(answer: Answer) -> bool:
    start = answer.body[:1000].removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    return start.startswith((b"<!doctype html", b"<html")) or (
        "text/html" in answer.kind.lower() and not start.startswith((b"[", b"{", b"<?xml"))
    )


# --- JSON -----------------------------------------------------------------------------------------


def _json(answer: Answer, ticket: str) -> list[Request]:
    if not answer.body.strip():
        raise SourceError(f"{answer.place}: an empty answer where JSON was asked for")
    try:
        found = json.loads(answer.body, parse_int=str, parse_float=str, parse_constant=str)
    except UnicodeDecodeError:
        raise SourceError(f"{answer.place}: broken JSON (not in UTF-8)") from None
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise SourceError(f"{answer.place}: broken JSON ({where})") from None
    except (ValueError, RecursionError):
        raise SourceError(f"{answer.place}: broken JSON (nested too deep)") from None
    return [_fields(entry) for entry in _entries(found, ticket, answer.place)]


def _entries(found: Any, ticket: str, place: str) -> Iterator[dict[str, Any]]:
    """Yield the requests contained in an answer."""
    if isinstance(found, list):
        for entry in found:
            inner = entry if isinstance(entry, dict) else {}
            if len(inner) == 1 and isinstance(named := next(iter(inner.values())), dict):
                inner = named
            if "description" in inner and "code" in inner and ticket not in inner:
                raise _ErrorAnswer(inner["code"], inner["description"])
            yield inner
    elif isinstance(found, dict) and found and ticket not in found:
        name = next((name for name in (*MANY, *ERRORS) if name in found), None)
        if name in ERRORS and isinstance(found[name], str):
            raise _ErrorAnswer("", found[name])
        if name is not None:
            yield from _entries(found[name], ticket, place)
        elif text := [found[part] for part in TELLING if isinstance(found.get(part), str)]:
            raise _ErrorAnswer(found.get("code"), " ".join(text))
        else:
            raise SourceError(f"{place}: the answer has no list of requests; correct `url`")
    elif isinstance(found, dict):
        yield from [found] if found else []
    elif found is not None:
        raise SourceError(f"{place}: the answer has no list of requests; correct `url`")


def _fields(entry: dict[str, Any]) -> Request:
    return {name: _text(value) for name, value in entry.items()}


def _text(value: Any) -> str:
    """Convert a value to text without characters a database would refuse."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text.replace("\0", "").encode("utf-8", "replace").decode()


# --- XML ------------------------------------------------------------------------------------------


def _xml(answer: Answer, ticket: str) -> list[Request]:
    try:
        return list(_elements(answer))
    except SourceError:
        raise
    except DefusedXmlException:
        raise SourceError(
            f"{answer.place}: the XML declares entities, which are refused: they can fill a"
            " machine or read its files"
        ) from None
    except ParseError as error:
        line, column = error.position
        where = f"line {line}, column {column + 1}"
        raise SourceError(f"{answer.place}: broken XML ({where})") from None
    except (LookupError, UnicodeError, ValueError):
        raise SourceError(f"{answer.place}: broken XML (an unknown encoding)") from None


def _elements(answer: Answer) -> Iterator[Request]:
    """Yield the request elements of the XML; each is freed after reading to limit memory."""
    root, depth = "", 0
    for step, element in iterparse(io.BytesIO(answer.body), events=("start", "end")):
        if step == "start":
            depth += 1
            if depth == 1:
                root = _name(element)
                if root not in (*MANY, *ERRORS):
                    raise SourceError(
                        f"{answer.place}: the answer begins with <{root[:40]}> and has no list of"
                        " requests; correct `url`"
                    )
            continue
        depth -= 1
        name = _name(element)
        if root in ERRORS and name == "error" and len(element):
            text = _children(element)
            raise _ErrorAnswer(text.get("code"), text.get("description"))
        if depth == 1 and root not in ONE:
            if name in ONE:
                yield _children(element)
            element.clear()
        elif depth == 0 and root in ONE:
            yield _children(element)
        elif depth == 0 and root in ERRORS:
            raise _ErrorAnswer("", element.text)


def _children(element: Any) -> Request:
    return {_name(child): (child.text or "").strip() for child in element}


def _name(element: Any) -> str:
    """Return an element's name without its namespace."""
    return str(element.tag).rpartition("}")[2]


# --- times ----------------------------------------------------------------------------------------


def moment(text: str, zone: ZoneInfo, *, end_of_day: bool = False) -> datetime | None:
    """Parse a time in ISO 8601; returns it in UTC, or None if the text is no time.

    A time without a zone is read in `zone`. A day without an hour is its beginning. With
    `end_of_day` it is its last second: a promise for a day is kept until the day is over.
    """
    form = _SPACED_OFFSET.sub(r"\1", _NAMED_UTC.sub("Z", text.strip()))
    try:
        found = datetime.fromisoformat(form)
        if end_of_day and _DAY_ONLY.fullmatch(form):
            found = datetime.combine(found, time(23, 59, 59))
        return local_to_utc(found, zone)
    except (ValueError, OverflowError):
        return None


def written(found: datetime) -> str:
    """Format a moment in the single form the mapping reads."""
    return found.astimezone(UTC).replace(microsecond=0).strftime(ISO_TIME)
