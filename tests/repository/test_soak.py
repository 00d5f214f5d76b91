"""A short soak (`make soak` is the long one): one worker in this process, so without kills.

See the package `soak_tests` for what a soak is.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from crash_tests.databases import sqlite_file
from soak_tests.checks import report, wrong
from soak_tests.player import Give, soak
from soak_tests.site import DESK_URL
from soak_tests.worker import Worker, needs

SEED = 9
HOURS = (7, 9, 13, 17)


@pytest.mark.thorough
def test_bad_sources_and_outages_keep_nothing_from_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("TENGGAT_VAR", str(tmp_path / "var"))
    monkeypatch.setenv(DESK_URL, f"sqlite:///{tmp_path}/desk.db")
    monkeypatch.setattr("soak_tests.player.HOURS", HOURS)
    monkeypatch.setattr("soak_tests.player.AWAY", 0.3)
    monkeypatch.setattr("soak_tests.player.LONGEST_OUTAGE", 0.5)
    with sqlite_file(tmp_path) as database:
        database.empty()

        def in_this_process(site: Path) -> Give:
            worker = Worker(site, database.url)

            def give(order: dict[str, Any]) -> dict[str, Any]:
                return {"errors": worker.cycle(order), "ended": "over"} | needs()

            return give

        with soak(tmp_path, database, SEED, in_this_process) as one:
            soaked = one.play(go_on=lambda soaked: soaked.days < 1)
            assert wrong(one) == []
            assert soaked.outages
            assert set(soaked.failures) == {"torn", "city", "desk"}
            assert soaked.weathers.total() > soaked.weathers["well"]
            assert len(list(report(one, "sqlite"))) > 5
            office = next(each for each in one.offices if each.cases)
            lost = replace(office.cases[0], columns={"No Register": "A-99"})
            office.cases.append(lost)
            one.post.mailbox.append(one.post.mailbox[0])
            copied = f"letter 1 of {one.post.mailbox[0].process} came again"
            assert wrong(one) == [f"('{office.source}', 'A-99') is no complaint", copied]
