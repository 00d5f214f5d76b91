"""What makes a run of all tests cheap works, and changes nothing that a test finds."""

import pytest
from sqlalchemy import delete, select
from support import live_sites
from support.startup import rewritten_asserts

from db.decisions import mode
from db.models import Base, ModeChange


def test_a_module_of_tests_is_rewritten_once(tmp_path, pytestconfig):
    file = tmp_path / "test_small.py"
    file.write_text("def test_one():\n    assert 1 == 1\n", encoding="utf-8")
    kept = [rewritten_asserts.keep(file, pytestconfig) for _ in range(2)]
    file.write_text("def test_two():\n    assert 2 == 2\n", encoding="utf-8")
    assert [*kept, rewritten_asserts.keep(file, pytestconfig)] == [True, False, True]


@pytest.mark.thorough
def test_a_new_site_of_the_tests_is_live_as_after_tenggat_start(database_url, open_context):
    context = open_context()

    def rows() -> dict[str, list[tuple]]:
        with context.transaction() as session:
            return {
                table.name: [tuple(row)[1:] for row in session.execute(select(table))]
                for table in Base.metadata.sorted_tables
            }

    found = rows()
    assert len(found["mode_change"]) == 1
    context.by = None
    with context.transaction() as session:
        session.execute(delete(ModeChange))
        mode.start(session, live_sites.LONG_AGO, "tests", effective_from=live_sites.LONG_AGO)
    assert rows() == found
