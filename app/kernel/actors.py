"""Who acts: the person or the service behind a request, as its token says."""

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID


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
