"""The code has the types that it states.

mypy works on one core: as a test it runs beside the others, and `make lint` runs it alone.
"""

import subprocess
import sys

from conftest import REPOSITORY


def test_mypy_finds_nothing():
    found = subprocess.run(
        [sys.executable, "-m", "mypy", "--no-error-summary"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (found.stdout + found.stderr, found.returncode) == ("", 0)
