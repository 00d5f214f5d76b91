"""The metrics that the cache keeps, compared with those of a new evaluation."""

from datetime import date

from db import complaints, metrics
from sla.metrics.encoding import LabelTable, encode_case
from tasks.evaluation.loader import load_and_evaluate
from tasks.evaluation.metrics_cache import case_of
from tasks.reports import compute
from tasks.reports.compute import compute_tables

ALWAYS = date(1, 1, 1)


def kept(session, as_of, first=ALWAYS) -> dict[int, bytes]:
    return {
        key: packed
        for keys, _, lines in metrics.kept(session, first, as_of)
        for key, packed in zip(keys, lines, strict=True)
    }


def anew(session, context, as_of) -> dict[int, bytes]:
    """Every complaint recorded by then, judged as it stood; by the numbers of the kept words."""
    words = LabelTable(metrics.labels(session))
    bench = context.site.evaluation_context
    return {
        known.complaint.id: encode_case(
            case_of(context, known, judged), bench, words.number
        ).packed()
        for rows in complaints.recorded_by(session, as_of)
        for known, judged in load_and_evaluate(session, context, rows, as_of)
    }


def wrongly_kept(context, as_of) -> tuple[int, set[int]]:
    """How many complaints have kept figures, and those of which they are not a new judgment's.

    One that has none must be known to be judged anew.
    """
    with context.transaction() as session:
        found, wanted = kept(session, as_of), anew(session, context, as_of)
        known = found.keys() | set(metrics.to_evaluate(session, as_of))
    other = {key for key, line in found.items() if wanted.get(key) != line}
    return len(found), other | (known ^ wanted.keys())


def compare(context, as_of) -> int:
    """Kept figures agree with a new judgment; how many there are."""
    number, wrong = wrongly_kept(context, as_of)
    assert wrong == set()
    return number


def judged_anew(monkeypatch, context, period, as_of):
    """The tables as they are where nothing kept is trusted."""
    with monkeypatch.context() as patch, context.transaction() as session:
        patch.setattr(compute, "_evaluated_with_this_ruleset", lambda *_: False)
        return compute_tables(session, context, period, as_of)
