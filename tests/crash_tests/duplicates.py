"""Why a mail may have come twice: its sender could not know that it had arrived."""

from __future__ import annotations

from crash_tests.evidence import Findings
from crash_tests.mail_server import Kept

UNRECORDED = 9
"""How many mails a process may have handed over and not yet written down when it is killed."""


def why_twice(found: Findings, earlier: Kept, later: Kept) -> str:
    """What made a second copy right: "killed", "unheard" or "stalled"; "" where nothing did.

    Of what a process brought before it was killed, or stood still and was taken for dead, only the
    last mails can be without a record. When it goes on, one mail is perhaps in its hands, which is
    another's by now.
    """
    life = found.lives[earlier.process]
    before, _, _ = found.brought(life.name)
    if life.killed and earlier.number in before[-UNRECORDED:]:
        return "killed"
    if earlier.number not in life.heard:
        return "unheard"
    if life.stalled and earlier.number in before[-UNRECORDED:]:
        return "stalled"
    return "stalled" if _in_hand(found, earlier) or _in_hand(found, later) else ""


def _in_hand(found: Findings, kept: Kept) -> bool:
    """Whether its process may have had it in its hands while it stood still."""
    return kept.number in found.brought(kept.process)[1]
