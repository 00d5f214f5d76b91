"""`python -m service API SITE...` registers these sites with a Prefect server.

A program of its own, which the service starts: it loads Prefect and the flows, for which the
service that watches has no use for the rest of its years.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from service.errors import ServiceError, Unready
from service.places import NOT_NOW
from service.registering import register
from settings import load_site


def main(arguments: Sequence[str]) -> int:
    """Register these sites with the server at this address, and say what was changed."""
    api, *folders = arguments
    try:
        for line in register(api, [load_site(folder) for folder in folders]):
            print(line, flush=True)  # noqa: T201 - what the service reads
    except Unready as error:
        print(error, file=sys.stderr)  # noqa: T201
        return NOT_NOW
    except ServiceError as error:
        print(error, file=sys.stderr)  # noqa: T201
        return 1
    return 0


sys.exit(main(sys.argv[1:]))
