"""All flows, loaded once: the fork server of a worker imports this module, and each run is forked.

To import Prefect and our flows costs two seconds of CPU, which most runs need for nothing else. The
first use of some parts costs two tenths more.
The module is for the fork server only: importing it changes how the process takes signals.
"""

from __future__ import annotations

import gc
import signal
from pathlib import Path

from sqlalchemy.orm import configure_mappers

import flows.backfill
import flows.cycle
import flows.idle
import flows.maintenance
import flows.storm
import flows.summary
import flows.watchdog
from settings.calendar import CalendarSettings, read_calendar
from settings.errors import LOCALES
from tasks.text.catalog import catalog
from tasks.text.templates import compile_templates

ALL = (flows,)


def _prepare() -> None:
    """Make what each run needs and what is the same for all: tables, words, templates, the usual
    calendar.
    """
    configure_mappers()
    for locale in LOCALES:
        catalog(locale)
    compile_templates()
    read_calendar(CalendarSettings(), Path())


_prepare()

signal.signal(signal.SIGTERM, signal.SIG_IGN)  # it ends with its worker, and its runs before it
gc.collect()
gc.freeze()  # a search for garbage in a run would copy the pages that all runs share
