"""The long-running processes of Prefect load nothing that only other processes need."""

import subprocess
import sys

import pytest
from conftest import REPOSITORY

from tasks.common.context import SiteContext

pytestmark = pytest.mark.thorough

HEAVY = ("db.models", "holidays", "numpy", "settings.site", "sla")


@pytest.mark.parametrize("module", ["service.server_process", "service.worker_process"])
def test_a_process_of_prefect_does_not_load_the_files_of_a_site(module):
    program = f"import sys, {module}; print(*sorted(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=REPOSITORY, capture_output=True, text=True, check=True
    )
    loaded = set(done.stdout.split())
    assert module in loaded
    assert loaded.isdisjoint(HEAVY)


FRESH = """
import sys
from zoneinfo import ZoneInfo

import jinja2

import flows.preloaded

from tasks.common.context import SiteContext
from tasks.text.templates import shared_macros

before = set(sys.modules)
context = SiteContext.open(sys.argv[1])
context.ruleset_fingerprint()
context.close()
print(*sorted(set(sys.modules) - before))

jinja2.Environment.compile = None  # each template is compiled already, for any site
english = {"locale": "en", "zone": ZoneInfo("Asia/Jakarta"), "view": None, "texts": None}
shared_macros("email/notices_parts.j2", **english)
"""


def test_the_fork_server_has_loaded_what_a_run_needs_to_open_a_site(site_folder):
    SiteContext.open(site_folder).close()  # the first one makes the database
    done = subprocess.run(
        [sys.executable, "-c", FRESH, str(site_folder)],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
    )
    assert len(done.stdout.split()) < 20, done.stdout
