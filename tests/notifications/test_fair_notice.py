"""Fair notice through random mornings: superiors after the unit, and the unit at once.

The first test drives the decisions with a model of the outbox, over many mornings; the second one
drives the whole of Tenggat with its database, over some. Only the text of the mails and the mail
server are left out.
"""

import shutil
from collections.abc import Iterator
from datetime import date

import pytest
from conftest import REPOSITORY
from crash_tests.databases import SqliteFile
from hypothesis import HealthCheck, Phase, example, given, settings
from support.fair_notice.life import lived_through
from support.fair_notice.model import Model
from support.fair_notice.mornings import (
    QUIET,
    Complaint,
    Morning,
    World,
    each_unit_within_a_working_day,
    live,
    no_superior_before_the_unit,
    worlds,
)
from support.programs import sized

from settings.site import Site, load_site
from sla.directory import OF_A_UNIT, Role

pytestmark = pytest.mark.long

BOTH = frozenset(OF_A_UNIT)
LATE = (Complaint(0, 20, None), Complaint(1, 5, None))
RETURNED_BEFORE_MONDAY = World(
    date(2026, 11, 16), LATE[:1], (Morning(returns=BOTH, after=5), *[QUIET] * 14)
)
"""Mail of a Monday comes back on Saturday; the weekly mail to the secretary waits for Monday."""
NOBODY_THERE = World(date(2026, 11, 16), LATE, (*[Morning(vacant=BOTH)] * 9, *[QUIET] * 14))
SERVER_DOWN = World(date(2027, 3, 1), LATE, (*[Morning(server=False)] * 9, *[QUIET] * 18))


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("mornings")
    shutil.copytree(
        REPOSITORY / "examples" / "kabupaten-contoh",
        folder / "site",
        ignore=shutil.ignore_patterns("inbox"),
    )
    (folder / "site" / "inbox" / "register").mkdir(parents=True)
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("TENGGAT_VAR", str(folder / "var"))
        yield load_site(folder / "site")


def few(examples: int) -> settings:
    return settings(
        max_examples=sized(examples, 20 * examples),
        phases=(Phase.explicit, Phase.generate),
        suppress_health_check=[HealthCheck.too_slow],
    )


@few(30)
@given(world=worlds(10, 9))
@example(world=RETURNED_BEFORE_MONDAY)
@example(world=NOBODY_THERE)
@example(world=SERVER_DOWN)
def test_superiors_hear_after_the_unit_and_the_unit_within_a_working_day(site, world):
    model = Model(site, world)
    live(world, morning=model.morning, run=model.run)
    no_superior_before_the_unit(model.diary, site.evaluation_context.calendar)
    each_unit_within_a_working_day(model.diary, site.evaluation_context.calendar)


@pytest.mark.parametrize("world", [RETURNED_BEFORE_MONDAY, NOBODY_THERE, SERVER_DOWN])
def test_superiors_do_hear_in_the_end(site, world):
    model = Model(site, world)
    live(world, morning=model.morning, run=model.run)
    told = {(each.ticket, each.role) for each in model.diary.accepted}
    assert {(each.ticket, Role.REGIONAL_SECRETARY) for each in world.complaints} <= told


# --- the whole of Tenggat -------------------------------------------------------------------------


@pytest.mark.thorough
@few(4)
@given(world=worlds(6, 8))
@example(world=RETURNED_BEFORE_MONDAY)
@example(world=NOBODY_THERE)
def test_so_they_do_with_the_database(site, database, world):
    with lived_through(site, database) as life:
        diary = life.through(world)
    no_superior_before_the_unit(diary, site.evaluation_context.calendar)
    each_unit_within_a_working_day(diary, site.evaluation_context.calendar)
    assert diary.could_leave


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> SqliteFile:
    return SqliteFile(tmp_path_factory.mktemp("mornings"))
