"""Deadlines missed before the first import of their source, by local days."""

from datetime import date

import pytest
from conftest import ON_SQLITE_FIRST, wita
from support.pipeline import begin

from db import imports
from tasks.evaluation.inherited import FirstImports

FIRST, LATER = "2026-11-24 14:00", "2026-11-24 14:01"


@ON_SQLITE_FIRST
@pytest.mark.parametrize(
    ("source", "recorded", "due", "inherited"),
    [
        ("register", FIRST, "2026-11-23", True),
        ("register", FIRST, "2026-11-24", False),  # also if the due time was before the import
        ("register", LATER, "2026-11-23", False),
        ("register/lapor", FIRST, "2026-11-23", True),
        ("lapor", FIRST, "2026-11-23", False),  # never imported
    ],
)
def test_inherited_is_what_the_first_import_showed_as_missed(
    context, source, recorded, due, inherited
):
    begin(context, "register", wita(FIRST))
    with context.transaction() as session:
        first = FirstImports(imports.first_of_each(session), context.site.evaluation_context)
        due_day = date.fromisoformat(due).toordinal()
        assert first.inherited(source, wita(recorded), due_day) is inherited
