"""The duties of superiors in the tables by unit: a row of their own, charged to no unit."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from sla.directory import SUPERIOR_OFFICE
from sla.metrics.columns import CaseColumns, Flags
from sla.metrics.versions import DeadlineVersions
from sla.regulations.model import Actor, Law


def with_superiors_apart(cases: CaseColumns, versions: DeadlineVersions, law: Law) -> CaseColumns:
    """Return the cases with each duty of superiors under `SUPERIOR_OFFICE` in the place of a unit.

    The version of the law behind a deadline says whose duty it is. `d_calendar` keeps the unit: its
    calendar counts the working days late.
    """
    of_superiors = _of_superiors(versions, law)
    if not of_superiors.any():
        return cases
    known = {word: number for number, word in cases.words.items()}
    number = known.get(SUPERIOR_OFFICE, max(known.values(), default=0) + 1)
    office = np.array(number, cases.d_unit.dtype)
    return replace(
        cases,
        words={**cases.words, number: SUPERIOR_OFFICE},
        d_unit=np.where(of_superiors, office, cases.d_unit),
        d_answerable=np.where(of_superiors, office, cases.d_answerable),
    )


def _of_superiors(versions: DeadlineVersions, law: Law) -> Flags:
    """Return a flag for each deadline: the law gives the duty to superiors."""
    keys = {
        span.key
        for rule_id in law.ids
        for span in law.spans(rule_id)
        if span.rule.actor is Actor.SUPERIOR
    }
    keys |= law.of_superiors  # a deadline that no version covers has the id of its rule as key
    chosen = np.array([key in keys for key in versions.keys], np.bool_)
    found: Flags = chosen[versions.number] if len(chosen) else np.zeros(0, np.bool_)
    return found
