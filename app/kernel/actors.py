"""Who acts: the person or the service behind a request, as its token says."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from uuid import UUID

from app.kernel.errors import NamedPersonNeeded


class Role(StrEnum):
    EMPLOYEE = "employee"
    MANAGER = "manager"
    HR = "hr"
    MT = "mt"
    KNOWLEDGE_BROKER = "knowledge_broker"
    FUND_OFFICER = "fund_officer"
    ADVISER = "adviser"
    AUDITOR = "auditor"
    ADMIN = "admin"
    HRIS = "hris"


# What is left to who does not work here (any more): to see the own file, and the own claim.
_WITHOUT_EMPLOYMENT = frozenset({Role.EMPLOYEE})


@dataclass(frozen=True, slots=True)
class Person:
    """The employee that a token stands for, and the employments: first and last day, or no end."""

    id: UUID
    employments: tuple[tuple[date, date | None], ...]

    def roles_on(self, day: date, told: frozenset[Role]) -> frozenset[Role]:
        """Return which of the roles that a token tells still count on ``day``.

        All of them while the person is employed, the first and the last day included; else no more
        than the employee's own.
        """
        for hired_on, left_on in self.employments:
            if hired_on <= day and (left_on is None or day <= left_on):
                return told
        return told & _WITHOUT_EMPLOYMENT


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts, within one organisation.

    ``person_id`` is the employee the token stands for; a service has none. ``subject`` is the
    token's own name for the actor: what the audit trail and idempotency keys are kept by.
    """

    organisation_id: UUID
    subject: str
    roles: frozenset[Role]
    person_id: UUID | None = None

    def has(self, *roles: Role) -> bool:
        """Tell whether the actor has at least one of ``roles``."""
        return not self.roles.isdisjoint(roles)

    def named(self) -> UUID:
        """Return the employee who acts: asked wherever nobody may act for oneself.

        Raises:
            NamedPersonNeeded: the token stands for none, so it could be anybody.

        Source: VIS-5.1, VIS-5.3.
        """
        if self.person_id is None:
            raise NamedPersonNeeded
        return self.person_id
