"""Jobs for helpers of a run; a helper imports this module."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from tasks.common.context import SiteContext
from tasks.notifications.composing import ahead
from tasks.notifications.composing.ahead import ComposedJob, ComposeJob, compose_job


def doubled(context: SiteContext, number: int) -> tuple[str, int, int]:
    """The name of the site, twice the number, and the process that did the job."""
    return context.site.name, 2 * number, os.getpid()


def doubled_here(context: SiteContext, given: tuple[int, int]) -> int:
    """Twice the number; the job fails in any process but one."""
    number, process = given
    if os.getpid() != process:
        raise ValueError("the job of another process")
    return 2 * number


def doubled_or_killed(context: SiteContext, given: tuple[int, int]) -> int:
    """Twice the number; the job ends any process but one."""
    number, process = given
    if os.getpid() != process:
        os._exit(1)
    return 2 * number


def doubled_when_told(context: SiteContext, given: tuple[int, str]) -> int:
    """Twice the number; a number for a helper waits until something is written to a pipe."""
    number, pipe = given
    if pipe and "tasks.common.helper_process" in sys.orig_argv:
        Path(pipe).read_bytes()
    return 2 * number


def composed_elsewhere(context: SiteContext, job: ComposeJob) -> ComposedJob | None:
    """The mails of a job, composed by a helper: a run that does it itself fails."""
    if "tasks.common.helper_process" not in sys.orig_argv:
        raise AssertionError("the run composes what helpers should compose")
    return compose_job(context, job)


def large_ones_elsewhere(context: SiteContext, job: ComposeJob) -> ComposedJob | None:
    """The mails of a job, composed by a helper as if each of them were large."""
    ahead.LARGEST_KEPT = 0
    return composed_elsewhere(context, job)
