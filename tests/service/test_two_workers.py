"""Two workers, one database: they share a sweep, and when either is killed the other's work stands.

One is the service's own, the other elsewhere (`services.lose_a_worker`).
"""

from collections import Counter

import pytest

pytestmark = pytest.mark.thorough


def test_either_may_be_killed(lost_once):
    """The run that was lost is asked for again; nothing is left over, and nothing is there twice.

    test_outages.py waits until the server's own watch over heartbeats gives it up.
    """
    assert len(lost_once.before) > 0
    assert lost_once.survivor == "COMPLETED"
    assert len(lost_once.halfway) > len(lost_once.before)
    assert len(lost_once.found) > len(lost_once.halfway)
    assert max(Counter(lost_once.found).values()) == 1
    assert len(lost_once.last) == len(lost_once.found)


def test_a_worker_wants_to_know_whose(call_tenggat, monkeypatch):
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    code, _, errors = call_tenggat("worker")
    assert code == 2
    assert "Set PREFECT_API_URL" in errors
