"""Results of runs that Prefect would load from a file: refused in each process that reads states.

A state at Prefect's API may refer to any file of the machine as its result, and say that it is a
pickle. Prefect loads it if somebody with the login sets a run to completed just before the process
of the run asks for its turn. Our flows and tasks need no stored result.
"""

from __future__ import annotations

from typing import Any

from prefect._internal import result_records
from prefect.results import ResultStore

from flows.permitted import NotPermitted


def refuse_stored_results() -> None:
    """Let this process load no result to which a state of Prefect's API refers.

    It also imports no module that such a state names: Prefect imports the library of a result's
    serializer as soon as it reads the state. Without this lookup every serializer is an unknown one
    to Prefect, which keeps its values and imports nothing.
    """

    async def refused(metadata: Any) -> Any:
        raise NotPermitted("Tenggat loads no stored result")

    def unknown(kind: type, dispatch_key: str) -> type:
        raise KeyError(dispatch_key)

    ResultStore._from_metadata = staticmethod(refused)  # type: ignore[method-assign]
    result_records.lookup_type = unknown  # type: ignore[attr-defined, assignment]
