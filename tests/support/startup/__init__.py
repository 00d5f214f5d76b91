"""What each Python begins with that the tests start, and the tests' own."""

import os
from pathlib import Path

from support.startup import sitecustomize

FOLDER, REPOSITORY = Path(__file__).parent, Path(__file__).parents[3]
PYTHONPATH = os.pathsep.join([str(FOLDER), str(REPOSITORY)])
"""Where a process finds our modules and `sitecustomize`."""

__all__ = ["FOLDER", "PYTHONPATH", "sitecustomize"]
