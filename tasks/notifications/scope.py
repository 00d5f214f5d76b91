"""Scopes: the duties on the desk of one reader, by the offices that the reader holds."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date

from db.models import MessageRow
from sla.directory import Directory, OfficeHolder, Role
from sla.engine.deadline import Deadline
from sla.ladders import SUPERIORS
from sla.regulations.model import Actor, Rule

OFFICES_IN_ORDER = (Role.HEAD_OF_UNIT, Role.ADMINISTRATOR, Role.LIAISON)
"""The offices of a reader who is no superior, in the order of a salutation."""


def in_order(offices: Sequence[OfficeHolder]) -> tuple[OfficeHolder, ...]:
    """Return the offices of a reader who is no superior in the order of a salutation.

    Offices held as a deputy come last. Of two offices at one unit only the higher one is named,
    but the office of an administrator is named with any other. The order does not depend on a mail.
    """
    ranked = sorted(
        offices, key=lambda each: (each.deputy, OFFICES_IN_ORDER.index(each.role), each.unit)
    )
    found: dict[tuple[str, bool], OfficeHolder] = {}
    for each in ranked:
        found.setdefault((each.unit, each.role is Role.ADMINISTRATOR), each)
    return tuple(found.values())


def offices_of_reader(
    directory: Directory, message: MessageRow, day: date
) -> tuple[OfficeHolder, ...]:
    """Return the offices in which the recipient reads a mail of notices on a day.

    That is the highest one of a superior, or all of another reader, or without any the one in which
    the earlier mails came.
    """
    offices = directory.held_by(message.recipient.casefold(), day)
    if any(office.role in SUPERIORS for office in offices):
        roles = list(reversed(Role))
        highest = min(
            offices, key=lambda each: (each.role is Role.ADMINISTRATOR, roles.index(each.role))
        )
        return (highest,)
    return in_order(offices) if offices else (office_of_mail(directory, message, day),)


def office_of_mail(directory: Directory, message: MessageRow, day: date) -> OfficeHolder:
    """Return the office to which a mail is addressed, also if its holder has left it."""
    address, role, unit = message.recipient, Role(message.role), message.unit or ""
    known = directory.tenure_of(address, role, unit, day)
    return known or OfficeHolder(unit, role, message.recipient_name, address)


@dataclass(frozen=True, slots=True)
class Scope:
    """The scope of a reader with these offices.

    A superior sees every unit. `headed` are the units of a head with the units below them, `served`
    those of a liaison officer: the duties of the LAPOR! administrator are no duties of a liaison
    officer. An administrator (`verifies`) sees these duties, in the unit `verified`, and the duties
    without a unit. A unit with a vacant office belongs to whoever gets its notices.
    """

    offices: tuple[OfficeHolder, ...] = ()
    superior: bool = False
    verifies: bool = False
    headed: frozenset[str] = frozenset()
    served: frozenset[str] = frozenset()
    verified: frozenset[str] = frozenset()

    @property
    def units(self) -> frozenset[str] | None:
        """Return the units of the scope; None means every unit."""
        return None if self.superior else self.headed | self.served | self.verified

    def covers(self, rule: Rule, unit: str | None) -> bool:
        """Check whether a duty of a unit is on this desk."""
        if self.superior:
            return True
        if rule.actor is Actor.LAPOR_ADMINISTRATOR:
            return self.verifies or (unit or "") in self.headed
        if rule.actor is Actor.SUPERIOR:
            return False
        if unit is None:
            return self.verifies
        return unit in self.headed or unit in self.served

    def must_act(self, deadline: Deadline) -> bool:
        """Check whether the law gives the duty to this reader, whatever the ladder says."""
        if not self.superior:
            return True
        roles = {office.role for office in self.offices}
        own = {Role.REGIONAL_SECRETARY, Role.REGENT}
        return deadline.rule.actor is Actor.SUPERIOR and bool(roles & own)


class Scopes:
    """The scopes of readers on one day, each computed once; `without` are the addresses with
    returned mail.
    """

    def __init__(
        self,
        directory: Directory,
        day: date,
        *,
        without: Collection[str],
        administrator_unit: str | None,
    ) -> None:
        self._directory, self._day, self._without = directory, day, without
        self._administrator = administrator_unit
        self._known: dict[str, Scope] = {}

    def of(self, address: str) -> Scope:
        """Return the scope of an address; an address without an office has an empty one."""
        address = address.casefold()
        if address not in self._known:
            self._known[address] = self._scope(address)
        return self._known[address]

    def _scope(self, address: str) -> Scope:
        offices = self._directory.held_by(address, self._day)
        if not offices:
            return Scope()
        roles = {office.role for office in offices}
        own = {office.unit for office in offices if office.role is Role.HEAD_OF_UNIT}
        below = {each for unit in own for each in self._directory.below(unit)}
        verifies = Role.ADMINISTRATOR in roles
        return Scope(
            offices=offices,
            superior=any(role in SUPERIORS for role in roles),
            verifies=verifies,
            verified=frozenset({self._administrator} if verifies and self._administrator else ()),
            headed=self._notified_for(Role.HEAD_OF_UNIT, address) | below,
            served=self._notified_for(Role.LIAISON, address),
        )

    def _notified_for(self, role: Role, address: str) -> frozenset[str]:
        """Return the units of which this address gets the notices for a role.

        These can only be units in which it holds this role, also beside a deputy, and units below
        them. The notices of an administrator can be about any unit.
        """
        directory = self._directory
        tenures = directory.offices_of(address)
        candidates = set(directory.units)
        if all(office.role is not Role.ADMINISTRATOR for office in tenures):
            own = {office.unit for office in tenures if office.role is role}
            candidates &= {each for unit in own for each in directory.below(unit)}
        return frozenset(
            unit
            for unit in candidates
            if any(
                holder.email.casefold() == address
                for holder in directory.holders(role, unit, self._day, self._without).offices
            )
        )
