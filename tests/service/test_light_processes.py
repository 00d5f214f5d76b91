"""The long-running processes of Prefect load nothing that only other processes need."""

import subprocess
import sys

import pytest
from conftest import REPOSITORY

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
