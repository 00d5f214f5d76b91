"""English errors in mails to the administrator are in the language of the mail."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest

from tasks.text.incidents import IncidentView, incident_text

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
