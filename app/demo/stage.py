"""The demo's stage: who acts in its history, and the works by which they do.

A step of the history is one transaction in which many people act, each at their own moment. They
act as they would over the API: with their own roles, seen and refused by the same services.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time
from functools import cached_property
from pathlib import Path
from uuid import UUID

from app.db.work import Work
from app.demo.personas import PERSONAS
from app.integrations.hris.rules import read_export
from app.kernel.actors import Actor, Role
from app.kernel.calendar import AMSTERDAM, amsterdam_day
from app.people.roster.rules import RosterRow

FILES = Path(__file__).parent / "files"
EXPORT = FILES / "hris-export.csv"

# Who of the demo employer decides, assesses and keeps what; the others have a persona's number.
DIRECTOR = "100110"
MT_MEMBER = "100174"
_MT = frozenset({DIRECTOR, MT_MEMBER})


def at(day: date, hour: int, minute: int = 0) -> datetime:
    """Return the instant of this time of day in Amsterdam."""
    return datetime.combine(day, time(hour, minute), tzinfo=AMSTERDAM).astimezone(UTC)


@dataclass(frozen=True)
class Roster:
    """Everybody of the demo employer, as its HRIS export has them."""

    rows: Sequence[RosterRow]

    @cached_property
    def by_number(self) -> Mapping[str, RosterRow]:
        return {row.personnel_number: row for row in self.rows}

    @cached_property
    def managers(self) -> frozenset[str]:
        return frozenset(row.manager_number for row in self.rows if row.manager_number is not None)

    def employed(self, since: date, until: date) -> list[RosterRow]:
        """Return who is employed from ``since`` to ``until``, both included, as the file has it."""
        return [
            row
            for row in self.rows
            if row.hired_on <= since and (row.left_on is None or row.left_on > until)
        ]


def read_roster() -> Roster:
    """Return the people of the demo's own copy of the HRIS export."""
    return Roster(read_export(EXPORT.read_bytes()).rows)


@dataclass(frozen=True, slots=True)
class Stage:
    """One step's transaction, with those who may act in it: ``ids`` by personnel number."""

    work: Work
    roster: Roster
    ids: Mapping[str, UUID]

    def by(self, who: str, now: datetime) -> Work:
        """Return the work of a persona, or of an employee by personnel number, at a moment."""
        return replace(self.work, actor=self._actor(who), now=now, today=amsterdam_day(now))

    def number_of(self, employee_id: UUID) -> str:
        """Return the personnel number of an employee."""
        return next(number for number, found in self.ids.items() if found == employee_id)

    def _actor(self, who: str) -> Actor:
        organisation_id = self.work.organisation_id
        persona = PERSONAS.get(who)
        if persona is not None:
            person = persona.personnel_number
            return Actor(
                organisation_id=organisation_id,
                subject=persona.username,
                roles=persona.roles,
                person_id=None if person is None else self.ids.get(person),
            )
        roles = {Role.EMPLOYEE}
        if who in self.roster.managers:
            roles.add(Role.MANAGER)
        if who in _MT:
            roles.add(Role.MT)
        return Actor(
            organisation_id=organisation_id,
            subject=who,
            roles=frozenset(roles),
            person_id=self.ids[who],
        )
