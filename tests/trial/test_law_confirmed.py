"""A legal officer confirms a rule by an act, or takes that back; a change of the rule ends it."""

import json
from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace

import pytest
from conftest import ON_SQLITE_FIRST, kind_of_database, wita
from sqlalchemy import select
from support.pipeline import BREACHED, at, decide, deliver, owe

from cli import console
from db.decisions import rules
from db.models import AuditRow
from sla.fingerprint import rule_fingerprint
from sla.regulations.model import Certainty, LengthUnit
from tasks.common.confirmed_rules import confirm_rule, confirm_rules, retract_confirmation
from tasks.monitoring.health import check
from tasks.reports.verify import verify
from tasks.summary import SummaryRequest, make_summary

RULE = "sp4n-guideline/information"
BY, SOURCE = "Sitti Aminah, S.H.", "PermenPANRB 5/2025, Lampiran Bab VI"
REASON = "naskah yang dibaca ternyata rancangan"
MARK = "belum diverifikasi Bagian Hukum"


@pytest.fixture
def database_url(request: pytest.FixtureRequest) -> str:
    return kind_of_database(request)


def rule_of(context):
    return context.site.evaluation_context.law.on(RULE, wita(BREACHED).date())


def confirm(context, moment=None) -> None:
    with context.transaction() as session:
        confirm_rule(session, rule_of(context), moment or wita(BREACHED), by=BY, source=SOURCE)


@ON_SQLITE_FIRST
def test_a_confirmed_rule_has_no_mark_in_mails_and_explanations(open_context, server, context):
    owe(context, BREACHED, at("Dinas Sosial"))
    assert rule_of(context).certainty is Certainty.CARRIED_OVER
    confirm(context)
    opened = open_context()
    assert rule_of(opened).certainty is Certainty.CONFIRMED
    assert not rule_of(opened).certainty.to_be_confirmed
    opened.site.mail_url = context.site.mail_url
    decide(opened, BREACHED)
    assert deliver(opened, BREACHED).sent == 2
    text = server.letters[0].mail.get_body(("plain",)).get_content()
    assert "PermenPANRB 5/2025" in text
    assert MARK not in text
    with opened.transaction() as session:
        row = session.scalars(select(AuditRow).where(AuditRow.kind == "rule.confirmed")).one()
    said = json.loads(row.subject)
    assert (said["rule"], said["confirmed_by"], said["source"]) == (RULE, BY, SOURCE)


@pytest.mark.parametrize(
    ("change", "goes"),
    [
        ({"length": 6}, True),
        ({"unit": LengthUnit.DAY}, True),
        ({"article": "Pasal 9"}, True),
        ({"label": {"id": "Lain", "en": "Other"}}, True),
        ({"stops_on": frozenset({"closed"})}, True),
        ({"certainty": Certainty.SEEN}, False),
    ],
)
def test_a_confirmation_is_for_one_text_and_one_length(context, change, goes):
    rule = rule_of(context)
    assert (rule_fingerprint(replace(rule, **change)) != rule_fingerprint(rule)) is goes


def test_a_changed_rule_has_its_mark_again(context):
    confirm(context)
    law = context.site.evaluation_context.law
    changed = [replace(r, length=6) if r.id == RULE else r for r in law.rules]
    context.site.evaluation_context = replace(
        context.site.evaluation_context, law=type(law)(changed)
    )
    with context.transaction() as session:
        confirm_rules(context.site, session)
    assert rule_of(context).certainty is Certainty.CARRIED_OVER


def test_a_confirmation_changes_no_report_of_a_moment_before_it(open_context, context, tmp_path):
    """The report is the same in every format, and it is verified."""
    owe(context, BREACHED, at("Dinas Sosial"))
    decide(context, BREACHED)
    before = report_files(context, tmp_path / "before")
    later = wita(BREACHED) + timedelta(minutes=1)
    confirm(context, later)
    opened = open_context()
    assert rule_of(opened).certainty is Certainty.CONFIRMED
    assert report_files(opened, tmp_path / "again") == before
    (file,) = (tmp_path / "before").glob("*.json")
    assert verify(opened, file, later).then == ()
    after = report_files(opened, tmp_path / "after", later)
    assert "Penyelesaian permintaan informasi" in open_rules(before)
    assert "Penyelesaian permintaan informasi" not in open_rules(after)


def test_a_confirmation_taken_back_changes_no_report_of_a_moment_before(
    open_context, context, tmp_path
):
    owe(context, BREACHED, at("Dinas Sosial"))
    decide(context, BREACHED)
    confirm(context)
    between, later = (wita(BREACHED) + timedelta(minutes=n) for n in (1, 2))
    confirmed = report_files(open_context(), tmp_path / "confirmed", between)
    with context.transaction() as session:
        row = retract_confirmation(session, rule_of(context), later, by=BY, reason=REASON)
        assert row.source == SOURCE
        assert retract_confirmation(session, rule_of(context), later, by=BY, reason="x") is None
    opened = open_context()
    assert rule_of(opened).certainty is Certainty.CARRIED_OVER
    assert report_files(opened, tmp_path / "again", between) == confirmed
    after = report_files(opened, tmp_path / "after", later)
    assert "Penyelesaian permintaan informasi" not in open_rules(confirmed)
    assert "Penyelesaian permintaan informasi" in open_rules(after)


def open_rules(files) -> list[str]:
    (report,) = (content for name, content in files.items() if name.endswith(".json"))
    regulations = json.loads(report)["notes"]["regulations"]
    return [rule for row in regulations for rule in row["rules_to_be_confirmed"]]


def report_files(context, folder, moment=None) -> dict[str, bytes]:
    moment = moment or wita(BREACHED)
    request = SummaryRequest(
        "2026-11", moment, mail=False, out=folder, formats=("json", "html", "csv", "xlsx")
    )
    make_summary(context, request, moment, "summary")
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_doctor_asks_no_more_for_a_confirmed_rule(open_context, context):
    def asked(site) -> str:
        found = [each.what for each in check(site, wita(BREACHED)) if "confirmed" in each.what]
        return " ".join(found)

    assert RULE in asked(context.site)
    confirm(context)
    assert RULE not in asked(open_context().site)


def test_the_commands_list_and_confirm(context, call_tenggat):
    options = ("--site", context.site.folder, "--now", "2026-11-24T08:00", "--lang", "id")
    code, out, _ = call_tenggat("law", "list", *options)
    assert code == 0
    (line,) = [each for each in out.splitlines() if each.startswith(RULE)]
    assert "5 hari kerja" in line
    assert MARK in line
    code, out, _ = call_tenggat("law", "confirm", RULE, "--by", BY, "--source", SOURCE, *options)
    assert code == 0
    assert "terverifikasi oleh Sitti Aminah" in out
    rows = json.loads(call_tenggat("law", "list", "--json", *options)[1])
    (row,) = [each for each in rows if each["rule"] == RULE]
    assert (row["certainty"], row["confirmed_by"], row["source"]) == ("confirmed", BY, SOURCE)
    code, _, err = call_tenggat(
        "law", "confirm", "sp4n/verificaton", "--by", BY, "--source", "x", *options
    )
    assert code == 2
    assert "sp4n/verification" in err
    with context.transaction() as session:
        assert len(rules.confirmations(session)) == 1


def test_a_person_at_a_terminal_sees_the_rule_before_it_is_confirmed(
    context, call_tenggat, monkeypatch
):
    """A confirmation of the wrong rule hides a mark from all readers."""
    options = ("--by", BY, "--source", SOURCE, "--site", context.site.folder, "--lang", "id")
    call = ("law", "confirm", RULE, *options, "--now", "2026-11-24T08:00")
    asked = []
    monkeypatch.setattr("sys.stdin", SimpleNamespace(isatty=lambda: True))
    monkeypatch.setattr(console, "confirm", lambda question: bool(asked.append(question)))
    assert call_tenggat(*call)[0] == 1
    assert asked[0].startswith(f"{RULE}: ")
    assert "5 hari kerja" in asked[0]
    assert "Apakah aturan ini yang dimaksud?" in asked[0]
    with context.transaction() as session:
        assert len(rules.confirmations(session)) == 0
    assert call_tenggat(*call, "--yes")[0] == 0
    assert len(asked) == 1


def test_the_same_confirmation_is_recorded_once(context, call_tenggat):
    def said(source: str, by: str = BY) -> str:
        command = ("law", "confirm", RULE, "--by", by, "--source", source, *options)
        code, out, _ = call_tenggat(*command)
        assert code == 0
        with context.transaction() as session:
            kinds = session.scalars(select(AuditRow.kind)).all()
        return f"{kinds.count('rule.confirmed')} {out}"

    options = ("--site", context.site.folder, "--lang", "en", "--now", "2026-11-24T08:00")
    assert said(SOURCE).startswith(f"1 {RULE}")
    options = (*options[:-1], "2026-11-26T08:00")
    again = said(f" {SOURCE} ", f"{BY} ")
    assert again.startswith("1 ")
    assert f"was recorded on 2026-11-24 as confirmed by {BY} from the same text" in again
    assert "is recorded as confirmed" in said("Lembaran Daerah 2026 No. 3")
    assert said(SOURCE, "Rekaan, S.H.").startswith("3 ")


@pytest.mark.parametrize("lang", ["id", "en"])
def test_a_confirmation_is_taken_back_and_made_again(context, call_tenggat, lang):
    options = ("--site", context.site.folder, "--lang", lang, "--now", "2026-11-24T08:00")

    def call(command: str, *more: str) -> str:
        code, out, err = call_tenggat("law", command, RULE, "--by", BY, *more, *options)
        return f"{code} {out or err}"

    def listed() -> list[str]:
        rows = json.loads(call_tenggat("law", "list", "--json", *options)[1])
        (row,) = [each for each in rows if each["rule"] == RULE]
        return [row["certainty"], row["confirmed_by"], row["source"]]

    taken_back = {
        "id": f"0 verifikasi {RULE} oleh {BY} (2026-11-24) dicabut; tanda",
        "en": f"0 the confirmation of {RULE} by {BY} (2026-11-24) is taken back; the mark",
    }
    nothing = {"id": "tidak ada yang dicabut", "en": "there is nothing to take back"}
    no_reason = {"id": "sebutkan siapa yang mencabut", "en": "say who takes it back"}
    assert nothing[lang] in call("retract", "--reason", REASON)
    call("confirm", "--source", "rancangan")
    call("confirm", "--source", SOURCE)
    assert no_reason[lang] in call("retract", "--reason", " ")
    assert listed() == ["confirmed", BY, SOURCE]
    assert call("retract", "--reason", REASON).startswith(taken_back[lang])
    assert listed() == ["carried_over", "", ""]  # not the confirmation from the draft either
    assert call("retract", "--reason", REASON).startswith("2 ")
    call("confirm", "--source", SOURCE)
    assert listed() == ["confirmed", BY, SOURCE]
    with context.transaction() as session:
        kind = "rule.confirmation_retracted"
        row = session.scalars(select(AuditRow).where(AuditRow.kind == kind)).one()
    said = json.loads(row.subject)
    assert said["rule"] == RULE
    assert (said["retracted_by"], said["retraction_reason"]) == (BY, REASON)
    shown = call_tenggat("audit", "list", "--what", kind, *options[:4])[1]
    assert {"id": "verifikasi", "en": "person took"}[lang] in shown


def test_every_command_says_what_was_confirmed_at_a_moment(context, call_tenggat):
    owe(context, BREACHED, at("Dinas Sosial"))
    confirm(context, wita("2026-11-24 10:00"))
    with context.transaction() as session:
        moment = wita("2026-11-24 11:00")
        retract_confirmation(session, rule_of(context), moment, by=BY, reason=REASON)

    def said(*arguments: str) -> str:
        code, out, err = call_tenggat(*arguments, "--site", context.site.folder, "--lang", "id")
        assert code in (0, 1), err
        return out

    for time, confirmed in (("09:30", False), ("10:30", True), ("11:30", False)):
        now = f"2026-11-24T{time}"
        rows = {row["rule"]: row for row in json.loads(said("law", "list", "--json", "--now", now))}
        assert rows[RULE]["certainty"] == ("confirmed" if confirmed else "carried_over")
        assert rows[RULE]["confirmed_by"] == (BY if confirmed else "")
        for option in ("--as-of", "--now"):
            (found,) = json.loads(said("explain", "FD-1", "--json", option, now))
            (certainty,) = {d["certainty"] for d in found["deadlines"] if d["rule"] == RULE}
            assert certainty == rows[RULE]["certainty"]
        findings = json.loads(said("doctor", "--json", "--now", now))
        named = any(f"{RULE} (carried_over)" in finding["what"] for finding in findings)
        assert named is not confirmed
