"""Parameters of flow runs, for the form in the Prefect UI and the validation by the API."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import Field

_PERIODS = (
    r"^(|last-(week|month|quarter|half-year|year)|\d{4}(-(H[12]|Q[1-4]|W\d{2}|\d{2}))?"
    r"|\d{4}-\d{2}-\d{2}\.\.\d{4}-\d{2}-\d{2})$"
)

SiteFolder = Annotated[
    str | None,
    Field(
        json_schema_extra={
            "title": "Site",
            "description": "Folder of the site on the machine of the worker, with its site.toml.",
        }
    ),
]
Now = Annotated[
    datetime | None,
    Field(
        json_schema_extra={
            "title": "As if it were",
            "description": "A time with its zone; left out, it is now. It may not lie before the"
            " last run.",
        }
    ),
]
AsOf = Annotated[
    datetime | None,
    Field(
        json_schema_extra={
            "title": "As it was known at",
            "description": "A time with its zone: what was recorded later does not count.",
        }
    ),
]
PeriodName = Annotated[
    str,
    Field(
        pattern=_PERIODS,
        json_schema_extra={
            "title": "Period",
            "description": "last-week, last-month, last-quarter, last-half-year, last-year, 2026,"
            " 2026-H1, 2026-Q3, 2026-11, 2026-W47 or 2026-11-01..2026-11-15; empty is the site's"
            " usual one.",
            "examples": ["last-month", "2026-Q3"],
        },
    ),
]
PartName = Annotated[
    str,
    Field(
        pattern=r"^(|[1-9]\d{0,3}/[1-9]\d{0,3})$",
        json_schema_extra={
            "title": "Part of the units",
            "description": "1/2 or 2/2 where two runs share the work; empty is all units.",
            "examples": ["", "1/2"],
        },
    ),
]
StormNumber = Annotated[
    int,
    Field(
        ge=1,
        json_schema_extra={
            "title": "Storm",
            "description": "Number of the storm, as the mail about it names it.",
        },
    ),
]
