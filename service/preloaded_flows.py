"""All flows, loaded once: the fork server of a worker imports this module, and each run is forked.

To import Prefect and our flows costs two seconds of CPU, which most runs need for nothing else.
The module is for the fork server only: importing it changes how the process takes signals.
"""

from __future__ import annotations

import gc
import signal

import service.engine
import tasks.evaluation.status
import tasks.reports.formats.html
import tasks.reports.formats.json_csv
import tasks.reports.formats.pdf
import tasks.reports.formats.xlsx
from service.deployment_specs import entrypoints, flow_of

FLOWS = [flow_of(entrypoint) for entrypoint in entrypoints().values()]
FIRST_USED_LATER = (service.engine, tasks.evaluation.status, tasks.reports.formats)

signal.signal(signal.SIGTERM, signal.SIG_IGN)  # it ends with its worker, and its runs before it
gc.collect()
gc.freeze()  # a search for garbage in a run would copy the pages that all runs share
