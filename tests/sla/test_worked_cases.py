"""The worked cases beside the law, and what a wrong case file is told."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from support.worked_cases import CaseError, Expectation, WorkedCase, check, read_cases

from sla.calendar import Calendar, indonesian_days_off
from sla.engine.context import EvaluationContext
from sla.engine.deadline import State
from sla.regulations.loader import load
from sla.regulations.model import Rule

REPOSITORY = Path(__file__).parents[2]
OPTIONAL = REPOSITORY / "regulations" / "optional"
WITA = ZoneInfo("Asia/Makassar")
FIRST, LAST = date(2024, 1, 1), date(2029, 12, 31)
BENCH = EvaluationContext(
    law=load(
        [REPOSITORY / "regulations"],
        optional={OPTIONAL / "uu-14-2008.toml": frozenset({"ppid"})},
    ),
    calendar=Calendar(FIRST, LAST, days_off=indonesian_days_off(range(2024, 2030))),
    every_day=Calendar.every_day(FIRST, LAST),
    zone=WITA,
    administrator_unit="kominfo",
)
CASES = [
    case
    for folder in (REPOSITORY / "regulations", OPTIONAL)
    for case in read_cases(folder / "cases", BENCH.law, WITA)
]


@pytest.mark.parametrize("file", sorted({case.file for case in CASES}))
def test_the_cases_of_a_file(file: str) -> None:
    wrong = {
        case.name: told for case in CASES if case.file == file and (told := check(case, BENCH))
    }
    assert wrong == {}


# --- every rule at its edge -----------------------------------------------------------------------

MET = {State.MET}
LATE = {State.MET_LATE, State.BREACHED, State.LAPSED}


def test_there_are_many_cases() -> None:
    assert len(CASES) >= 80


def expectations(rule: Rule) -> Iterator[tuple[WorkedCase, Expectation, date, date]]:
    """What is expected of this version of a rule where both its start and its due day are told."""
    for case in CASES:
        for wanted in case.expected:
            started, due = wanted.started, wanted.due
            if wanted.rule != rule.id or started is None or due is None:
                continue
            if BENCH.law.on(rule.id, started) is rule:
                yield case, wanted, started, due


def judged_at(case: WorkedCase, rule: Rule) -> datetime:
    """When the deed was done by which a case is judged, or when one looked and it was not."""
    deeds = [event.latest for event in case.events if event.kind in rule.stops_on]
    return max(deeds, default=case.as_of).replace(tzinfo=None)


@pytest.mark.parametrize(
    "rule", BENCH.law.rules, ids=lambda rule: f"{rule.id} {rule.regulation.citation}"
)
def test_every_version_of_a_rule_is_expected_at_its_edges(rule: Rule) -> None:
    found = list(expectations(rule))
    assert any(
        wanted.state in MET and judged_at(case, rule).date() == started
        for case, wanted, started, _ in found
    ), "no case in which it is done on the day its clock starts"
    assert any(
        wanted.state in MET and judged_at(case, rule) == datetime.combine(due, time(23, 59, 59))
        for case, wanted, _, due in found
    ), "no case in which it is done in the last second of the last day"
    assert any(
        wanted.state in LATE
        and judged_at(case, rule) == datetime.combine(due + timedelta(days=1), time.min)
        for case, wanted, _, due in found
    ), "no case that is late at midnight after the last day"


# --- a case file with a mistake -------------------------------------------------------------------

GOOD = """\
[[case]]
name = "Verifikasi tepat waktu."
as_of = 2026-11-24T08:00:00
events = [
  { kind = "received", at = 2026-11-02T10:00:00 },
  { kind = "verified", after = 2026-11-05T07:00:00, at = 2026-11-05T23:59:59 },
]
[[case.expect]]
rule = "sp4n/verification"
due = 2026-11-05
state = "met"
"""


def read(folder: Path, text: str) -> tuple[WorkedCase, ...]:
    (folder / "own.toml").write_text(text, encoding="utf-8")
    return read_cases(folder, BENCH.law, WITA)


def test_the_example_of_these_tests_is_a_good_case(tmp_path: Path) -> None:
    (case,) = read(tmp_path, GOOD)
    assert str(case) == "own.toml: Verifikasi tepat waktu."
    assert check(case, BENCH) == []


@pytest.mark.parametrize(
    ("right", "wrong", "told"),
    [
        ("as_of =", "asof =", "unknown key `asof`; did you mean `as_of`?"),
        (
            "as_of = 2026-11-24T08:00:00",
            "",
            "`as_of` is missing; write as_of = 2026-11-05T08:00:00",
        ),
        (
            "as_of = 2026-11-24T08:00:00",
            "as_of = 2026-11-24",
            "`as_of` is 2026-11-24; write as_of = 2026-11-05T08:00:00",
        ),
        (
            "as_of = 2026-11-24T08:00:00",
            "as_of = 2026-11-24T08:00:00+08:00",
            "`as_of` has a zone; write as_of = 2026-11-05T08:00:00",
        ),
        ("[[case.expect]]", "[[case.expects]]", "unknown key `expects`; did you mean `expect`?"),
        ("sp4n/verification", "sp4n/verifikasi", "did you mean `sp4n/verification`?"),
        ('"verified"', '"verifed"', "unknown event 'verifed'; did you mean `verified`?"),
        ("at = 2026-11-02", "on = 2026-11-02", "events 1: unknown key `on`; known are after, at,"),
        (", at = 2026-11-02T10:00:00", "", "events 1: `at` is missing"),
        ("after = 2026-11-05", "after = 2026-11-06", "is not before `at`; change one"),
        ("at = 2026-11-02T10:00:00", "at = 2026-11-02T10:00:00, history_unknown = true", "`after`"),
        (
            "at = 2026-11-02T10:00:00",
            "at = 2026-11-02T10:00:00, retracted = true",
            "give both events the same `source_field`",
        ),
        ('state = "met"', "", "expect 1: `state` is missing"),
        ('state = "met"', 'state = "late"', "`state` says 'late'; did you mean"),
        ("due = 2026-11-05", 'due = "2026-11-05"', "write due = 2026-11-05, without quotes"),
        ("due = 2026-11-05", "none = true", "so leave out `state`"),
        ("due = 2026-11-05", 'reasons = ["void"]', "`reasons` says 'void'; did you mean `voided`?"),
        ("due = 2026-11-05", 'reasons = "voided"', 'write a list, as in reasons = ["voided"]'),
        ("due = 2026-11-05", 'regulation = "SP4N"', "known are Prosedur SP4N-LAPOR!"),
        (
            "as_of =",
            'policy = "mild"\nas_of =',
            "`policy` says 'mild'; known are benefit_of_doubt",
        ),
        (
            "as_of =",
            'facts = { clasification = "x" }\nas_of =',
            "facts: unknown key `clasification`; did you mean",
        ),
        (
            "as_of =",
            "facts = { shown_later = { done = 1 } }\nas_of =",
            "facts: shown_later: unknown event 'done'",
        ),
        ("as_of =", 'facts = "complaint"\nas_of =', "`facts` is 'complaint'; write facts = { cl"),
        ("[[case]]", "[case]", "a case begins with [[case]], in double brackets"),
    ],
)
def test_a_mistake_is_told_with_file_case_and_remedy(
    tmp_path: Path, right: str, wrong: str, told: str
) -> None:
    assert right in GOOD
    with pytest.raises(CaseError) as error:
        read(tmp_path, GOOD.replace(right, wrong, 1))
    message = str(error.value)
    assert told in message
    assert message.startswith(f"{tmp_path / 'own.toml'}:")
    if wrong != "[case]":  # of which no case can be read
        assert "case 'Verifikasi tepat waktu.'" in message


def test_every_mistake_is_told_at_once(tmp_path: Path) -> None:
    text = GOOD.replace("verified", "verifed").replace("sp4n/verification", "sp4n/x")
    with pytest.raises(CaseError) as error:
        read(tmp_path, text)
    assert len(str(error.value).splitlines()) == 2


def test_a_mistake_is_told_with_its_line(tmp_path: Path) -> None:
    with pytest.raises(
        CaseError, match=r"own\.toml:6: case '.*': events 2: unknown event 'verifed'"
    ):
        read(tmp_path, GOOD.replace("verified", "verifed"))


def test_two_cases_of_a_file_do_not_share_a_name(tmp_path: Path) -> None:
    with pytest.raises(CaseError, match=r"case 'Verifikasi .*another case of this file"):
        read(tmp_path, GOOD + GOOD)


def test_a_case_without_a_name_is_told_by_its_number(tmp_path: Path) -> None:
    with pytest.raises(CaseError, match=r"case '2': `name` is missing"):
        read(tmp_path, GOOD + GOOD.replace('name = "Verifikasi tepat waktu."\n', ""))


def test_a_case_that_expects_nothing_is_no_case(tmp_path: Path) -> None:
    with pytest.raises(
        CaseError, match=r"`expect` must be a list of tables; give what is expected"
    ):
        read(tmp_path, GOOD.partition("[[case.expect]]")[0])


def test_a_file_that_is_no_toml_is_told_with_its_line(tmp_path: Path) -> None:
    with pytest.raises(CaseError, match=r"own\.toml:3: "):
        read(tmp_path, GOOD.replace("as_of = ", "as_of "))


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(CaseError, match="no such folder of cases"):
        read_cases(tmp_path / "cases", BENCH.law, WITA)


# --- where engine and case differ -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("right", "wrong", "told"),
    [
        ("due = 2026-11-05", "due = 2026-11-06", "`due` should be 2026-11-06, and is 2026-11-05"),
        ("due = 2026-11-05", 'due = "open"', "`due` should be open, and is 2026-11-05"),
        ('state = "met"', 'state = "met_late"', "`state` should be met_late, and is met"),
        ('state = "met"', 'state = "met"\nreasons = ["policy"]', "should be policy, and is none"),
        ('state = "met"', 'state = "met"\nunit = "dinkes"', "should be dinkes, and is kominfo"),
        ('state = "met"', 'state = "met"\nclock = 2', "there should be such a clock"),
        ('due = 2026-11-05\nstate = "met"', "none = true", "there should be no such clock"),
    ],
)
def test_a_difference_is_told_in_words(tmp_path: Path, right: str, wrong: str, told: str) -> None:
    (case,) = read(tmp_path, GOOD.replace(right, wrong))
    (difference,) = check(case, BENCH)
    assert difference.startswith("sp4n/verification, clock ")
    assert told in difference


def test_a_history_that_contradicts_itself_is_told_in_words(tmp_path: Path) -> None:
    early = GOOD.replace(
        "after = 2026-11-05T07:00:00, at = 2026-11-05T23:59:59", "at = 2026-11-01T07:00:00"
    )
    (case,) = read(tmp_path, early)
    (difference,) = check(case, BENCH)
    assert (
        "cannot evaluate the case: verified (2026-10-31 23:00 UTC) lies before the receipt"
        in difference
    )


def test_a_count_that_leaves_the_calendar_is_told_in_words(tmp_path: Path) -> None:
    (case,) = read(tmp_path, GOOD.replace("2026", "2036"))
    (difference,) = check(case, BENCH)
    assert "the engine cannot evaluate the case: " in difference
    assert "outside the calendar of 2024-01-01 to 2029-12-31" in difference
