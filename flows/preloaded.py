"""All flows, loaded once: the fork server of a worker imports this module, and each run is forked.

To import Prefect and our flows costs two seconds of CPU, which most runs need for nothing else.
The module is for the fork server only: importing it changes how the process takes signals.
"""

from __future__ import annotations

import gc
import signal

import flows.backfill
import flows.cycle
import flows.idle
import flows.maintenance
import flows.storm
import flows.summary
import flows.watchdog

ALL = (flows,)

signal.signal(signal.SIGTERM, signal.SIG_IGN)  # it ends with its worker, and its runs before it
gc.collect()
gc.freeze()  # a search for garbage in a run would copy the pages that all runs share
