"""Register sites with a Prefect server: `python -m service API SITE...`.

The service starts this as a separate program, because it loads Prefect and the flows. The
long-running service itself never needs them, and so saves their memory.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from service.environment import NOT_NOW
from service.errors import ServiceError, Unready
from service.registration import register
from settings.site import load_site


def main(arguments: Sequence[str]) -> int:
    """Register these sites with the server at this address, and print each change.

    Returns the exit code: 0, `NOT_NOW` if the server did not answer, or 1 for another error.
    """
    api, *folders = arguments
    try:
        for line in register(api, [load_site(folder) for folder in folders]):
            print(line, flush=True)  # noqa: T201 - the service reads these lines
    except Unready as error:
        print(error, file=sys.stderr)  # noqa: T201
        return NOT_NOW
    except ServiceError as error:
        print(error, file=sys.stderr)  # noqa: T201
        return 1
    return 0


sys.exit(main(sys.argv[1:]))
