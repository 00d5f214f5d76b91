"""English errors in mails to the administrator are in the language of the mail."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest
from support.site_mistakes import assert_indonesian

from tasks.ingest.source_count import with_source
from tasks.monitoring.failed_runs import UNEXPECTED, error_words
from tasks.text.formats import local_times
from tasks.text.incidents import IncidentView, incident_text
from tasks.text.translation import translated

WIB = ZoneInfo("Asia/Jakarta")
ERROR = "the mail server cannot be used: no answer within 30 s. Mails that wait for it: 4."
ERROR += " `tenggat doctor` tests the connection to it"


@pytest.mark.parametrize(
    ("locale", "error", "expected"),
    [
        ("id", ERROR, "server surel tidak dapat dipakai: tidak ada jawaban dalam 30 detik."),
        ("id", "a text of tomorrow", "dengan pesan: a text of tomorrow."),
        ("en", ERROR, "the mail server cannot be used: no answer within 30 s."),
    ],
)
def test_the_error_of_a_failed_run_is_in_the_language_of_the_mail(locale, error, expected):
    facts = {"flow": "delivery", "n": "1", "since": "2026-11-24T08:00+07:00", "error": error}
    assert expected in incident_text(IncidentView("failed", facts), "text", locale, WIB)


UNREACHED = "desk: the database cannot be reached (error 2003); see DESK_DATABASE_URL"


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (f"Flow run encountered an exception: IncompleteIntake: {UNREACHED}", UNREACHED),
        (f"exception: tasks.ingest.source_count.IncompleteIntake: {UNREACHED}", UNREACHED),
        ("Flow run encountered an exception: KeyError: 'Siti'", UNEXPECTED),
        ("Crashed", UNEXPECTED),
    ],
)
def test_an_error_in_a_mail_has_no_name_of_a_class(message, expected):
    assert error_words(message) == expected
    assert_indonesian(expected)


def test_the_error_of_a_source_has_its_name_once():
    assert with_source("desk", UNREACHED) == UNREACHED
    assert with_source("register", "a.xlsx: it is a PDF") == "register: a.xlsx: it is a PDF"


def test_words_after_a_semicolon_are_no_message_of_another_file():
    text = "database q is not ready; trying again in 1 s: [Errno 28] No space left on device"
    assert translated(text, "id") == (
        "database q belum siap; dicoba lagi dalam 1 detik: ruang penyimpanan habis (galat 28)"
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("reached 2026-09-30 23:30 UTC", "reached 2026-10-01 06:30"),
        ("2026-09-01T02:00:00+00:00", "2026-09-01 09:00"),
        ("2026-09-01T02:00:00.123456+08:00", "2026-09-01 01:00"),
        ("2026-09-01T02:00:00Z and 2026-09-01", "2026-09-01 09:00 and 2026-09-01"),
    ],
)
def test_times_with_a_zone_are_local_in_a_text(text, expected):
    assert local_times(text, WIB) == expected
