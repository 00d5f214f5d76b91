"""The version of the law behind each deadline: the one in force on the day its clock started."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from sla.metrics.columns import CaseColumns, Flags, Ints, distinct
from sla.regulations.model import Law


class DeadlineVersions:
    """The versions of their rules that the deadlines of a report were evaluated under.

    `number` has the number of a version for each deadline, `keys` has the key of each version by
    number (:attr:`sla.regulations.model.Span.key`). A deadline that no version covers has the id of
    its rule as key.
    """

    def __init__(self, cases: CaseColumns, law: Law) -> None:
        self.keys: list[str] = []
        self._rules: list[int] = []
        codes = distinct(cases.d_rule).tolist()
        first_of = np.zeros(max(codes, default=-1) + 1, np.int32)
        for code in codes:
            rule_id = cases.words[code]
            keys = [rule_id, *(span.key for span in law.spans(rule_id))]
            first_of[code] = len(self.keys)
            self.keys += keys
            self._rules += [code] * len(keys)
        self.number: Ints = first_of[cases.d_rule]
        for code in codes:
            spans = law.spans(cases.words[code])
            if spans:
                mine = np.flatnonzero(cases.d_rule == code)
                day = cases.d_started[mine]
                first = [span.first.toordinal() for span in spans]
                last = np.array([0, *(span.last.toordinal() for span in spans)])
                at = np.searchsorted(first, day, side="right")
                self.number[mine] += np.where(day <= last[at], at, 0).astype(np.int32)

    def of(self, deadline: int) -> str:
        """Return the key of the version of a deadline, by its index."""
        return self.keys[int(self.number[deadline])]

    def by_rule(self, chosen: Flags) -> Mapping[int, tuple[str, ...]]:
        """Return the versions that occur among these deadlines, in order of time, by the number of
        their rule.
        """
        found: dict[int, tuple[str, ...]] = {}
        for number in distinct(self.number[chosen]).tolist():
            rule = self._rules[number]
            found[rule] = (*found.get(rule, ()), self.keys[number])
        return found
